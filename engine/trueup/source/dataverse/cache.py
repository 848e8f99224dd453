"""Rows kept on this machine between runs, together with the change token that they belong to.

Rows and token are written in one transaction. The cache is one SQLite file; it holds customer data
and only its owner may read it. Losing it costs one full load.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trueup import operating_system
from trueup.errors import SourceError

LOCK_TIMEOUT = 60.0
"""Seconds to wait for another run that writes the cache."""

_SCHEMA = """
-- One line for each table: the query that its rows answer (`print`, `columns`), and the change
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
_ENVIRONMENT = ""
"""The name under which `definition` keeps the environment's address as its version."""


@dataclass(frozen=True, slots=True)
class CachedLoad:
    """What the cached rows of one table can be used for."""

    fingerprint: str  # digest of address, table and profile
    columns: frozenset[str]
    token: str
    at: str  # time of the last full load, ISO


class RowCache:
    """Rows by table and key. All methods raise `SourceError` if the file cannot be used."""

    def __init__(self, path: Path | None, name: str) -> None:
        """Without a path the cache is in memory, for one process. `name` is for messages."""
        self._name = name
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                operating_system.create_private(path)
            self._db = sqlite3.connect(
                path or ":memory:",
                timeout=LOCK_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._db.executescript(
                    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}"
                )
            except sqlite3.Error:
                self._db.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise SourceError(
                f"the row cache {name} cannot be opened: {error}; it may be deleted"
            ) from error

    def belong_to(self, environment: str) -> None:
        """Drops everything that was cached of another environment."""
        if self.definition(_ENVIRONMENT) != (environment, ""):
            with self.transaction():
                for name in ("loaded", "page", "newer", "definition"):
                    self._db.execute(f"DELETE FROM {name}")  # noqa: S608 -- constant table names
                self.define(_ENVIRONMENT, environment, "")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keeps everything that is written inside, or nothing of it."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise SourceError(f"the row cache {self._name} cannot be written: {error}") from error

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside belongs together, whatever another run writes."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def loaded(self, table: str) -> CachedLoad | None:
        """Returns what the rows of a table can be used for, None without rows."""
        row = self._row("SELECT print, columns, token, at FROM loaded WHERE name = ?", table)
        if row is None:
            return None
        fingerprint, columns, token, at = row
        return CachedLoad(fingerprint, frozenset(columns.split()), token, at)

    def mark_loaded(self, table: str, load: CachedLoad) -> None:
        """Records what the rows of a table can be used for from now on."""
        columns = " ".join(sorted(load.columns))
        self._db.execute(
            "INSERT OR REPLACE INTO loaded VALUES (?, ?, ?, ?, ?)",
            (table, load.fingerprint, columns, load.token, load.at),
        )

    def forget(self, table: str) -> None:
        """Drops the rows of a table."""
        for name in ("loaded", "page", "newer"):
            self._db.execute(
                f"DELETE FROM {name} WHERE name = ?",  # noqa: S608 -- constant table names
                (table,),
            )

    def add_page(self, table: str, number: int, body: str) -> None:
        """Keeps one page of a full load."""
        self._db.execute("INSERT INTO page VALUES (?, ?, ?)", (table, number, body))

    def replace_rows(self, table: str, rows: Mapping[str, str | None]) -> None:
        """Keeps rows that are newer than the pages: the text by key, None for a deleted row."""
        changed = ((table, key, body) for key, body in rows.items())
        self._db.executemany("INSERT OR REPLACE INTO newer VALUES (?, ?, ?)", changed)

    def pages(self, table: str) -> Iterator[str]:
        """Yields the pages of the last full load."""
        rows = self._db.execute("SELECT body FROM page WHERE name = ? ORDER BY number", (table,))
        return (body for (body,) in rows)

    def page(self, table: str, number: int) -> str:
        """Returns one page of the last full load; empty if it has no such page."""
        row = self._row("SELECT body FROM page WHERE name = ? AND number = ?", table, number)
        return row[0] if row else ""

    def newer_rows(self, table: str) -> Mapping[str, str | None]:
        """Returns the rows that are newer than the pages: the text by key, None if deleted."""
        return dict(self._db.execute("SELECT key, body FROM newer WHERE name = ?", (table,)))

    def definition(self, table: str) -> tuple[str, str] | None:
        """Returns the version and the text of a table's definition, None without one."""
        row = self._row("SELECT version, body FROM definition WHERE name = ?", table)
        return (row[0], row[1]) if row else None

    def define(self, table: str, version: str, body: str) -> None:
        """Keeps the definition of a table."""
        self._db.execute(
            "INSERT OR REPLACE INTO definition VALUES (?, ?, ?)", (table, version, body)
        )

    def _row(self, query: str, *values: str | int) -> tuple[str, ...] | None:
        row: tuple[str, ...] | None = self._db.execute(query, values).fetchone()
        return row
