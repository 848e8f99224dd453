"""Groups rows that need a person for exactly the same reason."""

from collections.abc import Hashable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.finding import Finding
from trueup.render.attention import Item, by_money, by_name, monthly_of
from trueup.render.findings import CROWD
from trueup.render.formatting import count, known_as
from trueup.render.pennies import weight
from trueup.render.view import Arrangement, Sort


class Crowd(Struct, frozen=True):
    """Items with exactly the same reasons, mostly one; or those that a list only counts."""

    items: tuple[Item, ...]

    @property
    def first(self) -> Item:
        """The item that represents the others."""
        return self.items[0]

    @property
    def title(self) -> str:
        """The row's name, or the number of rows."""
        row = self.first.row
        is_one = len(self.items) == 1
        return known_as(row.name or row.key) if is_one else count(len(self.items), row.mapping)

    @property
    def findings(self) -> list[Finding]:
        """The findings, with KEY in place of the keys if several rows share them."""
        if len(self.items) == 1:
            return [*self.first.findings]
        return [
            replace(finding, remedy=finding.advice.generic(), commands=())
            for finding in self.first.findings
        ]

    @property
    def unpriced(self) -> int:
        """Lines of the ledger without a price."""
        return sum(item.unpriced for item in self.items)

    @property
    def monthly(self) -> Decimal | None:
        """Their money together; None if none is known."""
        return monthly_of(self.items)

    @property
    def units(self) -> Decimal:
        """Their units together."""
        return sum((item.units for item in self.items), Decimal(0))

    @property
    def weight(self) -> Decimal:
        """Their money without its sign; unbounded if a price is unknown."""
        return weight([self.monthly], price_unknown=self.unpriced > 0)


def crowds_of(
    items: Sequence[Item], arrangement: Arrangement, *, each: bool = False
) -> list[Crowd]:
    """Returns the items in the requested order, grouped; with `each` every item by itself."""
    by_sort = by_name if arrangement.sort is Sort.NAME else by_money
    groups: dict[Hashable, list[Item]] = {}
    for number, item in enumerate(by_sort(items)):
        crowd: Hashable = number if each else _reasons(item)
        groups.setdefault(crowd, []).append(item)
    crowds: list[Crowd] = []
    for group in groups.values():
        is_crowd = len(group) >= CROWD
        crowds += [Crowd(tuple(group))] if is_crowd else [Crowd((item,)) for item in group]
    if arrangement.sort is Sort.NAME:
        return crowds
    return sorted(crowds, key=lambda crowd: -crowd.weight)


def _reasons(item: Item) -> Hashable:
    """Returns all that is shown beside the row: items of one crowd have the same."""
    texts = (
        (finding.code, finding.text, finding.advice.generic(), finding.place)
        for finding in item.findings
    )
    return item.kind, item.row.mapping, item.because, *texts
