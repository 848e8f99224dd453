"""The effect of each decision about a ledger line, shown before it is made."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.plan import Plan
from trueup.model.verdict import Verdict
from trueup.operations.decision_outlook import Outlook, outlooks
from trueup.render.formatting import money, number, signed
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import RawText, address
from trueup.review.rows import LedgerRow, RowKey


class OutlookLine(Struct, frozen=True):
    """One decision with its effect, and the page on which it is made."""

    label: str  # the decision; with the units of a held change
    text: str
    address: RawText  # of the form on the row's page


def outlook_lines(current: CurrentPlan, row: LedgerRow) -> Sequence[OutlookLine]:
    """Returns the decisions that settle a line, each with its units and its money."""
    return [
        OutlookLine(
            _label(outlook, row),
            outlook_text(outlook, current.plan),
            RawText(
                address("/row", mapping=outlook.mapping, key=outlook.key)
                + f"#decide-{outlook.verdict}"
            ),
        )
        for outlook in outlooks(current.project, current.ways, row.line)
    ]


def _label(one: Outlook, row: LedgerRow) -> str:
    row_key = RowKey(one.mapping, one.key)
    held = next((held for held in row.line.held if RowKey(*held.row[:2]) == row_key), None)
    about = f" the {signed(held.units)}" if held else ""
    return f"{one.verdict.capitalize()}{about}"


def outlooks_of(current: CurrentPlan, ref: RowKey, rows: Sequence[LedgerRow]) -> dict[Verdict, str]:
    """Returns, by decision, the effect of making it about this row."""
    return {
        outlook.verdict: outlook_text(outlook, current.plan)
        for row in rows
        for outlook in outlooks(current.project, current.ways, row.line)
        if (outlook.mapping, outlook.key) == ref
    }


def outlook_text(one: Outlook, plan: Plan) -> str:
    """Returns `8 → 10 units, +£20.00 a month`, and what is still billed wrong afterwards."""
    moved = one.after - one.before
    if moved:
        units = f"{number(one.before)} → {number(one.after)} units"
        amount = "price unknown" if one.monthly is None else _month(one.monthly, plan.currency)
        text = f"{units}, {amount}"
    else:
        text = f"{number(one.before)} units stay, nothing is sent"
    return f"{text}; {signed(-one.left)} against {plan.names.source}" if one.left else text


def _month(amount: Decimal, currency: str) -> str:
    return f"{money(amount, currency, signed=True)} a month"
