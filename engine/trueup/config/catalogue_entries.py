"""Builds the entities and tables of a catalogue from the data of its files.

Raises `InvalidEntry` with the way to what is wrong. `catalogues.py` finds its place in the file.
"""

from collections.abc import Mapping
from typing import Any

from trueup.model.catalogue import Column, Entity, Field, Parent, PickValue, Table, Type
from trueup.model.coerce import shown
from trueup.model.suggestions import hint

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


class InvalidEntry(Exception):
    """A part of a catalogue is not valid. `steps` lead to it; `remedy` says what to write."""

    def __init__(self, text: str, remedy: str, *steps: str) -> None:
        super().__init__(text)
        self.text, self.remedy, self.steps = text, remedy, steps


def entity(name: str, data: object, active: str) -> Entity:
    """Returns an entity. `active` is the field that is false where a record is inactive."""
    described = _mapping(data, "an entity needs `operations:` and `fields:`", name)
    fields = _mapping(
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
    return Entity(
        name=name,
        operations=frozenset(operations),
        fields={field: _field(name, str(field), known) for field, known in fields.items()},
        parent=_parent(name, described.get("parent")),
        writes_via=described.get("writesVia", "root"),
        udf_capable=described.get("userDefinedFields", "no"),
        routes={route: tuple(verbs) for route, verbs in described.get("routes", {}).items()},
        rules=tuple(described.get("rules", ())),
        active=active if active in fields else "",
    )


def table(name: str, data: object) -> Table:
    """Returns a table. Names in the source system are by default those that mappings use."""
    described = _mapping(data, "a table needs `key:` and `columns:`", name)
    listed = _mapping(
        _required(described, "columns", "write `columns:` with a line for each column", name),
        "write each column as `name: {type: text}`",
        name,
        "columns",
    )
    columns = {str(column): _column(name, str(column), known) for column, known in listed.items()}
    key = str(_required(described, "key", "name the column that identifies a row", name))
    title = str(described.get("title", key))
    for role, column in (("key", key), ("title", title)):
        if column not in columns:
            text = f"`{role}` names the column {column!r}, which the table does not have"
            raise InvalidEntry(text, hint(column, columns) or "name one of its columns", name, role)
    logical = str(described.get("logical", name))
    return Table(
        name=name,
        logical=logical,
        entity_set=str(described.get("entity_set", f"{logical}s")),
        label=str(described.get("label", "")),
        key=key,
        title=title,
        columns=columns,
        assumed=described.get("assumed", False),
    )


def _mapping(data: object, remedy: str, *steps: str) -> Mapping[Any, Any]:
    if not isinstance(data, dict):
        raise InvalidEntry("names and values were expected", remedy, *steps)
    return data


def _required(data: Mapping[str, Any], key: str, remedy: str, *steps: str) -> Any:  # noqa: ANN401 -- YAML
    if data.get(key) is None:
        raise InvalidEntry(f"`{key}` is missing", remedy, *steps)
    return data[key]


def _parent(name: str, data: object) -> Parent | None:
    if data is None:
        return None
    remedy = "write `parent: {entity: Contracts, path: '/Contracts/{parentId}/Services', key: …}`"
    described = _mapping(data, remedy, name, "parent")
    parts = [_required(described, key, remedy, name, "parent") for key in ("entity", "path", "key")]
    return Parent(*map(str, parts))


def _field(owner: str, name: str, data: object) -> Field:
    """Returns a field. Unknown flags (`null`) forbid nothing: the tenant's own metadata decides."""
    steps = (owner, "fields", name)
    described = _mapping(data, "write it as `{type: string}`", *steps)
    remedy = f"write one of {', '.join(FIELD_TYPES)}"
    type_ = str(_required(described, "type", remedy, *steps))
    if type_ not in FIELD_TYPES:
        raise InvalidEntry(f"{type_!r} is not a type of fields", remedy, *steps, "type")
    listed = _mapping(described.get("picklistValues", {}), "write `{1: Active}`", *steps)
    return Field(
        name=name,
        type=Type.DAY if described.get("day") else FIELD_TYPES[type_],
        required=bool(described.get("required")),
        readonly=bool(described.get("readonly")),
        create_only=bool(described.get("settableOnCreate")),
        max_length=described.get("maxLength"),
        reference=described.get("reference"),
        picklist=tuple(PickValue(value, label) for value, label in listed.items())
        if described.get("picklist")
        else None,
        picklist_partial=bool(described.get("picklistPartial")),
        queryable=described.get("queryable", True),
        required_if=described.get("requiredIf", ""),
        reference_is=described.get("referenceIs", {}),
        data_type=type_,
    )


def _column(owner: str, name: str, data: object) -> Column:
    steps = (owner, "columns", name)
    described = _mapping(data, "write it as `{type: text}`", *steps)
    types = [*map(str, Type)]
    type_ = str(_required(described, "type", f"write one of {', '.join(types)}", *steps))
    if type_ not in types:
        remedy = f"write one of {', '.join(types)}"
        raise InvalidEntry(f"{type_!r} is not a type of columns", remedy, *steps, "type")
    is_lookup = type_ == Type.LOOKUP
    remedy = "name the table that it refers to: `{type: lookup, table: account}`"
    choices = _mapping(described.get("choices", {}), "write `{1: Active}`", *steps, "choices")
    for value, label in choices.items():
        if not isinstance(label, str):
            text = f"choice {value} is {shown(label)}, which is not a text"
            raise InvalidEntry(text, "write it between quotes", *steps, "choices")
    return Column(
        name=name,
        type=Type(type_),
        logical=str(described.get("logical", name)),
        label=str(described.get("label", "")),
        table=str(_required(described, "table", remedy, *steps)) if is_lookup else None,
        choices={**choices},
        required=described.get("required", False),
        assumed=described.get("assumed", False),
    )
