"""Sends one batch to the target: a few requests in flight per endpoint, journaled before and after.

One thread touches the state, workers only send. A worker is never cancelled half-way: to stop means
to hand out nothing more, wait for what is in flight, and record it.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from trueup.applying.job import Job
from trueup.applying.preconditions import PreconditionResult
from trueup.applying.recorder import Recorder
from trueup.applying.send import SendResult, Wording, send
from trueup.model.change import Change
from trueup.model.run import Entry, Step
from trueup.planning.call_costs import ProofCalls
from trueup.stages.settle import rows_to

POLL_SECONDS = 0.5
"""How often the loop checks whether it must stop, while nothing more can be handed out."""


class Sender:
    """Sends batches of one run."""

    def __init__(self, job: Job, recorder: Recorder) -> None:
        self._job, self._recorder = job, recorder
        # Twice as many as an endpoint takes at a time, so that the next request is ready at once.
        self._per_endpoint = 2 * job.world.target.call_costs.in_flight

    def send(
        self,
        changes: Sequence[Change],
        checked: PreconditionResult,
        nearly_done: Callable[[], None],
    ) -> None:
        """Sends all changes, or until the run must stop.

        `nearly_done` is called whenever the changes that are left may all be in flight.
        """
        queue = deque(changes)
        in_flight: dict[Future[SendResult], Change] = {}
        halted = False
        proofs = ProofCalls(self._job.world.target.call_costs)
        workers = self._per_endpoint * max(1, len({change.entity for change in changes}))
        with ThreadPoolExecutor(max_workers=workers) as pool:
            while (queue and not halted) or in_flight:
                entries, must_halt = self._collect(in_flight, queue, halted=halted)
                halted = halted or must_halt or self._is_told_to_stop()
                chosen = [] if halted else self._choose(queue, in_flight)
                started = {change.id: self._started(change, checked) for change in chosen}
                self._recorder.record([*entries, *started.values()])
                for change in chosen:
                    calls = proofs.add(change, len(checked.units.get(change.id, ())))
                    self._job.world.target.reserve_calls(calls)
                    in_flight[pool.submit(self._work, change, started[change.id])] = change
                if len(queue) <= workers and not halted:
                    nearly_done()

    def _collect(
        self, in_flight: dict[Future[SendResult], Change], queue: deque[Change], *, halted: bool
    ) -> tuple[list[Entry], bool]:
        """Entries of the requests that have ended, and whether the run must halt."""
        if not in_flight:
            return [], False
        can_hand_out = not halted and bool(self._choose(deque(queue), in_flight))
        timeout = 0 if can_hand_out else POLL_SECONDS
        ended, _ = wait(in_flight, timeout=timeout, return_when=FIRST_COMPLETED)
        entries, must_halt = [], False
        for future in ended:
            change, result = in_flight.pop(future), future.result()
            data = dict(result.data)
            entries.append(Entry(change.id, result.step, self._recorder.now(), data))
            if result.stop:
                self._job.stopped_by.append(str(data.get("text", "")))
                must_halt = True
        return entries, must_halt

    def _is_told_to_stop(self) -> bool:
        """Whether the user stopped the run: then what is in flight is not repeated either."""
        if self._job.stop.is_set():
            self._job.world.target.stop()
        return self._job.stop.is_set()

    def _choose(
        self, queue: deque[Change], in_flight: dict[Future[SendResult], Change]
    ) -> list[Change]:
        """Takes from the queue the next changes for which their endpoint has room."""
        room = Counter({change.entity: self._per_endpoint for change in queue})
        room.subtract(Counter(one.entity for one in in_flight.values() if one.entity in room))
        chosen: list[Change] = []
        passed_over: deque[Change] = deque()
        while queue and sum(room.values()) > 0:
            change = queue.popleft()
            if room[change.entity] > 0:
                room[change.entity] -= 1
                chosen.append(change)
            else:
                passed_over.append(change)
        queue.extendleft(reversed(passed_over))
        return chosen

    def _started(self, change: Change, checked: PreconditionResult) -> Entry:
        data: dict[str, object] = {"values": self._job.run_state.values(change)}
        if change.adjustment:
            data["before"] = rows_to(checked.units.get(change.id, ()))
            data["siblings"] = checked.siblings.get(change.id, ())
        return Entry(change.id, Step.STARTED, self._recorder.now(), data)

    def _work(self, change: Change, started: Entry) -> SendResult:
        self._recorder.sending(started)
        project = self._job.project
        mapping = project.mappings[change.mapping]
        places = {name: spec.place for name, spec in {**mapping.fields, **mapping.identity}.items()}
        wording = Wording(project.catalogue.systems, places)
        return send(self._job.world.target, change, self._job.run_state.values(change), wording)
