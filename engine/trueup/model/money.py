"""The precision of amounts of money."""

from decimal import ROUND_HALF_UP, Context, Decimal

PLACES = Decimal("0.00000001")
"""Amounts are kept to so many places: sums of them are exact, and JSON holds them as numbers."""


_LARGE = Context(prec=400, rounding=ROUND_HALF_UP)
"""Room for products of absurd values: a source's number has at most 40 digits."""


def exact(amount: Decimal) -> Decimal:
    """Returns the amount with the precision of plans; only renderers round it further."""
    return rounded(amount, PLACES)


def rounded(amount: Decimal, places: Decimal) -> Decimal:
    """Returns the amount with as many places as `places` has, halves away from zero."""
    return amount.quantize(places, context=_LARGE)
