"""Writes write-backs to the source, and reads them again."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.applying.job import Job
from trueup.applying.read_back import kept_text, rows_kept_otherwise
from trueup.applying.recorder import Recorder
from trueup.applying.send import SendResult, way_on, write_back
from trueup.applying.settle import source_values
from trueup.errors import SourceError
from trueup.model.catalogue import SystemNames
from trueup.model.change import Change
from trueup.model.run import Entry, Step


class SourceWriter:
    """Writes the write-backs of one run."""

    def __init__(self, job: Job, recorder: Recorder) -> None:
        self._job, self._recorder = job, recorder

    def write(self, changes: Sequence[Change]) -> None:
        """Writes back to the source, one call a table: a file is written once for all rows."""
        tables: dict[str, list[Change]] = {}
        for change in changes:
            tables.setdefault(change.entity, []).append(change)
        for table, group in tables.items():
            if self._job.must_stop():
                return
            now = self._recorder.now()
            self._recorder.record([Entry(change.id, Step.STARTED, now, {}) for change in group])
            values = {
                change.id: source_values(self._job.project, change, self._job.run_state)
                for change in group
            }
            results = write_back(
                self._job.world.source,
                table,
                group,
                values,
                self._recorder.guard,
                self._job.run_state.names,
            )
            written = [change for change in group if results[change.id].step is Step.DONE]
            results |= self._rows_read_back(table, written, values)
            stops = [str(one.data.get("text", "")) for one in results.values() if one.stop]
            self._job.stopped_by += dict.fromkeys(stops)
            now = self._recorder.now()
            self._recorder.record(
                [Entry(id_, one.step, now, dict(one.data)) for id_, one in results.items()]
            )

    def _rows_read_back(
        self,
        table: str,
        changes: Sequence[Change],
        values: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, SendResult]:
        """The results of write-backs that reading does not prove, by change."""
        catalogued = self._job.project.catalogue.tables[table]
        try:
            found = rows_kept_otherwise(self._job.world.source, catalogued, changes, values)
        except SourceError as fault:
            text = f"it was written, and cannot be read again: {fault}"
            return {change.id: SendResult(Step.IN_DOUBT, {"text": text}) for change in changes}
        source = self._job.run_state.names.source
        return {
            change.id: SendResult(
                Step.DONE,
                {
                    "kept": found[change.id],
                    "text": kept_text(source, found[change.id], values[change.id]),
                    "remedy": _write_back_remedy(change, self._job.run_state.names),
                },
            )
            for change in changes
            if change.id in found
        }


def _write_back_remedy(change: Change, names: SystemNames) -> str:
    remedy = (
        f"find out what sets it in {names.source}, such as a business rule, or change `write_back` "
        f"at {change.place}: until then each run writes it again"
    )
    return way_on(change, remedy, names)
