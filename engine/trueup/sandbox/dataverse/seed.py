"""Rows as the engine has them in; rows as this environment has them out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from engine.model.catalogue import Column, Table, Type
from engine.sandbox.dataverse.schema import REFERRED, Attribute, Kind, row_id
from engine.sandbox.dataverse.store import RowStore, Values

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seeding:
    """Fills an empty environment."""

    store: RowStore
    kinds: Mapping[str, Kind]
    zone: ZoneInfo

    def sow(self, tables: Mapping[str, Table], rows: Mapping[str, Iterable[Row]]) -> None:
        """Every row of every table, and the rows that they refer to by text."""
        with self.store.writing():
            referred: dict[tuple[str, str], None] = {}
            for name, listed in rows.items():
                table = tables[name]
                for row in listed:
                    self.store.put(table.logical, str(row[table.key]), self.values(table, row))
                    for ours, (logical, _) in REFERRED.items():
                        if row.get(ours):
                            referred[logical, str(row[ours])] = None
            for logical, text in referred:
                self._refer(logical, text)

    def values(self, table: Table, row: Row) -> Values:
        """One row; columns that it has not are null."""
        kind = self.kinds[table.logical]
        values = dict.fromkeys((attribute.wire for attribute in kind.attributes.values()), "null")
        for column in table.columns.values():
            attribute = kind.attributes[column.logical]
            values[attribute.wire] = json_of(self._wire(column, attribute, row.get(column.name), row))
        for attribute in kind.attributes.values():
            if attribute.kind == "State" and values[attribute.wire] == "null":
                values[attribute.wire] = _state(kind, values)
            if attribute.kind == "Status" and values[attribute.wire] == "null":
                values[attribute.wire] = json_of(attribute.choices[0].value)
        return values

    def _refer(self, logical: str, text: str) -> None:
        kind = self.kinds[logical]
        key = row_id(logical, text)
        values = {name: json_of(key if name == kind.key else text) for name in kind.attributes}
        self.store.put(logical, key, values)

    def _wire(self, column: Column, attribute: Attribute, value: object, row: Row) -> object:
        if value is None:
            return None
        if column.name in REFERRED:
            return row_id(REFERRED[column.name][0], str(value))
        if column.type is Type.CHOICE:
            return _number(attribute, str(value), _given_state(row))
        return self._plain(attribute, value)

    def _plain(self, attribute: Attribute, value: object) -> object:
        if isinstance(value, datetime):
            return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        if isinstance(value, date):
            return self._day(attribute.behaviour, value)
        return value

    def _day(self, behaviour: str, day: date) -> str:
        if behaviour == "DateOnly":
            return day.isoformat()
        zone = self.zone if behaviour == "UserLocal" else UTC
        return datetime.combine(day, time(0), zone).astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_of(value: object) -> str:
    """A value as JSON; decimals digit by digit."""
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _given_state(row: Row) -> str | None:
    state = row.get("state")
    return str(state) if state is not None else None


def _number(attribute: Attribute, label: str, state: str | None) -> int:
    """The number of a label; of a status reason that stands under several states, the one of the row's."""
    numbers = [choice for choice in attribute.choices if choice.label == label]
    if attribute.kind == "Status" and len(numbers) > 1:
        wanted = {"Active": 0}.get(state or "Active", 1)
        numbers = [choice for choice in numbers if choice.state == wanted] or numbers
    return numbers[0].value


def _state(kind: Kind, values: Values) -> str:
    """The state that a row's status reason belongs to."""
    status = kind.attributes["statuscode"]
    found = [choice.state for choice in status.choices if str(choice.value) == values["statuscode"]]
    return json_of(found[0] if found else 0)
