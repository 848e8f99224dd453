"""Values as text, and the filters for text and for any value. None passes through most of them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from jinja2 import Undefined

LONGEST = 100_000
"""The most characters that a filter may give, so that no expression fills the memory."""

_PLAIN_EXPONENT = 100
"""Numbers between ten to the minus and the plus this power are written without an exponent."""


def as_text(value: object) -> str:
    """Returns a value as text.

    Days are written as in ISO 8601, decimals without an exponent or trailing zeros, none as an
    empty text, the items of a list with commas between them.
    """
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    return str(value)


def fold(value: object) -> str:
    """Returns the text of a value for a look-up: without case and surrounding spaces."""
    return (value if type(value) is str else as_text(value)).strip().casefold()


def plain(number: Decimal) -> str:
    """Returns a number without trailing zeros and exponent: `12.50` → `12.5`, `1E+2` → `100`."""
    is_plain = -_PLAIN_EXPONENT < number.adjusted() < _PLAIN_EXPONENT
    text = format(number, "f") if is_plain else str(number)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


def truncate_visibly(value: object, length: int) -> str | None:
    """Returns at most `length` characters, ending in … if something was cut off."""
    if value is None:
        return None
    if length < 1:
        raise ValueError("truncate_visibly needs a length of at least 1")
    text = as_text(value)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def trim(value: object) -> str | None:
    """Returns the text without surrounding spaces."""
    return None if value is None else as_text(value).strip()


def lower(value: object) -> str | None:
    """Returns the text in lower case."""
    return None if value is None else as_text(value).lower()


def upper(value: object) -> str | None:
    """Returns the text in upper case."""
    return None if value is None else as_text(value).upper()


def replace(value: object, old: str, new: str) -> str | None:
    """Returns the text with every `old` replaced by `new`.

    Raises `ValueError` if that makes it longer than `LONGEST`.
    """
    if value is None:
        return None
    text = as_text(value)
    growth = text.count(old) * (len(new) - len(old))
    if growth > 0 and len(text) + growth > LONGEST:
        raise ValueError("the text is too long for replace")
    return text.replace(old, new)


def yes_no(value: object) -> str | None:
    """Returns `Yes` or `No`."""
    return None if value is None else ("Yes" if value else "No")


def default(
    value: Any,  # noqa: ANN401 -- any value of a row
    instead: Any = "",  # noqa: ANN401 -- any value of a row
    boolean: bool = False,  # noqa: FBT001, FBT002 -- as in Jinja
) -> Any:  # noqa: ANN401 -- any value of a row
    """Returns `instead` for undefined and for none; with `boolean`, for any false value."""
    if isinstance(value, Undefined) or value is None or (boolean and not value):
        return instead
    return value
