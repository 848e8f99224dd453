"""The money of two compared plans: totals, invoices and months, before and after."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct

from trueup.model.change import Change, RowRef
from trueup.model.comparison import Comparison
from trueup.model.plan import Amount, Plan
from trueup.render.amounts import PlanMoney, plan_money
from trueup.render.attention import in_pennies
from trueup.render.belonging import NO_CUSTOMER, Belonging
from trueup.render.pennies import NOTHING
from trueup.stages.ledger_totals import totals as ledger_totals

_Key = TypeVar("_Key", bound=Hashable)


Lacks = tuple[bool, bool]
"""Whether an amount before, and one after, lack a part whose price is unknown."""


class Total(Struct, frozen=True):
    """One kind of money in both plans."""

    label: str
    before: Decimal
    after: Decimal
    signed: bool = True  # whether it may go either way
    lacks: Lacks = (False, False)

    @property
    def change(self) -> Decimal:
        """The effect of the change of configuration on it."""
        return self.after - self.before


class Invoice(Struct, frozen=True):
    """What both plans do to the next invoice of one customer for periods from one day on."""

    customer: RowRef
    start: date | None  # of the billing periods; None: a charge without periods
    before: Decimal
    after: Decimal
    lacks: Lacks = (False, False)


def totals(comparison: Comparison) -> list[Total]:
    """The money of the changes, then what is billed wrong now."""
    first, second = plan_money(comparison.before), plan_money(comparison.after)
    lacks = first.price_unknown, second.price_unknown
    now, then = ledger_totals(comparison.before.ledger), ledger_totals(comparison.after.ledger)
    before, after = in_pennies(now), in_pennies(then)
    return [
        Total("This invoice run", first.invoice.net, second.invoice.net, lacks=lacks),
        _month(first, second),
        Total("A year", first.year.net, second.year.net, lacks=lacks),
        Total("Earlier days", first.lost.net, second.lost.net, lacks=lacks),
        Total(
            "Billed too little, a month",
            before.under,
            after.under,
            signed=False,
            lacks=_unpriced(now.under, then.under),
        ),
        Total(
            "Billed too much, a month",
            before.over,
            after.over,
            signed=False,
            lacks=_unpriced(now.over, then.over),
        ),
        Total(
            "Held or blocked, a month",
            before.held,
            after.held,
            lacks=_unpriced(now.held, then.held),
        ),
        Total(
            "Explained by nothing, a month",
            before.unexplained,
            after.unexplained,
            lacks=_unpriced(now.unexplained, then.unexplained),
        ),
    ]


def _unpriced(before: Amount, after: Amount) -> Lacks:
    return before.unpriced > 0, after.unpriced > 0


def run_rate(comparison: Comparison) -> Total:
    """The money of the changes a month."""
    return _month(plan_money(comparison.before), plan_money(comparison.after))


def _month(before: PlanMoney, after: PlanMoney) -> Total:
    lacks = before.price_unknown, after.price_unknown
    return Total("A month", before.month.net, after.month.net, lacks=lacks)


def invoices(comparison: Comparison) -> list[Invoice]:
    """Invoices whose amount differs, by customer and first day.

    Both plans may name a customer differently: the name of the second one is shown. A change
    without a known price may be on any invoice of its customer.
    """
    names: dict[tuple[str, str], str] = {}

    def parts(plan: Plan) -> Iterator[tuple[tuple[str, str, date | None], Decimal]]:
        belonging = Belonging(plan)
        for change, amount in _amounts(plan):
            customer = belonging.customer(change) or NO_CUSTOMER
            names[customer.mapping, customer.key] = customer.name
            start = change.invoice.start if change.invoice else None
            yield (customer.mapping, customer.key, start), amount

    without = _without_price(comparison.before), _without_price(comparison.after)
    found = [
        Invoice(
            RowRef(mapping, key, names[mapping, key]),
            start,
            before,
            after,
            ((mapping, key) in without[0], (mapping, key) in without[1]),
        )
        for (mapping, key, start), before, after in _sums(comparison, parts)
        if before != after
    ]
    return sorted(found, key=lambda one: (one.customer.name.casefold(), one.start or date.min))


def months(comparison: Comparison) -> list[Total]:
    """The same amounts by the month in which the periods of the invoices begin."""
    lacks = run_rate(comparison).lacks
    found = [
        Total(month, before, after, lacks=lacks)
        for month, before, after in _sums(comparison, _months_of)
    ]
    return sorted(found, key=lambda one: one.label)


def _without_price(plan: Plan) -> set[tuple[str, str]]:
    """Returns the customers of changes without a known price."""
    belonging = Belonging(plan)
    found = (belonging.customer(one) or NO_CUSTOMER for one in plan.changes if one.price_unknown)
    return {(customer.mapping, customer.key) for customer in found}


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
