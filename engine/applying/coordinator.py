"""The loop of a run: check a batch, journal, send, record; one thread touches state, workers speak only HTTP.

A thread is never cancelled half-way: to stop is to hand out nothing more, wait for what is in flight, and record.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event, local

from engine.applying import given_up
from engine.applying.book import Book, adjustment, effects, marked
from engine.applying.check import Checked, Checker
from engine.applying.send import Sent, send, way_on, write_back
from engine.applying.settling import Settler, source_values
from engine.errors import CallsUsedUp, SourceError, Stopped, TargetError
from engine.model.outcome import ChangeStatus, Outcome
from engine.model.plan import Action, Change, Plan
from engine.model.project import Project
from engine.model.run import Effects, Entry, Lease, RunStatus, Step
from engine.planning.calls import Proofs
from engine.ports import World
from engine.stages.settle import Landing, proof_rows, rows_from, rows_to, settle_adjustment

PER_ENDPOINT = 6
"""Changes handed out at a time per endpoint: three that Autotask takes at once, and three to follow on their heels."""


FRESH = timedelta(seconds=1)
"""For how long the state's word on the lock is taken without asking again."""

LOOK_UP = 0.5
"""Seconds after which the loop looks whether it shall stop, while all that may be sent is in flight."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    done: int
    total: int
    name: str = ""


Watch = Callable[[Progress], None]


@dataclass(slots=True)
class Job:
    """One run: what it works on, and what it may do."""

    project: Project
    world: World
    plan: Plan
    run: str
    book: Book
    lease: "Holder"
    stop: Event
    watch: Watch
    failed: list[str] = field(default_factory=list)  # why nothing more could be done
    settle_only: bool = False  # nothing is sent any more: its configuration has changed


class Holder:
    """The lock as the run holds it: renewed by its heartbeat, asked right before each send."""

    def __init__(self, world: World, lease: Lease) -> None:
        self._world, self.lease = world, lease
        self._checked = world.clock.now() - FRESH
        self.beat = (lease.expires - world.clock.now()).total_seconds() / 3  # seconds between heartbeats

    def renew(self) -> None:
        """The heartbeat."""
        self.lease = self._world.state.renew(self.lease)

    def guard(self) -> None:
        """Raises StateLocked where the lock is no longer ours. For right before each send.

        The state is asked again only after `FRESH`: STARTED was recorded under the same token a moment ago, and
        to ask for each send would have workers queue behind the coordinator's commits.
        """
        now = self._world.clock.now()
        if now >= self.lease.expires:
            self.renew()
        if now - self._checked >= FRESH:
            self._world.state.check(self.lease)
            self._checked = now


def mixed(changes: Sequence[Change], most: int) -> list[Change]:
    """At most so many changes, of every entity in turn, so that all endpoints have something to do."""
    queues: dict[str, deque[Change]] = {}
    for change in changes:
        queues.setdefault(change.entity, deque()).append(change)
    chosen: list[Change] = []
    while queues and len(chosen) < most:
        for entity in [*queues]:
            chosen.append(queues[entity].popleft())
            if not queues[entity]:
                del queues[entity]
    return chosen[:most]


class _Sending(local):
    """What a worker is sending, as the journal has it."""

    entry: Entry | None = None


class Coordinator:
    """Runs a job to its end, or to where it must stop."""

    def __init__(self, job: Job) -> None:
        self.job, self.book, self.world = job, job.book, job.world
        self.checker = Checker(job.project, job.world)
        self.settler = Settler(job.project, job.world, self.checker)
        self.ahead: list[Change] = []  # the next batch, where it does not depend on the one that is being written
        self.checking: Future[Checked] | None = None
        self.checkers = ThreadPoolExecutor(max_workers=1)
        self.sending = _Sending()

    def run(self) -> Outcome:
        """Everything that can be done, done; the run closed, or left open where something is in doubt."""
        before = self.world.target.calls
        self.world.target.guarded(self._guard)
        try:
            self.settle()
            if self.job.settle_only:
                self.job.failed.append(given_up.why(self.book))
                self._record(given_up.left(self.book, self._now()))
            while not self._stopped() and (batch := self._next()):
                self._batch(batch)
                self.settle()
            self._bar()
        except CallsUsedUp as stop:
            self.job.failed.append(str(stop))
        except (TargetError, SourceError) as fault:
            self.job.failed.append(str(fault))
        finally:
            self.checkers.shutdown()
            self.world.target.guarded(lambda: None)
        return self._close(before)

    def _next(self) -> list[Change]:
        """The next batch; and the one after it, where as many as that are ready before this one is written."""
        ready, most = self.book.ready(), self.job.project.batch
        links = [change for change in ready if change.action is Action.LINK]  # nothing is sent for them
        batch = self.ahead or links or mixed(ready, most)
        taken = {change.id for change in batch}
        rest = [] if links else [change for change in ready if change.id not in taken]
        self.ahead = mixed(rest, most) if len(rest) >= most else []
        return batch

    def _guard(self) -> None:
        """Right before each send. Raises Stopped, or StateLocked where the lock is no longer ours."""
        if self.job.stop.is_set():
            raise Stopped("stopped before it was sent")
        self.job.lease.guard()
        self._note_delay()

    def _note_delay(self) -> None:
        """Journals anew what is sent long after it was handed out: from here on it may take effect.

        It may have waited for its place, for the hour's limit or for a service that was busy.
        """
        entry, now = self.sending.entry, self._now()
        if entry is not None and now - entry.at > self.settler.slack:
            self.sending.entry = again = replace(entry, at=now)
            self.world.state.record(self.job.lease.lease, self.job.run, [again])
            self.book.note(again)

    def _stopped(self) -> bool:
        """May nothing more be handed out: somebody stops the run, its calls are used up, or its lock is lost?"""
        return self.job.stop.is_set() or bool(self.job.failed)

    def _close(self, calls_before: int) -> Outcome:
        remaining = len(self.book.waiting())
        doubt = bool(self.book.doubtful())
        status = RunStatus.INTERRUPTED if remaining or doubt else RunStatus.DONE
        bad = (ChangeStatus.FAILED, ChangeStatus.HELD, ChangeStatus.SKIPPED)
        if status is RunStatus.DONE and any(one in bad for one in self.book.status.values()):
            status = RunStatus.PARTIAL
        self.world.state.finish(self.job.lease.lease, self.job.run, status, self._now())
        return Outcome(
            run=self.job.run,
            changes=self.book.outcomes(self.job.project.settle_after, self.job.project.zone),
            interrupted=self.job.stop.is_set(),
            calls=self.world.target.calls - calls_before,
            remaining=remaining,
            stopped="; ".join(dict.fromkeys(self.job.failed)),
        )

    def settle(self) -> None:
        """What is in doubt and can be told by reading now."""
        doubtful = self.book.doubtful()
        if doubtful:
            known = {id_: self.book.said.get(id_) for id_ in self.book.status}
            entries = [one for one in self.settler.settle(doubtful, self.book) if _news(one, known)]
            self._record(entries)

    def _now(self) -> datetime:
        return self.world.clock.now()

    def _record(self, entries: Sequence[Entry]) -> None:
        """Entries with all that they change in state, in one transaction."""
        if not entries:
            return
        together: list[Effects] = []
        for entry in entries:
            self.book.note(entry)
            if entry.step is Step.DONE:
                together.append(self._effects(self.book.changes[entry.change], entry))
        self.world.state.record(self.job.lease.lease, self.job.run, entries, _joined(together))
        self._watch(entries)

    def _watch(self, entries: Sequence[Entry]) -> None:
        total = len(self.book.changes)
        for entry in entries:
            if entry.step is not Step.STARTED:
                done = total - len(self.book.waiting()) if total < LARGE else len(self.book.status)
                self.job.watch(Progress(done, total, self.book.changes[entry.change].name))

    def _effects(self, change: Change, entry: Entry) -> Effects:
        if given_up.marks_logs(self.job.project, self.book, change):
            made = marked(change, self.book, self.job.run, self.job.plan.as_of)
        else:
            made = effects(change, self.book, self.job.run, entry.data)
        self.book.pushed.update({(one.mapping, one.key): one for one in made.pushed})
        return made

    def _batch(self, batch: Sequence[Change]) -> None:
        checked = self._checked(batch)
        entries, go = [], []
        for change in batch:
            if change.id in checked.moved:
                entries.append(self._held(change, checked.moved[change.id]))
            elif change.action is Action.LINK:
                entries.append(Entry(change.id, Step.DONE, self._now(), {}))
            elif change.id in checked.already:
                entries.append(Entry(change.id, Step.DONE, self._now(), {"already": True}))
            else:
                go.append(change)
        self._record(entries)
        self._send([change for change in go if change.action is not Action.WRITE_BACK], checked)
        self._write_back([change for change in go if change.action is Action.WRITE_BACK])
        self._prove([change for change in go if change.action is Action.ADJUST])

    def _checked(self, batch: Sequence[Change]) -> Checked:
        """Checked while the batch before it was being written, or now."""
        checking, self.checking = self.checking, None
        return checking.result() if checking else self.checker.records(batch, self.book, self.checker.rows(batch))

    def _check_ahead(self) -> None:
        """Begins to check the next batch, so that no endpoint stands still between the two."""
        if not self.ahead or self.checking is not None:
            return
        try:
            seen = self.checker.rows(self.ahead)
        except SourceError:  # told when its turn comes: what is in flight now has to be recorded first
            self.ahead = []
        else:
            self.checking = self.checkers.submit(self.checker.records, self.ahead, self.book, seen)

    def _held(self, change: Change, why: str) -> Entry:
        data = {"text": why, "remedy": way_on(change, "plan again: what is still wanted is planned anew")}
        return Entry(change.id, Step.HELD, self._now(), data)

    def _send(self, changes: Sequence[Change], checked: Checked) -> None:
        """At most three in flight per endpoint; the journal is written before and after each."""
        queue = deque(changes)
        flying: dict[Future[Sent], Change] = {}
        halted, proofs = False, Proofs()
        workers = PER_ENDPOINT * max(1, len({one.entity for one in changes}))
        with ThreadPoolExecutor(max_workers=workers) as pool:
            while (queue and not halted) or flying:
                entries: list[Entry] = []
                if flying:
                    patience = 0 if self._may_hand_out(queue, flying, halted) else LOOK_UP
                    done, _ = wait(flying, timeout=patience, return_when=FIRST_COMPLETED)
                    for future in done:
                        change, sent = flying.pop(future), future.result()
                        entries.append(Entry(change.id, sent.step, self._now(), dict(sent.data)))
                        halted = halted or self._halts(sent)
                halted = halted or self._told_to_stop()
                chosen = [] if halted else self._choose(queue, flying)
                started = {change.id: self._started(change, checked) for change in chosen}
                self._record([*entries, *started.values()])
                for change in chosen:
                    self.world.target.keep_back(proofs.add(change, len(checked.units.get(change.id, ()))))
                    flying[pool.submit(self._work, change, started[change.id])] = change
                if len(queue) <= workers and not halted:
                    self._check_ahead()

    def _told_to_stop(self) -> bool:
        """Did somebody say so? Then what is in flight is not repeated any more either."""
        if self.job.stop.is_set():
            self.world.target.stop()
        return self.job.stop.is_set()

    def _halts(self, sent: Sent) -> bool:
        if sent.stop:
            self.job.failed.append(str(sent.data.get("text", "")))
        return sent.stop

    def _may_hand_out(self, queue: deque[Change], flying: dict[Future[Sent], Change], halted: bool) -> bool:  # noqa: FBT001
        return not halted and bool(self._choose(deque(queue), flying))

    def _choose(self, queue: deque[Change], flying: dict[Future[Sent], Change]) -> list[Change]:
        """The next changes for which their endpoint has room, taken from the queue."""
        room = Counter({change.entity: PER_ENDPOINT for change in queue})
        room.subtract(Counter(change.entity for change in flying.values() if change.entity in room))
        chosen: list[Change] = []
        left: deque[Change] = deque()
        while queue and sum(room.values()) > 0:
            change = queue.popleft()
            if room[change.entity] > 0:
                room[change.entity] -= 1
                chosen.append(change)
            else:
                left.append(change)
        queue.extendleft(reversed(left))
        return chosen

    def _started(self, change: Change, checked: Checked) -> Entry:
        data: dict[str, object] = {"values": self.book.values(change)}
        if change.action is Action.ADJUST:
            data["before"] = rows_to(checked.units.get(change.id, ()))
            data["siblings"] = checked.siblings.get(change.id, ())
        return Entry(change.id, Step.STARTED, self._now(), data)

    def _work(self, change: Change, started: Entry) -> Sent:
        self.sending.entry = started
        mapping = self.job.project.mappings[change.mapping]
        places = {name: spec.place for name, spec in {**mapping.fields, **mapping.identity}.items()}
        return send(self.world.target, change, self.book.values(change), places)

    def _write_back(self, changes: Sequence[Change]) -> None:
        """Write-backs of one table in one call: a file is written once for all of them."""
        tables: dict[str, list[Change]] = {}
        for change in changes:
            tables.setdefault(change.entity, []).append(change)
        for table, group in tables.items():
            if self._stopped():
                return
            self._record([Entry(change.id, Step.STARTED, self._now(), {}) for change in group])
            wanted = {change.id: source_values(self.job.project, change, self.book) for change in group}
            sent = write_back(self.world.source, table, group, wanted, self._guard)
            self._record([Entry(id_, one.step, self._now(), dict(one.data)) for id_, one in sent.items()])

    def _prove(self, changes: Sequence[Change]) -> None:
        """Answered adjustments, proven by unit rows in bulk; what is answered and not visible stays in doubt."""
        if self.checking and changes:
            wait([self.checking])  # it may not use the calls that were kept back for this
        self.world.target.keep_back(0)
        answered = [one for one in changes if self.book.status.get(one.id) is ChangeStatus.IN_DOUBT]
        if not answered:
            return
        self._record(self.settler.settle([one for one in answered if one.makes], self.book))
        for group in self.checker.grouped([one for one in answered if not one.makes]):
            rows = self.checker.unit_rows(group, self.book)
            entries = []
            for change in group:
                record, day, units = adjustment(change, self.book)
                before, now = rows_from(self.book.before.get(change.id, ())), rows.get(record, ())
                if settle_adjustment(before, now, day, units) is Landing.LANDED:
                    data = {"proof": proof_rows(now, day)}
                    entries.append(Entry(change.id, Step.DONE, self._now(), data))
            self._record(entries)

    def _bar(self) -> None:
        """Changes that wait for one that did not go through are skipped, each naming it."""
        if self._stopped():
            return
        while True:
            entries = [
                Entry(change.id, Step.SKIPPED, self._now(), {"because": need.name, "text": f"waits for {need.name}"})
                for change, need in self.book.barred()
                if self.book.status.get(need.id) is not ChangeStatus.IN_DOUBT
            ]
            unique = {entry.change: entry for entry in entries}
            if not unique:
                return
            self._record([*unique.values()])


LARGE = 2_000
"""Above so many changes progress counts what was touched, which is cheaper."""


def _news(entry: Entry, known: dict[str, tuple[str, str, str] | None]) -> bool:
    """An UNCLEAR that was said before is not said again."""
    said = known.get(entry.change)
    return entry.step is not Step.UNCLEAR or said is None or said[0] != entry.data.get("text")


def _joined(every: Sequence[Effects]) -> Effects:
    return Effects(
        links=tuple(link for one in every for link in one.links),
        unlink=tuple(row for one in every for row in one.unlink),
        applied={row: values for one in every for row, values in one.applied.items()},
        pushed=tuple(push for one in every for push in one.pushed),
        unpush=tuple(row for one in every for row in one.unpush),
    )
