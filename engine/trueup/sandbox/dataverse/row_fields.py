"""Columns of rows as filters and orders see them."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import cached_property

from trueup.sandbox.dataverse.filters import Field, instant
from trueup.sandbox.dataverse.relations import Definitions, Relation, references, single
from trueup.sandbox.dataverse.responses import unknown_property
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition
from trueup.sandbox.dataverse.store import RowStore, StoredRow

_TYPES: Mapping[str, str] = {
    "String": "String",
    "Memo": "String",
    "Boolean": "Boolean",
    "DateTime": "DateTimeOffset",
    "Uniqueidentifier": "Guid",
    "Lookup": "Guid",
    "Customer": "Guid",
    "Owner": "Guid",
}
"""Edm types by AttributeType; numbers and choices are numbers."""


class RowFields:
    """Finds the columns of one table, and those of a row that it refers to (`a/b`)."""

    def __init__(self, store: RowStore, definitions: Definitions, table: TableDefinition) -> None:
        self._store = store
        self._definitions = definitions
        self._table = table
        self._by_wire = {attribute.wire: attribute for attribute in table.attributes.values()}

    @cached_property
    def relations(self) -> dict[str, list[Relation]]:
        """The references to other tables, by the column that holds them."""
        found: dict[str, list[Relation]] = {}
        for relation in references(self._definitions, self._table):
            found.setdefault(relation.attribute.logical, []).append(relation)
        return found

    def field(self, path: str) -> Field:
        """Returns the column with a name in rows, or behind a navigation property.

        Raises `DataverseError` if there is none.
        """
        name, _, rest = path.partition("/")
        if not rest:
            if name not in self._by_wire:
                owner = f"type 'Microsoft.Dynamics.CRM.{self._table.logical}'"
                raise unknown_property(name, owner)
            attribute = self._by_wire[name]
            return Field(edm_type(attribute), lambda row: value_of(attribute, row))

        relation = single(self._definitions, self._table, name)
        if relation is None:
            owner = f"type 'Microsoft.Dynamics.CRM.{self._table.logical}'"
            raise unknown_property(name, owner)
        behind = RowFields(self._store, self._definitions, relation.referenced).field(rest)
        reference = relation.attribute

        def read(row: StoredRow) -> object:
            key = value_of(reference, row)
            other = self._store.get(relation.referenced.logical, str(key)) if key else None
            return behind.read(other) if other else None

        return Field(behind.type, read)

    def order(self, name: str) -> Callable[[StoredRow], tuple[bool, object]]:
        """Returns what rows are sorted by: choices by label, references by the row's name.

        Raises `DataverseError`.
        """
        field = self.field(name)
        attribute = self._by_wire.get(name)

        def sort_key(row: StoredRow) -> tuple[bool, object]:
            value = field.read(row)
            if attribute is not None and value is not None:
                value = self.label(attribute, value)
            folded = value.casefold() if isinstance(value, str) else value
            return value is not None, folded if folded is not None else 0

        return sort_key

    def label(self, attribute: Attribute, value: object) -> object:
        """Returns what a person sees in place of a choice's number or a reference's key."""
        if attribute.choices:
            labels = {choice.value: choice.label for choice in attribute.choices}
            return labels.get(int(str(value)), str(value))
        for target in attribute.targets:
            row = self._store.get(target, str(value))
            if row is not None and target in self._definitions:
                return json.loads(row.values()[self._definitions[target].name]) or ""
        return value if not attribute.targets else ""


def edm_type(attribute: Attribute) -> str:
    """Returns a column's type in filters."""
    return _TYPES.get(attribute.kind, "Number")


def value_of(attribute: Attribute, row: StoredRow) -> object:
    """Returns a value of a row, as `parsed` does."""
    return parsed(attribute, row.values().get(attribute.wire, "null"))


def parsed(attribute: Attribute, text: str) -> object:
    """Returns a value as JSON; days and instants as `datetime`, numbers without rounding."""
    value = json.loads(text, parse_float=Decimal)
    if attribute.kind == "DateTime" and isinstance(value, str):
        with suppress(ValueError):
            return instant(value)
    if edm_type(attribute) == "Guid" and isinstance(value, str):
        return value.lower()
    return value
