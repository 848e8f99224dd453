"""Work 365's tables in a database that SQLAlchemy can open: a copy or a reporting server.

Names come from the same profile as for Dataverse: `logical` is the table's or column's name in the
database, with a schema and a point before it if needed. A plan reads whole tables.
A write-back is one UPDATE statement that the profile names. Its parameters are `:key`, each
column's own name, and `:expected_<column>`. See `writer` for how its effect is checked.
Timestamps without a time zone are UTC, as Dataverse exports them.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import sqlalchemy
from sqlalchemy import Connection, TextClause

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.finding import Place
from trueup.ports.source import RowOutcome, Rows, RowUpdate
from trueup.source.column_reader import ColumnReader, column_readers, missing_columns
from trueup.source.names import table_named
from trueup.source.profile import ID_COLUMNS, Profile, statement_parameters
from trueup.source.rows import RowCollector
from trueup.source.sql.database import SqlDatabase
from trueup.source.sql.raw_rows import ColumnTypes, has_key, raw_row_maker, select
from trueup.source.sql.writer import SqlRowWriter
from trueup.source.text import canonical_key
from trueup.source.updates import columns_of
from trueup.source.values import CleanedColumns

_ROWS_AT_A_TIME = 5000
_KEYS_AT_A_TIME = 400
"""Keys of one query, in two spellings; SQLite took 999 parameters at most for a long time."""


class SqlSource:
    """Tables of one database under the names of a profile; a context manager."""

    def __init__(
        self, url: str, profile: Profile, zone: ZoneInfo, folder: Path | None = None
    ) -> None:
        """`url` is SQLAlchemy's, `postgresql+psycopg://user:secret@host/base`. Opens nothing yet.

        `zone` is the business time zone. The path of an SQLite file is relative to `folder`, by
        default the current one.
        Raises `SourceError` on an invalid address, or a driver that is not installed.
        """
        self._profile, self._zone = profile, zone
        self._database = SqlDatabase(url, folder or Path())

    def __repr__(self) -> str:
        return f"SqlSource({self.describe()!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()

    def describe(self) -> str:
        """Returns the kind of database, its host and its name, without user and password."""
        return self._database.describe()

    def identity(self) -> str:
        """Returns the description: host and name identify a database."""
        return self.describe()

    def id_entity_of(self, table: str, column: str) -> str | None:
        """Returns what the profile states, for columns of Autotask ids."""
        return self._profile.id_entity_of(table, column) if column in ID_COLUMNS else None

    def decimal_places(self, table: str, column: str) -> int | None:
        """Returns the scale of the database's column. Raises `SourceError`."""
        profiled = table_named(self._profile.tables, table)
        [_, reader] = column_readers(profiled, [column], self._zone, [])
        with self._database.connected() as connection:
            types = self._database.column_types(connection, profiled)
        kind = types.get(reader.name_in(types) or "")
        return kind.scale if isinstance(kind, sqlalchemy.Numeric) else None

    @property
    def notices(self) -> Sequence[str]:
        """Always empty."""
        return ()

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the table, or some rows, with the key and these columns. Raises `SourceError`.

        Where one of `keys` is not found as it is, the whole table is read: the database may spell
        it in another way, or have rows without a key.
        """
        names = [*columns]
        if keys is None:
            return self._read(table, names)
        column = table_named(self._profile.tables, table).key
        found = self._read(table, names, [*keys])
        known = {str(row[column]) for row in found.rows} | found.parts.keys()
        whole = found if known.issuperset(keys) else self._read(table, names)
        return whole.only(keys, column)

    def _read(self, table: str, columns: Iterable[str], keys: Sequence[str] | None = None) -> Rows:
        """The whole table, or the rows with these keys and keys that are nearly these."""
        profiled = table_named(self._profile.tables, table)
        cleaned: CleanedColumns = []
        readers = column_readers(profiled, columns, self._zone, cleaned)
        rows = RowCollector(profiled, readers, cleaned, lambda _: None, uniform=True)
        with self._database.connected() as connection:
            types = self._database_columns(connection, profiled, readers)
            raw_row, key = raw_row_maker(profiled, types), next(iter(types))
            batches = connection.execution_options(yield_per=_ROWS_AT_A_TIME)
            queries = _queries(select(profiled, types), key, keys)
            read = chain.from_iterable(batches.execute(query) for query in queries)
            for number, values in enumerate(read):
                rows.add(raw_row(values), number)
        return rows.result()

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:  # noqa: ARG002 -- no files
        """Returns nothing: rows of a database have no place in a file."""
        return {}

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Writes each row in a transaction of its own; never creates a row.

        Raises `SourceError` if the profile names no statement or the database cannot be used.
        """
        profiled = table_named(self._profile.tables, table)
        statement = self._statement(table)
        readers = column_readers(profiled, columns_of(updates), self._zone, [])
        with self._database.connected() as connection:
            types = self._database_columns(connection, profiled, readers)
            connection.rollback()
            columns = {reader.name: reader for reader in readers}
            keys = {canonical_key(update.key) for update in updates}
            writer = SqlRowWriter(connection, profiled, columns, types, statement, self._zone, keys)
            return [writer.write(update) for update in updates]

    def location(self, table: str) -> str:
        """Returns the database and the table's name in it."""
        profiled = table_named(self._profile.tables, table)
        return f"{self.describe()}, table {profiled.logical}"

    def require_writable(
        self, table: str, columns: Iterable[str], compared: Iterable[str] = ()
    ) -> None:
        """Raises `SourceError` if the profile has no statement that can write these columns.

        `compared` are other columns of which the statement gets the value that the plan has seen.
        """
        given = statement_parameters(columns, compared)
        if lacking := self._statement(table).compile().params.keys() - given:
            known = ", ".join(f":{name}" for name in sorted(given))
            raise SourceError(
                f"the profile's UPDATE statement (`write_back:`) needs :{min(lacking)}; "
                f"the mapping gives it {known}"
            )

    def _statement(self, table: str) -> TextClause:
        statement = self._profile.write_back.get(table, "").strip()
        if not statement.upper().startswith("UPDATE"):
            raise SourceError(
                f"the profile names no UPDATE statement for {table} (`write_back:`);"
                " nothing is written"
            )
        return sqlalchemy.text(statement)

    def _database_columns(
        self, connection: Connection, table: Table, columns: Sequence[ColumnReader]
    ) -> ColumnTypes:
        """The types of these columns by their names in the database, in the same order.

        Raises `SourceError` with all that are missing.
        """
        existing = self._database.column_types(connection, table)
        names = {column.name: column.name_in(existing) for column in columns}
        missing = [column for column in columns if names[column.name] is None]
        if missing:
            place = f"{self.describe()}, table {table.logical}"
            raise missing_columns(table, sorted(existing), missing, place)
        return {name: existing[name] for name in names.values() if name}


def _queries(
    whole: sqlalchemy.Select[Any], key: str, keys: Sequence[str] | None
) -> Iterator[sqlalchemy.Select[Any]]:
    """Yields the query of a whole table, or those of its rows with these keys."""
    if keys is None:
        yield whole
        return
    lower = sorted({one.lower() for one in keys})  # keys that differ in case are in one query
    for start in range(0, len(lower), _KEYS_AT_A_TIME):
        yield whole.where(has_key(key, lower[start : start + _KEYS_AT_A_TIME]))
