"""Rows kept on this machine between readings, with the change token that they belong to: both or neither.

One SQLite file; it holds customer data and is made readable for its owner only. Losing it costs one full load.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SourceError

PATIENCE = 60.0
"""Seconds that another run is waited for."""

_SCHEMA = """
-- One line a table: for which questions (`print`) its rows are good, and where to go on from (`token`).
CREATE TABLE IF NOT EXISTS loaded (
  name TEXT PRIMARY KEY, print TEXT NOT NULL, columns TEXT NOT NULL, token TEXT NOT NULL, at TEXT NOT NULL
) WITHOUT ROWID;
-- The pages of the last full load, as they came.
CREATE TABLE IF NOT EXISTS page (
  name TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (name, number)
);
-- Rows that changed since, as they came; `body` is empty for a row that is gone. These count, not the pages.
CREATE TABLE IF NOT EXISTS newer (
  name TEXT NOT NULL, key TEXT NOT NULL, body TEXT, PRIMARY KEY (name, key)
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
            self._db = sqlite3.connect(
                path or ":memory:", timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
            self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        except (OSError, sqlite3.Error) as error:
            raise SourceError(f"the row cache {name} cannot be opened: {error}; it may be deleted") from error

    def belong_to(self, environment: str) -> None:
        """Drops all that is kept of another environment. Raises SourceError."""
        if self.definition("") != (environment, ""):
            with self.together():
                for name in ("loaded", "page", "newer", "definition"):
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
        for name in ("loaded", "page", "newer"):
            self._db.execute(f"DELETE FROM {name} WHERE name = ?", (table,))  # noqa: S608 -- three words of ours

    def add(self, table: str, number: int, body: str) -> None:
        """Keeps one page of a full load."""
        self._db.execute("INSERT INTO page VALUES (?, ?, ?)", (table, number, body))

    def renew(self, table: str, rows: Mapping[str, str | None]) -> None:
        """Keeps rows that came after the pages, key → text; none for a row that is gone."""
        changed = ((table, key, body) for key, body in rows.items())
        self._db.executemany("INSERT OR REPLACE INTO newer VALUES (?, ?, ?)", changed)

    def pages(self, table: str) -> Iterator[str]:
        """The pages of the last full load."""
        found = self._db.execute("SELECT body FROM page WHERE name = ? ORDER BY number", (table,))
        return (body for (body,) in found)

    def newer(self, table: str) -> Mapping[str, str | None]:
        """What came after the pages."""
        return dict(self._db.execute("SELECT key, body FROM newer WHERE name = ?", (table,)))

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
