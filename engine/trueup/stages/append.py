"""Merges pending changes of one service by day into adjustments, each on a free day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from trueup.model.change import UnitRow
from trueup.model.units import DAY

Entered = tuple[date, Decimal]
"""Units that others entered in the target from a day on."""


class Cancelled(NamedTuple):
    """Units of changes that a correction leaves out: the target has them already."""

    due: date  # the day of the changes
    units: Decimal
    entered: date | None  # since when the target has them, if that is known


_Step = tuple[date, bool]
"""Changes of one day; whether they are decided to be pushed."""


class Pending(Struct, frozen=True):
    """A change that may be pushed, in its order; or a part of a correction, without a key."""

    key: str
    day: date
    units: Decimal
    forced: bool = False  # decided to be pushed: it may move to the first open day
    notes: tuple[str, ...] = ()  # which policy changed its units or its day
    cancels: "Cancelled | None" = None


class Correction(Struct, frozen=True):
    """Units that correct a difference in the ledger."""

    units: Decimal = Decimal(0)
    day: date = date.min  # on which the difference was measured: they take effect from it on
    decided_on: date | None = None  # the same day, where a person decided to correct it
    transfer: str = ""  # instead of a difference: units that a row's move takes along, and where to

    def parts(
        self, changes: Sequence[Pending], days: "ServiceDays", entered: Sequence[Entered]
    ) -> list[Pending]:
        """Returns itself as changes without a key; units that are moved are not split."""
        day = days.open_from(self.day)
        if not self.units:
            return []
        if self.transfer:
            return [Pending("", day, self.units)]
        return split_correction(changes, self.units, day, entered)


NO_CORRECTION = Correction()


class MergedAdjustment(Struct, frozen=True):
    """One write: the sum of the changes of one day."""

    keys: tuple[str, ...]  # of the changes of the source; a correction has none
    day: date
    units: int
    notes: tuple[str, ...] = ()
    correction: Decimal = Decimal(0)  # how many of the units are one
    cancelled: tuple[Cancelled, ...] = ()
    too_late: int = 0
    """Units that are decided to be pushed when no day of their contract is open: not sent."""

    @property
    def billed_from(self) -> date:
        """The day from which the target bills its changes, where nothing is sent for them.

        A correction may leave them out because a person has entered their units.
        """
        entered = {one.entered for one in self.cancelled}
        return (entered.pop() if len(entered) == 1 else None) or self.day


class ServiceDays(Struct, frozen=True):
    """The days of one service that are posted or have an adjustment."""

    taken: frozenset[date]  # a day takes one adjustment
    posted_until: date | None  # last day of the last posted row
    last: date | None  # last day of the rows

    @classmethod
    def of(cls, rows: Sequence[UnitRow], taken: Iterable[date]) -> "ServiceDays":
        """The days of a service by its unit rows and the days known to be taken."""
        posted = [row.end for row in rows if row.posted]
        last = rows[-1].end if rows else None
        return cls(frozenset(taken), max(posted, default=None), last)

    def open_from(self, day: date) -> date:
        """The first day from `day` on that is not posted."""
        if self.posted_until is not None and day <= self.posted_until:
            return self.posted_until + DAY
        return day

    def free_from(self, day: date) -> date:
        """Returns the first day from `day` on that can take an adjustment.

        A posted day stays as it is: a person decides about it.
        """
        while day in self.taken and self.open_from(day) == day:
            day += DAY
        return day


def merge(changes: Sequence[Pending], days: ServiceDays) -> list[MergedAdjustment]:
    """Adjustments in the order of their days.

    Changes that sum to zero give an adjustment of zero units: nothing is sent; they are marked.
    """
    groups: dict[date, _Group] = {}
    for change in changes:
        day, notes = _day_of(change, days)
        groups.setdefault(day, _Group()).add([change], notes)
    adjustments: list[MergedAdjustment] = []
    while groups:
        day = min(groups)
        group = groups.pop(day)
        free = days.free_from(day) if group.units else day
        if free == day:
            adjustments.append(group.merged(day))
        else:  # the group moves on to the next free day, and joins what is there
            note = f"{day} has taken an adjustment already, and a day can take one: on {free}"
            groups.setdefault(free, _Group()).add(group.changes, [*group.notes, note])
    return adjustments


def split_correction(
    changes: Sequence[Pending], correction: Decimal, day: date, entered: Sequence[Entered] = ()
) -> list[Pending]:
    """Splits a correction, so that nothing is sent only to be reversed.

    It reduces changes of days that go in the opposite direction; the rest goes on `day`. Of a
    renewal that ends ten seats and begins twelve, two go up. `entered` is what others entered in
    the target, by day. It may stand for a change whose units are still there on that day, and for
    no other one: the last one up to then, or else the next one. If nothing was entered, the last
    change is used first.
    """
    steps: dict[_Step, Decimal] = {}
    for change in changes:
        step = change.day, change.forced
        steps[step] = steps.get(step, Decimal(0)) + change.units
    parts, rest = [], correction
    for since, most in _portions(correction, entered):
        left, until = most, since or day
        before = [one for one in sorted(steps, reverse=True) if since is None or one[0] <= since]
        for step in (*before, *(one for one in sorted(steps) if one not in before)):
            units = _lasting(steps, step, until)
            if left * units < 0:
                part = max(left, -units) if left < 0 else min(left, -units)
                cancelled = Cancelled(step[0], -part, since)
                parts.append(Pending("", step[0], part, step[1], cancels=cancelled))
                steps[step] += part
                left -= part
        rest -= most - left
    return [*parts, Pending("", day, rest)] if rest else parts


def _portions(
    correction: Decimal, entered: Sequence[Entered]
) -> Iterator[tuple[date | None, Decimal]]:
    """Returns the correction by the days on which its units were entered, as far as known.

    If it is all that was entered, each entry is a part of it, whatever its sign.
    """
    is_all = sum((units for _, units in entered), correction) == 0
    for day, units in reversed(entered):
        part = -units
        if not is_all:
            part = max(correction, part) if correction < 0 else min(correction, part)
            part = part if part * correction > 0 else Decimal(0)
        if part:
            yield day, part
            correction -= part
    if correction and not is_all:
        yield None, correction


def _lasting(steps: Mapping[_Step, Decimal], step: _Step, until: date) -> Decimal:
    """Returns the units of a step that no later one up to a day reverses."""
    units, first = steps[step], step[0]
    days = {first, *(day for day, _ in steps if first < day <= until)}
    left = [sum((steps[one] for one in steps if first < one[0] <= day), units) for day in days]
    return max(Decimal(0), min(left)) if units > 0 else min(Decimal(0), max(left))


class _Group:
    """Changes that go into one adjustment."""

    def __init__(self) -> None:
        self.changes: list[Pending] = []
        self.notes: list[str] = []

    def add(self, changes: Iterable[Pending], notes: Iterable[str]) -> None:
        self.changes.extend(changes)
        self.notes.extend(notes)

    @property
    def units(self) -> Decimal:
        return sum((change.units for change in self.changes), Decimal(0))

    def merged(self, day: date) -> MergedAdjustment:
        keys = tuple(change.key for change in self.changes if change.key)
        notes = [note for change in self.changes for note in change.notes] + self.notes
        if len(self.changes) > 1:
            notes.append(f"{len(self.changes)} changes of {day} in one")
        correction = sum((one.units for one in self.changes if not one.key), Decimal(0))
        cancelled = tuple(one.cancels for one in self.changes if one.cancels)
        return MergedAdjustment(keys, day, int(self.units), tuple(notes), correction, cancelled)


def _day_of(change: Pending, days: ServiceDays) -> tuple[date, list[str]]:
    open_day = days.open_from(change.day) if change.forced else change.day
    if open_day == change.day:
        return change.day, []
    note = f"{change.day} is posted: pushed on {open_day}, the first open day, as decided"
    return open_day, [note]
