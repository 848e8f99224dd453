"""Values on the wire and in the store: read leniently, kept typed, shown in Autotask's forms.

Kept are: whole numbers, floats (decimals of four places), 0 and 1, text, days as `YYYY-MM-DD`, and
instants as `YYYY-MM-DDTHH:MM:SS.mmm` in UTC, so that text order is the order in time.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from engine.model.catalogue import Entity, Field, Type
from engine.sandbox.switches import Switches

Stored = int | float | str | None

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,7})?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?\Z",
    re.IGNORECASE | re.ASCII,
)
_WHOLE = re.compile(r"\s*[+-]?\d{1,19}\s*\Z")
_LIMITS = {"short": 1 << 15, "integer": 1 << 31, "long": 1 << 63}
_FOUR_PLACES = Decimal("0.0001")
_LARGEST = Decimal(10) ** 15  # the service keeps money; beyond this a float would lose the places


class Unfit(ValueError):
    """A value that is not of its field's type; the text is what SQL Server says."""


def data_type(field: Field) -> str:
    """Autotask's word for the type of a field."""
    if field.data_type:
        return field.data_type
    words = {Type.TEXT: "string", Type.DECIMAL: "decimal", Type.BOOLEAN: "boolean"}
    if field.type in {Type.DAY, Type.INSTANT}:
        return "datetime"
    return words.get(field.type, "long" if field.name == "id" else "integer")


def stored(field: Field, value: object) -> Stored:
    """The value as it is kept, from JSON that may be lenient. Raises Unfit."""
    return None if value is None else _READERS[field.type](field, value)


def _whole(field: Field, value: object) -> int:
    number = _as_whole(value)
    if number is None:
        raise Unfit(f"Conversion failed when converting the varchar value '{value}' to data type int.")
    limit = _LIMITS.get(data_type(field), 1 << 63)
    if not -limit <= number < limit:
        raise Unfit(f"The conversion of the value '{value}' overflowed an int column.")
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
        raise Unfit("Error converting data type varchar to numeric.")
    if abs(number) >= _LARGEST:
        raise Unfit(f"Arithmetic overflow error converting numeric to data type money: {field.name}.")
    return float(number.quantize(_FOUR_PLACES, ROUND_HALF_UP))


def _boolean(field: Field, value: object) -> int:
    word = str(value).strip().lower()
    if isinstance(value, bool | int | str) and word in {"true", "1"}:
        return 1
    if isinstance(value, bool | int | str) and word in {"false", "0"}:
        return 0
    raise Unfit(f"The value '{value}' is not valid for {field.name}: a boolean is expected.")


def _text(field: Field, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        text = str(value)
        if _storable(text):
            return text
    raise Unfit(f"The value of {field.name} is not valid: text is expected.")


def _storable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _day(field: Field, value: object) -> str:
    """The date part as it stands: days know no time zone, whatever designator they wear."""
    _instant(field, value)  # it must be a right one all the same
    return str(value)[:10]


def _instant(field: Field, value: object) -> str:
    match = _INSTANT.match(value) if isinstance(value, str) else None
    if not match:
        return _no_date(field)
    day, time, zone = match.groups()
    offset = (zone or "Z").upper().replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(f"{day}T{_milliseconds(time or '00:00')}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        return _no_date(field)
    return instant_text(moment)


def as_id(said: object) -> int | None:
    """A record's id as a number or as text; none if it can be no id."""
    number = _as_whole(said) if not isinstance(said, bool) else None
    return number if number is not None and abs(number) < 1 << 63 else None


def _milliseconds(time: str) -> str:
    head, _, fraction = time.partition(".")
    return f"{head}.{fraction[:3]:0<3}" if fraction else head


def _no_date(field: Field) -> str:
    del field
    raise Unfit("Conversion failed when converting date and/or time from character string.")


def instant_text(moment: datetime) -> str:
    """An aware moment as it is kept."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")


_READERS: dict[Type, Callable[[Field, object], Stored]] = {
    Type.TEXT: _text,
    Type.INTEGER: _whole,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DAY: _day,
    Type.INSTANT: _instant,
}

Shower = Callable[[Any], Any]


def showers(entity: Entity, switches: Switches) -> dict[str, Shower]:
    """For each field that is not shown as it is kept, what makes the shown value of a kept one (never null)."""
    ending = {"z": "Z", "milliseconds": ".000Z", "bare": ""}[switches["date_times"]]
    by_type: dict[Type, Shower] = {
        Type.BOOLEAN: bool,
        Type.DECIMAL: float,
        Type.DAY: lambda day: f"{day}T00:00:00{ending}",
        Type.INSTANT: _INSTANTS[switches["date_times"]],
    }
    return {name: by_type[field.type] for name, field in entity.fields.items() if field.type in by_type}


_INSTANTS: dict[str, Shower] = {
    "z": lambda kept: f"{kept[:19]}Z",
    "milliseconds": lambda kept: f"{kept}Z",
    "bare": str,
}
