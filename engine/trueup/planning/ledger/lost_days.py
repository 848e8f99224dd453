"""Days that stay as they are billed although a change is dated before them.

What is not billed on them is lost; what is billed too much is a credit that is owed.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from trueup.model.money import exact
from trueup.model.units import DAY
from trueup.planning.ledger.other_steps import UnitStep
from trueup.stages import billing
from trueup.stages.append import MergedAdjustment
from trueup.stages.ledger import ServiceLedger


class LostDays(NamedTuple):
    """Units that are billed too little on some days; negative: too many."""

    units: Decimal
    first: date
    last: date


def lost(
    ledger: ServiceLedger, adjustment: MergedAdjustment, entered_later: Iterable[LostDays] = ()
) -> Decimal | None:
    """Money of the days between the day of a change and the day on which its units are billed.

    An adjustment moves where days are posted, or have taken one. What a correction leaves out of it
    was entered in the target on another day: `entered_later`. The amount is negative where a
    credit is owed. The day of a change is that of its policy, by which nothing is lost: it is what
    was agreed.
    """
    moved = [(one.day, one.units) for one in ledger.changes if one.key in adjustment.keys]
    moved += [(due, -units) for due, units in adjustment.cancelled]
    days = [LostDays(units, due, adjustment.day - DAY) for due, units in moved]
    days += entered_later
    amounts = [
        billing.amount(int(one.units), one.first, one.last, ledger.terms)
        for one in days
        if one.first <= one.last
    ]
    total = sum((amount for amount in amounts if amount is not None), Decimal(0))
    return exact(total) if total else None


def entered_later(
    cancelled: Sequence[tuple[date, Decimal]], steps: Sequence[UnitStep]
) -> list[LostDays]:
    """The days between the days of changes, and those on which somebody entered their units.

    `cancelled`: units of changes that a correction leaves out, by day; `steps`: what others entered
    in the target. What was there before the first of these days was entered in time.
    """
    if not cancelled:
        return []
    begin, none = min(day for day, _ in cancelled), Decimal(0)
    total = sum((units for _, units in cancelled), none)
    days = {day for day, _ in cancelled} | {step.day for step in steps if step.day > begin}
    found = []
    for first, following in pairwise(sorted(days)):
        due_later = sum((units for day, units in cancelled if day > first), none)
        missing = sum((step.units for step in steps if step.day > first), none)
        missing = max(min(missing, max(total, none)), min(total, none))
        if missing != due_later:
            found.append(LostDays(missing - due_later, first, following - DAY))
    return found


def credit_note(ledger: ServiceLedger, amount: Decimal | None) -> Iterable[str]:
    """Names the product under which a credit for earlier days is given."""
    if amount is not None and amount < 0 and ledger.refund:
        target = ledger.systems.target
        yield f"a credit is owed for earlier days: give it as {ledger.refund} in {target}"
