"""Counts the API calls that applying a plan takes at most.

It counts over the batches that apply runs if nothing fails (`stages/batches.py`):

    one call for each write
    + per batch and entity: records to check before and to read back after, in pages
    + per batch, for adjustments, before and after: unit rows of their services, in pages
    + per entity: its metadata
    + calls that every run makes, and one for the hour's limit every so many calls

The target defines what a page, an entity and a run cost: `CallCosts`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import assert_never

from trueup.model.change import Action, Change, System
from trueup.ports.target import CallCosts
from trueup.stages.batches import batches


def apply_calls(
    changes: Sequence[Change], size: int, new_rows: Mapping[str, int], costs: CallCosts
) -> int:
    """Returns the calls that applying takes at most, in batches of `size`.

    `new_rows`: changes that create a service → unit rows that it will have.
    """
    sent = [change for change in changes if change.action.writes is System.TARGET]
    if not sent:
        return 0
    entities = {change.entity for change in sent}
    entities |= {change.makes.entity for change in sent if change.makes}
    reads = _Reads(new_rows, costs.page)
    calls = len(sent) + costs.per_entity * len(entities) + costs.fixed
    calls += sum(reads.around(batch) for batch in batches(changes, size))
    return calls + calls // costs.between_checks


def next_calls(changes: Sequence[Change], size: int, costs: CallCosts) -> int:
    """Returns the calls that the next batch takes at most; with fewer, a run makes no progress."""
    calls = (apply_calls(batch, size, {}, costs) for batch in batches(changes, size))
    return next((number for number in calls if number), 0)


def catch_up_calls(written: Sequence[Change], in_doubt: Sequence[Change], costs: CallCosts) -> int:
    """Returns the calls, at most, to read back the `written` changes and settle those in doubt."""
    read = [one for one in written if one.action is not Action.ADJUST]
    read = [one for one in (*read, *in_doubt) if one.action.writes is System.TARGET]
    if not read:
        return 0
    proofs = ProofCalls(costs)
    calls = [proofs.add(change, len(change.seen.units or ())) for change in read][-1]
    calls += costs.per_entity * len({change.entity for change in read})
    return calls + calls // costs.between_checks + 1  # one, for the checks that both parts share


class _Reads:
    """Counts the reads around the writes of one batch after the other."""

    def __init__(self, new_rows: Mapping[str, int], page: int) -> None:
        self._new_rows, self._page = new_rows, page
        # What earlier batches wrote is read by later ones: an adjustment may split a unit row,
        # and a create is found by a query for its neighbours.
        self._adjusted: Counter[object] = Counter()
        self._created: Counter[tuple[str, str, object]] = Counter()

    def around(self, batch: Sequence[Change]) -> int:
        """Calls before and after the writes of a batch."""
        checked: Counter[tuple[str, bool]] = Counter()  # entity, whether it is created
        written: Counter[str] = Counter()  # by entity
        adjusts: list[Change] = []
        for change in batch:
            match change.action:
                case Action.CREATE:  # its identity is looked for
                    checked[change.entity, True] += 1
                    written[change.entity] += 1
                case Action.UPDATE | Action.DEACTIVATE:  # its record is read again
                    checked[change.entity, False] += 1
                    written[change.entity] += 1
                case Action.ADJUST:
                    adjusts.append(change)
                case Action.LINK | Action.WRITE_BACK:
                    pass
                case _:
                    assert_never(change.action)
        calls = sum(-(-count // self._page) for count in (*checked.values(), *written.values()))
        return calls + self._alike(batch) + self._units(adjusts)

    def _alike(self, batch: Sequence[Change]) -> int:
        """Calls for records that would be taken for those of creates."""
        values: Counter[tuple[str, tuple[str, ...]]] = Counter()
        rows: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for change in batch:
            for alike in change.seen.alike if change.action is Action.CREATE else ():
                read = change.entity, tuple(sorted(alike.values))
                value = change.entity, alike.by, alike.values[alike.by]
                values[read] += 1
                rows[read] += alike.around + self._created[value] + 1
                self._created[value] += 1
        return sum(_pages(count, rows[read], self._page) for read, count in values.items())

    def _units(self, adjusts: Sequence[Change]) -> int:
        """Calls for unit rows around the adjustments, and for services that they create."""
        services: Counter[str] = Counter()  # by mapping
        rows: Counter[str] = Counter()
        calls = 0
        for change in adjusts:
            service = _service(change)
            self._adjusted[service] += 1
            seen = change.seen.units
            expected = len(seen) if seen is not None else self._new_rows.get(str(service), 0)
            expected += self._adjusted[service]
            if change.makes:  # records like it before and after, and the rows of the new one
                calls += 2 + _pages(1, expected, self._page)
            else:
                services[change.mapping] += 1
                rows[change.mapping] += expected
        pages = (_pages(count, rows[name], self._page) for name, count in services.items())
        return calls + 2 * sum(pages)


class ProofCalls:
    """Counts the reads, at most, that prove the writes of a batch, as changes are handed out."""

    def __init__(self, costs: CallCosts) -> None:
        self._page = costs.page
        self._creating = 0
        self._written: Counter[str] = Counter()  # records that are read back, by entity
        self._services: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()

    def add(self, change: Change, rows: int) -> int:
        """Adds a change; returns the calls for all proofs so far.

        `rows`: unit rows of its service before it.
        """
        if change.makes:
            self._creating += 1 + _pages(1, rows + 1, self._page)
        elif change.action is Action.ADJUST:
            self._services[change.mapping] += 1
            self._rows[change.mapping] += rows + 1
        else:
            self._written[change.entity] += 1
        adjusted = sum(
            _pages(count, self._rows[name], self._page) for name, count in self._services.items()
        )
        written = sum(-(-count // self._page) for count in self._written.values())
        return self._creating + adjusted + written


def _pages(values: int, rows: int, page: int) -> int:
    """Returns the calls of one read by a list of `values` that finds `rows` rows, at most.

    Each piece of the list has its own pages. A single piece of more than one page counts as well.
    """
    pieces, pages = -(-values // page), max(1, -(-rows // page))
    return pieces - 1 + pages + (pieces == 1 < pages)


def _service(change: Change) -> object:
    """What identifies the service of an adjustment: its record, or the change that creates it."""
    adjustment = change.adjustment
    if change.makes or adjustment is None:
        return change.id
    return adjustment.service if adjustment.service is not None else adjustment.service_change
