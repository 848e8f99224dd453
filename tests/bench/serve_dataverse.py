"""Serves a Dataverse sandbox with 100,000 rows: `python -m tests.bench.serve_dataverse`.

It prints its address and ends when its standard input ends.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trueup.config.catalogues import load_tables
from trueup.model.catalogue import Column, Table, Type
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment

from tests.support.paths import SCHEMAS

TABLES = load_tables(SCHEMAS / "work365.yaml")
COUNTS = {
    "account": 5_000,
    "contact": 8_000,
    "product": 1_000,
    "billing_contract": 6_000,
    "subscription": 30_000,
    "license_change": 50_000,
}


def key(table: str, number: int) -> str:
    """Returns the key of a row."""
    return f"{list(TABLES).index(table):08x}-0000-4000-8000-{number:012x}"


def rows(table: Table) -> Iterator[dict[str, Any]]:
    """Yields rows with all columns filled."""
    for number in range(COUNTS[table.name]):
        yield {name: value(table, column, number) for name, column in table.columns.items()}


def value(table: Table, column: Column, number: int) -> object:
    """Returns one value. Many rows share their values, as in a real environment."""
    if column.name == table.key:
        return key(table.name, number)
    if column.name == "currency":
        return "CHF"
    if column.table:
        return key(column.table, number % COUNTS[column.table])
    values: dict[Type, object] = {
        Type.DECIMAL: Decimal(number % 500) / 4,
        Type.BOOLEAN: bool(number % 2),
        Type.DAY: date(2024, 1, 1) + timedelta(days=number % 900),
        Type.INSTANT: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        Type.CHOICE: next(iter(column.choices.values()), None),
    }
    return values.get(column.type, f"{column.label} {number}")


def main() -> None:
    """Serves until standard input ends."""
    all_rows = {name: rows(table) for name, table in TABLES.items()}
    with DataverseSandbox(TABLES, all_rows, Environment()) as sandbox:
        sys.stdout.write(f"{sandbox.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
