"""How exact amounts of money are."""

from decimal import ROUND_HALF_UP, Decimal

PLACES = Decimal("0.00000001")
"""Amounts are kept to so many places: sums of them are exact, and JSON holds them as numbers."""


def exact(amount: Decimal) -> Decimal:
    """The amount as plans keep it; only renderers round it further."""
    return amount.quantize(PLACES, ROUND_HALF_UP)
