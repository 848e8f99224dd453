"""Converts values to the types of the target's fields, and compares converted values."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any

from trueup.model.catalogue import Field, PickValue, Type

PLACES = Decimal("0.0001")
"""The target keeps money to four places (docs/explanation/autotask.md, section 5)."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:?[0-9]{2}.*)?")
_SMALLEST, _LARGEST = -100, 20
"""Powers of ten that bound a number: neither system holds others, and 1e999999999 costs memory."""


_PLAIN_EXPONENT = 100
"""Numbers between ten to the minus and the plus this power are written without an exponent."""


class CoercionError(ValueError):
    """A value that does not fit its field; the text is the reason."""


def coerce(value: object, field: Field) -> Any:  # noqa: ANN401 -- any value of a record
    """Returns the value in the field's own type; picklist labels become numbers.

    Raises CoercionError. None stays None. Text is trimmed as the target stores it, and refused
    when it is too long.
    """
    if value is None:
        return None
    if field.picklist is not None:
        return _picked(value, field)
    return _FITS[field.type](value, field)


def shown(value: object) -> str:
    """Returns a value for a message: text in quotes and shortened, maps and lists by their kind."""
    if isinstance(value, str):
        return f"{value!r:.60}"
    if value is None or isinstance(value, bool):
        return "nothing" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, Decimal):
        return f"{plain_number(value):.60}"
    return "a list" if isinstance(value, list | tuple) else f"{value!s:.60}"


def plain_number(number: Decimal) -> str:
    """Returns a number without trailing zeros and exponent: `12.50` → `12.5`, `1E+2` → `100`."""
    is_plain = -_PLAIN_EXPONENT < number.adjusted() < _PLAIN_EXPONENT
    text = format(number, "f") if is_plain else str(number)
    text = text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text
    return "0" if text == "-0" else text


def _picked(value: object, field: Field) -> object:
    options = field.picklist or ()
    found = _options(value, options)
    if len(found) > 1:
        found = [option for option in found if option.active] or found[:1]
    if not found:
        known = ", ".join(option.label for option in options[:12])
        known = known or "no entry is known: the catalogue may state `picklistValues`"
        raise CoercionError(f"{shown(value)} is not in the picklist of {field.name} ({known})")
    if len(found) > 1:
        values = ", ".join(str(option.value) for option in found)
        raise CoercionError(
            f"{shown(value)} is {len(found)} entries of the picklist of {field.name}: {values}"
        )
    if not found[0].active:
        raise CoercionError(f"{shown(value)} is an inactive entry of the picklist of {field.name}")
    return found[0].value


def _options(value: object, options: tuple[PickValue, ...]) -> list[PickValue]:
    """Returns matching entries, by label or by value.

    A number is tried as a value first. Case is ignored only if no label fits exactly.
    """
    wanted = plain_number(value) if isinstance(value, Decimal) else str(value).strip()
    by_label = [option for option in options if option.label.strip() == wanted]
    by_label = by_label or [
        option for option in options if option.label.strip().casefold() == wanted.casefold()
    ]
    by_value = [option for option in options if str(option.value).casefold() == wanted.casefold()]
    return (by_label or by_value) if isinstance(value, str) else (by_value or by_label)


def label(value: object, field: Field | None) -> object:
    """Returns the label of a picklist's number; any other value as it is."""
    if field is None or not field.picklist or value is None:
        return value
    return next(
        (option.label for option in field.picklist if str(option.value) == str(value)), value
    )


def pick_table(options: tuple[PickValue, ...]) -> Mapping[object, object]:
    """Labels and values → value, for fast look-up: active entries and unambiguous labels only."""
    active = [option for option in options if option.active]
    table: dict[object, object] = {option.value: option.value for option in active}
    labels = [option.label for option in active]
    table.update(
        {option.label: option.value for option in active if labels.count(option.label) == 1}
    )
    return table


def _text(value: object, field: Field) -> str:
    if isinstance(value, bool | dict | list | tuple):
        raise CoercionError(f"{shown(value)} is not text")
    if isinstance(value, Decimal):
        value = plain_number(to_number(value))
    text = (value.isoformat() if isinstance(value, date) else str(value)).strip()
    if field.max_length is not None and len(text) > field.max_length:
        raise CoercionError(
            f"{field.name} takes {field.max_length} characters, this has {len(text)}"
        )
    return text


def _integer(value: object, field: Field) -> int:
    number = Decimal(int(value)) if isinstance(value, bool) else to_number(value)
    if number != number.to_integral_value():
        raise CoercionError(f"{field.name} takes whole numbers, not {shown(value)}")
    return int(number)


def to_number(value: object) -> Decimal:
    """Returns text, a whole number or a decimal as an exact decimal.

    Raises CoercionError for other values, and for a number out of bounds.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = Decimal(value.strip())
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    else:
        raise CoercionError(f"{shown(value)} is not a number")
    if not number.is_finite():
        raise CoercionError(f"{shown(value)} is not a number")
    if not number:
        return Decimal(0)
    if not _SMALLEST < number.adjusted() < _LARGEST:
        raise CoercionError("this number is out of all range")
    return number


def to_whole(value: object) -> int:
    """Returns text, a whole number or a decimal without a fraction as a whole number.

    Raises CoercionError for other values: a fraction is never cut off.
    """
    number = to_number(value)
    if number != number.to_integral_value():
        raise CoercionError(f"{plain_number(number)} is not whole")
    return int(number)


def _decimal(value: object, _field: Field) -> Decimal:
    return to_number(value).quantize(PLACES, ROUND_HALF_UP)


BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Texts for yes and no, in lower case."""


def _boolean(value: object, field: Field) -> bool:
    meaning = BOOLEANS.get(str(value).strip().casefold())
    if meaning is None:
        raise CoercionError(f"{field.name} is yes or no, not {shown(value)}")
    return meaning


def _day(value: object, field: Field) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return to_day(str(value))
    except CoercionError as fault:
        raise CoercionError(f"{fault} for {field.name}") from None


def to_day(text: str) -> date:
    """Returns the day in `2026-11-15`, with or without a time after it. Raises CoercionError."""
    try:
        if _DAY.fullmatch(text.strip()):
            return datetime.fromisoformat(text.strip().upper()).date()
    except ValueError:
        pass
    raise CoercionError(f"{text!r} is not a day (2026-11-15)")


def _instant(value: object, field: Field) -> datetime:
    if isinstance(value, datetime):
        instant = value
    elif isinstance(value, date):
        instant = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            raise CoercionError(f"{shown(value)} is not a point in time for {field.name}") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_FITS = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DAY: _day,
    Type.INSTANT: _instant,
    Type.LOOKUP: _text,
    Type.CHOICE: _text,
}


def same(desired: object, actual: object) -> bool:
    """Returns whether two coerced values are equal: text without outer spaces, "" as None."""
    if desired == actual:
        return True
    if isinstance(desired, str) or isinstance(actual, str):
        return _bare(desired) == _bare(actual)
    return False


def _bare(value: object) -> object:
    return (value.replace("\r\n", "\n").strip() or None) if isinstance(value, str) else value


def empty(value: object) -> bool:
    """Returns whether the value is None or has no content."""
    return value is None or value == ""


def fingerprint(values: Mapping[str, object]) -> str:
    """Returns sixteen hex digits that depend on all values; 1.5 and 1.50 count as equal."""
    text = "\n".join(f"{name}={_plain(values[name])!r}" for name in sorted(values))
    return sha256(text.encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    """Returns decimals without trailing zeros."""
    text = str(value) if isinstance(value, Decimal) else ""
    return Decimal(text.rstrip("0").rstrip(".")) if "." in text and "E" not in text else value
