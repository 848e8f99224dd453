"""A plan as a JSON document, and back. The same plan gives the same text, byte for byte.

Days and instants are ISO text, decimals are JSON numbers, a value that only apply will know is
`{"unknown": "<change>"}`. How a document is read follows from the dataclasses themselves. Its
second line is its digest, of all its bytes but that line: what was reviewed is what is applied. A
third line, also without effect on the digest, has what was not read in full, if there is any: a
plan that is made from it is the same.

Documents of format 1, which the state keeps of older runs, are read too: `plan_v1` translates them.
"""

import io
import json
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Any, BinaryIO, Union, get_args, get_origin, get_type_hints

from trueup.errors import EngineError
from trueup.model import plan_v1
from trueup.model.change import Unknown
from trueup.model.finding import Place
from trueup.model.gc_pause import gc_paused
from trueup.model.plan import FORMAT, Plan

DAY_MARK = "day"
"""A day is written as {"day": "2026-11-15"}, so that text stays text."""

DECIMAL_MARK = "decimal"
"""Inside free-form values, a decimal that no JSON number holds is {"decimal": "<digits>"}."""

READABLE = (plan_v1.FORMAT, FORMAT)
"""Formats that `loads` understands."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as broken sources have it: UTF-8 cannot hold it."""

PARTIAL_READS = "partial_reads"

_DIGEST_LINE = re.compile(
    r'\{\n "format": ([0-9]{1,9}),\n "digest": "([0-9a-f]{64})",\n'
    rf'(?: "{PARTIAL_READS}": \[[^\[\]\n]*\],\n)?'
)
_ALTERED = (
    "this plan was changed or cut short since it was made (its digest does not fit): plan again"
)
_GREATEST_EXPONENT = 300
"""Numbers beyond this power of ten are written as text: a float may not hold them."""


# Writing


def dumps(plan: Plan) -> str:
    """The plan's document, ending in a newline."""
    file = io.BytesIO()
    write(plan, file)
    return file.getvalue().decode()


@gc_paused()
def write(plan: Plan, file: BinaryIO) -> None:
    """Writes the plan's document piece by piece: all of it at once takes far more than the plan.

    The file must be empty, and one in which a position can be chosen: the digest, which stands at
    the beginning, is known at the end.
    """
    digest = sha256(_HEAD)
    file.write(_HEAD)
    file.write(_digest_line("0" * 64))
    if plan.partial_reads:
        file.write(f' "{PARTIAL_READS}": {json.dumps(encode(plan.partial_reads))},\n'.encode())
    for piece in _pieces(plan):
        data = _LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", piece).encode()
        digest.update(data)
        file.write(data)
    file.seek(len(_HEAD))
    file.write(_digest_line(digest.hexdigest()))
    file.seek(0, io.SEEK_END)


_HEAD = f'{{\n "format": {FORMAT},\n'.encode()
_JSON = json.JSONEncoder(ensure_ascii=False, indent=1, allow_nan=False)


def _digest_line(digest: str) -> bytes:
    return f' "digest": "{digest}",\n'.encode()


def _pieces(plan: Plan) -> Iterator[str]:
    """Yields what follows the digest: the text of one change, finding or line after the other."""
    comma = ""
    for name, way in _parts(Plan):
        if name == PARTIAL_READS:
            continue
        value = getattr(plan, name)
        yield f'{comma} "{name}": '
        yield from (
            _list_pieces(value, " ") if isinstance(value, tuple) else [_text(way(value), " ")]
        )
        comma = ",\n"
    yield "\n}\n"


def _list_pieces(values: tuple[object, ...], indent: str) -> Iterator[str]:
    """Yields the text of a list, item by item, of lists in it too: a wave may have many changes."""
    start = "["
    for value in values:
        yield f"{start}\n{indent} "
        inside = f"{indent} "
        if isinstance(value, tuple):
            yield from _list_pieces(value, inside)
        else:
            yield _text(encode(value), inside)
        start = ","
    yield f"\n{indent}]" if values else "[]"


def _text(value: object, indent: str) -> str:
    """JSON, with its further lines indented. A line end in a text is no line of it."""
    return _JSON.encode(value).replace("\n", f"\n{indent}")


def _sha256(*parts: str) -> str:
    digest = sha256()
    for part in parts:
        digest.update(part.encode(errors="surrogatepass"))
    return digest.hexdigest()


# Reading


def loads(text: str) -> Plan:
    """A plan from its document.

    Raises EngineError for anything else, and for a document that was altered.
    """
    version = verify(text)
    try:
        document = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
        if version == plan_v1.FORMAT:
            document = plan_v1.upgrade(document)
        document.setdefault(PARTIAL_READS, [])
        plan: Plan = _decoder(Plan)(document)
    except _DAMAGED as fault:
        reason = f"{type(fault).__name__}: {fault!s:.200}"
        raise EngineError(f"the plan is damaged ({reason}): plan again") from fault
    ids = {change.id for change in plan.changes}
    unknown = next((id_ for wave in plan.waves for id_ in wave if id_ not in ids), None)
    if unknown:
        reason = f"a wave names {unknown:.60}, which is no change of it"
        raise EngineError(f"the plan is damaged ({reason}): plan again")
    return plan


def loads_complete(text: str) -> Plan:
    """A plan that is yet to be applied; runs of the state may have others.

    Raises EngineError as `loads` does, and where a change is sent together with one that is not in
    the plan: earlier versions made such plans of undos and selections.
    """
    plan = loads(text)
    ids = {change.id for change in plan.changes}
    for change in plan.changes:
        missing = next((id_ for id_ in change.together if id_ not in ids), None)
        if missing:
            raise EngineError(
                f"this plan is not complete: {change.id:.60} is sent together with {missing:.60} "
                "or not at all, and the plan does not have that one: plan again"
            )
    return plan


_DAMAGED = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)


def verify(text: str) -> int:
    """The document's format. Raises EngineError for what is no plan, and for an altered plan."""
    head = _DIGEST_LINE.match(text)
    if head is None or int(head[1]) not in READABLE:
        raise EngineError(_why_not_a_plan(text))
    start = text.index("\n", 2) + 1
    if _sha256(text[:start], text[head.end() :]) != head[2]:
        raise EngineError(_ALTERED)
    return int(head[1])


def plan_id(text: str) -> str:
    """The digest that identifies a plan document. Raises EngineError for anything else."""
    head = _DIGEST_LINE.match(text)
    if head is None:
        raise EngineError(_why_not_a_plan(text))
    return head[2]


def _why_not_a_plan(text: str) -> str:
    try:
        version = json.loads(text, parse_constant=_refuse_constant)["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "this is not a plan: make one with `trueup plan --out FILE`"
    if type(version) is int and version in READABLE:
        return _ALTERED
    readable = " and ".join(map(str, READABLE))
    return f"this plan has format {version!s:.40}, this trueup reads {readable}: plan again"


@dataclass(frozen=True, slots=True)
class ChangeNames:
    """What people call the rows of a change."""

    change: str
    mapping: str
    keys: tuple[str, ...]
    name: str


def change_names(text: str) -> list[ChangeNames]:
    """What the changes of a plan document are called; nothing where it cannot be read.

    Much cheaper than `loads`, and independent of the document's format.
    """
    try:
        changes = json.loads(text)["changes"]
        return [
            ChangeNames(one["id"], one["mapping"], tuple(one["keys"]), one["name"])
            for one in changes
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


# Values to JSON


def encode(value: object) -> Any:  # noqa: ANN401 -- JSON
    """Any value of a plan as JSON."""
    kind: Any = type(value)
    return _encoder(kind)(value)


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any type
    special = next((way for known, way in _SPECIAL.items() if issubclass(kind, known)), None)
    if special is None and is_dataclass(kind):
        return _dataclass_encoder(kind)
    return special or _unchanged


def _dataclass_encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any dataclass
    parts = _parts(kind)
    return lambda value: {name: way(getattr(value, name)) for name, way in parts}


@cache
def _parts(kind: Any) -> list[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401 -- any dataclass
    """The fields, each with its encoder. Those annotated as decimals need no mark of that."""
    hints = get_type_hints(kind)
    return [
        (
            part.name,
            _money if Decimal in (hints[part.name], *get_args(hints[part.name])) else encode,
        )
        for part in fields(kind)
    ]


def _money(value: Decimal | None) -> int | float | str | None:
    return None if value is None else _number(value)


def _number(value: Decimal) -> int | float | str:
    """A JSON number where that is exact, else the digits as text."""
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


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


@cache
def _decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    if kind in _PLAIN:
        return _PLAIN[kind]
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if isinstance(kind, type) and issubclass(kind, tuple):
        return _named_tuple_decoder(kind)
    return _generic_decoder(kind)


def _dataclass_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any dataclass
    hints = get_type_hints(kind)
    parts = {part.name: _decoder(hints[part.name]) for part in fields(kind)}
    return lambda value: kind(**{name: way(value[name]) for name, way in parts.items()})


def _named_tuple_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any NamedTuple
    ways = [_decoder(hint) for hint in get_type_hints(kind).values()]
    return lambda value: kind(*(way(item) for way, item in zip(ways, _LIST(value), strict=True)))


def _generic_decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401 -- any annotation
    origin, inside = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        item = _decoder(next(part for part in inside if part is not types.NoneType))
        return lambda value: None if value is None else item(value)
    if origin is tuple and inside[-1] is Ellipsis:
        item = _decoder(inside[0])
        return lambda value: tuple(item(part) for part in _LIST(value))
    if origin is tuple:
        items = [_decoder(part) for part in inside]
        return lambda value: tuple(
            item(part) for item, part in zip(items, _LIST(value), strict=True)
        )
    item = _decoder(inside[1])
    return lambda value: {key: item(part) for key, part in value.items()}


def _free_form(value: Any) -> Any:  # noqa: ANN401 -- JSON in, any value out
    """A value without an annotation: its type follows from how it was written."""
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
}
_LIST, _TEXT = _exactly(list), _exactly(str)
