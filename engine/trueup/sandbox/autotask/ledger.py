"""Units over time of one service on one contract: periods, adjustments, posting, dates moved. Pure.

The laws: units on a day are the sum of all adjustments up to it; rows cover the contract without gap
or overlap; what is posted never changes.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

POSTED = "Deletion or modification of an already posted contract period is not allowed."
TWICE = "Attempt to insert duplicate data into contract_service_period."
BELOW_ZERO = "The unitChange would bring the units of the contract service below zero."

_DAY = timedelta(days=1)
_FOUR_PLACES, _TWO_PLACES = Decimal("0.0001"), Decimal("0.01")


class NotAllowed(Exception):
    """The ledger refuses; the text is what the service says."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """From a day on: so many units more, and perhaps another price or cost of one unit."""

    day: date
    units: int
    price: Decimal | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Units from `start` to `end`, both included; `of` are the days of the whole period."""

    start: date
    end: date
    units: int
    price: Decimal  # of one unit and a whole period
    cost: Decimal
    of: int

    @property
    def share(self) -> Fraction:
        """What part of a whole period these days are."""
        return Fraction((self.end - self.start).days + 1, self.of)

    def amount(self, unit: Decimal, *, posted: bool = False) -> Decimal:
        """The whole row at a price of one unit: four places, two once it is posted."""
        places = _TWO_PLACES if posted else _FOUR_PLACES
        share = self.share
        return (unit * self.units * share.numerator / share.denominator).quantize(places, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that decides the rows. `months` is the length of a period, 0 for one that lasts the whole contract."""

    start: date
    end: date
    months: int
    price: Decimal  # before any adjustment
    cost: Decimal
    adjustments: tuple[Adjustment, ...] = ()  # by day
    posted: tuple[tuple[date, date], ...] = ()  # rows that are frozen, by day
    from_first: bool = False  # no rows before the first adjustment


def rows(ledger: Ledger) -> tuple[Row, ...]:
    """One row for each period, split where an adjustment or a posted row begins or ends."""
    first = _first_day(ledger)
    if first is None:
        return ()
    cuts = {adjustment.day for adjustment in ledger.adjustments}
    for start, end in ledger.posted:
        cuts |= {start, end + _DAY}
    made: list[Row] = []
    for start, nominal in periods(ledger.start, ledger.end, ledger.months):
        end = min(nominal, ledger.end)
        if end >= first:
            made.extend(_split(ledger, max(start, first), end, sorted(cuts), (nominal - start).days + 1))
    return tuple(made)


def _first_day(ledger: Ledger) -> date | None:
    if not ledger.from_first:
        return ledger.start
    return ledger.adjustments[0].day if ledger.adjustments else None


def _split(ledger: Ledger, start: date, end: date, cuts: list[date], days: int) -> Iterator[Row]:
    edges = [start, *(cut for cut in cuts if start < cut <= end), end + _DAY]
    for head, after in pairwise(edges):
        units, price, cost = in_force(ledger, head)
        yield Row(head, after - _DAY, units, price, cost, days)


def in_force(ledger: Ledger, day: date) -> tuple[int, Decimal, Decimal]:
    """Units, price and cost of one unit on a day."""
    units, price, cost = 0, ledger.price, ledger.cost
    for adjustment in ledger.adjustments:
        if adjustment.day > day:
            break
        units += adjustment.units
        price = price if adjustment.price is None else adjustment.price
        cost = cost if adjustment.cost is None else adjustment.cost
    return units, price, cost


def periods(start: date, end: date, months: int) -> Iterator[tuple[date, date]]:
    """Whole periods from the contract's start until its end is covered; the last may reach beyond it."""
    if months == 0:
        yield start, end
        return
    number, head = 0, start
    while head <= end:
        number += 1
        following = months_later(start, number * months)
        yield head, following - _DAY
        head = following


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last one where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def adjust(ledger: Ledger, adjustment: Adjustment, *, again: bool = False, negative: bool = False) -> Ledger:
    """The ledger with one more adjustment. Raises NotAllowed.

    `again` lets a day take a second one; `negative` lets units fall below zero.
    """
    if not again and any(known.day == adjustment.day for known in ledger.adjustments):
        raise NotAllowed(TWICE)
    if any(start <= adjustment.day <= end for start, end in ledger.posted):
        raise NotAllowed(POSTED)
    after = replace(ledger, adjustments=by_day((*ledger.adjustments, adjustment)))
    if not negative and any(row.units < 0 for row in rows(after) if row.end >= adjustment.day):
        raise NotAllowed(BELOW_ZERO)
    return _keeping_posted(ledger, after)


def post(ledger: Ledger, until: date) -> Ledger:
    """Freezes every row that ends on that day or before."""
    spans = tuple((row.start, row.end) for row in rows(ledger) if row.end <= until)
    return replace(ledger, posted=tuple(sorted({*ledger.posted, *spans})))


def unpost(ledger: Ledger, since: date) -> Ledger:
    """Frees every posted row that ends on that day or later."""
    return replace(ledger, posted=tuple(span for span in ledger.posted if span[1] < since))


def move_end(ledger: Ledger, end: date) -> Ledger:
    """Earlier: later periods go for good, with their adjustments. Later: the last day's units go on. NotAllowed."""
    kept = tuple(adjustment for adjustment in ledger.adjustments if adjustment.day <= end)
    return _keeping_posted(ledger, replace(ledger, end=end, adjustments=kept))


def move_start(ledger: Ledger, start: date) -> Ledger:
    """All periods move; what was in force on the new first day begins there. Raises NotAllowed."""
    if ledger.posted and start != ledger.start:
        raise NotAllowed(POSTED)
    early = [adjustment for adjustment in ledger.adjustments if adjustment.day <= start]
    late = [adjustment for adjustment in ledger.adjustments if adjustment.day > start]
    if early:
        units, price, cost = in_force(ledger, start)
        early = [Adjustment(start, units, price, cost)]
    return replace(ledger, start=start, adjustments=(*early, *late))


def _keeping_posted(before: Ledger, after: Ledger) -> Ledger:
    there = {(row.start, row.end, row.units, row.price) for row in rows(after)}
    frozen = set(before.posted)
    for row in rows(before):
        if (row.start, row.end) in frozen and (row.start, row.end, row.units, row.price) not in there:
            raise NotAllowed(POSTED)
    return after


def by_day(adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """In the order of their days; those of one day in the order in which they came."""
    return tuple(sorted(adjustments, key=lambda adjustment: adjustment.day))


def rebuilt(start: date, known: Iterable[tuple[date, int]], months: int, end: date) -> tuple[Adjustment, ...]:
    """The adjustments that explain known rows (first day, units).

    There is one where units change, and one where a row begins inside a period.
    """
    heads = {head for head, _ in periods(start, end, months)}
    found, units = [], 0
    for day, now in sorted(known):
        if now != units or day not in heads:
            found.append(Adjustment(day, now - units))
        units = now
    return tuple(found)
