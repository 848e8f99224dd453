"""Rows in SQLite, each with the version of its last change; deleted rows leave a tombstone.

A row is stored as a JSON object from column name to the value's own JSON text. So `10.50` is sent
with the digits that were received.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock

from msgspec import Struct

from trueup.errors import SandboxError
from trueup.sandbox.dataverse import facts
from trueup.sandbox.dataverse.facts import Facts
from trueup.sandbox.http import faults, sqlite_files

APPLICATION_ID = 0x7472_6476  # "trdv"

Values = dict[str, str]
"""JSON texts of values by column name."""

_SCHEMA = """
-- `body` is NULL for a deleted row.
CREATE TABLE IF NOT EXISTS row (
  name TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, body TEXT,
  PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS row_version ON row (name, version);
"""


class StoredRow(Struct, frozen=True):
    """One row; `body` is None for a deleted one."""

    key: str
    version: int
    body: str | None

    @property
    def tag(self) -> str:
        """The row's ETag, which identifies its version in HTTP."""
        return f'W/"{self.version}"'

    def values(self) -> Values:
        """Returns the columns of the row."""
        values: Values = json.loads(self.body or "{}")
        return values


class RowStore:
    """Rows by table and key, in a file or in memory.

    One thread at a time reads or writes. Versions only go up. `facts` are about the environment
    itself.
    """

    def __init__(self, path: Path | None) -> None:
        """Opens or creates the database, in memory without a path. Raises `SandboxError`."""
        self._lock = RLock()
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise SandboxError(
                f"the database of the Dataverse sandbox cannot be used: {error}"
            ) from error
        self.facts = Facts(self._db, self._lock)

    def _prepare(self) -> None:
        if sqlite_files.belongs_to_another(self._db, APPLICATION_ID):
            self._db.close()
            raise SandboxError(
                "the database of the Dataverse sandbox cannot be used: "
                "it belongs to another program"
            )
        self._db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            f"PRAGMA application_id = {APPLICATION_ID}; {_SCHEMA}{facts.SCHEMA}{faults.SCHEMA}"
        )

    def close(self) -> None:
        """Closes the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection; other threads wait."""
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction, rolled back on an error; other threads wait.

        Inside another one of the same thread it is a part of that one.
        """
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def put(self, name: str, key: str, values: Values) -> int:
        """Inside `writing`: adds or replaces a row and returns its version."""
        version = self.facts.next_version()
        body = json.dumps(values, separators=(",", ":"))
        self._db.execute(
            "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?)", (name, key, version, body)
        )
        return version

    def remove(self, name: str, key: str) -> None:
        """Inside `writing`: deletes a row and leaves a tombstone."""
        version = self.facts.next_version()
        self._db.execute("INSERT OR REPLACE INTO row VALUES (?, ?, ?, NULL)", (name, key, version))

    def get(self, name: str, key: str) -> StoredRow | None:
        """Returns a row that is not deleted, or None."""
        query = "SELECT key, version, body FROM row WHERE name = ? AND key = ? AND body IS NOT NULL"
        with self._lock:
            row = self._db.execute(query, (name, key)).fetchone()
        return StoredRow(*row) if row else None

    def touch(self, name: str, key: str) -> None:
        """Gives a row a new version, as if a person saved it unchanged. Ignores a missing row."""
        with self.writing():
            row = self.get(name, key)
            if row:
                self.put(name, key, row.values())

    def after(self, name: str, version: int, limit: int, *, gone: bool) -> list[StoredRow]:
        """Returns rows that changed after a version, in the order of their versions.

        `gone` adds deleted rows.
        """
        existing = "" if gone else "AND body IS NOT NULL"
        query = (
            f"SELECT key, version, body FROM row WHERE name = ? AND version > ? {existing} "  # noqa: S608 -- a constant
            "ORDER BY version LIMIT ?"
        )
        with self._lock:
            return [StoredRow(*row) for row in self._db.execute(query, (name, version, limit))]

    def count(self, name: str) -> int:
        """Returns the number of rows in a table."""
        query = "SELECT count(*) FROM row WHERE name = ? AND body IS NOT NULL"
        with self._lock:
            return int(self._db.execute(query, (name,)).fetchone()[0])

    def snapshot(self, file: Path) -> None:
        """Copies the database into a file. Raises `SandboxError`."""
        with self._lock:
            sqlite_files.save_snapshot(self._db, file, APPLICATION_ID)

    def restore(self, file: Path) -> None:
        """Brings the database back to a snapshot.

        Versions continue from the present one, and change tokens that were sent so far become
        invalid. Raises `SandboxError` if the file is not a database of this sandbox.
        """
        version = self.facts.version
        with closing(sqlite_files.open_existing(file, APPLICATION_ID)) as source, self._lock:
            source.backup(self._db)
        self.facts.set("version", max(version, self.facts.version))
        self.facts.expire_changes()
