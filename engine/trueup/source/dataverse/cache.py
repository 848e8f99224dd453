"""Rows kept on this machine between runs, together with the change token that they belong to.

Rows and token are written in one transaction. The cache is one SQLite file; it holds customer data
and only its owner may read it. Losing it costs one full load, and so does damage: what cannot be
read or parsed is `CacheDamaged`, after which `begin_again` makes an empty file.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trueup import operating_system
from trueup.errors import SourceError
from trueup.local_files import open_regular
from trueup.source.json_rows import JSON_ERRORS

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another run that writes the cache."""

_SCHEMA = """
-- The rows that one use of a table reads are a slot, here `name`.
-- One line for each slot: the query that its rows answer (`print`, `columns`), and the change
-- token from which the next increment starts.
CREATE TABLE IF NOT EXISTS loaded (
  name TEXT PRIMARY KEY,
  print TEXT NOT NULL,
  columns TEXT NOT NULL,
  token TEXT NOT NULL,
  at TEXT NOT NULL
) WITHOUT ROWID;
-- The pages of the last full load, as they were received.
CREATE TABLE IF NOT EXISTS page (
  name TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (name, number)
);
-- Rows that changed since, as they were received; `body` is null for a deleted row. They replace
-- the rows of the pages.
CREATE TABLE IF NOT EXISTS newer (
  name TEXT NOT NULL, key TEXT NOT NULL, body TEXT, PRIMARY KEY (name, key)
) WITHOUT ROWID;
-- The definition of a table, and the version of all definitions at which it was read.
CREATE TABLE IF NOT EXISTS definition (
  name TEXT PRIMARY KEY, version TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
"""
_HEADER = b"SQLite format 3\0"
_NOT_DAMAGED = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Primary codes of errors that do not come from the content of the file."""

_UNREADABLE = (*JSON_ERRORS, LookupError, TypeError, AttributeError)
"""What parsing other content than was cached raises."""

_ENVIRONMENT = ""
"""The name under which `definition` keeps the environment's address as its version."""

_FORMAT = "2"
"""Of the content, beside that address. Without it, all uses of a table shared one slot."""


@dataclass(frozen=True, slots=True)
class CachedLoad:
    """What the cached rows of one table can be used for."""

    fingerprint: str  # digest of address, table and profile
    columns: frozenset[str]
    token: str
    at: str  # time of the last full load, ISO


class CacheDamaged(SourceError):
    """The file holds what was not cached there."""


class RowCache:
    """Rows by slot and key, definitions by table.

    All methods raise `SourceError` if the file cannot be used, `CacheDamaged` for its content.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        """Without a path the cache is in memory, for one process. `name` is for messages.

        A database that is damaged is replaced. Any other file stays: it may be no cache.
        """
        self._path, self._name = path, name
        self.replaced: CacheDamaged | None = None  # what was wrong with a file that was replaced
        try:
            self._db = self._opened()
        except CacheDamaged as damage:
            if not path or not _is_database(path):
                raise
            self._replace(damage)

    def begin_again(self, damage: CacheDamaged) -> None:
        """Replaces the file, in which this damage was found, with an empty one."""
        self._db.close()
        self._replace(damage)

    def _replace(self, damage: CacheDamaged) -> None:
        try:
            for end in ("", "-wal", "-shm") if self._path else ():
                Path(f"{self._path}{end}").unlink(missing_ok=True)
        except OSError as error:
            raise SourceError(
                f"the row cache {self._name} is damaged, and cannot be deleted: {error.strerror}"
            ) from error
        self._db, self.replaced = self._opened(), damage

    def _opened(self) -> sqlite3.Connection:
        try:
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                operating_system.create_private(self._path)
            database = sqlite3.connect(
                self._path or ":memory:",
                timeout=LOCK_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                database.executescript(
                    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}"
                )
            except sqlite3.Error:
                database.close()
                raise
        except (OSError, sqlite3.Error) as error:
            kind = CacheDamaged if _is_damage(error) else SourceError
            raise kind(
                f"the row cache {self._name} cannot be opened: {error}; it may be deleted"
            ) from error
        return database

    def belong_to(self, environment: str) -> None:
        """Drops everything that was cached of another environment, or in another format."""
        if self.definition(_ENVIRONMENT) != (environment, _FORMAT):
            with self.transaction():
                for name in ("loaded", "page", "newer", "definition"):
                    self._do(f"DELETE FROM {name}")  # noqa: S608 -- constant table names
                self.define(_ENVIRONMENT, environment, _FORMAT)

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keeps everything that is written inside, or nothing of it."""
        database = self._db
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            _roll_back(database)
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside belongs together, whatever another run writes."""
        database = self._db
        self._do("BEGIN")
        try:
            yield
        finally:
            _roll_back(database)

    @contextmanager
    def parsing(self) -> Iterator[None]:
        """Raises `CacheDamaged` for a text from the cache that cannot be parsed."""
        try:
            yield
        except _UNREADABLE as error:
            raise self._damaged(error) from error

    def loaded(self, slot: str) -> CachedLoad | None:
        """Returns what the rows of a slot can be used for, None without rows."""
        row = self._row("SELECT print, columns, token, at FROM loaded WHERE name = ?", slot)
        if row is None:
            return None
        fingerprint, columns, token, at = row
        with self.parsing():
            if datetime.fromisoformat(at).tzinfo is None:
                raise ValueError("a time without an offset")
        return CachedLoad(fingerprint, frozenset(columns.split()), token, at)

    def mark_loaded(self, slot: str, load: CachedLoad) -> None:
        """Records what the rows of a slot can be used for from now on."""
        columns = " ".join(sorted(load.columns))
        self._do(
            "INSERT OR REPLACE INTO loaded VALUES (?, ?, ?, ?, ?)",
            slot,
            load.fingerprint,
            columns,
            load.token,
            load.at,
        )

    def forget(self, slot: str) -> None:
        """Drops the rows of a slot."""
        for name in ("loaded", "page", "newer"):
            self._do(
                f"DELETE FROM {name} WHERE name = ?",  # noqa: S608 -- constant table names
                slot,
            )

    def add_page(self, slot: str, number: int, body: str) -> None:
        """Keeps one page of a full load."""
        self._do("INSERT INTO page VALUES (?, ?, ?)", slot, number, body)

    def replace_rows(self, slot: str, rows: Mapping[str, str | None]) -> None:
        """Keeps rows that are newer than the pages: the text by key, None for a deleted row."""
        changed = ((slot, key, body) for key, body in rows.items())
        with self._translated():
            self._db.executemany("INSERT OR REPLACE INTO newer VALUES (?, ?, ?)", changed)

    def pages(self, slot: str) -> Iterator[str]:
        """Yields the pages of the last full load."""
        query = "SELECT body FROM page WHERE name = ? ORDER BY number"
        with self._translated():
            for row in self._db.execute(query, (slot,)):
                (body,) = self._texts(row)
                yield body

    def page(self, slot: str, number: int) -> str:
        """Returns one page of the last full load; empty if it has no such page."""
        row = self._row("SELECT body FROM page WHERE name = ? AND number = ?", slot, number)
        return row[0] if row else ""

    def newer_rows(self, slot: str) -> Mapping[str, str | None]:
        """Returns the rows that are newer than the pages: the text by key, None if deleted."""
        query = "SELECT key, body FROM newer WHERE name = ?"
        with self._translated():
            found = self._db.execute(query, (slot,)).fetchall()
        for key, body in found:
            self._texts((key, body or ""))
        return dict(found)

    def definition(self, table: str) -> tuple[str, str] | None:
        """Returns the version and the text of a table's definition, None without one."""
        row = self._row("SELECT version, body FROM definition WHERE name = ?", table)
        return (row[0], row[1]) if row else None

    def define(self, table: str, version: str, body: str) -> None:
        """Keeps the definition of a table."""
        self._do("INSERT OR REPLACE INTO definition VALUES (?, ?, ?)", table, version, body)

    def _do(self, statement: str, *values: str | int) -> None:
        with self._translated():
            self._db.execute(statement, values)

    def _row(self, query: str, *values: str | int) -> tuple[str, ...] | None:
        with self._translated():
            row = self._db.execute(query, values).fetchone()
        return None if row is None else self._texts(row)

    def _texts(self, row: Iterable[object]) -> tuple[str, ...]:
        """The columns of a row. Raises `CacheDamaged` unless all are texts."""
        values = tuple(row)
        texts = tuple(value for value in values if isinstance(value, str))
        if texts != values:
            raise self._damaged("a column is no text")
        return texts

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raises errors of SQLite as `SourceError`."""
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                raise self._damaged(error) from error
            raise SourceError(f"the row cache {self._name} cannot be used: {error}") from error

    def _damaged(self, reason: object) -> CacheDamaged:
        return CacheDamaged(f"the row cache {self._name} is damaged: {reason}; it may be deleted")


def _roll_back(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # SQLite itself ends a transaction after some errors
        database.execute("ROLLBACK")


def _is_damage(error: Exception) -> bool:
    """Whether an error comes from the content of the file. Text that is not UTF-8 has no code."""
    if isinstance(error, sqlite3.ProgrammingError) or not isinstance(error, sqlite3.Error):
        return False
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF not in _NOT_DAMAGED


def _is_database(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError:
        return False
