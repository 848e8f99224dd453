"""Filters and tests for numbers. None passes through a filter."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from trueup.model.coerce import to_number, to_whole


def to_int(value: object) -> int | None:
    """Returns a whole number. Raises `ValueError` for a fraction, which is never cut off."""
    return None if value is None else to_whole(value)


def to_decimal(value: object) -> Decimal | None:
    """Returns a decimal number, exactly as written."""
    return None if value is None else to_number(value)


def rounded(value: object, places: int = 0) -> Decimal | None:
    """Returns the number rounded to `places`, halves away from zero, as on an invoice."""
    if value is None:
        return None
    return to_number(value).quantize(Decimal(1).scaleb(-to_whole(places)), ROUND_HALF_UP)


def absolute(value: Any) -> Any:  # noqa: ANN401 -- int or Decimal, as the value is
    """Returns the number without its sign."""
    return None if value is None else abs(value)


def floor(value: object) -> int | None:
    """Returns the largest whole number that is not above the number."""
    return None if value is None else int(to_number(value).to_integral_value(ROUND_FLOOR))


def ceiling(value: object) -> int | None:
    """Returns the smallest whole number that is not below the number."""
    return None if value is None else int(to_number(value).to_integral_value(ROUND_CEILING))


def money(value: object) -> str:
    """Returns an amount with two places and separated thousands: `1,234.50`."""
    if value is None:
        return "unknown"
    amount = to_number(value).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{amount or abs(amount):,f}"  # without -0.00


def is_number(value: object) -> bool:
    """Returns whether it is a number; yes, no and text are none."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def is_whole(value: object) -> bool:
    """Returns whether it is a number without a fraction."""
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return is_number(value)
