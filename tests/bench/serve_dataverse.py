"""The Dataverse stand-in in a process of its own, with 100,000 rows: prints its address, ends with its input."""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.config.catalogues import load_tables
from engine.model.catalogue import Column, Table, Type
from engine.sandbox.dataverse.server import DataverseSandbox, Environment

TABLES = load_tables(Path(__file__).parents[2] / "schemas" / "work365.yaml")
COUNTS = {
    "account": 5_000,
    "contact": 8_000,
    "product": 1_000,
    "billing_contract": 6_000,
    "subscription": 30_000,
    "license_change": 50_000,
}


def key(table: str, number: int) -> str:
    """A GUID of that row."""
    return f"{list(TABLES).index(table):08x}-0000-4000-8000-{number:012x}"


def rows(table: Table) -> Iterator[dict[str, Any]]:
    """Rows with every column filled."""
    for number in range(COUNTS[table.name]):
        yield {name: value(table, column, number) for name, column in table.columns.items()}


def value(table: Table, column: Column, number: int) -> object:
    """One value; many rows share theirs, as they do."""
    if column.name in (table.key, "currency"):
        return "CHF" if column.name == "currency" else key(table.name, number)
    if column.table:
        return key(column.table, number % COUNTS[column.table])
    made: dict[Type, object] = {
        Type.DECIMAL: Decimal(number % 500) / 4,
        Type.BOOLEAN: bool(number % 2),
        Type.DAY: date(2024, 1, 1) + timedelta(days=number % 900),
        Type.INSTANT: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        Type.CHOICE: next(iter(column.choices.values()), None),
    }
    return made.get(column.type, f"{column.label} {number}")


if __name__ == "__main__":
    with DataverseSandbox(TABLES, {name: rows(table) for name, table in TABLES.items()}, Environment()) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
