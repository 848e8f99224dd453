"""Sums of ledger lines, and the parts of each line that they add up."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct

from trueup.model.money import exact
from trueup.model.plan import Amount, HeldTotal, HeldUnits, LedgerClass, LedgerLine, LedgerTotals


class LineParts(Struct, frozen=True):
    """Units and money a month of one line whose sides are known; None if its price is not."""

    gap: Decimal  # what is billed too little; negative: too much
    gap_money: Decimal | None  # with `repriced`
    repriced: Decimal | None
    """The part of it that is another price of units that move, or that have moved half."""

    moved: Decimal
    moved_money: Decimal | None  # with `repriced`, unless nothing is moved
    is_moved: bool  # also without units, to a service with another price
    held: tuple[tuple[HeldUnits, Decimal | None], ...]
    unexplained: Decimal
    unexplained_money: Decimal | None  # with `repriced`, where nothing is moved

    def billed_wrong(self, sign: int) -> tuple[Decimal, Decimal | None]:
        """Returns what is billed too little (1) or too much (-1): units, and their money."""
        units = max(self.gap * sign, Decimal(0))
        if self.gap_money is None or self.repriced is None:
            return units, None
        if self.gap * self.gap_money > 0:
            return units, abs(self.gap_money) if units else Decimal(0)
        price = max(self.repriced * sign, Decimal(0))  # more units that cost less, or fewer
        return units, price + (abs(self.gap_money - self.repriced) if units else 0)

    @property
    def held_money(self) -> Decimal | None:
        """The money of all held units; None if a part is unknown."""
        known = [amount for _, amount in self.held if amount is not None]
        return sum(known, Decimal(0)) if len(known) == len(self.held) else None


def parts_of(line: LedgerLine) -> LineParts | None:
    """Returns the parts of a line that totals add up; None for a line that is in no total."""
    if line.class_ is LedgerClass.UNKNOWN or line.units is None:
        return None
    gap = (line.quantity or Decimal(0)) - line.units
    parts = _Parts(line)
    rest = line.unexplained or Decimal(0)
    repriced, is_moved = line.repriced, line.moves_units
    return LineParts(
        gap=gap,
        gap_money=_sum(_money(line, gap), repriced),
        repriced=repriced,
        moved=Decimal(line.moved),
        moved_money=_sum(parts.money(line.moved), repriced if is_moved else Decimal(0)),
        is_moved=is_moved,
        held=tuple((one, parts.money(one.units)) for one in line.held),
        unexplained=rest,
        unexplained_money=_sum(parts.money(rest), Decimal(0) if is_moved else repriced),
    )


def _sum(amount: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if amount is None or other is None else amount + other


def totals(lines: Iterable[LedgerLine]) -> LedgerTotals:
    """Sums of the lines whose two sides are known."""
    under, over, moved, held, unexplained = (_Sum() for _ in range(5))
    by_reason: dict[str, _Sum] = {}
    unknown = 0
    for line in lines:
        parts = parts_of(line)
        if parts is None:
            unknown += 1
            continue
        under.add(*parts.billed_wrong(1))
        over.add(*parts.billed_wrong(-1))
        if parts.is_moved:
            moved.add_line(parts.moved, parts.moved_money)
        held.add(line.held_units, parts.held_money)
        for one, held_amount in parts.held:
            by_reason.setdefault(one.code, _Sum()).add(one.units, held_amount)
        unexplained.add(parts.unexplained, parts.unexplained_money)
    reasons = [HeldTotal(code, total.amount()) for code, total in by_reason.items()]
    return LedgerTotals(
        under=under.amount(),
        over=over.amount(),
        moved=moved.amount(),
        held=held.amount(),
        held_by_reason=tuple(sorted(reasons, key=lambda one: (-one.amount.monthly, one.code))),
        unexplained=unexplained.amount(),
        unknown=unknown,
    )


def _money(line: LedgerLine, units: Decimal | int) -> Decimal | None:
    """Returns the monthly cost of units, as plans keep it; None if the price is unknown."""
    amount = line.money(units)
    return None if amount is None else exact(amount)


class _Parts:
    """Money of the parts of one line, rounded so that it adds up to the money of the whole."""

    def __init__(self, line: LedgerLine) -> None:
        self._line, self._units = line, Decimal(0)

    def money(self, units: Decimal | int) -> Decimal | None:
        """Returns the money of the next part; None if the price is unknown."""
        before = _money(self._line, self._units)
        self._units += units
        after = _money(self._line, self._units)
        return None if before is None or after is None else after - before


class _Sum:
    """Units and money of some lines."""

    def __init__(self) -> None:
        self._lines, self._unpriced = 0, 0
        self._units = self._monthly = Decimal(0)

    def add(self, units: Decimal, money: Decimal | None) -> None:
        """Adds a line with units or money; `money` is None if its price is unknown."""
        if units or money:
            self.add_line(units, money)

    def add_line(self, units: Decimal, money: Decimal | None) -> None:
        """Adds a line."""
        self._lines += 1
        self._units += units
        if money is None:
            self._unpriced += 1
        else:
            self._monthly += money

    def amount(self) -> Amount:
        return Amount(self._lines, self._units, self._monthly, self._unpriced)
