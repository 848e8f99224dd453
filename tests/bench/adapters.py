"""Subscriptions by the hundred thousand, on both sides: 1 % changed, 0.5 % new, 0.5 % gone."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from engine.model.plan import UnitRow
from engine.model.run import Link
from engine.ports import Condition, Memory, Record, Row, RowOutcome, Rows, RowUpdate, Threshold

COLUMNS = [f"c{number:02}" for number in range(20)]


def rows(count: int) -> list[Row]:
    """Rows with a key and 20 columns: text, numbers, days."""
    made = []
    for number in range(count):
        row: Row = {"id": f"{number:08}"}
        for place, name in enumerate(COLUMNS):
            row[name] = _value(number, place)
        made.append(row)
    return made


def _value(number: int, place: int) -> object:
    kind = place % 4
    if kind == 0:
        return f"text {number} {place}"
    if kind == 1:
        return number * 7 + place
    if kind == 2:
        return Decimal(number * 100 + place) / 100
    return date(2020 + number % 6, 1 + place % 12, 1 + number % 28)


def changed(made: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Source and target of the same rows: each 100th differs in a field, each 200th is new, each 200th gone."""
    source, target = [], []
    for number, row in enumerate(made):
        if number % 200 == 1:
            source.append(row)
        elif number % 200 == 101:
            target.append(row)
        else:
            source.append(row)
            target.append({**row, "c04": "edited"} if number % 100 == 7 else row)
    return source, target


class GivenSource:
    """Tables that were read before: reading is left out of what is measured."""

    def __init__(self, tables: dict[str, list[Row]]) -> None:
        self._tables = tables

    def describe(self) -> str:
        return "bench"

    def identity(self) -> str:
        return ""

    remarks = ()

    def holds(self, table: str, column: str) -> str | None:
        return None

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        return Rows(self._tables[table])

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        raise AssertionError("a plan writes nothing")


class GivenTarget:
    """Records that were read before."""

    calls = 0

    def __init__(self, entities: dict[str, Any], records: dict[str, list[Record]]) -> None:
        self._entities, self._records = entities, records

    def describe(self) -> str:
        return "bench"

    def identity(self) -> str:
        return ""

    def entity(self, name: str) -> Any:
        return self._entities[name]

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if any(one.field == "id" for one in where):
            return []
        return self._records.get(entity, [])

    def threshold(self) -> Threshold:
        return Threshold(0, 10_000)


class GivenState:
    """Links that were loaded before."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._memory = Memory(links={(link.mapping, link.key): link for link in links})

    def load(self) -> Memory:
        return self._memory

    def journal(self, run: str) -> list[Any]:
        return []


__all__ = ["COLUMNS", "GivenSource", "GivenState", "GivenTarget", "UnitRow", "changed", "rows"]
