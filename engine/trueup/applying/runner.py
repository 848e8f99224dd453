"""The loop of a run: take a batch, check it, send it, prove it, until nothing is left.

Read `Runner.run` first. The parts: `preconditions` checks a batch, `sender` sends it, `recorder`
writes the journal, `settle` settles changes in doubt, `stages/batches` says what comes next.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, assert_never

from trueup.applying import abandon
from trueup.applying.job import Job
from trueup.applying.preconditions import PreconditionChecker, PreconditionResult, by_mapping
from trueup.applying.read_back import Kept, kept_otherwise, rows_kept_otherwise
from trueup.applying.recorder import Recorder
from trueup.applying.run_state import DONE, Notes, adjustment_of
from trueup.applying.send import (
    PLAN_AGAIN,
    PLAN_AGAIN_NOT_KEPT,
    SET_BY_HAND,
    SendResult,
    way_on,
    write_back,
)
from trueup.applying.sender import Sender
from trueup.applying.settle import DoubtSettler, source_values
from trueup.errors import CallsUsedUp, SourceError, TargetError
from trueup.model.catalogue import SystemNames
from trueup.model.change import Action, Change, System
from trueup.model.coerce import shown
from trueup.model.outcome import ChangeStatus, Outcome
from trueup.model.run import Entry, RunStatus, Step
from trueup.stages.batches import Schedule
from trueup.stages.settle import WriteOutcome, rows_from, settle_adjustment

_STOPPING = (CallsUsedUp, TargetError, SourceError)
"""What ends a run early: what is known is recorded, and the run can be resumed."""

MISSING_HALF = "the change that belongs to it is not in this plan: both are sent, or neither"
"""Why a change is held whose `together` names a change that the plan does not have."""


class Runner:
    """Runs a job to its end, or to where it must stop."""

    def __init__(self, job: Job) -> None:
        self.job, self.run_state, self.world = job, job.run_state, job.world
        done = {id_ for id_, status in job.run_state.status.items() if status in DONE}
        self.schedule = Schedule(
            job.plan.changes, job.project.batch, done=done, tried=job.run_state.status.keys()
        )
        self.checker = PreconditionChecker(job.project, job.world)
        self.settler = DoubtSettler(job.project, job.world, self.checker)
        self.recorder = Recorder(job, self.schedule, self.settler.slack)
        self.sender = Sender(job, self.recorder)
        self.check_pool = ThreadPoolExecutor(max_workers=1)
        self.checking: Future[PreconditionResult] | None = None  # of the batch that comes next

        # Of the batch that was written last, with its changes that took effect
        self.reading_back: tuple[list[Change], Future[dict[str, Kept]]] | None = None

    def run(self) -> Outcome:
        """Does all that can be done, and closes the run; it stays open while one is in doubt."""
        calls_before = self.world.target.calls
        self.world.target.before_write(self.recorder.guard)
        try:
            self._settle()
            # A run that is resumed may have ended before its last batches were read back.
            self._begin_read_back(self._last_written())
            if self.job.settle_only:
                self.job.stopped_by.append(abandon.explanation(self.run_state))
                self.recorder.record(abandon.skip_rest(self.run_state, self.recorder.now()))
            elif self.job.waits_for:
                self.job.stopped_by.append(self.job.waits_for)
            while not self._must_stop() and (batch := self.schedule.take()):
                self._run_batch(batch)
                self._settle()
            if not self._must_stop():
                self._skip_unreachable()
        except _STOPPING as fault:
            self.job.stopped_by.append(str(fault))
        finally:
            self.check_pool.shutdown()
            self.world.target.before_write(lambda: None)
        try:
            self._end_read_back()
        except _STOPPING as fault:
            self.job.stopped_by.append(str(fault))
        return self._close(calls_before)

    def _must_stop(self) -> bool:
        """Whether nothing more may be handed out: stopped, out of calls, or the lock is lost."""
        return self.job.stop.is_set() or bool(self.job.stopped_by)

    def _settle(self) -> None:
        """Settles what is in doubt, as far as reading can tell now."""
        in_doubt = self.run_state.in_doubt()
        if in_doubt:
            known = dict(self.run_state.notes)
            entries = self.settler.settle(in_doubt, self.run_state)
            self.recorder.record([entry for entry in entries if _is_news(entry, known)])

    # One batch

    def _run_batch(self, batch: Sequence[Change]) -> None:
        checked = self._checked(batch)
        entries, to_target, to_source = [], list[Change](), list[Change]()
        for change in batch:
            if change.id in checked.moved:
                entries.append(self._held(change, checked.moved[change.id]))
            elif change.id in checked.already:
                entries.append(self._done(change, {"already": True}))
            else:
                match change.action.writes:
                    case System.TARGET:
                        to_target.append(change)
                    case System.SOURCE:
                        to_source.append(change)
                    case None:
                        entries.append(self._done(change, {}))
                    case _:
                        assert_never(change.action.writes)
        self.recorder.record(entries)
        self.sender.send(to_target, checked, nearly_done=self._check_ahead)
        self._write_back(to_source)
        self._prove(to_target)

    def _checked(self, batch: Sequence[Change]) -> PreconditionResult:
        """Checked while the batch before it was being written, or else now."""
        checking, self.checking = self.checking, None
        if checking:
            result = checking.result()
        else:
            checked = self._with_counterparts(batch)
            result = self.checker.records(checked, self.run_state, self.checker.rows(checked))
        self._hold_with_counterparts(batch, result)
        return result

    def _with_counterparts(self, batch: Sequence[Change]) -> list[Change]:
        """The batch, and changes that are sent together with one of it and were not tried yet."""
        in_batch = {change.id for change in batch}
        others = dict.fromkeys(
            id_
            for change in batch
            for id_ in change.together
            if id_ not in in_batch
            and id_ not in self.run_state.status
            and id_ in self.run_state.changes
        )
        return [*batch, *(self.run_state.changes[id_] for id_ in others)]

    def _hold_with_counterparts(self, batch: Sequence[Change], result: PreconditionResult) -> None:
        """Holds a change whose counterpart has moved, or is not in the plan: both, or neither.

        A run may be open whose plan an earlier version made without it.
        """
        for change in batch:
            for id_ in change.together:
                if id_ not in self.run_state.changes:
                    result.moved[change.id] = MISSING_HALF
                elif id_ in result.moved and change.id not in result.moved:
                    name = self.run_state.changes[id_].name
                    result.moved[change.id] = f"{name} belongs to it: {result.moved[id_]}"

    def _check_ahead(self) -> None:
        """Begins to check the next batch, so that no endpoint is idle between the two."""
        if not self.schedule.ahead or self.checking is not None:
            return
        ahead = self._with_counterparts(self.schedule.ahead)
        try:
            result = self.checker.rows(ahead)
        except SourceError:  # raised again when its turn comes: what is in flight is recorded first
            self.schedule.put_back_ahead()
        else:
            self.checking = self.check_pool.submit(
                self.checker.records, ahead, self.run_state, result
            )

    def _done(self, change: Change, data: dict[str, object]) -> Entry:
        return Entry(change.id, Step.DONE, self.recorder.now(), data)

    def _held(self, change: Change, why: str) -> Entry:
        remedy = way_on(change, PLAN_AGAIN, self.run_state.names)
        data = {"text": why, "remedy": remedy}
        return Entry(change.id, Step.HELD, self.recorder.now(), data)

    def _write_back(self, changes: Sequence[Change]) -> None:
        """Writes back to the source, one call a table: a file is written once for all rows."""
        tables: dict[str, list[Change]] = {}
        for change in changes:
            tables.setdefault(change.entity, []).append(change)
        for table, group in tables.items():
            if self._must_stop():
                return
            now = self.recorder.now()
            self.recorder.record([Entry(change.id, Step.STARTED, now, {}) for change in group])
            values = {
                change.id: source_values(self.job.project, change, self.run_state)
                for change in group
            }
            results = write_back(
                self.world.source, table, group, values, self.recorder.guard, self.run_state.names
            )
            written = [change for change in group if results[change.id].step is Step.DONE]
            results |= self._rows_read_back(table, written, values)
            now = self.recorder.now()
            self.recorder.record(
                [Entry(id_, one.step, now, dict(one.data)) for id_, one in results.items()]
            )

    def _rows_read_back(
        self,
        table: str,
        changes: Sequence[Change],
        values: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, SendResult]:
        """The results of write-backs that reading does not prove, by change."""
        catalogued = self.job.project.catalogue.tables[table]
        try:
            found = rows_kept_otherwise(self.world.source, catalogued, changes, values)
        except SourceError as fault:
            text = f"it was written, and cannot be read again: {fault}"
            return {change.id: SendResult(Step.IN_DOUBT, {"text": text}) for change in changes}
        source = self.run_state.names.source
        return {
            change.id: SendResult(
                Step.DONE,
                {
                    "kept": found[change.id],
                    "text": _kept_text(source, found[change.id], values[change.id]),
                    "remedy": _write_back_remedy(change, self.run_state.names),
                },
            )
            for change in changes
            if change.id in found
        }

    def _prove(self, changes: Sequence[Change]) -> None:
        """Reads what a batch has written, in bulk."""
        if self.checking and changes:
            wait([self.checking])  # it must not use the calls that were reserved for the proof
        self.world.target.reserve_calls(0)
        self._prove_adjustments([one for one in changes if one.action is Action.ADJUST])
        self._begin_read_back(changes)

    def _last_written(self) -> list[Change]:
        """What may be the whole batch that was written last, and the one before it.

        That one may have been read back while the last one was written.
        """
        last = self.run_state.written[-2 * self.job.project.batch :]
        return [self.run_state.changes[id_] for id_ in last]

    def _begin_read_back(self, changes: Sequence[Change]) -> None:
        """Begins to read back what took effect, while the next batch is written.

        Nothing that comes next depends on it. Where calls are counted, those that were reserved
        for it are used before others are sent.
        """
        self._end_read_back()
        applied = [
            one for one in changes if self.run_state.status.get(one.id) is ChangeStatus.APPLIED
        ]
        reading = self.check_pool.submit(kept_otherwise, self.checker, applied, self.run_state)
        self.reading_back = applied, reading
        if self.job.counts_calls:
            self._end_read_back()

    def _end_read_back(self) -> None:
        """Journals the values that the target keeps otherwise than they were written."""
        if self.reading_back is None:
            return
        (applied, reading), self.reading_back = self.reading_back, None
        found = reading.result()
        self.recorder.record(
            [self._not_kept(one, found[one.id]) for one in applied if one.id in found]
        )

    def _not_kept(self, change: Change, kept: Kept) -> Entry:
        values, target = self.run_state.values(change), self.run_state.names.target
        is_compared = any(name in change.owned for name in kept)
        remedy = PLAN_AGAIN_NOT_KEPT if is_compared else SET_BY_HAND
        data: dict[str, object] = {
            "kept": kept,
            "text": _kept_text(target, kept, values),
            "remedy": way_on(change, remedy, self.run_state.names),
        }
        if change.id in self.run_state.ids:
            data["id"] = self.run_state.ids[change.id]
        return self._done(change, data)

    def _prove_adjustments(self, changes: Sequence[Change]) -> None:
        """Proves answered adjustments by unit rows.

        What was answered and is not visible yet stays in doubt.
        """
        answered = [
            one for one in changes if self.run_state.status.get(one.id) is ChangeStatus.IN_DOUBT
        ]
        if not answered:
            return
        creating = [one for one in answered if one.makes]
        self.recorder.record(self.settler.settle(creating, self.run_state))
        for group in by_mapping([one for one in answered if not one.makes]):
            rows = self.checker.unit_rows(group, self.run_state)
            entries = []
            for change in group:
                adjustment = adjustment_of(change)
                before = rows_from(self.run_state.units_before.get(change.id, ()))
                now = rows.get(self.run_state.service_of(change), ())
                outcome = settle_adjustment(before, now, adjustment.day, change.unit_change)
                if outcome is WriteOutcome.LANDED:
                    proof = self.settler.proof(change, self.run_state, rows)
                    entries.append(self._done(change, {"proof": proof}))
            self.recorder.record(entries)

    # The end

    def _skip_unreachable(self) -> None:
        """Skips changes that wait for one that did not go through, each naming it."""
        while True:
            now = self.recorder.now()
            entries = {
                change.id: Entry(
                    change.id,
                    Step.SKIPPED,
                    now,
                    {"because": need.name, "text": f"waits for {need.name}"},
                )
                for change, need in self.run_state.unreachable()
                if self.run_state.status.get(need.id) is not ChangeStatus.IN_DOUBT
            }
            if not entries:
                return
            self.recorder.record([*entries.values()])

    def _close(self, calls_before: int) -> Outcome:
        job, run_state = self.job, self.run_state
        remaining = len(run_state.waiting())
        if remaining or run_state.in_doubt():
            status = RunStatus.INTERRUPTED
        elif all(one in DONE for one in run_state.status.values()):
            status = RunStatus.DONE
        else:
            status = RunStatus.PARTIAL
        self.world.state.finish(job.lock.lease, job.run, status, self.recorder.now())
        return Outcome(
            run=job.run,
            changes=run_state.outcomes(job.project.settle_after, job.project.zone),
            interrupted=job.stop.is_set(),
            calls=self.world.target.calls - calls_before,
            remaining=remaining,
            stopped="; ".join(dict.fromkeys(job.stopped_by)),
            undo_of=job.plan.undo_of,
        )


def _kept_text(system: str, kept: Kept, values: Mapping[str, Any]) -> str:
    """What a system keeps otherwise than it was written."""
    fields = "; ".join(
        f"{name} is {shown(value)} and not {shown(values[name])}" for name, value in kept.items()
    )
    return f"{system} accepted it and keeps another value: {fields}"


def _write_back_remedy(change: Change, names: SystemNames) -> str:
    remedy = (
        f"find out what sets it in {names.source}, such as a business rule, or change `write_back` "
        f"at {change.place}: until then each run writes it again"
    )
    return way_on(change, remedy, names)


def _is_news(entry: Entry, known: dict[str, Notes]) -> bool:
    """An UNCLEAR entry that repeats the last one is not written again."""
    before = known.get(entry.change)
    return entry.step is not Step.UNCLEAR or before is None or before.text != entry.data.get("text")
