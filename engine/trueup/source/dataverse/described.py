"""A table of an environment, as facts of the catalogue of tables.

A column keeps its logical name. A reference to a table that the catalogue does not have is a text:
its display text. Columns of kinds without a plain value (files, images, party lists) are left out.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from trueup.model.catalogue import Table, Type
from trueup.source.dataverse.metadata import LOOKUPS, AttributeDefinition, TableDefinition

KEY = "id"
"""What the key column of an added table is called."""

_TYPES: Mapping[str, Type] = {
    "String": Type.TEXT,
    "Memo": Type.TEXT,
    "EntityName": Type.TEXT,
    "Integer": Type.INTEGER,
    "BigInt": Type.INTEGER,
    "Decimal": Type.DECIMAL,
    "Double": Type.DECIMAL,
    "Money": Type.DECIMAL,
    "Boolean": Type.BOOLEAN,
    "DateTime": Type.INSTANT,
    "Picklist": Type.CHOICE,
    "State": Type.CHOICE,
    "Status": Type.CHOICE,
    **dict.fromkeys(LOOKUPS, Type.LOOKUP),
}
"""The type of a column by Dataverse's kind of attribute."""

_DATE_ONLY = "DateOnly"

Facts = dict[str, Any]
"""Facts under the keys of schemas/work365.yaml."""


def table_facts(definition: TableDefinition) -> Facts:
    """Returns the facts of a table that the catalogue does not have, without its columns."""
    facts: Facts = {
        "logical": definition.logical,
        "entity_set": definition.entity_set,
        "label": definition.label or definition.logical,
        "key": KEY,
    }
    if definition.name:
        facts["title"] = definition.name
    return facts


def column_facts(
    definition: TableDefinition,
    tables: Mapping[str, Table],
    known: Collection[str],
    wanted: Collection[str] = (),
) -> Iterator[tuple[str, Facts]]:
    """Yields the columns that the catalogue does not have, by the names that mappings use.

    `known` are logical names of columns that it has; `wanted`, if any, are the only ones to add.
    """
    for logical, attribute in definition.attributes.items():
        if logical in known or (wanted and logical not in wanted):
            continue
        if logical == definition.key:
            label = attribute.label or logical
            yield KEY, {"type": "text", "logical": logical, "label": label, "required": True}
        elif attribute.kind in _TYPES:
            yield logical, _facts(attribute, definition, tables)


def _facts(
    attribute: AttributeDefinition, definition: TableDefinition, tables: Mapping[str, Table]
) -> Facts:
    type_ = _TYPES[attribute.kind]
    facts: Facts = {}
    if type_ is Type.LOOKUP:
        names = {table.logical: name for name, table in tables.items()}
        names[definition.logical] = names.get(definition.logical, definition.logical)
        found = next((names[one] for one in attribute.targets if one in names), None)
        type_ = Type.LOOKUP if found else Type.TEXT
        facts = {"table": found} if found else {}
    elif type_ is Type.INSTANT and attribute.behaviour == _DATE_ONLY:
        type_ = Type.DAY
    elif type_ is Type.CHOICE:
        facts = {"choices": {option.value: option.label for option in attribute.options}}
    label = {"label": attribute.label} if attribute.label else {}
    return {"type": str(type_), "logical": attribute.logical, **label, **facts}
