"""Converts values between Python and JSON, by the types of the catalogue.

A day keeps its date, whatever time and zone stand beside it. An instant is UTC, with or without a
`Z`. Money has four decimal places. User-defined fields are texts in a list of their own
(docs/explanation/autotask.md, section 5).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec.structs import replace

from trueup.model.catalogue import UDF, Entity, Field, Type
from trueup.model.coerce import PLACES, CoercionError, coerce, to_number
from trueup.model.compact_rows import row_maker
from trueup.ports.target import Record
from trueup.target.autotask.responses import MalformedResponse, clean_message

ID = "id"
UDFS = "userDefinedFields"

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


MOST_SHARED = 20_000
"""Distinct numbers of a field of which one object each is kept. A field of keys has more."""


class UnsendableValue(ValueError):
    """A value cannot be sent for that field. The text is the reason."""


def to_wire(field: Field, value: object) -> object:
    """Returns a value as JSON, for the bodies of writes. Raises `UnsendableValue`."""
    coerced = _coerced(field, value)
    if isinstance(coerced, datetime):
        try:
            utc = coerced.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise UnsendableValue(f"{coerced} is out of range") from None
        return f"{utc.isoformat(timespec='milliseconds')}Z"
    if isinstance(coerced, date):
        return coerced.isoformat()
    return _json_number(coerced) if isinstance(coerced, Decimal) else coerced


def to_filter(field: Field, value: object) -> Any:  # noqa: ANN401 -- any value of a query
    """Returns a value as JSON for a condition, in which a day is an instant.

    Raises `UnsendableValue`.
    """
    if value is None or value == "":
        raise UnsendableValue("an empty value cannot be compared; use exist or notExist")
    if field.max_length is not None:  # a text that is too long is allowed here: it finds nothing
        field = replace(field, max_length=None)
    wire = to_wire(field, value)
    return f"{wire}T00:00:00" if field.type is Type.DAY else wire


def _coerced(field: Field, value: object) -> object:
    """The value in the field's type. Raises `UnsendableValue`.

    Picklist values are numbers already, and the catalogue's list may lack values of the tenant, so
    the list is not checked here.
    """
    if field.name.startswith(UDF) and isinstance(value, bool | int | Decimal):
        value = format(value, "f") if isinstance(value, Decimal) else str(value).lower()
    try:
        return coerce(value, field if field.picklist is None else replace(field, picklist=None))
    except CoercionError as fault:
        raise UnsendableValue(clean_message(str(fault))) from None


def _json_number(value: Decimal) -> float:
    """JSON has no decimals: a value that would change as a float is refused."""
    number = float(value)
    if Decimal(repr(number)) != value:
        raise UnsendableValue(f"{value} has more digits than can be sent")
    return number


def body_of(entity: Entity, values: Mapping[str, object]) -> dict[str, object]:
    """Returns values as the body of a write, with user-defined fields in their own list.

    Raises `UnsendableValue`.
    """
    body: dict[str, object] = {}
    udfs: list[Mapping[str, object]] = []
    for name, value in values.items():
        field = entity.field(name)
        if field is None:
            raise UnsendableValue(f"{name} is not a field of {entity.name}")
        wire = to_wire(field, value)
        if name.startswith(UDF):
            udfs.append({"name": name.removeprefix(UDF), "value": wire})
        else:
            body[name] = wire
    if udfs:
        body[UDFS] = udfs
    return body


def include_fields(names: Iterable[str]) -> list[str]:
    """Returns the IncludeFields of a query.

    `id` must be named if there may be more than one page, and so must each user-defined field.
    """
    return list(dict.fromkeys([ID, *(name.removeprefix(UDF) for name in names)]))


def record_reader(entity: Entity, names: Sequence[str]) -> Callable[[Mapping[str, Any]], Record]:
    """Returns a function that turns an item of a page into a record with `id` and these fields.

    That function raises `MalformedResponse` for a value that is not of its field's type.
    """
    readers = [
        (name, _field_reader(entity.field(name) or Field(name, Type.TEXT))) for name in names
    ]
    plain = [(name, read) for name, read in readers if not name.startswith(UDF) and name != ID]
    udfs = [(name, read) for name, read in readers if name.startswith(UDF)]
    make = row_maker([ID, *(name for name, _ in (*plain, *udfs))])

    def record(item: Mapping[str, Any]) -> Record:
        number = id_of(item)
        values: list[object] = [number]
        try:
            values += [read(_property(item, name)) for name, read in plain]
            if udfs:
                given = udf_values(item)
                values += [
                    read(given.get(name.removeprefix(UDF).casefold())) for name, read in udfs
                ]
        except (TypeError, ValueError) as fault:
            reason = clean_message(str(fault))
            raise MalformedResponse(f"{entity.name} {number}: {reason}") from None
        return make(values)

    return record


def id_of(item: Mapping[str, Any]) -> int:
    """Returns the id of an item. Raises `MalformedResponse`."""
    number = item.get(ID)
    if isinstance(number, str) and _WHOLE_NUMBER.fullmatch(number):
        return int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise MalformedResponse("a record without an id")
    return number


def _property(item: Mapping[str, Any], name: str) -> object:
    """The property of that name, which may be in another case than requested."""
    if name in item:
        return item[name]
    return next((value for key, value in item.items() if key.casefold() == name.casefold()), None)


def udf_values(item: Mapping[str, Any]) -> Mapping[str, object]:
    """The user-defined fields of an item by name, case folded."""
    udfs = item.get(UDFS) or ()
    if not isinstance(udfs, Iterable):
        raise TypeError(f"{UDFS} is not a list")
    return {
        str(udf.get("name")).casefold(): udf.get("value")
        for udf in udfs
        if isinstance(udf, Mapping)
    }


def _field_reader(field: Field) -> Callable[[object], object]:
    """Returns what reads a value. Text that is not set is null or empty, and None here."""
    read = _shared_integer() if field.type is Type.INTEGER else _READERS[field.type]
    unset = (None, "") if field.type is Type.TEXT else (None,)

    def value(raw: object) -> object:
        if raw in unset:
            return None
        try:
            return read(raw)
        except (TypeError, ValueError):
            shown = clean_message(repr(raw), 60)
            raise ValueError(f"{field.name} is not of type {field.type}: {shown}") from None

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


def _shared_integer() -> Callable[[Any], int]:
    """Returns a reader that gives one object for equal numbers.

    Most numbers are ids of records that many others refer to. Two references as objects of their
    own are 64 of the 330 bytes of a contract service.
    """
    known: dict[int, int] = {}

    def read(raw: object) -> int:
        number = _integer(raw)
        if len(known) < MOST_SHARED:
            return known.setdefault(number, number)
        return known.get(number, number)

    return read


def _decimal(raw: object) -> Decimal:
    return to_number(raw).quantize(PLACES, ROUND_HALF_UP)


def _boolean(raw: object) -> bool:
    value = _BOOLEANS.get(str(raw).strip().casefold())
    if value is None:
        raise ValueError(raw)
    return value


def _day(raw: object) -> date | None:
    text = str(raw).strip()
    if not text:
        return None
    datetime.fromisoformat(text)
    return date.fromisoformat(text[:10])


def to_instant(raw: object) -> datetime | None:
    """Returns an instant of a record, None if it is not set. Raises `ValueError`."""
    text = str(raw).strip()
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(raw) from None


_READERS: Mapping[Type, Callable[[Any], object]] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DAY: _day,
    Type.INSTANT: to_instant,
    Type.LOOKUP: _text,
    Type.CHOICE: _text,
}
