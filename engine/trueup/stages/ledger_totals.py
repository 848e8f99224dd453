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
    repriced: Decimal  # the part of it that is no units' gap, but another price of units that move
    moved: Decimal
    moved_money: Decimal | None
    held: tuple[tuple[HeldUnits, Decimal | None], ...]
    unexplained: Decimal
    unexplained_money: Decimal | None

    def billed_wrong(self, sign: int) -> tuple[Decimal, Decimal | None]:
        """Returns what is billed too little (1) or too much (-1): units, and their money."""
        units, price = max(self.gap * sign, Decimal(0)), max(self.repriced * sign, Decimal(0))
        if self.gap_money is None:
            return units, None
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
    gap_money, moved_money = _money(line, gap), parts.money(line.moved)
    return LineParts(
        gap=gap,
        gap_money=None if gap_money is None else gap_money + line.repriced,
        repriced=line.repriced,
        moved=Decimal(line.moved),
        moved_money=None if moved_money is None else moved_money + line.repriced,
        held=tuple((one, parts.money(one.units)) for one in line.held),
        unexplained=rest,
        unexplained_money=parts.money(rest),
    )


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
        moved.add(parts.moved, parts.moved_money)
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
        """Adds a line; `money` is None if its price is unknown."""
        if not units and not money:
            return
        self._lines += 1
        self._units += units
        if money is None:
            self._unpriced += 1
        else:
            self._monthly += money

    def amount(self) -> Amount:
        return Amount(self._lines, self._units, self._monthly, self._unpriced)
