"""The check of how the files of a source write values: columns that exist."""

from collections.abc import Iterator, Mapping

from trueup.config.node import Node
from trueup.model.catalogue import Table, Type
from trueup.model.finding import Finding, Severity
from trueup.model.suggestions import unknown

_TYPES = {
    "decimal": (Type.DECIMAL, Type.INTEGER),
    "day": (Type.DAY, Type.INSTANT),
    "local_times": (Type.DAY, Type.INSTANT),
}
"""The types of columns that each key can apply to."""


def check_file_format(source: Node, tables: Mapping[str, Table]) -> Iterator[Finding]:
    """Yields what is wrong with the exceptions for columns in `source.format`."""
    file_format = source.get("format")
    columns = file_format.get("columns") if file_format else None
    for name, part in columns.items() if columns else ():
        table, _, column = name.partition(".")
        if table not in tables:
            yield unknown(f"there is no table {table!r}", table, tables, part.key_place)
        elif column not in tables[table].columns:
            text = f"table {table} has no column {column!r}"
            yield unknown(text, column, tables[table].columns, part.key_place)
        else:
            yield from _check_keys(part, tables[table].columns[column].type)


def _check_keys(part: Node, type_: Type) -> Iterator[Finding]:
    for key, value in part.items():
        if type_ not in _TYPES[key]:
            text = f"{key} has no effect: the column is of type {type_}"
            yield Finding("format-without-effect", Severity.ERROR, text, "", value.key_place)
