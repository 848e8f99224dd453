"""Compares a planned update with the row as it is: what is left to set, or why it is refused."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from trueup.model.catalogue import Table
from trueup.ports.source import RowUpdate
from trueup.source.column_reader import ColumnReader, RawRow
from trueup.source.errors import InvalidValue, RowChanged, UpdateRefused
from trueup.source.text import shown
from trueup.source.values import converter_for


def columns_of(updates: Iterable[RowUpdate]) -> list[str]:
    """Returns the columns that the updates set or expect, each once."""
    names = (name for update in updates for name in (*update.values, *update.expected))
    return list(dict.fromkeys(names))


def values_to_set(
    table: Table,
    columns: Mapping[str, ColumnReader],
    update: RowUpdate,
    raw: RawRow,
    zone: ZoneInfo,
) -> Mapping[str, object]:
    """Returns the typed values that are left to set, by column; none if all are set already.

    Raises `RowChanged` if a value differs from what the plan expects. A column that already has its
    planned value is not a difference, so that an interrupted update can be completed.
    Raises `UpdateRefused` for a value that is not of its column's type.
    """
    planned = {name: _typed(table, name, value, zone) for name, value in update.values.items()}
    current = {name: _current(columns[name], raw) for name in (*planned, *update.expected)}
    to_set = {name: value for name, value in planned.items() if current[name] != value}
    if not to_set:
        return {}

    for name, value in update.expected.items():
        expected = _typed(table, name, value, zone)
        if current[name] != expected and (name in to_set or name not in planned):
            raise RowChanged(
                f"{name} is {shown(current[name])} now and was {shown(expected)}"
                " when the plan was made"
            )
    return to_set


def _typed(table: Table, name: str, value: object, zone: ZoneInfo) -> object:
    """The value as rows hold it."""
    if value is None or value == "":
        return None
    try:
        return converter_for(table.columns[name], zone, [], key=name == table.key)(value, None)
    except InvalidValue as error:
        raise UpdateRefused(f"{name}: {error}") from error


def _current(column: ColumnReader, raw: RawRow) -> object:
    try:
        return column.value(raw)
    except InvalidValue as error:
        raise UpdateRefused(f"{column.name}: {error}") from error
