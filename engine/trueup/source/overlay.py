"""A source that takes write-backs into memory: what is read is what would be there, and nothing is written."""

from collections.abc import Iterable, Mapping, Sequence

from engine.errors import SourceError
from engine.model.catalogue import Table
from engine.ports import Row, RowOutcome, Rows, RowUpdate, Source


class Overlay:
    """Another source, with the values that were written here on top of its own."""

    def __init__(self, beneath: Source, tables: Mapping[str, Table]) -> None:
        self._beneath, self._tables = beneath, tables
        self._written: dict[tuple[str, str], dict[str, object]] = {}

    def describe(self) -> str:
        """What people call the source beneath."""
        return self._beneath.describe()

    def identity(self) -> str:
        """That of the source beneath."""
        return self._beneath.identity()

    def holds(self, table: str, column: str) -> str | None:
        """As the source beneath says."""
        return self._beneath.holds(table, column)

    @property
    def remarks(self) -> Sequence[str]:
        """Those of the source beneath."""
        return self._beneath.remarks

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table as it would be. Raises SourceError."""
        names = [*columns]
        read = self._beneath.read(table, names)
        return Rows([self._on_top(table, row, names) for row in read.rows], read.findings, read.parts)

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Keeps the values of rows that are there and as expected. Raises SourceError for a table that is not known."""
        if table not in self._tables:
            raise SourceError(f"there is no table {table}")
        names = sorted({name for update in updates for name in (*update.expected, *update.values)})
        key = self._tables[table].key
        rows = {str(row[key]): row for row in self.read(table, names).rows}
        return [self._kept(table, update, rows.get(update.key)) for update in updates]

    def _kept(self, table: str, update: RowUpdate, row: Row | None) -> RowOutcome:
        if row is None:
            return RowOutcome(update.key, f"there is no row {update.key} in {table}")
        for name, expected in update.expected.items():
            if row.get(name) != expected:
                said = f"{name} is {row.get(name)!r}, and {expected!r} was expected"
                return RowOutcome(update.key, said, moved=True)
        self._written.setdefault((table, update.key), {}).update(update.values)
        return RowOutcome(update.key)

    def _on_top(self, table: str, row: Row, names: Sequence[str]) -> Row:
        written = self._written.get((table, str(row[self._tables[table].key])), {})
        return {**row, **{name: value for name, value in written.items() if name in names}} if written else row
