"""A plan as a JSON document, and back. The same plan gives the same text, byte for byte.

Days and instants are ISO text, decimals are JSON numbers, a value that only apply will know is
`{"unknown": "<change>"}`. What a document is read into follows from the dataclasses themselves.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.errors import EngineError
from engine.model.finding import Place
from engine.model.plan import FORMAT, Plan, Unknown

DAY_MARK = "day"
"""Inside free-form values a day is written as {"day": "2026-11-15"}, so that text stays text."""


def dumps(plan: Plan) -> str:
    """The plan's document, ending in a newline."""
    document = {"format": FORMAT, **encode(plan)}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def loads(text: str) -> Plan:
    """A plan from its document. Raises EngineError for anything else, in words."""
    try:
        document = json.loads(text, parse_float=Decimal)
        version = document.pop("format")
    except (ValueError, AttributeError, KeyError, TypeError) as fault:
        raise EngineError("this is not a plan: make one with `trueup plan --out FILE`") from fault
    if version != FORMAT:
        raise EngineError(f"this plan has format {version}, this trueup reads {FORMAT}: plan again")
    try:
        plan: Plan = _decoder(Plan)(document)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as fault:
        raise EngineError(f"the plan is damaged ({type(fault).__name__}: {fault}): plan again") from fault
    return plan


def digest(text: str) -> str:
    """What a plan document is known by: sha256 of its bytes."""
    return sha256(text.encode()).hexdigest()


def encode(value: object) -> Any:  # noqa: ANN401 -- JSON
    """Any value of a plan as JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, Unknown):
            return {"unknown": value.change}
        if isinstance(value, Place):
            return f"{value.file}:{value.line}:{value.column}"
        return {part.name: encode(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime | date):
        return {DAY_MARK: value.isoformat()}
    return value


def _number(value: Decimal) -> int | float | str:
    """A JSON number where that is exact, else the digits as text."""
    if value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if Decimal(str(near)) == value else str(value)


def _free(value: Any) -> Any:  # noqa: ANN401 -- JSON in, any value out
    """Free-form values: nothing is known of them but how they were written."""
    if isinstance(value, dict):
        if value.keys() == {"unknown"}:
            return Unknown(value["unknown"])
        if value.keys() == {DAY_MARK}:
            return _day(value)
        return {key: _free(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_free(item) for item in value)
    return value


def _day(value: Any) -> date:  # noqa: ANN401 -- JSON
    text = value[DAY_MARK]
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _place(value: str) -> Place:
    file, line, column = value.rsplit(":", 2)
    return Place(file, int(line), int(column))


def _as_is(value: Any) -> Any:  # noqa: ANN401 -- JSON
    return value


_PLAIN: dict[Any, Callable[[Any], Any]] = {
    str: _as_is,
    int: _as_is,
    bool: _as_is,
    object: _free,
    Decimal: lambda value: Decimal(str(value)),
    date: _day,
    Place: _place,
}


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    return _generic(kind)


def _dataclass(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any dataclass
    hints = get_type_hints(kind)
    parts = {part.name: _decoder(hints[part.name]) for part in fields(kind)}
    return lambda value: kind(**{name: part(value[name]) for name, part in parts.items()})


def _generic(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        item = _decoder(next(part for part in inside if part is not types.NoneType))
        return lambda value: None if value is None else item(value)
    if origin is tuple and inside[-1] is Ellipsis:
        item = _decoder(inside[0])
        return lambda value: tuple(item(part) for part in value)
    if origin is tuple:
        items = [_decoder(part) for part in inside]
        return lambda value: tuple(item(part) for item, part in zip(items, value, strict=True))
    item = _decoder(inside[1])
    return lambda value: {key: item(part) for key, part in value.items()}
