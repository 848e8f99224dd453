"""A raw value, as a file, Dataverse or a database has it, in; a value as `model.catalogue.Type` says out.

What cannot be read as its type raises `Misfit` in words for people, never a guess:

- Empty text is none: Dataverse keeps no empty texts.
- Text loses terminal escapes and control characters (except newline and tab), and `\r\n` becomes `\n`;
  HTML stays, as data. Losing something is noted, see `Notes`.
- Keys and lookups that are GUIDs are lower-cased and lose braces, so that exports made by different
  tools refer to each other; other keys are taken as they stand.
- Decimals are exact and without trailing zeros, so that `10.50` and `10.5` are one value.
- A choice is known by its number; where its display text is at hand and is one of our labels, by that,
  for numbers may differ from tenant to tenant.
- A day may be written as an instant. Midnight UTC is a day without a time zone, any other instant belongs
  to its day in the business time zone (Dataverse's UserLocal columns: a local midnight, in UTC).
- An instant is told in the business time zone, so that its day is the day on which people saw it happen.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.model.catalogue import Column, Type

Convert = Callable[[object, object], object]
"""Raw value and display text (or none) in, value out; raises Misfit."""

Notes = list[str]
"""Names of columns whose text lost something on reading; the caller empties it row by row."""


class Misfit(ValueError):
    """A value is not what its column holds; the text says so, for people."""


class Moved(Misfit):
    """A row is not any more what the plan was made from."""


LONGEST_NUMBER = 40
"""Digits before and after the point, together; Dataverse's own limit is below."""

_TOO_MUCH = 10**LONGEST_NUMBER
_GUID = re.compile(r"\{?([0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})\}?")
_CANONICAL = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_CODE = re.compile(r"-?[0-9]{1,18}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_PLAIN_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z").fullmatch
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|\x9b[0-?]*[ -/]*[@-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_TRUE = frozenset({"true", "yes", "1"})
_FALSE = frozenset({"false", "no", "0"})


def convert_for(column: Column, zone: ZoneInfo, notes: Notes, *, key: bool = False) -> Convert:
    """The way in for one column; `key` for the column that identifies a row."""
    if key or column.type is Type.LOOKUP:
        return _as_key
    makers: Mapping[Type, Callable[[], Convert]] = {
        Type.TEXT: lambda: _text_for(column.name, notes),
        Type.INTEGER: lambda: _as_integer,
        Type.DECIMAL: lambda: _as_decimal,
        Type.BOOLEAN: lambda: _boolean_for(column),
        Type.DAY: lambda: _day_for(zone),
        Type.INSTANT: lambda: _instant_for(zone),
        Type.CHOICE: lambda: _choice_for(column),
    }
    return makers[column.type]()


def shown(value: object) -> str:
    """A value in a message, as a file would have it: short, on one line, harmless on a terminal."""
    text = clean(_written(value)).replace("\n", " ")
    short = text if len(text) <= LONGEST_NUMBER else text[:LONGEST_NUMBER] + "…"
    return f'"{short}"' if isinstance(value, str) else short


def _written(value: object) -> str:
    """Not as Python writes it: `true`, `{"a": 1}`, `1.5`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, default=_written)
    if isinstance(value, date):
        return value.isoformat()
    return "binary data" if isinstance(value, bytes | bytearray | memoryview) else str(value)


def clean(text: str) -> str:
    """The text without terminal escapes, control characters and halves of characters."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", _ESCAPES.sub("", plain))


def same_key(text: str) -> str:
    """The one way to write a key: GUIDs in lower case, without braces."""
    key = text.strip()
    guid = _GUID.fullmatch(key)
    return guid[1].lower() if guid else clean(key)


def _text_for(name: str, notes: Notes) -> Convert:
    def as_text(value: object, _note: object) -> object:
        if type(value) is not str:
            return _number_as_text(value)
        if value.isprintable():
            return value
        text = clean(value)
        if text != value.replace("\r\n", "\n").replace("\r", "\n"):
            notes.append(name)
        return text or None

    return as_text


def _number_as_text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Misfit(f"{shown(value)} is not text")
    return str(value)


def _as_key(value: object, _note: object) -> object:
    if type(value) is str and _CANONICAL(value):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Misfit(f"{shown(value)} is not a key")
    return same_key(str(value)) or None


def _as_integer(value: object, note: object) -> object:
    if type(value) is int:
        return value
    number = _as_decimal(value, note)
    if not isinstance(number, Decimal) or number != int(number):
        raise Misfit(f"{shown(value)} is not a whole number")
    return int(number)


def _as_decimal(value: object, _note: object) -> object:
    if type(value) is int and -_TOO_MUCH < value < _TOO_MUCH:
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return _exact(Decimal(value.strip()), value)
    if isinstance(value, Decimal) and value.is_finite():
        return _exact_decimal(value)
    raise Misfit(f"{shown(value)} is not a number")


@lru_cache(maxsize=16384)
def _exact_decimal(number: Decimal) -> Decimal:
    return _exact(number, number)


def _exact(number: Decimal, raw: object) -> Decimal:
    if not number:
        return Decimal(0)
    _, digits, exponent = number.as_tuple()
    if max(len(digits), len(digits) + int(exponent), -int(exponent)) > LONGEST_NUMBER:
        raise Misfit(f"{shown(raw)} is not a number that can be worked with")
    return _plain(number) if exponent and (int(exponent) > 0 or digits[-1] == 0) else number


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


def _boolean_for(column: Column) -> Convert:
    name = column.name.replace("_", " ").casefold()
    words = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
    # A choice of two, such as Billable and Non-Billable: the column's own name is yes.
    words |= {name: True} | dict.fromkeys((f"non-{name}", f"non {name}", f"not {name}"), False)

    def as_boolean(value: object, note: object) -> object:
        if isinstance(value, bool):
            return value
        number = choice_number(value)
        said = column.choices.get(number) if number is not None else None
        for each in (note, said, value):
            word = str(each).strip().casefold()
            if word in words:
                return words[word]
        raise Misfit(f"{shown(value)} is neither yes nor no")

    return as_boolean


def _day_for(zone: ZoneInfo) -> Convert:
    @lru_cache(maxsize=65536)
    def parsed(text: str) -> date:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return day_of(_utc(text), zone)

    def as_day(value: object, _note: object) -> object:
        if isinstance(value, datetime):
            return day_of(value, zone) if value.tzinfo else value.date()
        if isinstance(value, date):
            return value
        try:
            return parsed(str(value).strip())
        except (ValueError, OverflowError):
            raise Misfit(f"{shown(value)} is not a day (YYYY-MM-DD)") from None

    return as_day


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The day that an instant stands for in a column of days."""
    utc = instant.astimezone(UTC)
    return utc.date() if utc.timetz() == time(0, tzinfo=UTC) else utc.astimezone(zone).date()


def _instant_for(zone: ZoneInfo) -> Convert:
    def local(value: object, note: object) -> datetime:
        try:
            there = as_instant(value, note).astimezone(zone)
        except OverflowError:
            raise Misfit(f"{shown(value)} is an instant out of all range") from None
        # With the offset instead of the zone: in the hour that comes twice a year two moments would be the same.
        return there.replace(tzinfo=timezone(there.utcoffset() or timedelta()), fold=0)

    return local


def as_instant(value: object, _note: object) -> datetime:
    """The moment, in UTC. Raises Misfit."""
    if type(value) is str and _PLAIN_INSTANT(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    try:
        if isinstance(value, str) and _INSTANT.fullmatch(value.strip()):
            return _utc(value.strip())
    except (ValueError, OverflowError):
        pass
    raise Misfit(f"{shown(value)} is not an instant (YYYY-MM-DDThh:mm:ssZ)")


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def _choice_for(column: Column) -> Convert:
    labels = {label.casefold(): label for label in column.choices.values()}

    @lru_cache(maxsize=4096)
    def known(value: object, note: str | None) -> str:
        number = choice_number(value)
        numbered = column.choices.get(number) if number is not None else None
        label = _label(note, labels) or _label(value, labels) or numbered
        if label is None and not labels:
            label = clean(str(value if note is None else note))
        if not label:
            raise Misfit(f"{shown(value)} is not one of {', '.join(column.choices.values()) or 'its choices'}")
        return label

    def as_choice(value: object, note: object) -> object:
        if type(value) is int and note is None:
            return known(value, None)
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise Misfit(f"{shown(value)} is not a choice")
        return known(value, note if isinstance(note, str) else None)

    return as_choice


def _label(said: object, labels: Mapping[str, str]) -> str | None:
    return labels.get(said.strip().casefold()) if isinstance(said, str) else None


def choice_number(value: object) -> int | None:
    """The number of a choice as files write it (`1`, `"1"`), none for anything else."""
    text = str(value).strip()
    return int(text) if _CODE.fullmatch(text) else None
