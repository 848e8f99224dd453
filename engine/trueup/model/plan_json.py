"""Encodes values of a plan as JSON, and decodes them by the types of the structs.

Days and instants are ISO text, decimals are JSON numbers, a value that is unknown until apply is
`{"unknown": "<change>"}`.
"""

import types
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec import Struct

from trueup.model.change import Unknown
from trueup.model.finding import Command, Place
from trueup.model.verdict import DECIDE_WORDS, Verdict

DAY_MARK = "day"
"""A day is written as {"day": "2026-11-15"}, so that text stays text."""

DECIMAL_MARK = "decimal"
"""Inside free-form values, a decimal that no JSON number holds is {"decimal": "<digits>"}."""

_GREATEST_EXPONENT = 300
"""Numbers beyond this power of ten are written as text: a float may not hold them."""


# Values to JSON


def encode(value: object) -> Any:  # noqa: ANN401 -- JSON
    """Returns any value of a plan as JSON."""
    kind: Any = type(value)
    return _encoder(kind)(value)


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any type
    special = next((way for known, way in _SPECIAL.items() if issubclass(kind, known)), None)
    if special is None and issubclass(kind, Struct):
        return _struct_encoder(kind)
    return special or _unchanged


def _struct_encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any struct
    parts = field_encoders(kind)
    return lambda value: {name: way(getattr(value, name)) for name, way in parts}


@cache
def field_encoders(kind: Any) -> list[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401 -- any struct
    """Returns the fields of a struct, each with its encoder.

    A field that is a decimal by annotation needs no mark.
    """
    hints = get_type_hints(kind)
    return [
        (
            name,
            _money if Decimal in (hints[name], *get_args(hints[name])) else encode,
        )
        for name in kind.__struct_fields__
    ]


def _money(value: Decimal | None) -> int | float | str | None:
    return None if value is None else _number(value)


def _number(value: Decimal) -> int | float | str:
    """Returns a JSON number if that is exact, else the digits as text."""
    if -_GREATEST_EXPONENT < value.adjusted() < _GREATEST_EXPONENT:
        if value == value.to_integral_value():
            return int(value)
        near = float(value)
        if Decimal(repr(near)) == value:
            return near
    return str(value)


def _marked_decimal(value: Decimal) -> Any:  # noqa: ANN401 -- JSON
    number = _number(value)
    return {DECIMAL_MARK: number} if isinstance(number, str) else number


def _unchanged(value: Any) -> Any:  # noqa: ANN401 -- JSON
    return value


_SPECIAL: dict[type, Callable[[Any], Any]] = {
    Unknown: lambda value: {"unknown": value.change},
    Place: lambda value: f"{value.file}:{value.line}:{value.column}",
    StrEnum: str,
    Mapping: lambda value: {str(key): encode(item) for key, item in value.items()},
    list: lambda value: [encode(item) for item in value],
    tuple: lambda value: [encode(item) for item in value],
    Decimal: _marked_decimal,
    date: lambda value: {DAY_MARK: value.isoformat()},
}


# JSON to values


def refuse_constant(text: str) -> None:
    """Refuses NaN and infinities, which Python's reader accepts. Raises ValueError."""
    raise ValueError(f"{text} is no number")


@cache
def decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    """Returns a function that makes a value of an annotated type from JSON.

    It raises KeyError, TypeError, ValueError or ArithmeticError for anything else.
    """
    if kind in _PLAIN:
        return _PLAIN[kind]
    if isinstance(kind, type) and issubclass(kind, Struct):
        return _struct_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _named_tuple_decoder(kind)
    return _generic_decoder(kind)


def _struct_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any struct
    hints = get_type_hints(kind)
    parts = {name: decoder(hints[name]) for name in kind.__struct_fields__}
    return lambda value: kind(**{name: way(value[name]) for name, way in parts.items()})


def _named_tuple_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any NamedTuple
    ways = [decoder(hint) for hint in get_type_hints(kind).values()]
    return lambda value: kind(*(way(item) for way, item in zip(ways, _LIST(value), strict=True)))


def _generic_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        item = decoder(next(part for part in inside if part is not types.NoneType))
        return lambda value: None if value is None else item(value)
    if origin is tuple and inside[-1] is Ellipsis:
        item = decoder(inside[0])
        return lambda value: tuple(item(part) for part in _LIST(value))
    if origin is tuple:
        items = [decoder(part) for part in inside]
        return lambda value: tuple(
            item(part) for item, part in zip(items, _LIST(value), strict=True)
        )
    item = decoder(inside[1])
    return lambda value: {key: item(part) for key, part in value.items()}


def _free_form(value: Any) -> Any:  # noqa: ANN401 -- JSON in, any value out
    """Returns a value without an annotation; its JSON form determines its type."""
    if isinstance(value, dict):
        if value.keys() == {"unknown"}:
            return Unknown(_TEXT(value["unknown"]))
        if value.keys() == {DAY_MARK}:
            return _day(value)
        if value.keys() == {DECIMAL_MARK}:
            return _finite(value[DECIMAL_MARK])
        return {key: _free_form(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_free_form(item) for item in value)
    return value


def _day(value: Any) -> date:  # noqa: ANN401 -- JSON
    text = value[DAY_MARK]
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _place(value: str) -> Place:
    file, line, column = value.rsplit(":", 2)
    return Place(file, int(line), int(column))


def _command(value: Any) -> Command:  # noqa: ANN401 -- JSON
    """Returns a command; earlier documents of format 2 have what follows its key as one text."""
    if "rest" in value:
        return _command_of_text(*(_TEXT(value[name]) for name in _WITH_REST))
    command: Command = _COMMAND(value)
    return command


def _command_of_text(verb: str, mapping: str, key: str, rest: str) -> Command:
    if verb == "link":
        return Command.link(mapping, key, int(rest) if rest.isdecimal() else None)
    word, _, options = rest.partition(" ")
    if verb == "decide" and word in DECIDE_WORDS:
        return Command(verb, mapping, key, Verdict(word), options=options)
    return Command(verb, mapping, key, options=rest)


def _exactly(kind: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:  # noqa: ANN401 -- JSON
        if type(value) is not kind:
            raise TypeError(f"{value!r:.60} is no {kind.__name__}")
        return value

    return checked


def _finite(value: Any) -> Decimal:  # noqa: ANN401 -- JSON
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError(f"{value!r:.60} is no number")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value} is no number")
    return number


_PLAIN: dict[Any, Callable[[Any], Any]] = {
    str: _exactly(str),
    int: _exactly(int),
    bool: _exactly(bool),
    object: _free_form,
    Decimal: _finite,
    date: _day,
    Place: _place,
    Command: _command,
}
_WITH_REST = ("verb", "mapping", "key", "rest")
_LIST, _TEXT = _exactly(list), _exactly(str)
_COMMAND = _struct_decoder(Command)
