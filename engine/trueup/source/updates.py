"""A row as it is now and an update in; what is still to be set out, or why it must not be."""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from engine.model.catalogue import Table
from engine.ports import RowUpdate
from engine.source.rows import Cell, Raw
from engine.source.values import Misfit, Moved, convert_for, shown


def to_set(
    table: Table, cells: Mapping[str, Cell], update: RowUpdate, raw: Raw, zone: ZoneInfo
) -> Mapping[str, object]:
    """By column, typed; nothing where all is as wanted. Raises Moved where the row has moved on.

    A column that has its wanted value already has not moved: an update that was cut short can be taken up again.
    """
    wanted = {name: typed(table, name, value, zone) for name, value in update.values.items()}
    now = {name: _now(cells[name], raw) for name in (*wanted, *update.expected)}
    left = {name: value for name, value in wanted.items() if now[name] != value}
    if not left:
        return {}
    for name, value in update.expected.items():
        before = typed(table, name, value, zone)
        if now[name] != before and (name in left or name not in wanted):
            raise Moved(f"{name} is {shown(now[name])} now and was {shown(before)} when the plan was made")
    return left


def typed(table: Table, name: str, value: object, zone: ZoneInfo) -> object:
    """A value as rows have it. Raises Misfit."""
    if value is None or value == "":
        return None
    try:
        return convert_for(table.columns[name], zone, [], key=name == table.key)(value, None)
    except Misfit as error:
        raise Misfit(f"{name}: {error}") from error


def _now(cell: Cell, raw: Raw) -> object:
    try:
        return cell.value(raw)
    except Misfit as error:
        raise Misfit(f"{cell.name}: {error}") from error
