"""Rows of a tab that rows of earlier tabs hold back."""

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.render.attention import monthly_of
from trueup.render.pennies import NOTHING
from trueup.review.current_plan import CurrentPlan
from trueup.review.rows import Row, RowKey, Tab


class HeldBack(Struct, frozen=True):
    """The rows of a later tab that rows of an earlier tab hold back."""

    tab: str  # the earlier one
    faults: tuple[RowKey, ...]  # its rows that need a person
    rows: int  # rows of the later tab that wait for them
    month: Decimal  # money that waits because of them, in all tabs
    price_unknown: bool  # whether a part of it has no known price


def held_back(current: CurrentPlan, tab: Tab, here: Sequence[Row]) -> tuple[HeldBack, ...]:
    """Returns, by earlier tab in their order, which rows of a tab it holds back."""
    names = [one.name for one in current.tabs]
    before = names[: names.index(tab.name)]
    faults: dict[str, dict[RowKey, None]] = {}
    waiting: dict[str, set[RowKey]] = {}
    for row in here:
        for item in row.items:
            if not item.because:
                continue
            fault = RowKey(item.because[-1].mapping, item.because[-1].key)
            mapping = current.project.mappings.get(fault.mapping)
            if mapping and mapping.tab in before:
                faults.setdefault(mapping.tab, {})[fault] = None
                waiting.setdefault(mapping.tab, set()).add(row.ref)
    return tuple(
        _held_back(current, name, faults[name], waiting[name]) for name in before if name in faults
    )


def _held_back(
    current: CurrentPlan, name: str, faults: Iterable[RowKey], waiting: Collection[RowKey]
) -> HeldBack:
    """Returns what the stopped rows of one tab hold back; each row of the list counts once."""
    refs = tuple(faults)
    rows = {id(row): row for fault in refs if (row := current.by_row.get(fault))}.values()
    stopped = [item for row in rows for item in row.items if item.is_stopped]
    return HeldBack(
        tab=name,
        faults=refs,
        rows=len(waiting),
        month=monthly_of(stopped) or NOTHING,
        price_unknown=any(item.unpriced for item in stopped),
    )
