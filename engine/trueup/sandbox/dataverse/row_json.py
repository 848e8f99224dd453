"""Rows as JSON: selected columns, their annotations, expanded navigation properties.

Source: docs/explanation/work365.md, section 6.2.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from trueup.sandbox.dataverse.filters import compile_filter
from trueup.sandbox.dataverse.query_options import (
    FORMATTED,
    LOOKUP_TABLE,
    NAVIGATION,
    Expand,
    Preferences,
    expanded,
    ordered,
    selected,
    whole_number,
)
from trueup.sandbox.dataverse.relations import (
    Definitions,
    Relation,
    collection,
    single,
)
from trueup.sandbox.dataverse.responses import unknown_property
from trueup.sandbox.dataverse.row_fields import RowFields, parsed, value_of
from trueup.sandbox.dataverse.schema import Attribute, TableDefinition
from trueup.sandbox.dataverse.store import RowStore, StoredRow

_ALL = 1 << 31
_CURRENCY = "_transactioncurrencyid_value"


class Shape(Struct, frozen=True):
    """What is shown of the rows of one table."""

    table: TableDefinition
    attributes: Sequence[Attribute]
    expand: Sequence[Expand] = ()


def shape_of(
    table: TableDefinition, columns: Sequence[str], expand: Sequence[Expand] = ()
) -> Shape:
    """Returns the shape with the key, these columns (by their names in rows), and the currency.

    Dataverse adds the currency of a money column, selected or not.
    """
    by_wire = {attribute.wire: attribute for attribute in table.attributes.values()}
    shown = {name: by_wire[name] for name in (table.key, *columns)}
    if any(attribute.kind == "Money" for attribute in shown.values()) and _CURRENCY in by_wire:
        shown[_CURRENCY] = by_wire[_CURRENCY]
    return Shape(table, list(shown.values()), expand)


@dataclass(frozen=True)
class RowJson:
    """Writes rows as JSON, with the annotations that were asked for."""

    store: RowStore
    definitions: Definitions
    prefer: Preferences = field(default_factory=Preferences)
    hidden: dict[str, frozenset[int | str]] = field(default_factory=dict)  # keys by table

    def shape(self, table: TableDefinition, select: str | None, expand: str | None = None) -> Shape:
        """Checks `$select` and `$expand`. Raises `DataverseError`."""
        columns = selected(select, table.wire_names(), table.logical)
        items = expanded(expand)
        for item in items:
            self._check_expand(table, item)
        return shape_of(table, columns, items)

    def row(self, shape: Shape, row: StoredRow, head: Iterable[str] = ()) -> str:
        """Returns one row; `head` are entries before its columns."""
        table = shape.table
        if row.body is None:
            context = f"$metadata#{table.entity_set}/$deletedEntity"
            return f'{{"@odata.context":"{context}","id":"{row.key}","reason":"deleted"}}'

        entries = [*head, f'"@odata.etag":"W/\\"{row.version}\\""']
        values = row.values()
        fields = self._fields(table) if self._row_annotations else None
        for attribute in shape.attributes:
            name = attribute.wire
            text = values.get(name, "null")
            if fields is not None and text != "null":
                entries += self._annotations(fields, attribute, parsed(attribute, text))
            entries.append(f'"{name}":{text}')
        for item in shape.expand:
            entries.append(f'"{item.name}":{self._expanded(table, item, row)}')
        return "{" + ",".join(entries) + "}"

    def related(self, relation: Relation, row: StoredRow) -> StoredRow | None:
        """Returns the row that a reference of another refers to, or None."""
        key = value_of(relation.attribute, row)
        return self.visible(relation.referenced, str(key)) if key else None

    def visible(self, table: TableDefinition, key: str) -> StoredRow | None:
        """Returns a row unless it does not exist or is hidden."""
        hidden = key in self.hidden.get(table.logical, ())
        return None if hidden else self.store.get(table.logical, key)

    def referring(self, relation: Relation, key: str) -> list[StoredRow]:
        """Returns the rows that refer to the one with this key."""
        name = relation.referencing.logical
        hidden = self.hidden.get(name, ())
        rows = self.store.after(name, 0, _ALL, gone=False)
        return [
            row
            for row in rows
            if row.key not in hidden and value_of(relation.attribute, row) == key
        ]

    def matching(
        self, table: TableDefinition, rows: list[StoredRow], given: dict[str, str]
    ) -> list[StoredRow]:
        """Applies `$filter`, `$orderby` and `$top`. Raises `DataverseError`."""
        fields = RowFields(self.store, self.definitions, table)
        if given.get("$filter") is not None:
            test = compile_filter(given["$filter"], fields.field)
            rows = [row for row in rows if test(row)]
        orders = [(fields.order(name), down) for name, down in ordered(given.get("$orderby"))]
        rows = sorted(rows, key=lambda row: row.key) if orders else rows
        for order, descending in reversed(orders):
            rows = sorted(rows, key=order, reverse=descending)
        return rows[: whole_number("$top", given.get("$top"))]

    def _check_expand(self, table: TableDefinition, item: Expand) -> None:
        """Raises `DataverseError` for a wrong name or option, also if no row is found later."""
        relation = single(self.definitions, table, item.name)
        other = relation.referenced if relation else None
        if relation is None:
            relation = collection(self.definitions, table, item.name)
            other = relation.referencing if relation else None
        if other is None:
            raise unknown_property(item.name, f"type 'Microsoft.Dynamics.CRM.{table.logical}'")
        self.shape(other, item.options.get("$select"), item.options.get("$expand"))
        self.matching(other, [], dict(item.options))

    def _expanded(self, table: TableDefinition, item: Expand, row: StoredRow) -> str:
        given = dict(item.options)
        relation = single(self.definitions, table, item.name)
        if relation is not None:
            shape = self.shape(relation.referenced, given.get("$select"), given.get("$expand"))
            other = self.related(relation, row)
            return self.row(shape, other) if other else "null"

        back = collection(self.definitions, table, item.name)
        if back is None:
            raise unknown_property(item.name, f"type 'Microsoft.Dynamics.CRM.{table.logical}'")
        shape = self.shape(back.referencing, given.get("$select"), given.get("$expand"))
        rows = self.matching(back.referencing, self.referring(back, row.key), given)
        return "[" + ",".join(self.row(shape, other) for other in rows) + "]"

    @cached_property
    def _row_annotations(self) -> frozenset[str]:
        """The annotations of columns that were asked for."""
        return frozenset(
            name for name in (NAVIGATION, LOOKUP_TABLE, FORMATTED) if self.prefer.wants(name)
        )

    @cached_property
    def _fields_by_table(self) -> dict[str, RowFields]:
        return {}

    def _fields(self, table: TableDefinition) -> RowFields:
        """Returns the columns of a table; they are the same for all rows of an answer."""
        if table.logical not in self._fields_by_table:
            fields = RowFields(self.store, self.definitions, table)
            self._fields_by_table[table.logical] = fields
        return self._fields_by_table[table.logical]

    def _annotations(self, fields: RowFields, attribute: Attribute, value: object) -> Iterator[str]:
        for name, text in self._annotation_values(fields, attribute, value):
            if name in self._row_annotations:
                yield f'"{attribute.wire}@{name}":{json.dumps(text, ensure_ascii=False)}'

    def _annotation_values(
        self, fields: RowFields, attribute: Attribute, value: object
    ) -> Iterator[tuple[str, str]]:
        for relation in fields.relations.get(attribute.logical, ()):
            if self._is_target(relation, str(value)):
                yield NAVIGATION, relation.navigation
                yield LOOKUP_TABLE, relation.referenced.logical
        shown = _formatted(attribute, fields, value)
        if shown:
            yield FORMATTED, shown

    def _is_target(self, relation: Relation, key: str) -> bool:
        """Of several tables that a reference may refer to, it refers to the one with the row."""
        return len(relation.attribute.targets) == 1 or bool(
            self.store.get(relation.referenced.logical, key)
        )


def _formatted(attribute: Attribute, fields: RowFields, value: object) -> str:
    """Returns a value as a person sees it in American English; empty if it has no such form."""
    if attribute.choices or attribute.targets:
        return str(fields.label(attribute, value))
    if isinstance(value, datetime):
        return _date(attribute, value)
    match attribute.kind:
        case "Boolean":
            return "Yes" if value else "No"
        case "Integer":
            return f"{Decimal(str(value)):,.0f}"
        case "Decimal" | "Money":
            return f"{Decimal(str(value)):,.2f}"
        case _:
            return ""


def _date(attribute: Attribute, moment: datetime) -> str:
    day = f"{moment.month}/{moment.day}/{moment.year}"
    if attribute.behaviour == "DateOnly":
        return day
    return f"{day} {moment.hour % 12 or 12}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"  # noqa: PLR2004
