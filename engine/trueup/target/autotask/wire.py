"""Values between Python and the wire, by the types of the catalogue.

A day keeps its date part whatever time and zone stand beside it; an instant is UTC, with or without a
`Z`; money has four places; user-defined fields are texts in a list of their own (autotask-api.md,
section 5).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from engine.model.catalogue import UDF, Entity, Field, Type
from engine.model.fit import PLACES, Misfit, fit, to_number
from engine.ports import Record
from engine.target.answers import Garbled, clean

ID = "id"
UDFS = "userDefinedFields"

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class NotWire(ValueError):
    """A value that cannot be sent for that field; the text says why."""


def to_wire(field: Field, value: object) -> object:
    """A value of a record as JSON takes it: for bodies of creates and updates. Raises NotWire."""
    fitted = _fitted(field, value)
    if isinstance(fitted, datetime):
        return fitted.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(fitted, date):
        return fitted.isoformat()
    return _number(fitted) if isinstance(fitted, Decimal) else fitted


def to_filter(field: Field, value: object) -> Any:  # noqa: ANN401 -- any value of a query
    """The same for a condition, where days are written as points in time. Raises NotWire."""
    if value is None or value == "":
        raise NotWire("nothing cannot be compared; use exist or notExist")
    sent = to_wire(replace(field, max_length=None), value)  # a text too long is found nowhere
    return f"{sent}T00:00:00" if field.type is Type.DAY else sent


def _fitted(field: Field, value: object) -> object:
    """Picklists are numbers by now, and their lists may be shorter here than at the tenant."""
    if field.name.startswith(UDF) and isinstance(value, bool | int | Decimal):
        value = format(value, "f") if isinstance(value, Decimal) else str(value).lower()
    try:
        return fit(value, replace(field, picklist=None))
    except Misfit as fault:
        raise NotWire(clean(str(fault))) from None


def _number(value: Decimal) -> float:
    """JSON has no decimals; what does not survive as a number of JSON is refused."""
    number = float(value)
    if Decimal(repr(number)) != value:
        raise NotWire(f"{value} has more digits than can be sent")
    return number


def body_of(entity: Entity, values: Mapping[str, object]) -> dict[str, object]:
    """Values as the body of a write, user-defined fields in their list. Raises NotWire."""
    body: dict[str, object] = {}
    udfs: list[Mapping[str, object]] = []
    for name, value in values.items():
        known = entity.field(name)
        if known is None:
            raise NotWire(f"{name} is not a field of {entity.name}")
        sent = to_wire(known, value)
        if name.startswith(UDF):
            udfs.append({"name": name.removeprefix(UDF), "value": sent})
        else:
            body[name] = sent
    if udfs:
        body[UDFS] = udfs
    return body


def included(names: Iterable[str]) -> list[str]:
    """IncludeFields: `id` must be named where there may be more than a page, and each user-defined field."""
    return list(dict.fromkeys([ID, *(name.removeprefix(UDF) for name in names)]))


def reader(entity: Entity, names: Sequence[str]) -> Callable[[Mapping[str, Any]], Record]:
    """What turns an item of a page into a record with `id` and these fields.

    The reader raises Garbled for a value that is not of its field's type.
    """
    plan = [(name, _reading(entity.field(name) or Field(name, Type.TEXT))) for name in names]
    plain = [(name, read) for name, read in plan if not name.startswith(UDF) and name != ID]
    udfs = [(name, read) for name, read in plan if name.startswith(UDF)]

    def record(item: Mapping[str, Any]) -> Record:
        number = identity(item)
        values: Record = {ID: number}
        try:
            for name, read in plain:
                values[name] = read(_value(item, name))
            if udfs:
                given = _udfs(item)
                for name, read in udfs:
                    values[name] = read(given.get(name.removeprefix(UDF).casefold()))
        except (TypeError, ValueError) as fault:
            raise Garbled(f"{entity.name} {number}: {clean(str(fault))}") from None
        return values

    return record


def identity(item: Mapping[str, Any]) -> int:
    """The id of an item. Raises Garbled."""
    number = item.get(ID)
    if isinstance(number, str) and _WHOLE.fullmatch(number):
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise Garbled("a record without an id")
    return number


def _value(item: Mapping[str, Any], name: str) -> object:
    """Property names may come in another case than they are asked for."""
    if name in item:
        return item[name]
    return next((value for key, value in item.items() if key.casefold() == name.casefold()), None)


def _udfs(item: Mapping[str, Any]) -> Mapping[str, object]:
    listed = item.get(UDFS) or ()
    if not isinstance(listed, Iterable):
        raise TypeError(f"{UDFS} is no list")
    return {str(one.get("name")).casefold(): one.get("value") for one in listed if isinstance(one, Mapping)}


def _reading(field: Field) -> Callable[[object], object]:
    read = _READ[field.type]

    def value(raw: object) -> object:
        if raw is None:
            return None
        try:
            return read(raw)
        except (TypeError, ValueError):
            raise ValueError(f"{field.name} is no {field.type}: {clean(repr(raw), 60)}") from None

    return value


def _text(raw: object) -> str:
    if isinstance(raw, dict | list):
        raise TypeError(raw)
    if isinstance(raw, bool):
        return str(raw).lower()
    return format(raw, "f") if isinstance(raw, Decimal) else str(raw)


def _integer(raw: object) -> int:
    number = Decimal(raw) if isinstance(raw, bool) else to_number(raw)
    if number != number.to_integral_value():
        raise ValueError(raw)
    return int(number)


def _decimal(raw: object) -> Decimal:
    return to_number(raw).quantize(PLACES, ROUND_HALF_UP)


def _boolean(raw: object) -> bool:
    known = _BOOLEANS.get(str(raw).strip().casefold())
    if known is None:
        raise ValueError(raw)
    return known


def _day(raw: object) -> date | None:
    text = str(raw).strip()
    if not text:
        return None
    datetime.fromisoformat(text)
    return date.fromisoformat(text[:10])


def _instant(raw: object) -> datetime | None:
    text = str(raw).strip()
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_READ: Mapping[Type, Callable[[Any], object]] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DAY: _day,
    Type.INSTANT: _instant,
    Type.LOOKUP: _text,
    Type.CHOICE: _text,
}
