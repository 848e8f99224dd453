"""Fills an empty environment: converts trueup's rows to this environment's columns and values."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.model.catalogue import Column, Table, Type
from trueup.sandbox.dataverse.schema import REFERENCES, Attribute, TableDefinition, row_id
from trueup.sandbox.dataverse.store import RowStore, Values

SourceRow = Mapping[str, Any]
"""A row in trueup's form: values by column name."""


class RowSeeder(Struct, frozen=True):
    """Converts rows and puts them into the store."""

    store: RowStore
    definitions: Mapping[str, TableDefinition]
    zone: ZoneInfo  # in which days of UserLocal columns begin

    def load(self, tables: Mapping[str, Table], rows: Mapping[str, Iterable[SourceRow]]) -> None:
        """Adds all rows by table, and the units and currencies that they name."""
        with self.store.writing():
            named: dict[tuple[str, str], None] = {}  # a dictionary keeps the order
            for name, table_rows in rows.items():
                table = tables[name]
                for row in table_rows:
                    self.store.put(table.logical, str(row[table.key]), self.values(table, row))
                    for column, (logical, _) in REFERENCES.items():
                        if row.get(column):
                            named[logical, str(row[column])] = None
            for logical, text in named:
                self._add_named(logical, text)

    def values(self, table: Table, row: SourceRow) -> Values:
        """Returns the stored columns of a row; columns that it does not have are null."""
        definition = self.definitions[table.logical]
        values = dict.fromkeys(definition.wire_names(), "null")
        for column in table.columns.values():
            attribute = definition.attributes[column.logical]
            value = self._value(column, attribute, row.get(column.name), row)
            values[attribute.wire] = to_json(value)

        if values["statecode"] == "null":
            values["statecode"] = _state_of(definition, values)
        if values["statuscode"] == "null":
            values["statuscode"] = first_reason(definition, values)
        return values

    def _add_named(self, logical: str, text: str) -> None:
        definition = self.definitions[logical]
        key = row_id(logical, text)
        values = {
            name: to_json(key if name == definition.key else text) for name in definition.attributes
        }
        self.store.put(logical, key, values)

    def _value(self, column: Column, attribute: Attribute, value: object, row: SourceRow) -> object:
        if value is None or value == "":  # Dataverse keeps no empty text
            return None
        if column.name in REFERENCES:
            return row_id(REFERENCES[column.name][0], str(value))
        if column.type is Type.CHOICE:
            return _choice_number(attribute, str(value), row.get("state"))
        if isinstance(value, datetime):
            return utc_text(value)
        if isinstance(value, date):
            return self._day(attribute.behaviour, value)
        return value

    def _day(self, behaviour: str, day: date) -> str:
        """A day as a date, or as the instant at which it begins."""
        if behaviour == "DateOnly":
            return day.isoformat()
        zone = self.zone if behaviour == "UserLocal" else UTC
        return utc_text(datetime.combine(day, time(0), zone))


def to_json(value: object) -> str:
    """Returns a value as JSON; decimals keep their digits."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def utc_text(moment: datetime) -> str:
    """Returns an instant in Dataverse's form, to the second, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _choice_number(attribute: Attribute, label: str, state: object) -> int:
    """Returns the number of a label.

    A status reason may have several numbers, one under each state. The one of the row's state is
    taken; a row without a state is active.
    """
    choices = [choice for choice in attribute.choices if choice.label == label]
    if attribute.kind == "Status" and len(choices) > 1:
        number = 0 if state in (None, "", "Active") else 1
        choices = [choice for choice in choices if choice.state == number] or choices
    return choices[0].value


def first_reason(definition: TableDefinition, values: Values) -> str:
    """Returns the first status reason of a row's state."""
    choices = definition.attributes["statuscode"].choices
    reasons = [choice for choice in choices if str(choice.state) == values["statecode"]]
    return to_json((reasons or choices)[0].value)


def _state_of(definition: TableDefinition, values: Values) -> str:
    """Returns the state that a row's status reason belongs to."""
    status = definition.attributes["statuscode"]
    states = [
        choice.state for choice in status.choices if str(choice.value) == values["statuscode"]
    ]
    return to_json(states[0] if states else 0)
