"""The database: one SQLite file, a table for each entity, whole transactions only.

Several processes may have the same file open. Readers see the last commit (WAL); a writer takes the
file's one write lock before it reads what it decides upon, so that ids and checks never race. What
is committed survives the process, whatever ends it.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import sleep

from engine.errors import SandboxError
from engine.model.catalogue import Entity, Type
from engine.sandbox import faults

APPLICATION = 0x7472_7570  # marks the file as ours
_PATIENCE = 30.0  # seconds to wait for another process's write
_SYSTEM = """
CREATE TABLE IF NOT EXISTS _settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _sequences (entity TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _openings (
  entity TEXT, id INTEGER, price REAL, cost REAL, PRIMARY KEY (entity, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _calls (minute INTEGER PRIMARY KEY, calls INTEGER NOT NULL);
"""


class Store:
    """Connections to one database file; made, and its tables with it, if it is not there."""

    def __init__(self, path: Path, entities: Mapping[str, Entity]) -> None:
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        self._writer = Lock()
        self._closed = False
        _create_private(path)
        try:
            with self._connection() as connection:
                _prepare(connection, entities)
        except SandboxError as error:
            self.close()
            raise SandboxError(f"{path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self.close()
            way_out = "put a copy back, or move it away and it is made anew from its seed"
            raise SandboxError(f"{path} cannot be used as the sandbox's database ({error}): {way_out}") from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database for as long as it is held."""
        with self._connection() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a write; committed at the end, or undone if anything is raised."""
        with self._writer, self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()  # asks and takes in one step, as several threads do
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
        """Gives the file back. Connections that are still in use go when they are done."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


def connect(path: Path, application: int = APPLICATION) -> sqlite3.Connection:
    """A bare connection to an existing database with that mark. Raises SandboxError for any other file."""
    if not path.is_file():
        raise SandboxError(f"{path}: there is no such file")
    try:
        connection = _connect(path)
    except sqlite3.DatabaseError as error:
        raise SandboxError(f"{path} is not a sandbox database: {error}") from error
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    if mark != application:
        connection.close()
        raise SandboxError(f"{path} is not a sandbox database")
    return connection


def quoted(name: str) -> str:
    """A table or column name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _create_private(path: Path) -> None:
    """A clone may hold a customer's data: the file is its owner's alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror}") from error


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, entities: Mapping[str, Entity]) -> None:
    """WAL, our mark, and a table for each entity with a column for each field."""
    filled = connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # before the mark: another may be first now
    if filled and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise SandboxError("is a database of something else")
    _write_ahead(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        for statement in filter(str.strip, f"{_SYSTEM}{faults.SCHEMA}".split(";")):
            connection.execute(statement)
        for entity in entities.values():
            _table(connection, entity)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """The change to WAL does not wait for others by itself; two processes may both be first."""
    for _ in range(200):
        with suppress(sqlite3.OperationalError):
            if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        sleep(0.02)
    raise SandboxError("is locked by another process")


def _table(connection: sqlite3.Connection, entity: Entity) -> None:
    table = quoted(entity.name)
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    if not there:
        columns = (_column(entity, name) for name in entity.fields if name != "id")
        connection.execute(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        return
    for name in entity.fields.keys() - there:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {_column(entity, name)}")


def add_column(connection: sqlite3.Connection, entity: str, name: str) -> None:
    """Adds a text column, for a user-defined field, unless it is there."""
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({quoted(entity)})")}
    if name not in there:
        connection.execute(f"ALTER TABLE {quoted(entity)} ADD COLUMN {quoted(name)} COLLATE NOCASE")


def _column(entity: Entity, name: str) -> str:
    """Columns have no type of their own, so that values stay what they are; text compares without case."""
    return quoted(name) + (" COLLATE NOCASE" if entity.fields[name].type is Type.TEXT else "")
