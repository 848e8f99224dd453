"""The order in which changes are sent: one schedule, which plan counts and apply executes.

A change is ready once all changes that it needs are done. Ready links come first, all at once:
nothing is sent for them. Then at most `size` changes at a time, taken from every entity in turn, so
that each endpoint of the target has something to do. Write-backs have batches of their own, once
there are `size` of them or nothing else is ready: a source of files replaces a file as a whole for
each batch.
"""

from collections.abc import Collection, Iterator, Sequence
from heapq import heappop, heappush

from trueup.model.change import Action, Change, System


class BatchSchedule:
    """The schedule of a plan's changes, batch by batch.

    The next batch is chosen before the current one is written, if enough changes are ready that do
    not depend on it: `ahead` is that batch, so that it can be checked early, and started before the
    last changes of the current one have ended. `look_ahead` chooses it once the batch before the
    current one has ended. What takes effect before that counts afterwards, so that the batches do
    not depend on which write is faster: the plan counts their calls.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        size: int,
        *,
        done: Collection[str] = (),
        tried: Collection[str] = (),
    ) -> None:
        """`done` are ids of changes that took effect before; `tried` those that must not be sent.

        A need that is not among `changes` counts as done: it was met when the plan was made.
        """
        self._changes, self._size = changes, size
        self._position = {change.id: number for number, change in enumerate(changes)}
        self._waits, self._followers = self._graph()
        self._queues: dict[str, list[int]] = {}  # entity → positions of ready changes, a heap
        self._links: list[int] = []
        self._ahead: list[int] = []
        self._current: set[int] = set()  # the batch that was taken last, until `look_ahead`
        self._early: list[str] = []  # changes of it that took effect before `look_ahead`
        self._may_look = False

        kept_back = {*done, *tried}
        for change in changes:
            if change.id in done:
                for number in self._followers[self._position[change.id]]:
                    self._waits[number] -= 1
        for number, count in enumerate(self._waits):
            if not count and changes[number].id not in kept_back:
                self._add(number)

    @property
    def ahead(self) -> list[Change]:
        """The next batch if it is chosen already; else empty."""
        return [self._changes[number] for number in self._ahead]

    def take(self) -> list[Change]:
        """Returns the next batch; empty if no change is ready: then call `look_ahead`.

        The batch before it may still be written if this one is `ahead`.
        """
        self._may_look = bool(self._ahead or not self._links)
        if self._may_look:
            batch, self._ahead = self._ahead or self._mixed(), []
        else:
            batch, self._links = sorted(self._links), []
        self._current = {*batch}
        return [self._changes[number] for number in batch]

    def look_ahead(self) -> None:
        """Chooses the batch after the last taken one; all batches before that one have ended."""
        if self._may_look and not self._links:
            enough = sum(len(self._queues[entity]) for entity in self._available()) >= self._size
            self._ahead = self._mixed() if enough else []
        self._may_look = False
        self._current = set()
        early, self._early = self._early, []
        for change in early:
            self.complete(change)

    def complete(self, change: str) -> None:
        """Records that the change took effect: changes that waited only for it become ready."""
        if self._position[change] in self._current:
            self._early.append(change)
            return
        for number in self._followers[self._position[change]]:
            self._waits[number] -= 1
            if not self._waits[number]:
                self._add(number)

    def put_back(self, change: str) -> None:
        """Records that the change did not take effect: it may be sent again."""
        self._add(self._position[change])

    def put_back_ahead(self) -> None:
        """Cancels the batch that was chosen ahead; its changes are ready as before."""
        for number in self._ahead:
            self._add(number)
        self._ahead = []

    def _graph(self) -> tuple[list[int], list[list[int]]]:
        """By position: how many changes each one waits for, and which wait for it."""
        waits = [0] * len(self._changes)
        followers: list[list[int]] = [[] for _ in self._changes]
        for number, change in enumerate(self._changes):
            for need in change.needs:
                if need in self._position:
                    followers[self._position[need]].append(number)
                    waits[number] += 1
        return waits, followers

    def _add(self, number: int) -> None:
        change = self._changes[number]
        if change.action is Action.LINK:
            self._links.append(number)
        else:
            heappush(self._queues.setdefault(change.entity, []), number)

    def _mixed(self) -> list[int]:
        """At most `size` ready changes, of every entity in turn, in the order of the plan."""
        taken: list[int] = []
        entities = sorted(self._available(), key=lambda entity: self._queues[entity][0])
        while entities and len(taken) < self._size:
            for entity in entities[: self._size - len(taken)]:
                taken.append(heappop(self._queues[entity]))
                if not self._queues[entity]:
                    del self._queues[entity]
            entities = [entity for entity in entities if entity in self._queues]
        return taken

    def _available(self) -> list[str]:
        """The entities of which the next batch may have changes."""
        waiting = [entity for entity, queue in self._queues.items() if self._is_write_back(queue)]
        others = [entity for entity in self._queues if entity not in waiting]
        enough = sum(len(self._queues[entity]) for entity in waiting) >= self._size
        return waiting if enough or not others else others

    def _is_write_back(self, queue: Sequence[int]) -> bool:
        return self._changes[queue[0]].action.writes is System.SOURCE


def batches(changes: Sequence[Change], size: int) -> Iterator[list[Change]]:
    """Returns the batches of an apply in which nothing fails."""
    schedule = BatchSchedule(changes, size)
    while batch := schedule.take():
        schedule.look_ahead()
        yield batch
        for change in batch:
            schedule.complete(change.id)
