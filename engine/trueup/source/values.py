r"""One raw value of a file, Dataverse or a database becomes a value of its column's type.

The types are those of `model.catalogue.Type`. A value that cannot be read as its type raises
`InvalidValue`; nothing is guessed.

- Empty text becomes `None`: Dataverse stores no empty texts.
- Text loses terminal escapes and control characters (except newline and tab), and `\r\n` becomes
  `\n`; HTML stays, as data. A column whose text lost something is listed, see `CleanedColumns`.
- Keys and look-ups that are GUIDs become lower case without braces, so that exports of different
  tools refer to each other. Other keys stay as they are.
- Decimals are exact and without trailing zeros, so that `10.50` and `10.5` are one value.
- A choice is known by its number. Where its display text is present and is one of the catalogue's
  labels, the text counts instead, because the numbers may differ from tenant to tenant.
- Days and instants: see `dates`.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from trueup.model.catalogue import Column, Type
from trueup.model.clean_text import clean_text, unify_line_ends
from trueup.source.dates import day_converter, instant_converter
from trueup.source.errors import InvalidValue
from trueup.source.text import canonical_key, shown

Convert = Callable[[object, object], object]
"""Takes a raw value and its display text (or None), returns the value. Raises `InvalidValue`."""

CleanedColumns = list[str]
"""Names of columns whose text lost characters on reading; the caller empties it after each row."""

LONGEST_NUMBER = 40
"""Digits before and after the point, together. Dataverse allows fewer."""

LONGEST_TEXT = 1_048_576
"""Characters of a text: as many as a column of Dataverse for several lines may have at most.

A longer one is no text of Work 365. To compare it with all others would take gigabytes.
"""

LONGEST_KEY = 1_000
"""Characters of a key. One of Dataverse has 36, and a plan names that of a row ten times."""

LONGEST_NUMERAL = 1_000
"""Characters of a number as it is written, with blanks and zeros.

A longer one is not looked at: the digits of a `Decimal`, one by one, take eight times its size.
"""

_TOO_LARGE = 10**LONGEST_NUMBER
_CANONICAL_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_CHOICE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def converter_for(
    column: Column, zone: ZoneInfo, cleaned: CleanedColumns, *, key: bool = False
) -> Convert:
    """Returns the converter of one column.

    `zone` is the business time zone; `key` marks the column that identifies a row.
    """
    if key or column.type is Type.LOOKUP:
        return _as_key
    makers: Mapping[Type, Callable[[], Convert]] = {
        Type.TEXT: lambda: _text_converter(column.name, cleaned),
        Type.INTEGER: lambda: _as_integer,
        Type.DECIMAL: lambda: _as_decimal,
        Type.BOOLEAN: lambda: _boolean_converter(column),
        Type.DAY: lambda: day_converter(zone),
        Type.INSTANT: lambda: instant_converter(zone),
        Type.CHOICE: lambda: _choice_converter(column),
    }
    return makers[column.type]()


def choice_number(value: object) -> int | None:
    """Returns the number of a choice as files write it (`1`, `"1"`), None for anything else."""
    text = str(value).strip()
    return int(text) if _CHOICE_NUMBER.fullmatch(text) else None


def _text_converter(name: str, cleaned: CleanedColumns) -> Convert:
    def as_text(value: object, _display: object) -> object:
        if type(value) is not str:
            return _number_as_text(value)
        if len(value) > LONGEST_TEXT:
            raise InvalidValue(
                f"{shown(value)} is a text of {len(value):,} characters, and at most "
                f"{LONGEST_TEXT:,} are read"
            )
        if value.isprintable():
            return value
        text = clean_text(value)
        if text != unify_line_ends(value):
            cleaned.append(name)
        return text or None

    return as_text


def _number_as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidValue(f"{shown(value)} is not text")
    return str(value)


def _as_key(value: object, _display: object) -> object:
    if type(value) is str and _CANONICAL_GUID(value):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidValue(f"{shown(value)} is not a key")
    text = str(value)
    if len(text) > LONGEST_KEY:
        raise InvalidValue(
            f"{shown(value)} is a key of {len(text):,} characters, and at most "
            f"{LONGEST_KEY:,} are read"
        )
    return canonical_key(text) or None


def _as_integer(value: object, display: object) -> object:
    if type(value) is int and -_TOO_LARGE < value < _TOO_LARGE:
        return value
    number = _as_decimal(value, display)
    if not isinstance(number, Decimal) or number != int(number):
        raise InvalidValue(f"{shown(value)} is not a whole number")
    return int(number)


def _as_decimal(value: object, _display: object) -> object:
    if type(value) is int:
        number = Decimal(value)
        return number if -_TOO_LARGE < value < _TOO_LARGE else _exact(number, value)
    if isinstance(value, str) and len(value) > LONGEST_NUMERAL:
        raise _too_long(value, value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return _exact(Decimal(value.strip()), value)
    if isinstance(value, Decimal) and value.is_finite():
        return _exact_decimal(value)
    raise InvalidValue(f"{shown(value)} is not a number")


@lru_cache(maxsize=16384)
def _exact_decimal(number: Decimal) -> Decimal:
    text = str(number)
    if len(text) > LONGEST_NUMERAL:
        raise _too_long(number, text)
    return _exact(number, number)


def _too_long(raw: object, text: str) -> InvalidValue:
    return InvalidValue(
        f"{shown(raw)} has {len(text):,} characters, and a number has at most {LONGEST_NUMERAL:,}"
    )


def _exact(number: Decimal, raw: object) -> Decimal:
    """The number without trailing zeros and without an exponent; `raw` is for the message."""
    if not number:
        return Decimal(0)
    _, digits, exponent = number.as_tuple()
    if max(len(digits), len(digits) + int(exponent), -int(exponent)) > LONGEST_NUMBER:
        raise InvalidValue(f"{shown(raw)} is a number with more than {LONGEST_NUMBER} digits")
    is_plain = not exponent or (int(exponent) < 0 and digits[-1] != 0)
    return number if is_plain else _plain(number)


@lru_cache(maxsize=4096)
def _plain(number: Decimal) -> Decimal:
    sign, digits, exponent = number.as_tuple()
    kept, power = list(digits), int(exponent)

    while power < 0 and kept[-1] == 0:
        kept.pop()
        power += 1
    if power > 0:
        kept += [0] * power
        power = 0
    return Decimal((sign, tuple(kept), power))


def _boolean_converter(column: Column) -> Convert:
    name = column.name.replace("_", " ").casefold()
    meanings = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    # A choice of two, such as Billable and Non-Billable: the column's own name means yes.
    meanings |= {name: True} | dict.fromkeys((f"non-{name}", f"non {name}", f"not {name}"), False)

    def as_boolean(value: object, display: object) -> object:
        if isinstance(value, bool):
            return value
        number = choice_number(value)
        label = column.choices.get(number) if number is not None else None
        for candidate in (display, label, value):
            word = str(candidate).strip().casefold()
            if word in meanings:
                return meanings[word]
        raise InvalidValue(f"{shown(value)} is neither yes nor no")

    return as_boolean


def _choice_converter(column: Column) -> Convert:
    """Converts a choice, given as its label or its number, to the label that the catalogue has.

    The label that the source shows goes before the number. Of a column without listed choices, any
    label is one.
    """
    labels = {label.casefold(): label for label in column.choices.values()}

    @lru_cache(maxsize=4096)
    def label_of(value: object, display: str | None) -> str:
        number = choice_number(value)
        by_number = column.choices.get(number) if number is not None else None
        label = _own_label(display, labels) or _own_label(value, labels) or by_number
        if label is None and not labels:
            label = clean_text(str(value if display is None else display))
        if not label:
            choices = ", ".join(column.choices.values()) or "its choices"
            raise InvalidValue(f"{shown(value)} is not one of {choices}")
        return label

    def as_choice(value: object, display: object) -> object:
        if type(value) is int and display is None:
            return label_of(value, None)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidValue(f"{shown(value)} is not a choice")
        return label_of(value, display if isinstance(display, str) else None)

    return as_choice


def _own_label(text: object, labels: Mapping[str, str]) -> str | None:
    return labels.get(text.strip().casefold()) if isinstance(text, str) else None
