"""Sends changes to the target: a few requests in flight per endpoint, journaled around each.

One thread writes the state, workers only send. A worker is never cancelled: to stop means to send
nothing more, wait for what is in flight, and record it.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from operator import itemgetter

from trueup.applying.ended_requests import EndedRequests
from trueup.applying.job import Job
from trueup.applying.preconditions import PreconditionResult
from trueup.applying.recorder import Recorder
from trueup.applying.send import SendResult, Wording, send
from trueup.model.change import Change, System
from trueup.model.run import Entry, Step
from trueup.planning.call_costs import ProofCalls
from trueup.stages.settle import rows_to

POLL_SECONDS = 0.5
"""How often the loop checks whether it must stop, while nothing more can be handed out."""

GATHER_SECONDS = 0.1
"""For how long answers are gathered, so that one transaction of the journal takes several.

Requests that wait for their turn keep the endpoints busy meanwhile, and during the transaction.
"""


class ChangeSender:
    """Sends the changes of one run, batch by batch.

    The last requests of a batch may be in flight while the next batch is handed out.
    """

    def __init__(self, job: Job, recorder: Recorder) -> None:
        self._job, self._recorder = job, recorder
        # Three times as many as an endpoint takes at a time: while one third is sent, another one
        # is ready, and the third one is written into the journal.
        self._at_a_time = job.world.target.call_costs.in_flight
        self._per_endpoint = 3 * self._at_a_time
        self._in_flight: dict[Future[SendResult], Change] = {}
        self._busy: Counter[str] = Counter()  # requests in flight, by entity
        self._ended = EndedRequests(2 * self._at_a_time)
        self._wording = cache(self._wording_of)
        writes = (one for one in job.plan.changes if one.action.writes is System.TARGET)
        # As many workers as an endpoint takes at a time: the one that ends a request begins the
        # next, without another thread that has to wake for it.
        self._pools = {
            entity: ThreadPoolExecutor(max_workers=self._at_a_time)
            for entity in {change.entity for change in writes}
        }

    def close(self) -> None:
        """Waits until no request is in flight any more, without recording the results."""
        for pool in self._pools.values():
            pool.shutdown()

    def is_sending(self, changes: Container[str] | None = None) -> bool:
        """Returns whether one of these changes, given by id, is in flight, or any at all."""
        if changes is None:
            return bool(self._in_flight)
        return any(one.id in changes for one in self._in_flight.values())

    def in_flight(self) -> frozenset[str]:
        """The ids of the changes that are in flight."""
        return frozenset(change.id for change in self._in_flight.values())

    def send(
        self,
        changes: Sequence[Change],
        checked: PreconditionResult,
        recorded: Callable[[int], None],
    ) -> None:
        """Sends all changes, or until the run must stop; the last ones are in flight then.

        `recorded` is called with the number of changes that are yet to be sent, whenever answers
        were recorded and more was sent.
        """
        queue = _Queue(changes)
        proofs = ProofCalls(self._job.world.target.call_costs)
        while queue and not self._must_halt():
            entries = self._collect(queue)
            chosen = [] if self._must_halt() else queue.take(self._room(queue))
            started = {change.id: self._started(change, checked) for change in chosen}
            self._recorder.record([*entries, *started.values()])
            for change in chosen:
                calls = proofs.add(change, len(checked.units.get(change.id, ())))
                self._job.world.target.reserve_calls(calls)
                self._hand_out(change, started[change.id])
            recorded(len(queue))

    def wait(self, changes: Container[str] | None = None) -> None:
        """Waits until none of these changes, or none at all, is in flight; records the results."""
        while self.is_sending(changes):
            self._must_halt()
            self._recorder.record(self._collect(_Queue(())))

    @property
    def nearly_all(self) -> int:
        """The number of remaining changes that may all be in flight soon."""
        return self._per_endpoint * max(1, len(self._pools))

    def _hand_out(self, change: Change, started: Entry) -> None:
        self._ended.expect(change.entity)
        future = self._pools[change.entity].submit(self._work, change, started)
        self._in_flight[future] = change
        self._busy[change.entity] += 1
        future.add_done_callback(partial(self._ended.put, change.entity))

    def _collect(self, queue: "_Queue") -> list[Entry]:
        """Returns entries of ended requests; waits for them if nothing can be sent."""
        if self._in_flight and not self._room(queue) and self._ended.wait(POLL_SECONDS):
            self._ended.gather(queue.entities, GATHER_SECONDS)
        return [self._take(future) for future in self._ended.take()]

    def _take(self, future: Future[SendResult]) -> Entry:
        """Returns the entry of a request that has ended."""
        change, result = self._in_flight.pop(future), future.result()
        self._busy[change.entity] -= 1
        data = dict(result.data)
        if result.stop:
            self._job.stopped_by.append(str(data.get("text", "")))
        return Entry(change.id, result.step, self._recorder.now(), data)

    def _must_halt(self) -> bool:
        """Whether nothing more may be sent.

        If the user stopped the run, what is in flight is not repeated either.
        """
        if self._job.stop.is_set():
            self._job.world.target.stop()
        return self._job.must_stop()

    def _room(self, queue: "_Queue") -> dict[str, int]:
        """Returns how many more requests each endpoint may have, without full ones."""
        room = {entity: self._per_endpoint - self._busy[entity] for entity in queue.entities}
        return {entity: more for entity, more in room.items() if more > 0}

    def _started(self, change: Change, checked: PreconditionResult) -> Entry:
        data: dict[str, object] = {"values": self._job.run_state.values(change)}
        if change.adjustment:
            data["before"] = rows_to(checked.units.get(change.id, ()))
            data["siblings"] = checked.siblings.get(change.id, ())
        return Entry(change.id, Step.STARTED, self._recorder.now(), data)

    def _work(self, change: Change, started: Entry) -> SendResult:
        self._recorder.sending(started)
        values = self._job.run_state.values(change)
        return send(self._job.world.target, change, values, self._wording(change.mapping))

    def _wording_of(self, mapping: str) -> Wording:
        """Returns the names for remedies, for changes of one mapping."""
        project = self._job.project
        spec = project.mappings[mapping]
        places = {name: one.place for name, one in {**spec.fields, **spec.identity}.items()}
        return Wording(project.catalogue.systems, places)


class _Queue:
    """Changes that are yet to be sent, in their order for each endpoint."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._by_entity: dict[str, deque[tuple[int, Change]]] = {}
        for numbered in enumerate(changes):
            self._by_entity.setdefault(numbered[1].entity, deque()).append(numbered)

    def __len__(self) -> int:
        return sum(map(len, self._by_entity.values()))

    @property
    def entities(self) -> Collection[str]:
        """The endpoints that have changes left."""
        return self._by_entity.keys()

    def take(self, room: Mapping[str, int]) -> list[Change]:
        """Takes as many changes of each endpoint as it has room for."""
        taken: list[tuple[int, Change]] = []
        for entity, most in room.items():
            changes = self._by_entity[entity]
            taken += [changes.popleft() for _ in range(min(most, len(changes)))]
            if not changes:
                del self._by_entity[entity]
        return [change for _, change in sorted(taken, key=itemgetter(0))]
