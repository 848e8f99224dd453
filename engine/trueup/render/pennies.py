"""Rounds exact amounts to the penny so that the parts still add up to the whole."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.money import rounded

PENNY = Decimal("0.01")
NOTHING = Decimal("0.00")
UNBOUNDED = Decimal("Infinity")
"""The weight of what has no known price: it may be any amount."""


def penny(amount: Decimal) -> Decimal:
    """Returns the amount with two places, halves away from zero."""
    return rounded(amount, PENNY)


def weight(amounts: Iterable[Decimal | None], *, price_unknown: bool) -> Decimal:
    """Returns the largest amount without its sign; `UNBOUNDED` if a price is unknown.

    For sorting, and for a minimum amount: what has no known price comes first and is always shown.
    """
    return UNBOUNDED if price_unknown else max(abs(one or NOTHING) for one in (NOTHING, *amounts))


def share(whole: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """Returns the parts to the penny, with `whole` as their sum.

    `whole` is an amount to the penny, `parts` are exact. Each part is rounded by itself; if the sum
    is off, the parts that rounding moved furthest the wrong way take one penny each; of equally far
    ones the largest, so the order of the parts does not matter. If the parts do not add up to the
    whole, by more than rounding explains, they are only rounded.
    """
    rounded = [penny(part) for part in parts]
    missing = int((whole - sum(rounded, NOTHING)) / PENNY)
    if not missing or abs(missing) > len(rounded) + 1:
        return rounded
    step = PENNY if missing > 0 else -PENNY
    by_need = sorted(
        range(len(parts)), key=lambda n: ((rounded[n] - parts[n]) * step, -abs(parts[n]), n)
    )
    for turn in range(abs(missing)):
        rounded[by_need[turn % len(rounded)]] += step
    return rounded


class Spread(Struct, frozen=True):
    """Amounts by name, to the penny: `more` + `less` = `net` = the sum of all parts."""

    parts: Mapping[str, Decimal]
    more: Decimal
    less: Decimal  # negative or zero

    @property
    def net(self) -> Decimal:
        """The sum of all amounts."""
        return self.more + self.less

    def of(self, name: str) -> Decimal | None:
        """Returns the part of that name; None if there is no amount."""
        return self.parts.get(name)

    def known(self, names: Sequence[str]) -> Decimal | None:
        """Returns the sum of the parts of these names; None if there is no amount."""
        return self.total(names) if any(name in self.parts for name in names) else None

    def total(self, names: Sequence[str]) -> Decimal:
        """Returns the sum of the parts of these names."""
        return sum((self.parts.get(name, NOTHING) for name in names), NOTHING)

    def gross(self, names: Sequence[str]) -> Decimal:
        """Returns the sum of these parts, decreases counted as increases."""
        return sum((abs(self.parts.get(name, NOTHING)) for name in names), NOTHING)


def spread(amounts: Mapping[str, Decimal], net: Decimal | None = None) -> Spread:
    """Returns exact amounts to the penny. `net` is their sum, if it is known already."""
    above = {name: amount for name, amount in amounts.items() if amount > 0}
    below = {name: amount for name, amount in amounts.items() if amount < 0}
    whole = penny(sum(amounts.values(), Decimal(0)) if net is None else net)
    if not below:
        more = whole
    elif not above:
        more = NOTHING
    else:
        more = penny(sum(above.values(), Decimal(0)))
    less = whole - more
    parts = dict.fromkeys(amounts, NOTHING)
    for side, total in ((above, more), (below, less)):
        parts |= zip(side, share(total, list(side.values())), strict=True)
    return Spread(parts, more, less)
