"""Computes the money of days that stay as they are billed although a change is dated earlier.

What is not billed on them is lost; what is billed too much is a credit that is owed.
"""

from collections.abc import Iterable
from decimal import Decimal

from trueup.model.money import exact
from trueup.planning.ledger.planned import EarlierDays, PlannedAdjustment
from trueup.stages import billing
from trueup.stages.append import MergedAdjustment
from trueup.stages.ledger import ServiceLedger


def lost(ledger: ServiceLedger, adjustment: MergedAdjustment) -> Decimal | None:
    """Returns the money between the day of a change and the day from which its units are billed.

    An adjustment moves if days are posted, or have an adjustment already. The units that a
    correction leaves out were entered in the target, perhaps on another day. The amount is negative
    if a credit is owed.

    The day of a change is that of its policy, which was agreed, so nothing is lost by the policy. A
    decrease that waits for an increase which was undone is still due on its own day: until the
    undo, that increase was billed.
    """
    own = [change for change in ledger.changes if change.key in adjustment.keys]
    moved = [(one.units, one.counts_from or one.day) for one in own]
    moved += [(-one.units, one.due) for one in adjustment.cancelled]
    days = [(units, due, adjustment.day) for units, due in moved]
    days += [(one.units, one.due, one.entered or one.due) for one in adjustment.cancelled]
    amounts = (billing.lost(int(units), due, billed, ledger.terms) for units, due, billed in days)
    total = sum((amount for amount in amounts if amount is not None), Decimal(0))
    return exact(total) if total else None


def credit_note(ledger: ServiceLedger, amount: Decimal | None) -> Iterable[str]:
    """Returns the note that names the product for a credit for earlier days."""
    if amount is not None and amount < 0 and ledger.refund:
        target = ledger.systems.target
        yield f"a credit is owed for earlier days: give it as {ledger.refund} in {target}"


def lost_in_all(ledger: ServiceLedger, planned: PlannedAdjustment) -> Decimal | None:
    """Returns the money of all days that stay as they are billed; negative if owed."""
    amount = lost(ledger, planned.adjustment)
    if planned.earlier is None:
        return amount
    return (amount or Decimal(0)) + planned.earlier.amount or None


def earlier_notes(earlier: EarlierDays | None) -> Iterable[str]:
    """Returns the note since when both sides differ."""
    if earlier:
        yield f"both sides differ since {earlier.since}: the days until now stay as they are billed"
