"""The units of one contract item over time: periods, adjustments, posting, moved dates. No I/O.

Its laws: the units on a day are the sum of all adjustments up to it. The rows cover the contract
without gaps or overlaps. What is posted never changes.
Source: docs/explanation/autotask.md, section 7 (ContractServiceUnits, ContractServiceAdjustments).
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

POSTED = "Deletion or modification of an already posted contract period is not allowed."
DUPLICATE = "Attempt to insert duplicate data into contract_service_period."
BELOW_ZERO = "The unitChange would bring the units of the contract service below zero."

_DAY = timedelta(days=1)
_FOUR_PLACES, _TWO_PLACES = Decimal("0.0001"), Decimal("0.01")


class LedgerError(Exception):
    """The ledger refuses a change; the text is Autotask's."""


class Adjustment(Struct, frozen=True):
    """From a day on: a change of the units, and perhaps another price or cost of one unit."""

    day: date
    units: int
    price: Decimal | None = None
    cost: Decimal | None = None


class LedgerRow(Struct, frozen=True):
    """The units from `start` to `end`, both included."""

    start: date
    end: date
    units: int
    price: Decimal  # of one unit for a whole period
    cost: Decimal  # of one unit for a whole period
    period_days: int  # days in the whole period

    @property
    def share(self) -> Fraction:
        """The row's share of the whole period."""
        return Fraction((self.end - self.start).days + 1, self.period_days)

    def amount(self, unit: Decimal, *, posted: bool = False) -> Decimal:
        """Returns the amount of the row at a price of one unit: four places, two if posted."""
        places = _TWO_PLACES if posted else _FOUR_PLACES
        share = self.share
        amount = unit * self.units * share.numerator / share.denominator
        return amount.quantize(places, ROUND_HALF_UP)


class Ledger(Struct, frozen=True):
    """All that determines the rows of one contract item."""

    start: date  # of the contract
    end: date
    months: int  # in a period; 0: one period that lasts as long as the contract
    price: Decimal  # of one unit, before any adjustment
    cost: Decimal
    adjustments: tuple[Adjustment, ...] = ()  # by day
    posted: tuple[tuple[date, date], ...] = ()  # starts and ends of posted rows, by day
    from_first: bool = False  # there are no rows before the first adjustment


def rows(ledger: Ledger) -> tuple[LedgerRow, ...]:
    """Returns a row for each period, split where an adjustment or a posted row begins or ends."""
    first = _first_day(ledger)
    if first is None:
        return ()

    cuts = {adjustment.day for adjustment in ledger.adjustments}
    for start, end in ledger.posted:
        cuts |= {start, end + _DAY}

    split: list[LedgerRow] = []
    for start, period_end in periods(ledger.start, ledger.end, ledger.months):
        end = min(period_end, ledger.end)
        if end >= first:
            days = (period_end - start).days + 1
            split.extend(_split(ledger, max(start, first), end, sorted(cuts), days))
    return tuple(split)


def _first_day(ledger: Ledger) -> date | None:
    if not ledger.from_first:
        return ledger.start
    return ledger.adjustments[0].day if ledger.adjustments else None


def _split(
    ledger: Ledger, start: date, end: date, cuts: list[date], period_days: int
) -> Iterator[LedgerRow]:
    edges = [start, *(cut for cut in cuts if start < cut <= end), end + _DAY]
    for row_start, next_start in pairwise(edges):
        units, price, cost = in_force(ledger, row_start)
        yield LedgerRow(row_start, next_start - _DAY, units, price, cost, period_days)


def in_force(ledger: Ledger, day: date) -> tuple[int, Decimal, Decimal]:
    """Returns the units, and the price and cost of one unit, on a day."""
    units, price, cost = 0, ledger.price, ledger.cost
    for adjustment in ledger.adjustments:
        if adjustment.day > day:
            break
        units += adjustment.units
        price = price if adjustment.price is None else adjustment.price
        cost = cost if adjustment.cost is None else adjustment.cost
    return units, price, cost


def periods(start: date, end: date, months: int) -> Iterator[tuple[date, date]]:
    """Yields whole periods from the contract's start until its end is covered.

    The last period may extend beyond the end.
    """
    if months == 0:
        yield start, end
        return
    number, period_start = 0, start
    while period_start <= end:
        number += 1
        next_start = months_later(start, number * months)
        yield period_start, next_start - _DAY
        period_start = next_start


def months_later(day: date, months: int) -> date:
    """Returns the same day of a later month, or its last day if it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def adjust(
    ledger: Ledger, adjustment: Adjustment, *, again: bool = False, negative: bool = False
) -> Ledger:
    """Returns the ledger with one more adjustment.

    `again` allows a second adjustment on a day, `negative` allows units below zero. Raises
    `LedgerError` if the adjustment is not allowed.
    """
    if not again and any(other.day == adjustment.day for other in ledger.adjustments):
        raise LedgerError(DUPLICATE)
    if any(start <= adjustment.day <= end for start, end in ledger.posted):
        raise LedgerError(POSTED)

    after = replace(ledger, adjustments=by_day((*ledger.adjustments, adjustment)))
    if not negative and any(row.units < 0 for row in rows(after) if row.end >= adjustment.day):
        raise LedgerError(BELOW_ZERO)
    return _with_posted_kept(ledger, after)


def post(ledger: Ledger, until: date) -> Ledger:
    """Posts every row that ends on that day or before."""
    spans = tuple((row.start, row.end) for row in rows(ledger) if row.end <= until)
    return replace(ledger, posted=tuple(sorted({*ledger.posted, *spans})))


def unpost(ledger: Ledger, since: date) -> Ledger:
    """Un-posts every row that ends on that day or later."""
    return replace(ledger, posted=tuple(span for span in ledger.posted if span[1] < since))


def move_end(ledger: Ledger, end: date) -> Ledger:
    """Returns the ledger with another end of the contract.

    An earlier end removes later periods and their adjustments for good. A later end extends the
    units of the last day. Raises `LedgerError` if a posted row would change.
    """
    remaining = tuple(adjustment for adjustment in ledger.adjustments if adjustment.day <= end)
    return _with_posted_kept(ledger, replace(ledger, end=end, adjustments=remaining))


def move_start(ledger: Ledger, start: date) -> Ledger:
    """Returns the ledger with another start of the contract, from which its periods are counted.

    The units, price and cost of the new first day begin there. Raises `LedgerError` if a row is
    posted.
    """
    if ledger.posted and start != ledger.start:
        raise LedgerError(POSTED)
    early = [adjustment for adjustment in ledger.adjustments if adjustment.day <= start]
    late = [adjustment for adjustment in ledger.adjustments if adjustment.day > start]
    if early:
        units, price, cost = in_force(ledger, start)
        early = [Adjustment(start, units, price, cost)]
    return replace(ledger, start=start, adjustments=(*early, *late))


def _with_posted_kept(before: Ledger, after: Ledger) -> Ledger:
    """Returns `after`. Raises `LedgerError` unless it has all posted rows of `before`."""
    remaining = {(row.start, row.end, row.units, row.price) for row in rows(after)}
    posted = set(before.posted)
    for row in rows(before):
        values = (row.start, row.end, row.units, row.price)
        if (row.start, row.end) in posted and values not in remaining:
            raise LedgerError(POSTED)
    return after


def by_day(adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """Sorts adjustments by day; those of one day keep their order."""
    return tuple(sorted(adjustments, key=lambda adjustment: adjustment.day))


def rebuild_adjustments(
    start: date, unit_rows: Iterable[tuple[date, int]], months: int, end: date
) -> tuple[Adjustment, ...]:
    """Returns adjustments that explain unit rows, given as first days and units.

    There is one where the units change, and one where a row begins inside a period.
    """
    period_starts = {period_start for period_start, _ in periods(start, end, months)}
    adjustments, units_before = [], 0
    for day, units in sorted(unit_rows):
        if units != units_before or day not in period_starts:
            adjustments.append(Adjustment(day, units - units_before))
        units_before = units
    return tuple(adjustments)
