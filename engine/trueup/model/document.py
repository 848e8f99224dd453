"""A plan as a JSON document, and back. The same plan gives the same text, byte for byte.

Days and instants are ISO text, decimals are JSON numbers, a value that only apply will know is
`{"unknown": "<change>"}`. What a document is read into follows from the dataclasses themselves.
Its second line is its digest: of all its bytes but that line, so that what was reviewed is what is applied.
"""

import json
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any, Union, get_args, get_origin, get_type_hints

from engine.errors import EngineError
from engine.model.finding import Place
from engine.model.plan import FORMAT, Plan, Unknown
from engine.model.quiet import no_collecting

DAY_MARK = "day"
"""A day is written as {"day": "2026-11-15"}, so that text stays text."""

DECIMAL_MARK = "decimal"
"""Inside free-form values, a decimal that JSON's number cannot hold is {"decimal": "<digits>"}, for the same reason."""

_HALF = re.compile("[\ud800-\udfff]")
"""Half a character, as broken sources have it: it stands in no UTF-8."""

_HEAD = f'{{\n "format": {FORMAT},\n'
_SEALED = re.compile(re.escape(_HEAD) + r' "digest": "([0-9a-f]{64})",\n')
_ALTERED = "this plan was changed or cut short since it was made (its digest does not fit): plan again"


@no_collecting()
def dumps(plan: Plan) -> str:
    """The plan's document, ending in a newline."""
    document = {"format": FORMAT, **encode(plan)}
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False, allow_nan=False) + "\n"
    return sealed(_HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text))


def sealed(text: str) -> str:
    """A document that begins with its format, with the digest of its bytes put in behind it."""
    return f'{_HEAD} "digest": "{_hashed(text)}",\n{text[len(_HEAD) :]}'


def _hashed(text: str, gap: slice = slice(0, 0)) -> str:
    """Hex digits for a text without what stands in the gap."""
    found = sha256(text[: gap.start].encode(errors="surrogatepass"))
    found.update(text[gap.stop :].encode(errors="surrogatepass"))
    return found.hexdigest()


def loads(text: str) -> Plan:
    """A plan from its document. Raises EngineError for anything else, and for one that was altered, in words."""
    verify(text)
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
        plan: Plan = _decoder(Plan)(document)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as fault:
        raise EngineError(f"the plan is damaged ({type(fault).__name__}: {fault!s:.200}): plan again") from fault
    known = {change.id for change in plan.changes}
    if strange := next((id_ for wave in plan.waves for id_ in wave if id_ not in known), None):
        raise EngineError(f"the plan is damaged (a wave names {strange:.60}, which is no change of it): plan again")
    return plan


def verify(text: str) -> None:
    """Raises EngineError for what begins as no plan, and for a plan that was altered since it was made."""
    seal = _SEALED.match(text)
    if seal is None:
        raise EngineError(_told(text))
    if _hashed(text, slice(len(_HEAD), seal.end())) != seal[1]:
        raise EngineError(_ALTERED)


@dataclass(frozen=True, slots=True)
class Called:
    """What people call the rows of a change."""

    change: str
    mapping: str
    keys: tuple[str, ...]
    name: str


def called(text: str) -> list[Called]:
    """What the changes of a plan document are called, all else unread; nothing where it cannot be read."""
    try:
        changes = json.loads(text)["changes"]
        return [Called(one["id"], one["mapping"], tuple(one["keys"]), one["name"]) for one in changes]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _told(text: str) -> str:
    """Why what does not begin as a plan of this format does cannot be one."""
    try:
        version = json.loads(text, parse_constant=_no_number)["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "this is not a plan: make one with `trueup plan --out FILE`"
    if type(version) is int and version == FORMAT:
        return _ALTERED
    return f"this plan has format {version!s:.40}, this trueup reads {FORMAT}: plan again"


def digest(text: str) -> str:
    """What a plan document that could be read is known by: the digest that stands in it."""
    seal = _SEALED.match(text)
    if seal is None:
        raise EngineError(_told(text))
    return seal[1]


def encode(value: object) -> Any:  # noqa: ANN401 -- JSON
    """Any value of a plan as JSON."""
    kind: Any = type(value)
    return _encoder(kind)(value)


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any type
    special = next((way for known, way in _SPECIAL.items() if issubclass(kind, known)), None)
    if special is None and is_dataclass(kind):
        return _parts_of(kind)
    return special or _as_is


def _parts_of(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any dataclass
    """Parts that are decimals by their annotation need no mark to be read as such again."""
    hints = get_type_hints(kind)
    ways = [
        (part.name, _money if Decimal in (hints[part.name], *get_args(hints[part.name])) else encode)
        for part in fields(kind)
    ]
    return lambda value: {name: way(getattr(value, name)) for name, way in ways}


def _money(value: Decimal | None) -> int | float | str | None:
    return None if value is None else _number(value)


def _number(value: Decimal) -> int | float | str:
    """A JSON number where that is exact, else the digits as text."""
    if -_DIGITS < value.adjusted() < _DIGITS:
        if value == value.to_integral_value():
            return int(value)
        near = float(value)
        if Decimal(repr(near)) == value:
            return near
    return str(value)


_DIGITS = 300


def _decimal(value: Decimal) -> Any:  # noqa: ANN401 -- JSON
    number = _number(value)
    return {DECIMAL_MARK: number} if isinstance(number, str) else number


def _as_is(value: Any) -> Any:  # noqa: ANN401 -- JSON
    return value


_SPECIAL: dict[type, Callable[[Any], Any]] = {
    Unknown: lambda value: {"unknown": value.change},
    Place: lambda value: f"{value.file}:{value.line}:{value.column}",
    StrEnum: str,
    Mapping: lambda value: {str(key): encode(item) for key, item in value.items()},
    list: lambda value: [encode(item) for item in value],
    tuple: lambda value: [encode(item) for item in value],
    Decimal: _decimal,
    date: lambda value: {DAY_MARK: value.isoformat()},
}


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _free(value: Any) -> Any:  # noqa: ANN401 -- JSON in, any value out
    """Free-form values: nothing is known of them but how they were written."""
    if isinstance(value, dict):
        if value.keys() == {"unknown"}:
            return Unknown(_TEXT(value["unknown"]))
        if value.keys() == {DAY_MARK}:
            return _day(value)
        if value.keys() == {DECIMAL_MARK}:
            return _finite(value[DECIMAL_MARK])
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
    object: _free,
    Decimal: _finite,
    date: _day,
    Place: _place,
}
_LIST, _TEXT = _exactly(list), _exactly(str)


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
    return lambda value: kind(**{name: part(value[name]) for name, part in parts.items() if _told_by(value, name)})


LATER = frozenset({"systems", "made_of"})
"""Parts that documents of this format did not have from the first: history keeps such documents for good."""


def _told_by(value: Mapping[str, Any], name: str) -> bool:
    return name in value or name not in LATER


def _generic(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        item = _decoder(next(part for part in inside if part is not types.NoneType))
        return lambda value: None if value is None else item(value)
    if origin is tuple and inside[-1] is Ellipsis:
        item = _decoder(inside[0])
        return lambda value: tuple(item(part) for part in _LIST(value))
    if origin is tuple:
        items = [_decoder(part) for part in inside]
        return lambda value: tuple(item(part) for item, part in zip(items, _LIST(value), strict=True))
    item = _decoder(inside[1])
    return lambda value: {key: item(part) for key, part in value.items()}
