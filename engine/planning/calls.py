"""What applying costs at most: one call a write, and reads before and after each batch, in pages and lists of 500.

Counted over the very batches that apply makes where nothing goes wrong: the formula is
writes + per batch and entity ceil(records / 500) + for adjustments, before and after, ceil(services / 500) - 1 +
ceil(unit rows / 500) + two of metadata an entity + zone and threshold, the latter asked again every 25 calls at most.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush

from engine.model.plan import Action, Change, Unknown

PAGE = 500
"""Records of a page, and values of an `in` list, at most (autotask-api.md, section 3)."""

METADATA = 2
"""Calls about an entity: its fields, and its user-defined ones."""

SETTLING = 3
"""Calls besides: zone, threshold, and one more for what went wrong."""

ASKING = 25
"""Calls after which the threshold is asked again at the earliest."""


def apply_calls(changes: Sequence[Change], batch: int, fresh: Mapping[str, int]) -> int:
    """Calls that applying costs at most. `fresh`: changes that make a contract service → its unit rows to come."""
    sent = [change for change in changes if sends(change)]
    if not sent:
        return 0
    entities = {change.entity for change in sent} | {change.makes[2] for change in sent if change.makes}
    before: Counter[object] = Counter()  # adjustments of a contract service so far: each may split a row
    reads = sum(_reads(part, fresh, before) for part in batches(changes, batch))
    calls = len(sent) + reads + METADATA * len(entities) + SETTLING
    return calls + calls // ASKING


def next_calls(changes: Sequence[Change], batch: int) -> int:
    """Calls that the next of these batches takes at most: with fewer a run reads, and gets no further."""
    return next((calls for part in batches(changes, batch) if (calls := apply_calls(part, batch, {}))), 0)


def sends(change: Change) -> bool:
    """Does it write to the target?"""
    return change.action not in (Action.LINK, Action.WRITE_BACK)


def _reads(part: Sequence[Change], fresh: Mapping[str, int], before: Counter[object]) -> int:
    """Calls around the writes of one batch: records by id or identity, unit rows before and after."""
    groups = Counter(
        (change.entity, change.action is Action.CREATE)
        for change in part
        if sends(change) and change.action is not Action.ADJUST
    )
    calls = sum(-(-count // PAGE) for count in groups.values())
    rows: Counter[str] = Counter()  # unit rows to read for the adjustments of each mapping
    services: Counter[str] = Counter()
    for change in part:
        if change.action is not Action.ADJUST:
            continue
        service = _service(change)
        before[service] += 1
        expected = len(change.seen.units) if change.seen.units is not None else fresh.get(str(service), 0)
        if change.makes:
            calls += 2 + _pages(1, expected + before[service])
        else:
            services[change.mapping] += 1
            rows[change.mapping] += expected + before[service]
    return calls + 2 * sum(_pages(count, rows[mapping]) for mapping, count in services.items())


class Proofs:
    """What the proofs of adjustments cost at most, as they are handed out: so many calls are kept back for them."""

    def __init__(self) -> None:
        self._making = 0
        self._services: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()

    def add(self, change: Change, rows: int) -> int:
        """`rows`: unit rows of its contract service before it. Gives the calls for all proofs so far."""
        if change.makes:
            self._making += 1 + _pages(1, rows + 1)
        elif change.action is Action.ADJUST:
            self._services[change.mapping] += 1
            self._rows[change.mapping] += rows + 1
        return self._making + sum(_pages(count, self._rows[name]) for name, count in self._services.items())


def _pages(values: int, rows: int) -> int:
    """Calls of one read by a list of so many values that finds so many rows, at most.

    Each piece of the list has its pages; a single one of more than one page is counted as well.
    """
    pieces, pages = -(-values // PAGE), max(1, -(-rows // PAGE))
    return pieces - 1 + pages + (pieces == 1 < pages)


def _service(change: Change) -> object:
    """The contract service of an adjustment; of one that is yet to be made, the change that makes it."""
    if change.record is not None:
        return change.record
    unknown = next((value.change for value in change.values.values() if isinstance(value, Unknown)), change.id)
    return change.id if change.makes else unknown


def batches(changes: Sequence[Change], most: int) -> Iterator[list[Change]]:
    """The changes as apply takes them: all links at once, then so many of every entity in turn as may be written.

    A batch is chosen before the one ahead of it is written, where as many as that are ready by then.
    """
    waits, followers = _graph(changes)
    ready = [number for number, count in enumerate(waits) if not count]
    queues: dict[str, list[int]] = {}
    links: list[int] = []
    ahead: list[int] = []
    while ready or queues or links or ahead:
        for number in ready:
            if changes[number].action is Action.LINK:
                links.append(number)
            else:
                heappush(queues.setdefault(changes[number].entity, []), number)
        taken = ahead or links or _mixed(queues, most)
        ahead = [] if links or sum(map(len, queues.values())) < most else _mixed(queues, most)
        links = [] if taken is links else links
        yield [changes[number] for number in taken]
        ready = [follower for number in taken for follower in followers[number] if _last(waits, follower)]


def _graph(changes: Sequence[Change]) -> tuple[list[int], list[list[int]]]:
    """By position: how many changes each one waits for, and which wait for it."""
    position = {change.id: number for number, change in enumerate(changes)}
    waits, followers = [0] * len(changes), [list[int]() for _ in changes]
    for number, change in enumerate(changes):
        for need in change.needs:
            if need in position:
                followers[position[need]].append(number)
                waits[number] += 1
    return waits, followers


def _last(waits: list[int], number: int) -> bool:
    """One fewer to wait for: was it the last?"""
    waits[number] -= 1
    return not waits[number]


def _mixed(queues: dict[str, list[int]], most: int) -> list[int]:
    """At most so many, of every entity in turn, beginning with the one whose turn is first."""
    taken: list[int] = []
    order = sorted(queues, key=lambda name: queues[name][0])
    while queues and len(taken) < most:
        for entity in [name for name in order if name in queues][: most - len(taken)]:
            taken.append(heappop(queues[entity]))
            if not queues[entity]:
                del queues[entity]
    return taken
