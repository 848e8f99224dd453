"""The database: one SQLite file with a table for each entity.

Several processes may have the file open. Readers see the last commit (WAL mode). A writer takes the
file's only write lock before it reads what it decides upon, so that ids and checks never race. A
committed write survives any end of the process.
"""

import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import sleep

from trueup.errors import SandboxError
from trueup.model.catalogue import Entity
from trueup.sandbox.autotask.wire import StoredValue
from trueup.sandbox.http import faults, sqlite_files

APPLICATION_ID = 0x7472_7570  # "trup"
_SYSTEM = """
CREATE TABLE IF NOT EXISTS _settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _sequences (
  entity TEXT PRIMARY KEY, last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _openings (
  entity TEXT, id INTEGER, price REAL, cost REAL, PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _calls (minute INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
"""
_SCHEMA = _SYSTEM + faults.SCHEMA
_SYSTEM_TABLES = frozenset(re.findall(r"EXISTS (\w+)", _SCHEMA))
_TABLE_COLUMNS = """
SELECT tables.name, columns.name
  FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
 WHERE tables.type = 'table'
"""


class RecordStore:
    """Connections to one database file; the file and its tables are created if they are missing."""

    def __init__(self, path: Path, entities: Mapping[str, Entity]) -> None:
        """Opens or creates the database. Raises `SandboxError`."""
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._write_lock = Lock()
        self._closed = False
        sqlite_files.create_private(path)
        try:
            with self._connection() as connection:
                _prepare(connection, entities)
        except SandboxError as error:
            self.close()
            raise SandboxError(f"{path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self.close()
            remedy = "put a copy back, or move the file away and it is created again from its seed"
            raise SandboxError(
                f"{path} cannot be used as the sandbox's database ({error}): {remedy}"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database while it is held."""
        with self._usable(), self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # SQLite ends it itself after some errors
                    connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction, rolled back on an error."""
        with self._usable(), self._write_lock, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Raises `SandboxError` for errors of SQLite: the file is damaged, or the disk is full."""
        try:
            yield
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise sqlite_files.database_error(self.path, error) from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()  # tests and takes in one step: several threads do this
        except IndexError:
            connection = _connect(self.path)
        try:
            yield connection
        finally:
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)

    def close(self) -> None:
        """Closes the connections; those that are still in use are closed after their use."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


def fold(value: StoredValue) -> StoredValue:
    """Returns a text without differences of case, in all alphabets as SQL Server has it.

    SQLite's own `lower` and NOCASE know the letters of ASCII only.
    """
    return value.casefold() if isinstance(value, str) else value


def quoted(name: str) -> str:
    """Returns a table or column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def add_column(connection: sqlite3.Connection, entity: str, name: str) -> None:
    """Adds a text column for a user-defined field, unless it exists."""
    if name not in _columns(connection).get(entity, ()):
        connection.execute(f"ALTER TABLE {quoted(entity)} ADD COLUMN {quoted(name)}")


def _connect(path: Path) -> sqlite3.Connection:
    """Opens a database with the SQL function `fold`.

    Indexes of text contain folded values, so a connection without it cannot write to their tables.
    """
    connection = sqlite_files.connect(path)
    connection.create_function("fold", 1, fold, deterministic=True)
    return connection


def _prepare(connection: sqlite3.Connection, entities: Mapping[str, Entity]) -> None:
    """Sets WAL mode and the application id, and creates a table for each entity.

    Most databases that are opened have all of this. They are not written to.
    """
    if sqlite_files.belongs_to_another(connection, APPLICATION_ID):
        raise SandboxError("is a database of another program")
    if _is_prepared(connection, entities):
        return
    _set_wal_mode(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        existing = _columns(connection)
        for entity in entities.values():
            _create_table(connection, entity, existing.get(entity.name, set()))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _is_prepared(connection: sqlite3.Connection, entities: Mapping[str, Entity]) -> bool:
    """Whether there is nothing to create: the same catalogue has opened the database before."""
    existing = _columns(connection)
    return (
        existing.keys() >= _SYSTEM_TABLES
        and all(
            existing.get(name, set()) >= entity.fields.keys() for name, entity in entities.items()
        )
        and sqlite_files.application_id_of(connection) == APPLICATION_ID
        and connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    )


def _set_wal_mode(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for other connections here. Two processes may create the file at once.
    for _ in range(200):
        with suppress(sqlite3.OperationalError):
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        sleep(0.02)
    raise SandboxError("is locked by another process")


def _create_table(
    connection: sqlite3.Connection, entity: Entity, existing: Collection[str]
) -> None:
    """Creates the entity's table, or adds columns for fields that the catalogue has gained.

    Columns have no type, so that SQLite does not convert values.
    """
    table = quoted(entity.name)
    if not existing:
        others = [quoted(name) for name in entity.fields if name != "id"]
        columns = ", ".join(["id INTEGER PRIMARY KEY", *others])
        connection.execute(f"CREATE TABLE {table} ({columns})")
        return
    for name in entity.fields.keys() - existing:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(name)}")


def _columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Returns the columns of every table."""
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(_TABLE_COLUMNS):
        found.setdefault(table, set()).add(column)
    return found
