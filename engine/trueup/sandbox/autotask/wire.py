"""Converts values: leniently from a request, to their stored form, and to the form of a response.

Stored are whole numbers, floats (decimals of four places), 0 and 1 for booleans, text, days as
`YYYY-MM-DD`, and instants as `YYYY-MM-DDTHH:MM:SS.mmm` in UTC, so that their text order is the
order in time. Source: docs/explanation/autotask.md, section 5.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from trueup.model.catalogue import Entity, Field, Type
from trueup.sandbox.autotask.switches import Switches

StoredValue = int | float | str | None

_INSTANT = re.compile(
    r"""
    (\d{4}-\d{2}-\d{2})                             # day
    (?:[T\ ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?)  # time
       \s*(Z|[+-]\d{2}:?\d{2})?)?\Z                 # offset
    """,
    re.IGNORECASE | re.ASCII | re.VERBOSE,
)
_WHOLE = re.compile(r"\s*[+-]?\d{1,19}\s*\Z")
_LARGEST_ID = 1 << 63
_LIMITS = {"short": 1 << 15, "integer": 1 << 31, "long": 1 << 63}
_FOUR_PLACES = Decimal("0.0001")
_LARGEST_DECIMAL = Decimal(10) ** 15  # from here on a float would lose the four places
_TYPE_NAMES = {Type.TEXT: "string", Type.DECIMAL: "decimal", Type.BOOLEAN: "boolean"}


class ConversionError(ValueError):
    """A value does not have its field's type; the text is that of SQL Server."""


def data_type(field: Field) -> str:
    """Returns the name that Autotask has for a field's type."""
    if field.data_type:
        return field.data_type
    if field.type in {Type.DAY, Type.INSTANT}:
        return "datetime"
    return _TYPE_NAMES.get(field.type, "long" if field.name == "id" else "integer")


def to_stored(field: Field, value: object) -> StoredValue:
    """Returns a value of a request in its stored form. Raises `ConversionError`."""
    return None if value is None else _CONVERTERS[field.type](field, value)


def as_id(value: object) -> int | None:
    """Returns a record's id, given as a number or as text; None if it cannot be an id."""
    number = _as_whole(value) if not isinstance(value, bool) else None
    return number if number is not None and abs(number) < _LARGEST_ID else None


def instant_text(moment: datetime) -> str:
    """Returns an instant in its stored form."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")


def _integer(field: Field, value: object) -> int:
    number = _as_whole(value)
    if number is None:
        raise ConversionError(
            f"Conversion failed when converting the varchar value '{value}' to data type int."
        )
    limit = _LIMITS.get(data_type(field), 1 << 63)
    if not -limit <= number < limit:
        raise ConversionError(f"The conversion of the value '{value}' overflowed an int column.")
    return number


def _as_whole(value: object) -> int | None:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    return None


def _decimal(field: Field, value: object) -> float:
    try:
        number = Decimal(str(value).strip()) if not isinstance(value, bool | list | dict) else None
    except DecimalException:
        number = None
    if number is None or not number.is_finite():
        raise ConversionError("Error converting data type varchar to numeric.")
    if abs(number) >= _LARGEST_DECIMAL:
        raise ConversionError(
            f"Arithmetic overflow error converting numeric to data type money: {field.name}."
        )
    return float(number.quantize(_FOUR_PLACES, ROUND_HALF_UP))


def _boolean(field: Field, value: object) -> int:
    if isinstance(value, bool | int | str):
        word = str(value).strip().lower()
        if word in {"true", "1"}:
            return 1
        if word in {"false", "0"}:
            return 0
    raise ConversionError(
        f"The value '{value}' is not valid for {field.name}: a boolean is expected."
    )


def _text(field: Field, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float) and _can_be_stored(str(value)):
        return str(value)
    raise ConversionError(f"The value of {field.name} is not valid: text is expected.")


def _can_be_stored(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _day(field: Field, value: object) -> str:
    """A day is the date part as it is written: days have no time zone, whatever the offset."""
    _instant(field, value)  # the rest must be valid anyway
    return str(value)[:10]


def _instant(_field: Field, value: object) -> str:
    match = _INSTANT.match(value) if isinstance(value, str) else None
    if match:
        day, time, offset = match.groups()
        offset = (offset or "Z").upper().replace("Z", "+00:00")
        text = f"{day}T{_with_milliseconds(time or '00:00')}{offset}"
        with suppress(ValueError, OverflowError):  # a date or time that does not exist
            return instant_text(datetime.fromisoformat(text).astimezone(UTC))
    raise ConversionError(
        "Conversion failed when converting date and/or time from character string."
    )


def _with_milliseconds(time: str) -> str:
    head, _, fraction = time.partition(".")
    return f"{head}.{fraction[:3]:0<3}" if fraction else head


_CONVERTERS: dict[Type, Callable[[Field, object], StoredValue]] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DAY: _day,
    Type.INSTANT: _instant,
}

Formatter = Callable[[Any], Any]
"""Formats a stored value, never None, for a response."""


def formatters(entity: Entity, switches: Switches) -> dict[str, Formatter]:
    """Returns formatters by field, for the fields whose response form is not the stored one."""
    date_times = switches["date_times"]
    ending = {"z": "Z", "milliseconds": ".000Z", "trimmed": "Z", "bare": ""}[date_times]
    by_type: dict[Type, Formatter] = {
        Type.BOOLEAN: bool,
        Type.DECIMAL: float,
        Type.DAY: lambda day: f"{day}T00:00:00{ending}",
        Type.INSTANT: _INSTANT_FORMATTERS[date_times],
    }
    return {
        name: by_type[field.type] for name, field in entity.fields.items() if field.type in by_type
    }


_INSTANT_FORMATTERS: dict[str, Formatter] = {
    "z": lambda stored: f"{stored[:19]}Z",
    "milliseconds": lambda stored: f"{stored}Z",
    "trimmed": lambda stored: f"{stored.rstrip('0').rstrip('.')}Z",
    "bare": str,
}
