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
    Collected,
    Facts,
    InvalidEntry,
    labels_of,
    mapping,
    require_no,
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
    described: Mapping[Any, Any], make: Callable[[str, Any], _Made], *steps: str
) -> tuple[dict[str, _Made], list[InvalidEntry]]:
    """Returns what `make` makes of each name and its description, and what is wrong with others.

    `steps` lead to the names.
    """
    made: dict[str, _Made] = {}
    faults: list[InvalidEntry] = []
    collected = Collected(faults)
    for name, one in described.items():
        with collected:
            if str(name) in made:  # 365 and "365" are two keys of YAML
                text, remedy = f"{shown(str(name))} occurs more than once", "remove one of them"
                raise InvalidEntry(text, remedy, *steps, str(name))
            made[str(name)] = make(str(name), one)
    return made, faults


def entity(name: str, data: object, active: str) -> Entity:
    """Returns an entity. `active` is the field that is false where a record is inactive.

    Conditions of fields (`requiredIf`) are checked once all else of the entity is valid.
    """
    described = mapping(data, "an entity needs `operations:` and `fields:`", name)
    faults = [*wrong_facts(described, ENTITY_FACTS, name)]
    collected = Collected(faults)
    fields: dict[str, Field] = {}
    operations: frozenset[str] = frozenset()
    parent: Parent | None = None
    routes: dict[str, tuple[str, ...]] = {}
    with collected:
        listed = _listed(described, ENTITY_FACTS, "fields", "{type: string}", name)
        fields, wrong = each_of(listed, partial(_field, name), name, "fields")
        faults += wrong
    with collected:
        operations = _operations(name, described)
    with collected:
        parent = _parent(name, described.get("parent"))
    with collected:
        routes = _routes(name, described.get("routes"))
    require_no(faults)
    made = Entity(
        name=name,
        operations=operations,
        fields=fields,
        parent=parent,
        writes_via=described.get("writesVia") or "root",
        udf_capable=described.get("userDefinedFields") or "no",
        routes=routes,
        rules=tuple(described.get("rules") or ()),
        active=active if active in fields else "",
        role=described.get("role") or "",
    )
    require_no(each_of(fields, lambda _, field: _require_readable(field, made))[1])
    return made


def _operations(name: str, described: Mapping[str, Any]) -> frozenset[str]:
    remedy = f"write a list of {', '.join(OPERATIONS)}"
    operations = required(described, ENTITY_FACTS, "operations", remedy, name)
    if not isinstance(operations, list) or not set(map(str, operations)) <= set(OPERATIONS):
        remedy = f"{remedy}: `operations: [query]`"
        raise InvalidEntry("operations are not valid", remedy, name, "operations")
    return frozenset(operations)


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
    faults = [*wrong_facts(described, TABLE_FACTS, name)]
    collected = Collected(faults)
    columns: dict[str, Column] = {}
    key = ""
    with collected:
        remedy = "name the column that identifies a row"
        key = str(required(described, TABLE_FACTS, "key", remedy, name))
    with collected:
        listed = _listed(described, TABLE_FACTS, "columns", "{type: text}", name)
        faults += _unknown_columns(name, described, [*map(str, listed)])
        columns, wrong = each_of(listed, partial(_column, name), name, "columns")
        faults += wrong
    require_no(faults)
    logical = text_of(described, "logical", name)
    return Table(
        name=name,
        logical=logical,
        entity_set=text_of(described, "entity_set", f"{logical}s"),
        label=text_of(described, "label", ""),
        key=key,
        title=text_of(described, "title", key),
        columns=columns,
        assumed=bool(described.get("assumed")),
    )


def _unknown_columns(
    owner: str, described: Mapping[str, Any], columns: Collection[str]
) -> Iterator[InvalidEntry]:
    """Yields an error for `key` and for `title` if they name none of these columns."""
    for role in ("key", "title"):
        column = text_of(described, role, "")
        is_name = type(described.get(role)) in (str, int)  # else it is reported as no text
        if is_name and column not in columns:
            text = f"`{role}` names the column {column!r}, which the table does not have"
            remedy = hint(column, columns) or "name one of its columns"
            yield InvalidEntry(text, remedy, owner, role)


def _listed(
    described: Mapping[str, Any], facts: Facts, key: str, example: str, owner: str
) -> Mapping[Any, Any]:
    """Returns the descriptions of the fields or columns of an entry by name."""
    one = key.removesuffix("s")
    listed = required(described, facts, key, f"write `{key}:` with a line for each {one}", owner)
    return mapping(listed, f"write each {one} as `name: {example}`", owner, key)


def _parent(name: str, data: object) -> Parent | None:
    if data is None:
        return None
    remedy = "write `parent: {entity: Contracts, path: '/Contracts/{parentId}/Services', key: …}`"
    described = mapping(data, remedy, name, "parent")
    faults = [*wrong_facts(described, PARENT_FACTS, name, "parent")]
    parts: list[str] = []
    for key in PARENT_FACTS:
        with Collected(faults):
            parts.append(str(required(described, PARENT_FACTS, key, remedy, name, "parent")))
    require_no(faults)
    return Parent(*parts)


def _routes(owner: str, data: object) -> dict[str, tuple[str, ...]]:
    """Returns the verbs of each route. What is no map is reported as a fact of the entity."""

    def verbs_of(route: str, verbs: object) -> tuple[str, ...]:
        if not isinstance(verbs, list):
            text, remedy = f"{shown(verbs)} is not a list", "write it as `[GET, POST]`"
            raise InvalidEntry(text, remedy, owner, "routes", route)
        return tuple(map(str, verbs))

    routes, faults = each_of(data if isinstance(data, dict) else {}, verbs_of, owner, "routes")
    require_no(faults)
    return routes


def _type(
    described: Mapping[str, Any], facts: Facts, types: Collection[str], what: str, *steps: str
) -> str:
    remedy = f"write one of {', '.join(types)}"
    type_ = str(required(described, facts, "type", remedy, *steps))
    if type_ not in types:
        raise InvalidEntry(f"{type_!r} is not a type of {what}", remedy, *steps, "type")
    return type_


def _field(owner: str, name: str, data: object) -> Field:
    """Returns a field. Unknown flags (`null`) forbid nothing: the tenant's own metadata decides."""
    steps = (owner, "fields", name)
    described = mapping(data, "write it as `{type: string}`", *steps)
    faults = [*wrong_facts(described, FIELD_FACTS, *steps)]
    collected = Collected(faults)
    type_ = ""
    entries: Mapping[Any, str] = {}
    reference_is: Mapping[Any, str] = {}
    with collected:
        type_ = _type(described, FIELD_FACTS, FIELD_TYPES, "fields", *steps)
    with collected:
        listed = described.get("picklistValues")
        entries = labels_of(listed, "entry", "write `{1: Active}`", *steps, "picklistValues")
        if FIELD_TYPES.get(type_) is Type.INTEGER:
            require_numbers(entries, *steps, "picklistValues")
    with collected:
        records = described.get("referenceIs")
        reference_is = labels_of(records, "field", "write `{field: label}`", *steps, "referenceIs")
    require_no(faults)
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
    described = mapping(data, "write it as `{type: text}`", *steps)
    faults = [*wrong_facts(described, COLUMN_FACTS, *steps)]
    collected = Collected(faults)
    type_ = ""
    referred: str | None = None
    choices: Mapping[Any, str] = {}
    with collected:
        type_ = _type(described, COLUMN_FACTS, [*map(str, Type)], "columns", *steps)
    with collected:
        if type_ == Type.LOOKUP:
            remedy = "name the table that it refers to: `{type: lookup, table: account}`"
            referred = str(required(described, COLUMN_FACTS, "table", remedy, *steps))
    with collected:
        listed = described.get("choices")
        choices = labels_of(listed, "choice", "write `{1: Active}`", *steps, "choices")
    require_no(faults)
    return Column(
        name=name,
        type=Type(type_),
        logical=text_of(described, "logical", name),
        label=text_of(described, "label", ""),
        table=referred,
        choices={**choices},
        required=bool(described.get("required")),
        assumed=bool(described.get("assumed")),
    )
