"""Rows kept on this machine between readings, with the change token that they belong to: both or neither.

One SQLite file; it holds customer data and is made readable for its owner only. Losing it costs one full load.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SourceError

_SCHEMA = """
-- One line a table: for which questions (`print`) its rows are good, and where to go on from (`token`).
CREATE TABLE IF NOT EXISTS loaded (
  name TEXT PRIMARY KEY, print TEXT NOT NULL, columns TEXT NOT NULL, token TEXT NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID;
-- Rows as Dataverse sent them.
CREATE TABLE IF NOT EXISTS row (
  name TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (name, key)
) WITHOUT ROWID;
-- What the environment says of a table, and at which version of all its definitions.
CREATE TABLE IF NOT EXISTS definition (
  name TEXT PRIMARY KEY, version TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What is known of the kept rows of one table."""

    print: str
    columns: frozenset[str]
    token: str
    at: str  # when they were loaded whole, ISO


class RowCache:
    """Rows by table and key. Without a path it lives in memory, for one process. Raises SourceError."""

    def __init__(self, path: Path | None, name: str) -> None:
        self._name = name
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(path or ":memory:", timeout=60, isolation_level=None, check_same_thread=False)
            self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_SCHEMA}")
        except (OSError, sqlite3.Error) as error:
            raise SourceError(f"the row cache {name} cannot be opened: {error}; it may be deleted") from error

    def belong_to(self, environment: str) -> None:
        """Drops all that is kept of another environment. Raises SourceError."""
        if self.definition("") != (environment, ""):
            with self.together():
                for name in ("loaded", "row", "definition"):
                    self._db.execute(f"DELETE FROM {name}")  # noqa: S608 -- three words of ours
                self.define("", environment, "")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is written inside is kept, or nothing. Raises SourceError."""
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

    def loaded(self, table: str) -> Loaded | None:
        """What is kept of a table, if anything."""
        found = self._one("SELECT print, columns, token, at FROM loaded WHERE name = ?", table)
        return Loaded(found[0], frozenset(found[1].split()), found[2], found[3]) if found else None

    def mark(self, table: str, loaded: Loaded) -> None:
        """Says for what the rows are good from now on."""
        columns = " ".join(sorted(loaded.columns))
        self._db.execute(
            "INSERT OR REPLACE INTO loaded VALUES (?, ?, ?, ?, ?)",
            (table, loaded.print, columns, loaded.token, loaded.at),
        )

    def forget(self, table: str) -> None:
        """Drops the rows of a table."""
        self._db.execute("DELETE FROM loaded WHERE name = ?", (table,))
        self._db.execute("DELETE FROM row WHERE name = ?", (table,))

    def put(self, table: str, rows: Iterable[tuple[str, str]]) -> None:
        """Keeps rows, new or changed: key and text."""
        self._db.executemany("INSERT OR REPLACE INTO row VALUES (?, ?, ?)", ((table, *row) for row in rows))

    def drop(self, table: str, keys: Iterable[str]) -> None:
        """Drops rows; unknown ones are none."""
        self._db.executemany("DELETE FROM row WHERE name = ? AND key = ?", ((table, key) for key in keys))

    def rows(self, table: str) -> Iterator[str]:
        """The texts of all rows of a table, by key."""
        found = self._db.execute("SELECT body FROM row WHERE name = ? ORDER BY key", (table,))
        return (body for (body,) in found)

    def row(self, table: str, key: str) -> str | None:
        """The text of one row."""
        found = self._one("SELECT body FROM row WHERE name = ? AND key = ?", table, key)
        return found[0] if found else None

    def definition(self, table: str) -> tuple[str, str] | None:
        """Version and text of what the environment said of a table."""
        found = self._one("SELECT version, body FROM definition WHERE name = ?", table)
        return (found[0], found[1]) if found else None

    def define(self, table: str, version: str, body: str) -> None:
        """Keeps what the environment says of a table."""
        self._db.execute("INSERT OR REPLACE INTO definition VALUES (?, ?, ?)", (table, version, body))

    def _one(self, query: str, *values: str) -> tuple[str, ...] | None:
        found: tuple[str, ...] | None = self._db.execute(query, values).fetchone()
        return found
