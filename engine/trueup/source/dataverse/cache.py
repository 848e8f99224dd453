"""Rows kept on this machine between runs, together with the change token that they belong to.

Rows and token are written in one transaction. The cache is one SQLite file; it holds customer data
and only its owner may read it. Losing it costs one full load, and so does damage: what cannot be
read or parsed is `CacheDamaged`, after which `begin_again` makes an empty file.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from trueup.source.dataverse.cache_file import CacheFile

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
_ENVIRONMENT = ""
"""The name under which `definition` keeps the environment's address as its version."""

_FORMAT = "2"
"""Of the content, beside that address. Without it, all uses of a table shared one slot."""


class CachedLoad(Struct, frozen=True):
    """What the cached rows of one table can be used for."""

    fingerprint: str  # digest of address, table and profile
    columns: frozenset[str]
    token: str
    at: str  # time of the last full load, ISO


class RowCache(CacheFile):
    """Rows by slot and key, definitions by table.

    All methods raise `SourceError` if the file cannot be used, `CacheDamaged` for its content.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        """Without a path the cache is in memory, for one process. `name` is for messages."""
        super().__init__(path, name, _SCHEMA)

    def belong_to(self, environment: str) -> None:
        """Drops everything that was cached of another environment, or in another format."""
        if self.definition(_ENVIRONMENT) != (environment, _FORMAT):
            with self.transaction():
                for name in ("loaded", "page", "newer", "definition"):
                    self._do(f"DELETE FROM {name}")  # noqa: S608 -- constant table names
                self.define(_ENVIRONMENT, environment, _FORMAT)

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
