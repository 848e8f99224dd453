"""Facts about an environment itself, kept in its database: version, clock, validity of tokens.

The facts are `version` (of the latest change of a row), `clock`, `definitions` (version of the
metadata), `oldest_token` (version of the oldest valid change token) and `expire_days` (life of a
change token).
"""

import json
import sqlite3
from datetime import datetime
from threading import RLock

from trueup.sandbox.http import clock
from trueup.sandbox.http.json_types import JsonObject

SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Facts:
    """The facts in one database."""

    def __init__(self, db: sqlite3.Connection, lock: RLock) -> None:
        self._db = db
        self._lock = lock

    def get(self, name: str, default: str) -> str:
        """Returns a fact."""
        with self._lock:
            row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set(self, name: str, value: object) -> None:
        """Stores a fact, in the present transaction if there is one."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, str(value)))

    @property
    def version(self) -> int:
        """The version of the latest change of a row; 0 before the first one."""
        return int(self.get("version", "0"))

    def next_version(self) -> int:
        """Inside a write: returns a version that no row had before."""
        version = self.version + 1
        self.set("version", version)
        return version

    def expire_changes(self) -> None:
        """Makes all change tokens invalid that were sent so far."""
        self.set("oldest_token", self.version + 1)

    @property
    def clock(self) -> JsonObject:
        """The environment's clock, in the form of `http.clock`."""
        document: JsonObject = json.loads(self.get("clock", "{}"))
        return document

    def move_clock(self, change: JsonObject) -> None:
        """Changes the clock as `http.clock.moved` describes. Raises `SandboxError`."""
        self.set("clock", json.dumps(clock.moved(self.clock, change)))

    def now(self) -> datetime:
        """Returns the instant that the environment's clock shows."""
        return clock.now(self.clock)
