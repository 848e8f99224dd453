"""Rows in SQLite, each with the version at which it changed last; rows that are gone leave theirs behind.

A row is a JSON object from the name of a column to that value's own JSON text, so that `10.50` goes out as it
came in.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock

from engine.errors import SandboxError
from engine.sandbox import clock, faults, snapshots
from engine.sandbox.clock import Clock
from engine.sandbox.store import connect

APPLICATION = 0x7472_6476  # marks the file as ours

Values = dict[str, str]
"""Name of a column → its value as JSON."""

_SCHEMA = """
-- `body` is empty for a row that is gone.
CREATE TABLE IF NOT EXISTS row (
  name TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body TEXT, PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS row_version ON row (name, version);
-- What the environment remembers of itself.
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One row, or where one was."""

    key: str
    version: int
    body: str | None

    def values(self) -> Values:
        """Its columns."""
        found: Values = json.loads(self.body or "{}")
        return found


class RowStore:
    """Rows by table and key, in one file or in memory. One at a time writes; versions only go up."""

    def __init__(self, path: Path | None) -> None:
        """Raises SandboxError."""
        self._lock = Lock()
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise SandboxError(f"the database of the Dataverse stand-in cannot be used: {error}") from error

    def _prepare(self) -> None:
        filled = self._db.execute("SELECT 1 FROM sqlite_master").fetchone()  # before the mark, which another may set
        if filled and self._db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            self._db.close()
            raise SandboxError("the database of the Dataverse stand-in cannot be used: it is one of something else")
        self._db.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA application_id={APPLICATION};"
            f"{_SCHEMA}{faults.SCHEMA}"
        )

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection; nobody else reads or writes meanwhile."""
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All that is done inside, or nothing; nobody else reads or writes meanwhile."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def put(self, name: str, key: str, values: Values) -> int:
        """Inside `writing`: a row, new or changed; its version."""
        version = self._next()
        body = json.dumps(values, separators=(",", ":"))
        self._db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)", (name, key, version, body))
        return version

    def remove(self, name: str, key: str) -> None:
        """Inside `writing`: a row is gone."""
        self._db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, NULL)", (name, key, self._next()))

    def touch(self, name: str, key: str) -> None:
        """Somebody saves a row as it is: it has another version, if it is there."""
        with self.writing():
            stored = self.one(name, key)
            if stored:
                self.put(name, key, stored.values())

    def one(self, name: str, key: str) -> Stored | None:
        """Inside `writing`: a row that is there."""
        query = "SELECT key, version, body FROM row WHERE name = ? AND key = ? AND body IS NOT NULL"
        found = self._db.execute(query, (name, key)).fetchone()
        return Stored(*found) if found else None

    def get(self, name: str, key: str) -> Stored | None:
        """A row that is there."""
        with self._lock:
            return self.one(name, key)

    def after(self, name: str, version: int, limit: int, *, gone: bool) -> list[Stored]:
        """The rows that changed after a version, in the order of their versions; with those that are gone."""
        kept = "" if gone else "AND body IS NOT NULL"
        query = f"SELECT key, version, body FROM row WHERE name = ? AND version > ? {kept} ORDER BY version LIMIT ?"  # noqa: S608 -- a constant of ours
        with self._lock:
            return [Stored(*each) for each in self._db.execute(query, (name, version, limit))]

    def count(self, name: str) -> int:
        """How many rows a table has."""
        query = "SELECT count(*) FROM row WHERE name = ? AND body IS NOT NULL"
        with self._lock:
            return int(self._db.execute(query, (name,)).fetchone()[0])

    @property
    def version(self) -> int:
        """The version of the latest change."""
        return int(self.fact("version", "0"))

    def fact(self, name: str, default: str) -> str:
        """What the environment remembers."""
        with self._lock:
            return self._fact(name, default)

    def remember(self, **facts: object) -> None:
        """Remembers."""
        with self.writing():
            for name, value in facts.items():
                self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, str(value)))

    def expire_changes(self) -> None:
        """No change token that was given is good any more."""
        self.remember(oldest_token=self.version + 1)

    @property
    def clock(self) -> Clock:
        """The environment's clock."""
        kept: Clock = json.loads(self.fact("clock", "{}"))
        return kept

    def now(self) -> datetime:
        """The instant by it."""
        return clock.now(self.clock)

    def snapshot(self, file: Path) -> None:
        """All into a file. Raises SandboxError."""
        with self._lock:
            snapshots.save(self._db, file)

    def restore(self, file: Path) -> None:
        """As in a snapshot; versions go on from where they were, and older change tokens are refused.

        Raises SandboxError.
        """
        version = self.version
        with closing(connect(file, APPLICATION)) as source, self._lock:
            source.backup(self._db)
        self.remember(version=max(version, self.version))
        self.expire_changes()

    def _next(self) -> int:
        version = int(self._fact("version", "0")) + 1
        self._db.execute("INSERT OR REPLACE INTO fact VALUES ('version', ?)", (str(version),))
        return version

    def _fact(self, name: str, default: str) -> str:
        found = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else default


def as_json(values: Mapping[str, str], tag: int) -> str:
    """A row as it goes over the wire."""
    parts = [f'"@odata.etag":"W/\\"{tag}\\""', *(f'"{name}":{value}' for name, value in values.items())]
    return "{" + ",".join(parts) + "}"
