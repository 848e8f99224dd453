"""Tables and columns of the catalogue by name, with a suggestion where a name is unknown."""

from collections.abc import Iterable, Mapping

from trueup.errors import SourceError
from trueup.model.catalogue import Column, Table
from trueup.model.suggestions import closest


def table_named(tables: Mapping[str, Table], name: str) -> Table:
    """Returns the table of that name. Raises `SourceError` with the nearest name."""
    if name not in tables:
        raise SourceError(f"there is no table `{name}`{suggestion(name, tables)}")
    return tables[name]


def column_named(table: Table, name: str) -> Column:
    """Returns the column of that name. Raises `SourceError` with the nearest name."""
    if name not in table.columns:
        nearest = suggestion(name, table.columns)
        raise SourceError(f"table {table.name} has no column `{name}`{nearest}")
    return table.columns[name]


def suggestion(name: str, names: Iterable[str], cutoff: float = 0.5) -> str:
    """Returns `; did you mean …?` for the nearest name, or nothing.

    `cutoff` is how similar two names must be, from 0 to 1.
    """
    near = closest(name, names, cutoff)
    return f"; did you mean `{near}`?" if near else ""
