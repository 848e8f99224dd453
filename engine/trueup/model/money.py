"""The precision of amounts of money, and how one is written."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

SYMBOLS: Mapping[str, str] = {"GBP": "£", "EUR": "€", "USD": "$"}
"""The signs of currencies; others are written by their codes."""

PLACES = Decimal("0.00000001")
"""Amounts are kept to so many places: sums of them are exact, and JSON holds them as numbers."""


_CENT = Decimal("0.01")
_LARGE = Context(prec=400, rounding=ROUND_HALF_UP)
"""Room for products of absurd values: a source's number has at most 40 digits."""


def exact(amount: Decimal) -> Decimal:
    """Returns the amount with the precision of plans; only renderers round it further."""
    return rounded(amount, PLACES)


def money_text(amount: Decimal, currency: str, *, signed: bool = False) -> str:
    """Returns `£1,250.40`, its sign in front if `signed` or negative; other currencies by code."""
    cents = rounded(amount, _CENT)
    sign = "-" if cents < 0 else "+" if signed and cents > 0 else ""
    unit = SYMBOLS.get(currency, f"{currency} " if currency else "")
    return f"{sign}{unit}{abs(cents):,.2f}"


def rounded(amount: Decimal, places: Decimal) -> Decimal:
    """Returns the amount with as many places as `places` has, halves away from zero."""
    return amount.quantize(places, context=_LARGE)
