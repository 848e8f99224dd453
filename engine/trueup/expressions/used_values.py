"""The names that expressions use, with their values on one row: for explaining a result.

`used_values` finds them without evaluating anything: what an expression uses is what it names, in
every branch.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined
from msgspec import Struct

from trueup.expressions.error_messages import kind_of
from trueup.expressions.inspection import Inspection, inspect
from trueup.expressions.unreadable import PartialRow, UnreadableValue
from trueup.model.catalogue import Catalogue, Table
from trueup.model.evaluation import NamedValue, SourceRow
from trueup.model.mapping import MappingSpec, is_code
from trueup.model.mapping_state import Row


def used_values(
    raws: Iterable[object], mapping: MappingSpec, catalogue: Catalogue, names: Mapping[str, Any]
) -> tuple[NamedValue, ...]:
    """Returns what these literals, expressions and templates use on one row, by name.

    `names` are those of the row, as `Namespace.names` returns them. Raises `ExpressionFault`.
    """
    reader = _Reader(mapping, catalogue, names)
    found: dict[str, NamedValue] = {}
    for raw in raws:
        if is_code(raw):
            inspection = inspect(raw)
            for path in sorted(inspection.paths):
                found.update((value.name, value) for value in reader.values(path, inspection))
    order = {"source": 0, "related": 1}
    return tuple(
        sorted(found.values(), key=lambda one: (order.get(one.name.partition(".")[0], 2), one.name))
    )


def row_values(
    mapping: MappingSpec, catalogue: Catalogue, names: Mapping[str, Any]
) -> tuple[list[NamedValue], list[NamedValue], list[NamedValue]]:
    """Returns all that expressions see of a row, in three lists.

    These are its columns, its joins, each followed by the columns of its row, and what needs no
    row: the day of the plan and the settings.
    """
    reader = _Reader(mapping, catalogue, names)
    row = names["source"]
    columns = [reader.column("source", reader.table, row, column) for column in sorted(row)]
    joins: list[NamedValue] = []
    for name, join in sorted(mapping.source.joins.items()):
        joins.append(reader.join(name))
        joined = names["related"][name]
        if isinstance(joined, dict):
            table = catalogue.tables[join.table]
            joins += [
                reader.column(f"related.{name}", table, joined, column) for column in sorted(joined)
            ]
    settings = [f"settings.{name}" for name in sorted(names["settings"])]
    others = [reader.other("plan.as_of"), *(map(reader.other, settings))]
    return columns, joins, others


def seen_values(names: Mapping[str, Any]) -> list[NamedValue]:
    """Returns what rules see besides a row, such as `before.phone` and `ledger.units`."""
    return [
        NamedValue(f"{name}.{part}", value, kind_of(value))
        for name in sorted(names.keys() - {"settings", "plan"})
        for part, value in (names[name] or {}).items()
        if not isinstance(value, Mapping)
    ]


class _Reader(Struct, frozen=True):
    """Reads values of one row by path."""

    mapping: MappingSpec
    catalogue: Catalogue
    names: Mapping[str, Any]

    @property
    def table(self) -> Table:
        return self.catalogue.tables[self.mapping.source.table]

    def values(self, path: tuple[str, ...], inspection: Inspection) -> Iterator[NamedValue]:
        match path:
            case ("source", column, *_):
                if isinstance(self.names["source"], dict):
                    yield self.column("source", self.table, self.names["source"], column)
            case ("related", name, *columns) if name in self.mapping.source.joins:
                yield from self._joined(name, columns[:1], inspection)
            case ("source" | "related", *_):
                pass  # the row as a whole: its columns stand beside it
            case _:
                yield self._other(path)

    def _joined(
        self, name: str, columns: list[str], inspection: Inspection
    ) -> Iterator[NamedValue]:
        joined = self.names["related"][name]
        table = self.catalogue.tables[self.mapping.source.joins[name].table]
        if isinstance(joined, dict) and columns:
            yield self.column(f"related.{name}", table, joined, columns[0])
            return
        yield self.join(name)
        if isinstance(joined, list):
            named = sorted(inspection.attributes & table.columns.keys())
            for number, row in enumerate(joined, 1):
                for column in named:
                    yield self.column(f"related.{name}[{number}]", table, row, column)

    def join(self, name: str) -> NamedValue:
        """Returns a join: the row that it finds, or how many."""
        join = self.mapping.source.joins[name]
        joined = self.names["related"][name]
        full = f"related.{name}"
        match joined:
            case Undefined():
                return NamedValue(full, None, f"row of {join.table}", unreadable=_why(joined))
            case dict():
                row = _source_row(self.catalogue.tables[join.table], joined)
                return NamedValue(full, row.key, f"row of {join.table}", row)
            case list():
                return NamedValue(full, len(joined), f"rows of {join.table}")
            case _:
                return NamedValue(full, None, f"row of {join.table}")

    def column(self, prefix: str, table: Table, row: Row, column: str) -> NamedValue:
        """Returns one value of a row of that table."""
        known = table.columns.get(column)
        kind = str(known.type) if known else "text"
        name = f"{prefix}.{column}"
        value = row[column] if isinstance(row, PartialRow) else row.get(column)
        source_row = _source_row(table, row)
        if isinstance(value, Undefined):
            return NamedValue(name, None, kind, source_row, _why(value))
        return NamedValue(name, value, kind, source_row)

    def _other(self, path: tuple[str, ...]) -> NamedValue:
        """Returns a setting, or a fact of the plan."""
        value: Any = self.names.get(path[0])
        depth = 1
        for part in path[1:]:
            if not isinstance(value, Mapping):
                break
            try:
                value, depth = value[part], depth + 1  # `refs` finds its records on use
            except KeyError:
                break
        kind = "a map" if isinstance(value, Mapping) else kind_of(value)
        return NamedValue(".".join(path[:depth]), value, kind)

    def other(self, name: str) -> NamedValue:
        """Returns a setting, or a fact of the plan, by its name in expressions."""
        return self._other(tuple(name.split(".")))


def _source_row(table: Table, row: Row) -> SourceRow:
    if isinstance(row, PartialRow):
        return SourceRow(*row.row)
    return SourceRow(table.name, str(row.get(table.key) or ""))


def _why(value: Undefined) -> str:
    if isinstance(value, UnreadableValue):
        return value.text
    return str(value._undefined_message)  # noqa: SLF001 -- what using the value would raise
