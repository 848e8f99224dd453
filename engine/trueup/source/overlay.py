"""A source that keeps write-backs in memory: reading shows them, and nothing is written."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.coerce import shown
from trueup.ports.source import ForwardingSource, Row, RowOutcome, Rows, RowUpdate, Source
from trueup.source.updates import columns_of


class SourceOverlay(ForwardingSource):
    """A source with the values that were written here on top of its own."""

    def __init__(self, beneath: Source, tables: Mapping[str, Table]) -> None:
        super().__init__(beneath)
        self._tables = tables
        self._written: dict[tuple[str, str], dict[str, object]] = {}  # by table and key

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the table, or some rows, as after the write-backs. Raises `SourceError`."""
        names = [*columns]
        read = self._beneath.read(table, names, keys)
        rows = [self._with_written(table, row, names) for row in read.rows]
        return Rows(rows, read.findings, read.parts, read.keyless)

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Keeps the values of rows that exist and are as expected.

        Raises `SourceError` for an unknown table.
        """
        if table not in self._tables:
            raise SourceError(f"there is no table {table}")
        key = self._tables[table].key
        read = self.read(table, sorted(columns_of(updates)), {update.key for update in updates})
        rows = {str(row[key]): row for row in read.rows}
        return [self._write_row(table, update, rows.get(update.key)) for update in updates]

    def _write_row(self, table: str, update: RowUpdate, row: Row | None) -> RowOutcome:
        if row is None:
            return RowOutcome(update.key, f"there is no row {update.key} in {table}")
        for name, expected in update.expected.items():
            if row.get(name) != expected:
                reason = f"{name} is {shown(row.get(name))}, and {shown(expected)} was expected"
                return RowOutcome(update.key, reason, row_changed=True)
        self._written.setdefault((table, update.key), {}).update(update.values)
        return RowOutcome(update.key)

    def _with_written(self, table: str, row: Row, names: Sequence[str]) -> Row:
        written = self._written.get((table, str(row[self._tables[table].key])))
        if not written:
            return row
        return {**row, **{name: value for name, value in written.items() if name in names}}
