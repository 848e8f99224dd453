"""Shows by reading what a batch has done: unit rows prove adjustments, records are read back."""

from collections.abc import Container, Sequence
from concurrent.futures import Executor, Future

from trueup.applying.job import Job
from trueup.applying.preconditions import PreconditionChecker, by_mapping
from trueup.applying.read_back import Kept, ReadBack, kept_text, read_back
from trueup.applying.recorder import Recorder
from trueup.applying.send import PLAN_AGAIN_NOT_KEPT, SET_BY_HAND, way_on
from trueup.applying.settle import DoubtSettler
from trueup.errors import EngineError
from trueup.model.change import Change
from trueup.model.outcome import ChangeStatus
from trueup.model.run import Entry
from trueup.stages.settle import WriteOutcome


class EffectProof:
    """Journals what reading shows of the changes of a run."""

    def __init__(
        self,
        job: Job,
        checker: PreconditionChecker,
        settler: DoubtSettler,
        recorder: Recorder,
        pool: Executor,
    ) -> None:
        """`pool` reads records back while the next batch is written."""
        self._job, self._run_state = job, job.run_state
        self._checker, self._settler = checker, settler
        self._recorder, self._pool = recorder, pool

        self.has_unread = False
        """Whether records of a batch could not be read back: a run that is resumed does it."""

        # Of the batch that was written last, with its changes that took effect
        self._reading_back: tuple[list[Change], Future[ReadBack]] | None = None

    def prove_adjustments(self, changes: Sequence[Change]) -> None:
        """Proves answered adjustments by unit rows.

        What was answered and is not visible yet stays in doubt. Raises TargetError.
        """
        answered = [
            one for one in changes if self._run_state.status.get(one.id) is ChangeStatus.IN_DOUBT
        ]
        if not answered:
            return
        creating = [one for one in answered if one.makes]
        self._recorder.record(self._settler.settle(creating, self._run_state))
        for group in by_mapping([one for one in answered if not one.makes]):
            rows = self._checker.unit_rows(group, self._run_state)
            entries = []
            for change in group:
                outcome, proof = self._settler.adjustment_outcome(change, self._run_state, rows)
                # Any other outcome is left to the settling of changes in doubt, which follows: it
                # waits for what is not visible yet, and names what is unclear.
                if outcome is WriteOutcome.LANDED:
                    entries.append(self._recorder.done(change, {"proof": proof}))
            self._recorder.record(entries)

    def begin_read_back(self, changes: Sequence[Change]) -> None:
        """Begins to read back what took effect, while the next batch is written.

        What depends on a create of it waits for this (`reads_back`). If calls are limited, those
        that were reserved for it are used before others are sent.
        """
        self.end_read_back()
        applied = [
            one for one in changes if self._run_state.status.get(one.id) is ChangeStatus.APPLIED
        ]
        reading = self._pool.submit(read_back, self._checker, applied, self._run_state)
        self._reading_back = applied, reading
        if self._job.counts_calls:
            self.end_read_back()

    def reads_back(self, changes: Container[str]) -> bool:
        """Returns whether one of these changes, given by id, is yet to be read back."""
        return self._reading_back is not None and any(
            one.id in changes for one in self._reading_back[0]
        )

    def end_read_back(self) -> None:
        """Journals what the target keeps otherwise than written, and creates without a record.

        Raises TargetError.
        """
        if self._reading_back is None:
            return
        (applied, reading), self._reading_back = self._reading_back, None
        try:
            found = reading.result()
        except EngineError:
            self.has_unread = True
            raise
        entries = [
            self._not_kept(one, found.kept[one.id]) for one in applied if one.id in found.kept
        ]
        entries += [
            self._settler.answered_in_vain(one, self._run_state.ids[one.id], found.not_ours[one.id])
            for one in applied
            if one.id in found.not_ours
        ]
        self._recorder.record(entries)

    def _not_kept(self, change: Change, kept: Kept) -> Entry:
        values, target = self._run_state.values(change), self._run_state.names.target
        is_compared = any(name in change.owned for name in kept)
        remedy = PLAN_AGAIN_NOT_KEPT if is_compared else SET_BY_HAND
        data: dict[str, object] = {
            "kept": kept,
            "text": kept_text(target, kept, values),
            "remedy": way_on(change, remedy, self._run_state.names),
        }
        if change.id in self._run_state.ids:
            data["id"] = self._run_state.ids[change.id]
        return self._recorder.done(change, data)
