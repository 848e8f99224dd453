"""The whole state without its lock as JSON, and back.

One document: `format`, lineage, serial, the end of the journal, and a list for each table. Each row
is on a line of its own, so that two exports can be compared with any text tool.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from trueup.errors import StateError
from trueup.state.sqlite import rows
from trueup.state.sqlite.file import UNREADABLE
from trueup.state.sqlite.statements import statement
from trueup.state.sqlite.values import canonical
from trueup.state.sqlite.verify import verify

FORMAT = 1
"""Version of the document."""

_TABLES = {
    "links": ("read_links", "put_link"),
    "applied": ("read_applied", "put_applied"),
    "pushed": ("read_pushed", "put_pushed"),
    "runs": ("read_runs", "add_run"),
    "journal": ("read_lines", "add_line"),
}
_JSON = frozenset({"fields", "proof", "data"})
"""Columns that hold JSON; it is exported as JSON, not as text."""

_REJECTED = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Errors of SQLite for rows that do not fit the tables."""

_STATE = ("lineage", "serial", "lines", "head")
"""Columns of `read_state`."""


def export(connection: sqlite3.Connection) -> str:
    """The document. Raises `ValueError` if a column that holds JSON holds other text."""
    state = zip(_STATE, connection.execute(statement("read_state")).fetchone(), strict=True)
    parts = [
        f'"format":{FORMAT}',
        *(f"{canonical(name)}:{canonical(value)}" for name, value in state),
    ]
    for table, (read, _) in _TABLES.items():
        lines = ",\n".join(canonical(row) for row in _exported(connection, read))
        parts.append(f"{canonical(table)}:[\n{lines}\n]" if lines else f"{canonical(table)}:[]")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def restore(connection: sqlite3.Connection, text: str, name: str) -> None:
    """Fills an empty state inside a transaction.

    Raises `StateError` if the state is not empty, or the text is no export or was changed.
    """
    (used,) = connection.execute(statement("is_used")).fetchone()
    if used:
        raise StateError(f"{name} is not empty: import into a new one, or move this one away first")
    try:
        _fill(connection, _document(text))
        _read_all(connection)
        findings = verify(connection)
    except (*UNREADABLE, *_REJECTED) as error:
        raise StateError("this is not an export of a trueup state, or not a whole one") from error
    if findings:
        raise StateError(f"this export was changed after it was written: {findings[0].text}")


def _exported(connection: sqlite3.Connection, read: str) -> Iterator[Mapping[str, Any]]:
    cursor = connection.execute(statement(read))
    names = [column[0] for column in cursor.description]
    for row in cursor.fetchall():
        yield {
            name: json.loads(value) if name in _JSON else value
            for name, value in zip(names, row, strict=True)
        }


def _document(text: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(text)
    if document["format"] != FORMAT:
        raise StateError(
            f"this export has format {document['format']}, this trueup reads {FORMAT}: "
            "use a trueup that reads that format"
        )
    return document


def _fill(connection: sqlite3.Connection, document: Mapping[str, Any]) -> None:
    for table, (read, put) in _TABLES.items():
        names = [column[0] for column in connection.execute(statement(read)).description]
        connection.executemany(
            statement(put),
            (
                [canonical(row[name]) if name in _JSON else row[name] for name in names]
                for row in document[table]
            ),
        )
    connection.execute(statement("restore_state"), {name: document[name] for name in _STATE})


def _read_all(connection: sqlite3.Connection) -> None:
    """Reads every value, which raises an error of `UNREADABLE` if one is not what it must be."""
    rows.links(connection.execute(statement("read_links")).fetchall())
    rows.applied(connection.execute(statement("read_applied")).fetchall())
    rows.pushed(connection.execute(statement("read_pushed")).fetchall())
    for row in connection.execute(statement("read_runs")).fetchall():
        rows.run(row)
    for row in connection.execute(statement("read_all_entries")).fetchall():
        rows.entry(row)
