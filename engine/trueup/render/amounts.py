"""The money of a plan's changes, to the penny; the parts of each kind add up to its total."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.change import Action, Change
from trueup.model.plan import Plan
from trueup.render.pennies import Spread, spread

MONTHS = 12


class PlanMoney(Struct, frozen=True):
    """Amounts by the id of their change."""

    invoice: Spread  # on the next invoice of the contract
    once: Spread  # of it: billed once
    month: Spread  # of the run rate
    year: Spread  # the run rate of twelve months
    lost: Spread  # of earlier days, billed to nobody; negative: a credit that is owed
    price_unknown: bool = False  # of a change, at least: its amounts are in no sum


def plan_money(plan: Plan) -> PlanMoney:
    """The money of the plan's changes."""
    return money_of(plan.changes)


def money_of(changes: Sequence[Change]) -> PlanMoney:
    """Returns the money of some changes, without regard to others."""
    months = _known((change.id, change.monthly) for change in changes)
    return PlanMoney(
        invoice=spread(_known((change.id, change.invoice_amount) for change in changes)),
        once=spread(_known((change.id, change.one_off) for change in changes)),
        month=spread(months),
        year=spread({id_: amount * MONTHS for id_, amount in months.items()}),
        lost=spread(_known((change.id, change.lost) for change in changes)),
        price_unknown=any(change.price_unknown for change in changes),
    )


def has_money(change: Change) -> bool:
    """Returns whether the change affects a bill, or may do so at an unknown price."""
    amounts = (change.monthly, change.invoice_amount, change.lost)
    return change.price_unknown or any(amounts)


def is_shown(change: Change, *, verbose: bool) -> bool:
    """Returns whether the change has a line: a write-back has one only with money."""
    return verbose or change.action is not Action.WRITE_BACK or has_money(change)


def _known(amounts: Iterable[tuple[str, Decimal | None]]) -> dict[str, Decimal]:
    return {id_: amount for id_, amount in amounts if amount is not None}


NO_MONEY = money_of(())
