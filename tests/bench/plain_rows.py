"""Rows of a key and 20 columns, and two sides of them: 1 % changed, 0.5 % new, 0.5 % gone."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from trueup.model.catalogue import Type
from trueup.ports.source import Row

COLUMNS = [f"c{number:02}" for number in range(20)]
_TYPES = (Type.TEXT, Type.INTEGER, Type.DECIMAL, Type.DAY)


def column_types() -> dict[str, Type]:
    """Returns the types of the columns: text, number, decimal and day in turn."""
    return {name: _TYPES[position % len(_TYPES)] for position, name in enumerate(COLUMNS)}


def plain_rows(count: int) -> list[Row]:
    """Returns rows with a key `id` and all columns."""
    types = column_types()
    rows = []
    for number in range(count):
        row: Row = {"id": f"{number:08}"}
        for position, name in enumerate(COLUMNS):
            row[name] = _value(types[name], number, position)
        rows.append(row)
    return rows


def sides(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Returns the source and the target of rows.

    Each 100th row differs in one column, each 200th is new, each 200th is gone.
    """
    source, target = [], []
    for number, row in enumerate(rows):
        if number % 200 == 1:
            source.append(row)
        elif number % 200 == 101:
            target.append(row)
        else:
            source.append(row)
            target.append({**row, "c04": "edited"} if number % 100 == 7 else row)
    return source, target


def _value(kind: Type, number: int, position: int) -> object:
    values = {
        Type.TEXT: f"text {number} {position}",
        Type.INTEGER: number * 7 + position,
        Type.DECIMAL: Decimal(number * 100 + position) / 100,
        Type.DAY: date(2020 + number % 6, 1 + position % 12, 1 + number % 28),
    }
    return values[kind]
