"""The money of two compared plans: totals, invoices and months, before and after."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from trueup.model.change import Change, RowRef
from trueup.model.comparison import Comparison
from trueup.model.plan import Plan
from trueup.render.amounts import plan_money
from trueup.render.attention import billing
from trueup.render.belonging import NO_CUSTOMER, Belonging
from trueup.render.pennies import NOTHING

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Total:
    """One kind of money in both plans."""

    label: str
    before: Decimal
    after: Decimal
    signed: bool = True  # whether it may go either way

    @property
    def change(self) -> Decimal:
        """The effect of the change of configuration on it."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Invoice:
    """What both plans do to the next invoice of one customer for periods from one day on."""

    customer: RowRef
    start: date | None  # of the billing periods; None: a charge without periods
    before: Decimal
    after: Decimal


def totals(comparison: Comparison) -> list[Total]:
    """The money of the changes, then what is billed wrong now."""
    first, second = plan_money(comparison.before), plan_money(comparison.after)
    now, then = billing(comparison.before), billing(comparison.after)
    return [
        Total("This invoice run", first.invoice.net, second.invoice.net),
        run_rate(comparison),
        Total("A year", first.year.net, second.year.net),
        Total("Earlier days", first.lost.net, second.lost.net),
        Total("Billed too little, a month", now.under, then.under, signed=False),
        Total("Billed too much, a month", now.over, then.over, signed=False),
        Total("Held or blocked, a month", now.held, then.held),
        Total("Explained by nothing, a month", now.unexplained, then.unexplained),
    ]


def run_rate(comparison: Comparison) -> Total:
    """The money of the changes a month."""
    before, after = plan_money(comparison.before), plan_money(comparison.after)
    return Total("A month", before.month.net, after.month.net)


def invoices(comparison: Comparison) -> list[Invoice]:
    """Invoices whose amount differs, by customer and first day.

    Both plans may name a customer differently: the name of the second one is shown.
    """
    names: dict[tuple[str, str], str] = {}

    def parts(plan: Plan) -> Iterator[tuple[tuple[str, str, date | None], Decimal]]:
        belonging = Belonging(plan)
        for change, amount in _amounts(plan):
            customer = belonging.customer(change) or NO_CUSTOMER
            names[customer.mapping, customer.key] = customer.name
            start = change.invoice.start if change.invoice else None
            yield (customer.mapping, customer.key, start), amount

    found = [
        Invoice(RowRef(mapping, key, names[mapping, key]), start, before, after)
        for (mapping, key, start), before, after in _sums(comparison, parts)
        if before != after
    ]
    return sorted(found, key=lambda one: (one.customer.name.casefold(), one.start or date.min))


def months(comparison: Comparison) -> list[Total]:
    """The same amounts by the month in which the periods of the invoices begin."""
    found = [Total(month, before, after) for month, before, after in _sums(comparison, _months_of)]
    return sorted(found, key=lambda one: one.label)


def _sums(
    comparison: Comparison, parts: Callable[[Plan], Iterable[tuple[_Key, Decimal]]]
) -> Iterator[tuple[_Key, Decimal, Decimal]]:
    before, after = _summed(parts(comparison.before)), _summed(parts(comparison.after))
    for key in dict.fromkeys([*before, *after]):
        yield key, before.get(key, NOTHING), after.get(key, NOTHING)


def _summed(parts: Iterable[tuple[_Key, Decimal]]) -> dict[_Key, Decimal]:
    sums: dict[_Key, Decimal] = defaultdict(lambda: NOTHING)
    for key, amount in parts:
        sums[key] += amount
    return dict(sums)


def _months_of(plan: Plan) -> Iterator[tuple[str, Decimal]]:
    for change, amount in _amounts(plan):
        yield f"{change.invoice.start:%Y-%m}" if change.invoice else "no period", amount


def _amounts(plan: Plan) -> Iterator[tuple[Change, Decimal]]:
    """Changes with an effect on an invoice, to the penny: they add up to the plan's total."""
    amounts = plan_money(plan).invoice
    for change in plan.changes:
        amount = amounts.of(change.id)
        if amount is not None:
            yield change, amount
