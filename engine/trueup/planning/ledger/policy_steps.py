"""Checks whether a policy gives a change the same units on all days after it.

A change is translated by itself, on the quantities at its end of the queue. If later changes are
billed already, a minimum or included units may give other units before and after them: one
adjustment cannot bill both, so a person names the day.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from trueup.planning.ledger.policies import Policy
from trueup.stages.ledger import PendingUnits

_WHY = "policy, and a later change is billed already: the units differ before and after it"


def without_uneven(
    policy: Policy,
    billed: Sequence[PendingUnits],
    pending: Sequence[PendingUnits],
    settled: Sequence[PendingUnits],
    quantity: Decimal,
    named: Sequence[str],
) -> list[PendingUnits]:
    """Returns the `billed` changes; those whose units differ by day need a named day.

    `pending` and `settled` are in units of the source, `quantity` is the sum. `named` are the keys
    of changes for which a decision names a day.
    """
    first = min((one.day for one in pending), default=date.max)
    later = [one for one in settled if one.day > first]
    if policy.keeps_quantities or not later or all(one.key in named for one in pending):
        return [*billed]
    units = {one.key: one.units for one in billed}
    without = quantity - sum((one.units for one in pending), Decimal(0))

    def is_even(day: date) -> bool:
        should_be = policy.units(quantity - _after(day, (*pending, *later)))
        sent = sum((units[one.key] for one in pending if one.day <= day), Decimal(0))
        return should_be == policy.units(without - _after(day, later)) + sent

    if all(is_even(one.day) for one in (*pending, *later) if one.day >= first):
        return [*billed]
    return [
        one if one.key in named or one.needs_day else replace(one, needs_day=_WHY) for one in billed
    ]


def _after(day: date, changes: Sequence[PendingUnits]) -> Decimal:
    return sum((change.units for change in changes if change.day > day), Decimal(0))
