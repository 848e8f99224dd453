"""The loop of a run: take a batch, check it, send it, prove it, until nothing is left.

Read `Runner.run` first. The parts: `preconditions` checks a batch, `sender` sends it,
`effect_proof` proves it, `recorder` writes the journal, `settle` settles changes in doubt,
`stages/batches` orders the batches.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import assert_never

from trueup.applying import abandon
from trueup.applying.effect_proof import EffectProof
from trueup.applying.job import Job
from trueup.applying.preconditions import PreconditionChecker, PreconditionResult
from trueup.applying.recorder import Recorder
from trueup.applying.run_state import DONE, Notes
from trueup.applying.send import PLAN_AGAIN, way_on
from trueup.applying.sender import ChangeSender
from trueup.applying.settle import DoubtSettler
from trueup.applying.source_writer import SourceWriter
from trueup.errors import CallsUsedUp, SourceError, TargetError
from trueup.model.change import Action, Change, System
from trueup.model.outcome import ChangeStatus, Outcome
from trueup.model.run import Entry, RunStatus, Step
from trueup.stages.batches import BatchSchedule

_STOPPING = (CallsUsedUp, TargetError, SourceError)
"""What ends a run early: what is known is recorded, and the run can be resumed."""

MISSING_HALF = "the change that belongs to it is not in this plan: both are sent, or neither"
"""Why a change is held whose `together` names a change that the plan does not have."""

MISSING_RECORD = "what creates the record that it refers to is not in this plan"
"""Why a change is held whose values name a change that the plan does not have."""


class Runner:
    """Executes a job to its end, or until it must stop."""

    def __init__(self, job: Job) -> None:
        self.job, self.run_state, self.world = job, job.run_state, job.world
        done = {id_ for id_, status in job.run_state.status.items() if status in DONE}
        self.schedule = BatchSchedule(
            job.plan.changes, job.project.batch, done=done, tried=job.run_state.status.keys()
        )
        self.checker = PreconditionChecker(job.project, job.world)
        self.settler = DoubtSettler(job.project, job.world, self.checker)
        self.recorder = Recorder(job, self.schedule, self.settler.slack)
        self.sender = ChangeSender(job, self.recorder)
        self.source_writer = SourceWriter(job, self.recorder)
        self.check_pool = ThreadPoolExecutor(max_workers=1)
        self.proof = EffectProof(job, self.checker, self.settler, self.recorder, self.check_pool)
        self.checking: Future[PreconditionResult] | None = None  # of the batch that comes next

        # Changes of earlier batches that wait for a create that turned out to be in doubt
        self.left: list[Change] = []

        # Of a batch that was handed out, and whose last requests may still be in flight
        self.tail: dict[str, Change] | None = None

    def run(self) -> Outcome:
        """Executes all changes that can be, and closes the run.

        It stays open with a change in doubt, and while records are not read back.
        """
        calls_before = self.world.target.calls
        self.world.target.before_write(self.recorder.guard)
        try:
            self._settle()
            # A run that is resumed may have ended before its last batches were read back, or what
            # it settled. Nothing is sent before that: what refers to these records waits for it.
            self.proof.begin_read_back(self.run_state.unread())
            self.proof.end_read_back()
            if self.job.settle_only:
                self.job.stopped_by.append(abandon.explanation(self.run_state))
                self.recorder.record(abandon.skip_rest(self.run_state, self.recorder.now()))
            elif self.job.waits_for:
                self.job.stopped_by.append(self.job.waits_for)
            while not self.job.must_stop() and (batch := self._next_batch()):
                self._run_batch(batch)
            self._end_tail()
            if not self.job.must_stop():
                self._skip_unreachable()
        except _STOPPING as fault:
            self.job.stopped_by.append(str(fault))
            self._end_early()
        finally:
            self.sender.close()
            self.check_pool.shutdown()
            self.world.target.before_write(lambda: None)
        try:
            self.proof.end_read_back()
        except _STOPPING as fault:
            self.job.stopped_by.append(str(fault))
        return self._close(calls_before)

    def _end_early(self) -> None:
        """Records what is in flight, of any batch, when an error of reading ends the run."""
        try:
            self.sender.wait()
            self._end_tail()
        except _STOPPING as fault:
            self.job.stopped_by.append(str(fault))

    def _settle(self) -> list[Change]:
        """Settles changes in doubt, as far as reading shows their outcome now.

        Returns those that took effect: their records are yet to be read back.

        Never while a request is in flight: its change is in doubt as well, and reading might find
        the effect of another one.
        """
        in_doubt = self.run_state.in_doubt()
        if not in_doubt or self.sender.in_flight():
            return []
        known = dict(self.run_state.notes)
        entries = self.settler.settle(in_doubt, self.run_state)
        self.recorder.record([entry for entry in entries if _is_news(entry, known)])
        return [one for one in in_doubt if self.run_state.is_done(one.id)]

    # One batch

    def _next_batch(self) -> list[Change]:
        """Returns the next batch; the one before has ended unless this one was chosen ahead of it.

        Changes of that one in doubt are settled first.
        """
        in_flight = self.sender.in_flight()
        has_doubts = any(one.id not in in_flight for one in self.run_state.in_doubt())
        if has_doubts or not self.schedule.ahead:
            self._end_tail()
        for change in [one for one in self.left if self._may_be_sent(one)]:
            self.left.remove(change)
            self.schedule.put_back(change.id)
        batch = self.schedule.take()
        if self.tail is None:
            self.schedule.look_ahead()
        return batch

    def _may_be_sent(self, change: Change) -> bool:
        return all(map(self.run_state.is_done, change.needs))

    def _with_records(self, batch: Sequence[Change]) -> Sequence[Change]:
        """Returns the changes of a batch whose needs are done, also after these were read back."""
        if self.proof.reads_back({need for change in batch for need in change.needs}):
            self.proof.end_read_back()
        self.left += [change for change in batch if not self._may_be_sent(change)]
        return [change for change in batch if self._may_be_sent(change)]

    def _run_batch(self, batch: Sequence[Change]) -> None:
        checked = self._checked(batch)
        batch = self._with_records(batch)
        entries, to_target, to_source = [], list[Change](), list[Change]()
        for change in batch:
            if change.id in checked.stale:
                entries.append(self._held(change, checked.stale[change.id]))
            elif change.id in checked.done:
                entries.append(self.recorder.done(change, checked.done[change.id]))
            else:
                match change.action.writes:
                    case System.TARGET:
                        to_target.append(change)
                    case System.SOURCE:
                        to_source.append(change)
                    case None:
                        entries.append(self.recorder.done(change, {}))
                    case _:
                        assert_never(change.action.writes)
        self.recorder.record(entries)
        self._read_found([one for one in batch if "id" in checked.done.get(one.id, {})])
        self.sender.send(to_target, checked, self._while_sending)
        self._end_tail()
        self.source_writer.write(to_source)
        self.tail = {change.id: change for change in to_target}
        if self._needs_proof(to_target):
            self._end_tail()

    def _needs_proof(self, changes: Sequence[Change]) -> bool:
        """Whether a batch must have ended, and be proven, before the next one is written.

        Units prove an adjustment. If calls are limited, those that are reserved for reading are
        used before others are sent.
        """
        return self.job.counts_calls or any(one.action is Action.ADJUST for one in changes)

    def _while_sending(self, left: int) -> None:
        """Ends the batch before, and checks the next one, while this one is written.

        `left` changes of this one are yet to be sent.
        """
        if self.tail is not None and not self.sender.is_sending(self.tail):
            self._end_tail()
        if left <= self.sender.nearly_all:
            self._check_ahead()

    def _end_tail(self) -> None:
        """Waits for the last requests of the batch before; then proves, reads and settles it."""
        if self.tail is None:
            return
        self.sender.wait(self.tail)
        tail, self.tail = self.tail, None
        self.schedule.look_ahead()
        self._prove([*tail.values()])
        self._read_found(self._settle())

    def _checked(self, batch: Sequence[Change]) -> PreconditionResult:
        """Returns the check of the batch, made while the batch before was written, or now."""
        checking, self.checking = self.checking, None
        if checking:
            result = checking.result()
        else:
            checked = self._with_counterparts(batch)
            result = self.checker.records(checked, self.run_state, self.checker.rows(checked))
        if result.appeared:
            self._end_tail()
            self.checker.hold_appeared(result, self.run_state)
        self._hold_with_counterparts(batch, result)
        return result

    def _with_counterparts(self, batch: Sequence[Change]) -> list[Change]:
        """Returns the batch, and untried changes that must be sent together with one of it."""
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
        """Holds a change whose counterpart is stale, or is not in the plan: both, or neither.

        Also one that refers to what no change of the plan creates. The plan of an open run may be
        of an earlier version, which made it without the other change.
        """
        for change in batch:
            if any(id_ not in self.run_state.changes for id_ in change.refers_to):
                result.stale[change.id] = MISSING_RECORD
            for id_ in change.together:
                if id_ not in self.run_state.changes:
                    result.stale[change.id] = MISSING_HALF
                elif id_ in result.stale and change.id not in result.stale:
                    name = self.run_state.changes[id_].name
                    result.stale[change.id] = f"{name} belongs to it: {result.stale[id_]}"

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

    def _held(self, change: Change, why: str) -> Entry:
        remedy = way_on(change, PLAN_AGAIN, self.run_state.names)
        data = {"text": why, "remedy": remedy}
        return Entry(change.id, Step.HELD, self.recorder.now(), data)

    def _prove(self, changes: Sequence[Change]) -> None:
        """Reads the written records of a batch, in bulk."""
        if self.checking and changes and self._needs_proof(changes):
            wait([self.checking])  # it must not use the calls that were reserved for the proof
        self.world.target.reserve_calls(0)
        self.proof.prove_adjustments([one for one in changes if one.action is Action.ADJUST])
        self.proof.begin_read_back(changes)

    def _read_found(self, changes: Sequence[Change]) -> None:
        """Begins to read back records of changes that reading showed to have taken effect."""
        if changes:
            self.proof.begin_read_back(changes)

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
        has_unread = self.proof.has_unread
        if remaining or run_state.in_doubt() or has_unread:
            status = RunStatus.INTERRUPTED
        elif all(one in DONE for one in run_state.status.values()):
            status = RunStatus.DONE
        else:
            status = RunStatus.PARTIAL
        self.world.state.finish(job.lock.lease, job.run, status, self.recorder.now())
        return Outcome(
            run=job.run,
            changes=run_state.outcomes(job.project.settle_after, job.project.zone),
            interrupted=job.stop.is_set() and status is RunStatus.INTERRUPTED,
            calls=self.world.target.calls - calls_before,
            remaining=remaining,
            has_unread=has_unread,
            stopped="; ".join(dict.fromkeys(job.stopped_by)),
            undo_of=job.plan.undo_of,
        )


def _is_news(entry: Entry, known: dict[str, Notes]) -> bool:
    """Returns whether an entry differs from the last one: a repeated UNCLEAR is not written."""
    before = known.get(entry.change)
    return entry.step is not Step.UNCLEAR or before is None or before.text != entry.data.get("text")
