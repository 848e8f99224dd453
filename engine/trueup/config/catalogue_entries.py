"""Builds the entities and tables of a catalogue from the data of its files.

Raises `InvalidEntry` with the way to what is wrong, or `InvalidEntries` with several of them.
`catalogues.py` finds their places in the file.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from trueup.config.catalogue_facts import (
    COLUMN_FACTS,
    ENTITY_FACTS,
    FIELD_FACTS,
    PARENT_FACTS,
    TABLE_FACTS,
    Facts,
    InvalidEntries,
    InvalidEntry,
    labels_of,
    mapping,
    require_numbers,
    required,
    text_of,
    wrong_facts,
)
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
    described = mapping(data, "an entity needs `operations:` and `fields:`", name)
    fields, faults = each_of(_listed(described, "fields"), partial(_field, name))
    _require_no([*wrong_facts(described, ENTITY_FACTS, name), *faults])
    mapping(
        required(described, "fields", "write `fields:` with a line for each field", name),
        "write each field as `name: {type: string}`",
        name,
        "fields",
    )
    allowed = ", ".join(OPERATIONS)
    operations = required(described, "operations", f"write a list of {allowed}", name)
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
    described = mapping(data, "a table needs `key:` and `columns:`", name)
    columns, faults = each_of(_listed(described, "columns"), partial(_column, name))
    _require_no([*wrong_facts(described, TABLE_FACTS, name), *faults])
    mapping(
        required(described, "columns", "write `columns:` with a line for each column", name),
        "write each column as `name: {type: text}`",
        name,
        "columns",
    )
    key = str(required(described, "key", "name the column that identifies a row", name))
    title = text_of(described, "title", key)
    for role, column in (("key", key), ("title", title)):
        if column not in columns:
            text = f"`{role}` names the column {column!r}, which the table does not have"
            raise InvalidEntry(text, hint(column, columns) or "name one of its columns", name, role)
    logical = text_of(described, "logical", name)
    return Table(
        name=name,
        logical=logical,
        entity_set=text_of(described, "entity_set", f"{logical}s"),
        label=text_of(described, "label", ""),
        key=key,
        title=title,
        columns=columns,
        assumed=bool(described.get("assumed")),
    )


def _listed(described: Mapping[str, Any], fact: str) -> Mapping[Any, Any]:
    """Returns the fields or columns of an entry; none if it has no valid list of them."""
    listed = described.get(fact)
    return listed if isinstance(listed, dict) else {}


def _described(data: object, facts: Facts, remedy: str, *steps: str) -> Mapping[str, Any]:
    """Returns the facts of an entry, each of which is known and of its kind."""
    described = mapping(data, remedy, *steps)
    _require_no([*wrong_facts(described, facts, *steps)])
    return described


def _parent(name: str, data: object) -> Parent | None:
    if data is None:
        return None
    remedy = "write `parent: {entity: Contracts, path: '/Contracts/{parentId}/Services', key: …}`"
    described = _described(data, PARENT_FACTS, remedy, name, "parent")
    parts = [required(described, key, remedy, name, "parent") for key in ("entity", "path", "key")]
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
    described = _described(data, FIELD_FACTS, "write it as `{type: string}`", *steps)
    remedy = f"write one of {', '.join(FIELD_TYPES)}"
    type_ = str(required(described, "type", remedy, *steps))
    if type_ not in FIELD_TYPES:
        raise InvalidEntry(f"{type_!r} is not a type of fields", remedy, *steps, "type")
    listed = described.get("picklistValues")
    entries = labels_of(listed, "entry", "write `{1: Active}`", *steps, "picklistValues")
    if FIELD_TYPES[type_] is Type.INTEGER:
        require_numbers(entries, *steps, "picklistValues")
    records = described.get("referenceIs")
    reference_is = labels_of(records, "field", "write `{field: label}`", *steps, "referenceIs")
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
    described = _described(data, COLUMN_FACTS, "write it as `{type: text}`", *steps)
    types = [*map(str, Type)]
    type_ = str(required(described, "type", f"write one of {', '.join(types)}", *steps))
    if type_ not in types:
        remedy = f"write one of {', '.join(types)}"
        raise InvalidEntry(f"{type_!r} is not a type of columns", remedy, *steps, "type")
    is_lookup = type_ == Type.LOOKUP
    remedy = "name the table that it refers to: `{type: lookup, table: account}`"
    choices = labels_of(
        described.get("choices"), "choice", "write `{1: Active}`", *steps, "choices"
    )
    return Column(
        name=name,
        type=Type(type_),
        logical=text_of(described, "logical", name),
        label=text_of(described, "label", ""),
        table=str(required(described, "table", remedy, *steps)) if is_lookup else None,
        choices={**choices},
        required=bool(described.get("required")),
        assumed=bool(described.get("assumed")),
    )
