"""Builds the entities and tables of a catalogue from the data of its files.

Raises `InvalidEntry` with the way to what is wrong, or `InvalidEntries` with several of them.
`catalogues.py` finds their places in the file.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from trueup.model.catalogue import Column, Entity, Field, Parent, PickValue, Table, Type
from trueup.model.coerce import shown
from trueup.model.requirements import parts
from trueup.model.suggestions import hint

_Made = TypeVar("_Made")

FIELD_TYPES = {
    "string": Type.TEXT,
    "integer": Type.INTEGER,
    "long": Type.INTEGER,
    "short": Type.INTEGER,
    "decimal": Type.DECIMAL,
    "boolean": Type.BOOLEAN,
    "datetime": Type.INSTANT,
}
"""Types of fields, as the target names them."""

OPERATIONS = ("create", "query", "update", "delete")


class _Kind(Struct, frozen=True):
    """The values that a fact may have. `null` is always one: the fact then is unknown.

    A boolean is neither a number nor a text. Without quotes, `no` and `on` are booleans.
    """

    types: tuple[type, ...]
    what: str
    remedy: str
    only: tuple[str, ...] = ()
    """The texts that it may be; any if there are none."""

    least: int | None = None
    """The smallest number that it may be; any if there is none."""

    def has(self, value: Any) -> bool:  # noqa: ANN401 -- YAML
        """Returns whether a fact of this kind may have that value."""
        is_one = type(value) in self.types and (not self.only or value in self.only)
        return is_one and (self.least is None or value >= self.least)


def _one_of(*texts: str) -> _Kind:
    listed = " or ".join(f'"{text}"' for text in texts)
    return _Kind((str,), listed, f"write {listed}, with the quotes", texts)


_FLAG = _Kind((bool,), "true or false", "write true or false")
_TEXT = _Kind((str,), "a text", "write it between quotes")
_NAME = _Kind((str, int), "a text", "write it between quotes")
_LENGTH = _Kind((int,), "a whole number above 0", "write a whole number, without quotes", least=1)
_LIST = _Kind((list,), "a list", "write it as `[…, …]`")
_MAP = _Kind((dict,), "names and values", "write it as `{name: value}`")

_Facts = Mapping[str, _Kind | None]
"""Facts by name, with their kinds; None: it is checked where it is read."""

_FLAGS = ("required", "readonly", "settableOnCreate", "queryable", "day")
_ENTITY: _Facts = {
    **dict.fromkeys(("operations", "fields", "parent")),
    "writesVia": _one_of("root", "parent", "root or parent", "none"),
    "userDefinedFields": _one_of("yes", "no", "uncertain"),
    "role": _one_of("customer", "service", "contract"),
    "routes": _MAP,
    "rules": _LIST,
    "note": _TEXT,
}
_PARENT: _Facts = dict.fromkeys(("entity", "path", "key"), _TEXT)
_FIELD: _Facts = {
    **dict.fromkeys(("type", "picklistValues", "referenceIs")),
    **dict.fromkeys((*_FLAGS, "picklist", "picklistPartial"), _FLAG),
    **dict.fromkeys(("reference", "requiredIf", "note"), _TEXT),
    "maxLength": _LENGTH,
    "since": _NAME,
}
_TABLE: _Facts = {
    **dict.fromkeys(("columns",)),
    **dict.fromkeys(("key", "title", "logical", "entity_set", "label"), _NAME),
    "assumed": _FLAG,
    "note": _TEXT,
}
_COLUMN: _Facts = {
    **dict.fromkeys(("type", "choices")),
    **dict.fromkeys(("logical", "label", "table"), _NAME),
    **dict.fromkeys(("required", "assumed"), _FLAG),
    "note": _TEXT,
}


class InvalidEntry(Exception):
    """A part of a catalogue is not valid. `steps` lead to it; `remedy` says what to write."""

    def __init__(self, text: str, remedy: str, *steps: str) -> None:
        super().__init__(text)
        self.text, self.remedy, self.steps = text, remedy, steps


class InvalidEntries(Exception):
    """Several parts of one entry are not valid."""

    def __init__(self, faults: list[InvalidEntry]) -> None:
        super().__init__(*faults)
        self.faults = faults


def each_of(
    described: Mapping[Any, Any], make: Callable[[str, Any], _Made]
) -> tuple[dict[str, _Made], list[InvalidEntry]]:
    """Returns what `make` makes of each name and its description, and what is wrong with others."""
    made: dict[str, _Made] = {}
    faults: list[InvalidEntry] = []
    for name, one in described.items():
        try:
            made[str(name)] = make(str(name), one)
        except InvalidEntry as fault:
            faults.append(fault)
        except InvalidEntries as error:
            faults += error.faults
    return made, faults


def _require_no(faults: list[InvalidEntry]) -> None:
    if faults:
        raise InvalidEntries(faults)


def entity(name: str, data: object, active: str) -> Entity:
    """Returns an entity. `active` is the field that is false where a record is inactive."""
    described = _mapping(data, "an entity needs `operations:` and `fields:`", name)
    fields, faults = each_of(_listed(described, "fields"), partial(_field, name))
    _require_no([*_wrong_facts(described, _ENTITY, name), *faults])
    _mapping(
        _required(described, "fields", "write `fields:` with a line for each field", name),
        "write each field as `name: {type: string}`",
        name,
        "fields",
    )
    allowed = ", ".join(OPERATIONS)
    operations = _required(described, "operations", f"write a list of {allowed}", name)
    if not isinstance(operations, list) or not set(map(str, operations)) <= set(OPERATIONS):
        remedy = f"write a list of {allowed}: `operations: [query]`"
        raise InvalidEntry("operations are not valid", remedy, name, "operations")
    made = Entity(
        name=name,
        operations=frozenset(operations),
        fields=fields,
        parent=_parent(name, described.get("parent")),
        writes_via=described.get("writesVia") or "root",
        udf_capable=described.get("userDefinedFields") or "no",
        routes=_routes(name, described.get("routes") or {}),
        rules=tuple(described.get("rules") or ()),
        active=active if active in fields else "",
        role=described.get("role") or "",
    )
    _require_no(each_of(fields, lambda _, field: _require_readable(field, made))[1])
    return made


def _require_readable(field: Field, entity: Entity) -> None:
    """A condition that nothing meets would take its check away without a word."""
    steps = (entity.name, "fields", field.name, "requiredIf")
    names, wanted = parts(field.required_if)
    if field.required_if and not names:
        text = f"{shown(field.required_if)} is no condition"
        remedy = "write `a absent`, `a + b absent`, or `a is LABEL` for a picklist"
        raise InvalidEntry(text, remedy, *steps)
    fields = [_known_field(entity, name, *steps) for name in names]
    if wanted:
        _require_label(fields[0], wanted, *steps)


def _known_field(entity: Entity, name: str, *steps: str) -> Field:
    """Returns the field of that name. Raises if the entity has none."""
    field = entity.field(name)
    if field is None:
        text = f"{entity.name} has no field {shown(name)}"
        remedy = hint(name, entity.fields) or f"name a field of {entity.name}"
        raise InvalidEntry(text, remedy, *steps)
    return field


def _require_label(field: Field, label: str, *steps: str) -> None:
    """Raises for a label that the picklist lacks, as far as its entries are known."""
    if not field.picklist or field.picklist_partial:
        return
    labels = [entry.label for entry in field.picklist]
    if label.casefold() not in {one.casefold() for one in labels}:
        text = f"{field.name} has no entry {shown(label)}"
        raise InvalidEntry(text, hint(label, labels) or f"known: {', '.join(labels)}", *steps)


def unknown_fields(entities: Mapping[str, Entity]) -> Iterator[InvalidEntry]:
    """Checks `referenceIs` against the entities that it is about, as far as they are known."""
    for entity in entities.values():
        for field in entity.fields.values():
            referred = entities.get(field.reference or "")
            if referred is None:
                continue
            for name, label in field.reference_is.items():
                steps = (entity.name, "fields", field.name, "referenceIs", name)
                try:
                    _require_label(_known_field(referred, name, *steps), label, *steps)
                except InvalidEntry as fault:
                    yield fault


def unknown_tables(tables: Mapping[str, Table], known: Collection[str]) -> Iterator[InvalidEntry]:
    """Yields an error for each lookup to a table that the catalogue does not have.

    `known` are the names of all tables, also of those that are not valid.
    """
    for table in tables.values():
        for column in table.columns.values():
            if column.table is not None and column.table not in known:
                text = f"there is no table {shown(column.table)}"
                nearest = hint(column.table, known)
                remedy = nearest or "add the table, or write `{type: text}`"
                yield InvalidEntry(text, remedy, table.name, "columns", column.name, "table")


def table(name: str, data: object) -> Table:
    """Returns a table. Names in the source system are by default those that mappings use."""
    described = _mapping(data, "a table needs `key:` and `columns:`", name)
    columns, faults = each_of(_listed(described, "columns"), partial(_column, name))
    _require_no([*_wrong_facts(described, _TABLE, name), *faults])
    _mapping(
        _required(described, "columns", "write `columns:` with a line for each column", name),
        "write each column as `name: {type: text}`",
        name,
        "columns",
    )
    key = str(_required(described, "key", "name the column that identifies a row", name))
    title = _text(described, "title", key)
    for role, column in (("key", key), ("title", title)):
        if column not in columns:
            text = f"`{role}` names the column {column!r}, which the table does not have"
            raise InvalidEntry(text, hint(column, columns) or "name one of its columns", name, role)
    logical = _text(described, "logical", name)
    return Table(
        name=name,
        logical=logical,
        entity_set=_text(described, "entity_set", f"{logical}s"),
        label=_text(described, "label", ""),
        key=key,
        title=title,
        columns=columns,
        assumed=bool(described.get("assumed")),
    )


def _mapping(data: object, remedy: str, *steps: str) -> Mapping[Any, Any]:
    if not isinstance(data, dict):
        raise InvalidEntry("names and values were expected", remedy, *steps)
    return data


def _listed(described: Mapping[str, Any], fact: str) -> Mapping[Any, Any]:
    """Returns the fields or columns of an entry; none if it has no valid list of them."""
    listed = described.get(fact)
    return listed if isinstance(listed, dict) else {}


def _described(data: object, facts: _Facts, remedy: str, *steps: str) -> Mapping[str, Any]:
    """Returns the facts of an entry, each of which is known and of its kind."""
    described = _mapping(data, remedy, *steps)
    _require_no([*_wrong_facts(described, facts, *steps)])
    return described


def _wrong_facts(
    described: Mapping[Any, Any], facts: _Facts, *steps: str
) -> Iterator[InvalidEntry]:
    """Yields an error for each fact of an entry that is not known, or not of its kind."""
    for fact, value in described.items():
        if fact not in facts:
            text = f"{shown(fact)} is not known here"
            remedy = hint(str(fact), facts) or f"known: {', '.join(facts)}"
            yield InvalidEntry(text, remedy, *steps, str(fact))
            continue
        kind = facts[fact]
        if kind and value is not None and not kind.has(value):
            text = f"{shown(value)} is not {kind.what}"
            yield InvalidEntry(text, kind.remedy, *steps, fact)


def _labels(data: object, what: str, remedy: str, *steps: str) -> Mapping[Any, str]:
    """Returns texts by what they belong to. `what` is one of them, in messages."""
    labels = _mapping({} if data is None else data, remedy, *steps)
    for value, label in labels.items():
        if type(value) not in (int, str):
            text = f"{shown(value)} is neither a number nor a text"
            raise InvalidEntry(text, remedy, *steps)
        if not isinstance(label, str):
            text = f"{what} {value} is {shown(label)}, which is not a text"
            raise InvalidEntry(text, "write it between quotes", *steps)
    return labels


def _require_numbers(entries: Mapping[Any, str], *steps: str) -> None:
    for value in entries:
        if not re.fullmatch("-?[0-9]+", str(value)):
            text = f"{shown(value)} is not a whole number, as the values of the field are"
            raise InvalidEntry(text, "write `{1: Active}`", *steps)


def _text(described: Mapping[str, Any], fact: str, default: str) -> str:
    value = described.get(fact)
    return default if value is None else str(value)


def _required(data: Mapping[str, Any], key: str, remedy: str, *steps: str) -> Any:  # noqa: ANN401 -- YAML
    if data.get(key) is None:
        raise InvalidEntry(f"`{key}` is missing", remedy, *steps)
    return data[key]


def _parent(name: str, data: object) -> Parent | None:
    if data is None:
        return None
    remedy = "write `parent: {entity: Contracts, path: '/Contracts/{parentId}/Services', key: …}`"
    described = _described(data, _PARENT, remedy, name, "parent")
    parts = [_required(described, key, remedy, name, "parent") for key in ("entity", "path", "key")]
    return Parent(*map(str, parts))


def _routes(owner: str, routes: Mapping[Any, Any]) -> dict[str, tuple[str, ...]]:
    for route, verbs in routes.items():
        if not isinstance(verbs, list):
            text, remedy = f"{shown(verbs)} is not a list", "write it as `[GET, POST]`"
            raise InvalidEntry(text, remedy, owner, "routes", str(route))
    return {str(route): tuple(map(str, verbs)) for route, verbs in routes.items()}


def _field(owner: str, name: str, data: object) -> Field:
    """Returns a field. Unknown flags (`null`) forbid nothing: the tenant's own metadata decides."""
    steps = (owner, "fields", name)
    described = _described(data, _FIELD, "write it as `{type: string}`", *steps)
    remedy = f"write one of {', '.join(FIELD_TYPES)}"
    type_ = str(_required(described, "type", remedy, *steps))
    if type_ not in FIELD_TYPES:
        raise InvalidEntry(f"{type_!r} is not a type of fields", remedy, *steps, "type")
    listed = described.get("picklistValues")
    entries = _labels(listed, "entry", "write `{1: Active}`", *steps, "picklistValues")
    if FIELD_TYPES[type_] is Type.INTEGER:
        _require_numbers(entries, *steps, "picklistValues")
    records = described.get("referenceIs")
    reference_is = _labels(records, "field", "write `{field: label}`", *steps, "referenceIs")
    return Field(
        name=name,
        type=Type.DAY if described.get("day") else FIELD_TYPES[type_],
        required=bool(described.get("required")),
        readonly=bool(described.get("readonly")),
        create_only=bool(described.get("settableOnCreate")),
        max_length=described.get("maxLength"),
        reference=described.get("reference"),
        picklist=tuple(PickValue(value, label) for value, label in entries.items())
        if described.get("picklist")
        else None,
        picklist_partial=bool(described.get("picklistPartial")),
        queryable=described.get("queryable") is not False,
        required_if=described.get("requiredIf") or "",
        reference_is={str(name): label for name, label in reference_is.items()},
        data_type=type_,
    )


def _column(owner: str, name: str, data: object) -> Column:
    steps = (owner, "columns", name)
    described = _described(data, _COLUMN, "write it as `{type: text}`", *steps)
    types = [*map(str, Type)]
    type_ = str(_required(described, "type", f"write one of {', '.join(types)}", *steps))
    if type_ not in types:
        remedy = f"write one of {', '.join(types)}"
        raise InvalidEntry(f"{type_!r} is not a type of columns", remedy, *steps, "type")
    is_lookup = type_ == Type.LOOKUP
    remedy = "name the table that it refers to: `{type: lookup, table: account}`"
    choices = _labels(described.get("choices"), "choice", "write `{1: Active}`", *steps, "choices")
    return Column(
        name=name,
        type=Type(type_),
        logical=_text(described, "logical", name),
        label=_text(described, "label", ""),
        table=str(_required(described, "table", remedy, *steps)) if is_lookup else None,
        choices={**choices},
        required=bool(described.get("required")),
        assumed=bool(described.get("assumed")),
    )
