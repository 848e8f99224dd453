"""Writes the journal: entries, with all that they change in the state, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from threading import local

from msgspec.structs import replace

from trueup.applying.job import Job
from trueup.applying.run_state import DONE, effects
from trueup.errors import Stopped
from trueup.model.change import Change
from trueup.model.progress import Progress
from trueup.model.run import Effects, Entry, Step
from trueup.stages.batches import BatchSchedule


class _Sending(local):
    """The entry of what this worker is sending, as the journal has it."""

    entry: Entry | None = None


class Recorder:
    """Records what a run does, and keeps run state and schedule consistent with the journal."""

    def __init__(self, job: Job, schedule: BatchSchedule, slack: timedelta) -> None:
        """`slack`: a write that is sent later than this after its entry gets a new entry first."""
        self._job, self._schedule, self._slack = job, schedule, slack
        self._sending = _Sending()

    def now(self) -> datetime:
        """The instant for an entry."""
        return self._job.world.clock.now()

    def done(self, change: Change, data: Mapping[str, object]) -> Entry:
        """Returns the entry that the change took effect."""
        return Entry(change.id, Step.DONE, self.now(), data)

    def record(self, entries: Sequence[Entry]) -> None:
        """Writes entries and their effects, and adds changes that became ready to the schedule."""
        if not entries:
            return
        effects_of_done: list[Effects] = []
        for entry in entries:
            was_done = self._job.run_state.status.get(entry.change) in DONE
            self._job.run_state.note(entry)
            if was_done and entry.step is Step.UNCLEAR:  # a create without a record: no link
                change = self._job.run_state.changes[entry.change]
                effects_of_done.append(Effects(unlink=((change.mapping, change.keys[0]),)))
            if entry.step is Step.DONE:
                effects_of_done.append(self._effects(entry))
        state, lease = self._job.world.state, self._job.lock.lease
        state.record(lease, self._job.run, entries, _joined(effects_of_done))
        for entry in entries:
            self._reschedule(entry)
        self._report(entries)

    def _effects(self, entry: Entry) -> Effects:
        job = self._job
        change = job.run_state.changes[entry.change]
        applied = effects(change, job.run_state, job.run, entry.data, job.plan.as_of)
        job.run_state.pushed.update({(one.mapping, one.key): one for one in applied.pushed})
        return applied

    def _reschedule(self, entry: Entry) -> None:
        if entry.step is Step.DONE and not entry.data.get("kept"):  # that one is complete already
            self._schedule.complete(entry.change)
        elif entry.step is Step.NOT_LANDED:
            self._schedule.put_back(entry.change)

    def _report(self, entries: Sequence[Entry]) -> None:
        run_state = self._job.run_state
        total = len(run_state.changes)
        for entry in entries:
            if entry.step is Step.STARTED:
                continue
            name = run_state.changes[entry.change].name
            self._job.watch(Progress(len(run_state.status), total, name))

    # Called by workers, right before each send

    def sending(self, entry: Entry) -> None:
        """Sets the entry of what this worker is about to send."""
        self._sending.entry = entry

    def guard(self) -> None:
        """Raises Stopped, or StateLocked if the lock is lost."""
        if self._job.stop.is_set():
            raise Stopped("stopped before it was sent")
        self._job.lock.guard()
        self._renew_entry()

    def _renew_entry(self) -> None:
        """Writes a new STARTED entry for what is sent long after it was handed out.

        It may have waited for its place, for the hour's limit or for a busy service. From now on
        it may take effect, and `settle_after` must count from here.
        """
        entry, now = self._sending.entry, self.now()
        if entry is not None and now - entry.at > self._slack:
            again = replace(entry, at=now)
            self._sending.entry = again
            self._job.world.state.record(self._job.lock.lease, self._job.run, [again])
            self._job.run_state.note(again)


def _joined(every: Sequence[Effects]) -> Effects:
    return Effects(
        links=tuple(link for one in every for link in one.links),
        unlink=tuple(row for one in every for row in one.unlink),
        applied={row: values for one in every for row, values in one.applied.items()},
        pushed=tuple(push for one in every for push in one.pushed),
        unpush=tuple(row for one in every for row in one.unpush),
    )
