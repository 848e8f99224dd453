"""The tenant's settings in the database: JSON values by name, with a version.

`version` goes up at each change, so that every process that has the database open notices it.
"""

import json
import sqlite3

from trueup.sandbox.http.json_types import Json


def get(connection: sqlite3.Connection, name: str, default: Json) -> Json:
    """Returns one setting, or the default if it is not set."""
    row = connection.execute("SELECT value FROM _settings WHERE key = ?", [name]).fetchone()
    return json.loads(row[0]) if row else default


def put(connection: sqlite3.Connection, name: str, value: object) -> None:
    """Inside a write: changes one setting."""
    _put(connection, name, value)
    _put(connection, "version", int(get(connection, "version", 0)) + 1)


def _put(connection: sqlite3.Connection, name: str, value: object) -> None:
    connection.execute("INSERT OR REPLACE INTO _settings VALUES (?, ?)", [name, json.dumps(value)])
