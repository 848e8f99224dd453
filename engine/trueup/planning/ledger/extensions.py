"""Computes the effect of a contract's later end on its next invoice.

The target carries the units of the last day on. If the old end is within or before a period of the
next invoice, that invoice has more days.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.model.change import Action, Change, InvoiceEffect
from trueup.model.mapping import PeriodsSpec
from trueup.model.units import DAY
from trueup.planning.context import PlanContext
from trueup.stages import billing
from trueup.stages.append import ServiceDays
from trueup.stages.ledger import ServiceLedger


def extensions(context: PlanContext, periods: PeriodsSpec) -> Sequence[Change]:
    """Returns the changes of this plan that give a contract another end."""
    owner, field = periods.end
    groups = context.states[owner].changes.values() if owner else ()
    return [change for group in groups for change in group if _moves_end(change, field)]


def add_extension(context: PlanContext, periods: PeriodsSpec, ledger: ServiceLedger) -> None:
    """Adds the invoice effect on one service to the change that extends its contract."""
    terms, rows = ledger.terms, ledger.rows
    if terms.present_end is None:
        return
    posted = ServiceDays.of(rows, ()).posted_until
    first = terms.present_end + DAY
    effect = billing.invoice_effect(rows[-1].units, first, terms, posted, context.as_of)
    if effect is None or not effect.amount:
        return
    owner, field = periods.end
    changes = context.states[owner].changes
    for row in ledger.under:
        if row.mapping == owner and row.key in changes:
            changes[row.key] = [
                _with_effect(change, effect) if _moves_end(change, field) else change
                for change in changes[row.key]
            ]


def _moves_end(change: Change, field: str) -> bool:
    return change.action is Action.UPDATE and field in change.values


def _with_effect(change: Change, effect: InvoiceEffect) -> Change:
    """The change with the effect on one more service."""
    if change.invoice is not None:
        known = change.invoice
        effect = replace(
            effect,
            start=min(known.start, effect.start),
            end=max(known.end, effect.end),
            amount=known.amount + effect.amount,
            earlier=known.earlier + effect.earlier,
        )
    return replace(change, invoice=effect, one_off=effect.earlier or None)
