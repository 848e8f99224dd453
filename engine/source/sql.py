"""Work 365's tables in a database that SQLAlchemy can open: a copy that somebody keeps, or a reporting server.

Names come from the same profile as for Dataverse: `logical` is the table's or column's name here, with a schema
before a point if need be. Reading takes whole tables. A write-back is one UPDATE that the profile names, with
the parameters `:key`, each column's own name, and `:expected_<column>`; it is undone unless it changed that one
row into what was wanted. Timestamps without a time zone are UTC, as Dataverse exports them.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy
from sqlalchemy import Connection, Engine, TextClause
from sqlalchemy.exc import ArgumentError, NoSuchTableError, SQLAlchemyError

from engine.errors import SourceError
from engine.model.catalogue import Column, Table, Type
from engine.ports import RowOutcome, Rows, RowUpdate
from engine.source.profile import IDS, Profile
from engine.source.rows import Cell, Gathering, Raw, cells_for, missing, table_of
from engine.source.updates import to_set
from engine.source.values import Misfit, Moved, Notes, clean, shown

_BATCH = 5000
_LONGEST = 300
_WITHOUT_ZONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9.]+)?")


class SqlSource:
    """Tables of one database under the names of a profile. Close it, or use it as a context manager."""

    def __init__(self, url: str, profile: Profile, zone: ZoneInfo) -> None:
        """`url` is SQLAlchemy's, `postgresql+psycopg://user:secret@host/base`. Nothing is opened yet.

        Raises SourceError on an address that is none, or a driver that is not installed.
        """
        self._profile, self._zone = profile, zone
        try:
            self._engine: Engine = sqlalchemy.create_engine(url, hide_parameters=True)
        except (ArgumentError, ModuleNotFoundError) as error:
            # SQLAlchemy repeats an address that it cannot read, and with it the password.
            name = getattr(error, "name", None)
            why = f"the driver {name} is not installed" if name else "that is no database address"
            raise SourceError(f"source.url: {why}") from None

    def __repr__(self) -> str:
        return f"SqlSource({self.describe()!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def describe(self) -> str:
        """The kind of database, its host and its name, without user and password."""
        url = self._engine.url
        return f"{url.get_backend_name()} {'/'.join(part for part in (url.host, url.database) if part)}"

    def identity(self) -> str:
        """The same: a database is its host and its name."""
        return self.describe()

    def holds(self, table: str, column: str) -> str | None:
        """As the profile says, for columns of Autotask ids."""
        return self._profile.holds(table, column) if column in IDS else None

    @property
    def remarks(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table, with the key and these columns. Raises SourceError."""
        described = table_of(self._profile.tables, table)
        notes: Notes = []
        cells = cells_for(described, columns, self._zone, notes)
        rows = Gathering(described, cells, notes, lambda _: None)
        with self._connected() as connection:
            names = self._names(connection, described, cells)
            query, instants = _select(described, names), _instants(described, names)
            found = connection.execution_options(yield_per=_BATCH).execute(query)
            for number, values in enumerate(found):
                rows.add(_raw(names, instants, values), number)
        return rows.end()

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Each row in a transaction of its own; never creates. Raises SourceError."""
        described = table_of(self._profile.tables, table)
        statement = self._statement(table)
        asked = dict.fromkeys(name for update in updates for name in (*update.values, *update.expected))
        cells = cells_for(described, asked, self._zone, [])
        with self._connected() as connection:
            names = self._names(connection, described, cells)
            connection.rollback()
            desk = _Desk(connection, described, cells, names, statement, self._zone)
            return [desk.one(update) for update in updates]

    def _statement(self, table: str) -> TextClause:
        said = self._profile.write_back.get(table, "").strip()
        if not said.upper().startswith("UPDATE"):
            raise SourceError(f"the profile names no UPDATE statement for {table} (`write_back:`); nothing is written")
        return sqlalchemy.text(said)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise SourceError(f"{self.describe()}: {_words(error)}") from error

    def _names(self, connection: Connection, table: Table, cells: Sequence[Cell]) -> list[str]:
        """The database's name of each cell's column. Raises SourceError on those that it has not."""
        schema, _, name = table.logical.rpartition(".")
        try:
            known = {each["name"] for each in sqlalchemy.inspect(connection).get_columns(name, schema or None)}
        except NoSuchTableError:
            raise SourceError(f"{self.describe()} has no table `{table.logical}` ({table.name})") from None
        found = {cell.name: cell.name_in(dict.fromkeys(known)) for cell in cells}
        unknown = [cell for cell in cells if found[cell.name] is None]
        if unknown:
            raise missing(table, sorted(known), unknown, f"{self.describe()}, table {table.logical}")
        return [each for each in found.values() if each]


class _Desk:
    """Writes rows of one table over one connection."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        cells: Sequence[Cell],
        names: Sequence[str],
        statement: TextClause,
        zone: ZoneInfo,
    ) -> None:
        self.connection, self.table, self.statement, self.zone = connection, table, statement, zone
        self.cells = {cell.name: cell for cell in cells}
        self.names = list(names)
        self.known = statement.compile().params.keys()

    def one(self, update: RowUpdate) -> RowOutcome:
        """One row; in doubt where the end of its transaction is not known."""
        try:
            self._change(update)
        except Misfit as fault:
            self.connection.rollback()
            return RowOutcome(update.key, str(fault), moved=isinstance(fault, Moved))
        except SQLAlchemyError as error:
            self.connection.rollback()
            return RowOutcome(update.key, _words(error))
        try:
            self.connection.commit()
        except SQLAlchemyError as error:
            return RowOutcome(update.key, _words(error), in_doubt=True)
        return RowOutcome(update.key)

    def _change(self, update: RowUpdate) -> None:
        key, raw = self._row(update)
        if not self._left(update, raw):
            return
        changed = self.connection.execute(self.statement, self._parameters(update, key, raw)).rowcount
        if changed != 1:
            raise Misfit(f"the statement of the profile changed {changed} rows; it was undone")
        if self._left(update, self._row(update)[1]):
            raise Misfit("the statement of the profile did not set what was wanted; it was undone")

    def _left(self, update: RowUpdate, raw: Raw) -> Mapping[str, object]:
        return to_set(self.table, self.cells, update, raw, self.zone)

    def _row(self, update: RowUpdate) -> tuple[object, Raw]:
        """The row as it is now, held until the end of the transaction where the database can, and its own key."""
        # A key may be kept as text, in either case, or as a type of its own.
        key = sqlalchemy.func.lower(sqlalchemy.cast(sqlalchemy.column(self.names[0]), sqlalchemy.String))
        query = _select(self.table, self.names).where(key == update.key.lower())
        found = self.connection.execute(query.with_for_update()).all()
        if len(found) != 1:
            raise Misfit("it is there more than once" if found else "it is not there any more, and nothing is created")
        return found[0][0], _raw(self.names, _instants(self.table, self.names), found[0])

    def _parameters(self, update: RowUpdate, key: object, raw: Raw) -> Mapping[str, object]:
        values = {name: self._value(name, value, raw) for name, value in update.values.items()}
        before = {f"expected_{name}": self._value(name, value, raw) for name, value in update.expected.items()}
        given = {"key": key, **before, **values}
        lacking = self.known - given.keys()
        if lacking:
            raise Misfit(f"the statement of the profile wants :{min(lacking)}, which the plan does not have")
        return {name: given[name] for name in self.known}

    def _value(self, name: str, value: object, raw: Raw) -> object:
        """As the database has it: choices by number where it keeps numbers."""
        column = self.table.columns[name]
        there = raw[str(self.cells[name].name_in(raw))]
        if column.type is Type.CHOICE and isinstance(value, str) and isinstance(there, int):
            return _number(column, value)
        if column.type is Type.TEXT and value is not None:
            return str(value)
        if isinstance(value, datetime):
            return value.astimezone(UTC)  # SQLite compares texts
        sqlite = self.connection.dialect.name == "sqlite"
        return str(value) if sqlite and isinstance(value, Decimal) else value


def _number(column: Column, label: str) -> int:
    numbers = [number for number, ours in column.choices.items() if ours == label]
    if not numbers:
        raise Misfit(f"the number of {column.name} {shown(label)} is not known; name it in the profile")
    return numbers[0]


def _select(table: Table, names: Sequence[str]) -> sqlalchemy.Select[Any]:
    schema, _, name = table.logical.rpartition(".")
    columns: list[sqlalchemy.ColumnClause[Any]] = [sqlalchemy.column(each) for each in names]
    return sqlalchemy.select(*columns).select_from(sqlalchemy.table(name, schema=schema or None))


def _raw(names: Sequence[str], instants: Collection[str], values: Iterable[Any]) -> Raw:
    row = {name: _plain(value) for name, value in zip(names, values, strict=True)}
    for name in instants:
        row[name] = _in_utc(row[name])
    return row


def _instants(table: Table, names: Iterable[str]) -> Collection[str]:
    """Which of these names are columns of instants."""
    columns = [column for column in table.columns.values() if column.type is Type.INSTANT]
    return {each for column in columns for each in (column.logical, column.name)}.intersection(names)


def _in_utc(value: object) -> object:
    """A text without a time zone, as SQLite has it, is in UTC."""
    return f"{value}Z" if isinstance(value, str) and _WITHOUT_ZONE.fullmatch(value) else value


def _plain(value: object) -> object:
    """What drivers have of their own, as our readers know it."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _words(error: SQLAlchemyError) -> str:
    """The database's own words, one line, without statement and values."""
    words = " ".join(clean(str(getattr(error, "orig", None) or type(error).__name__)).split())
    return words if len(words) <= _LONGEST else words[:_LONGEST] + "…"
