"""Reads and writes records in the database, by entity and id, in the caller's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask.store import quoted
from trueup.sandbox.autotask.wire import StoredValue

StoredRecord = dict[str, StoredValue]
"""A record as it is stored: all fields of its entity, with `id`."""


def fetch(connection: sqlite3.Connection, entity: Entity, record: object) -> StoredRecord | None:
    """Returns one record by its id, or None."""
    rows = select(connection, entity, {"id": record})
    return rows[0] if rows else None


def select(
    connection: sqlite3.Connection, entity: Entity, where: Mapping[str, object]
) -> list[StoredRecord]:
    """Returns the records whose fields equal the given values, in the order of their ids."""
    names = list(entity.fields)
    condition = " AND ".join(f"{quoted(name)} = ?" for name in where) or "1"
    rows = connection.execute(
        f"SELECT {columns(names)} FROM {quoted(entity.name)} WHERE {condition} ORDER BY id",  # noqa: S608 -- quoted names of the catalogue
        list(where.values()),
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def columns(names: Iterable[str]) -> str:
    """Returns names as a list of SQL identifiers."""
    return ", ".join(map(quoted, names))


def insert(
    connection: sqlite3.Connection, entity: Entity, values: Mapping[str, StoredValue]
) -> int:
    """Adds a record under its `id`, or under a new one; returns the id."""
    given = values.get("id")
    record = given if isinstance(given, int) else next_id(connection, entity.name)
    put(connection, entity.name, [{**values, "id": record}])
    return record


def put(
    connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, StoredValue]]
) -> None:
    """Adds or replaces records by their ids; all must have the same fields."""
    if not rows:
        return
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f"INSERT OR REPLACE INTO {quoted(table)} ({columns(names)}) VALUES ({marks})",  # noqa: S608 -- as above
        ([row[name] for name in names] for row in rows),
    )


def update(
    connection: sqlite3.Connection, table: str, record: int, values: Mapping[str, StoredValue]
) -> None:
    """Sets fields of one record."""
    if values:
        assignments = ", ".join(f"{quoted(name)} = ?" for name in values)
        connection.execute(
            f"UPDATE {quoted(table)} SET {assignments} WHERE id = ?",  # noqa: S608 -- as above
            [*values.values(), record],
        )


def delete(connection: sqlite3.Connection, table: str, ids: Iterable[int]) -> None:
    """Deletes records; their ids are never used again."""
    connection.executemany(
        f"DELETE FROM {quoted(table)} WHERE id = ?",  # noqa: S608 -- as above
        ([record] for record in ids),
    )


def next_id(connection: sqlite3.Connection, entity: str, count: int = 1) -> int:
    """Reserves `count` ids in a row and returns the first. None of them was ever used."""
    row = connection.execute("SELECT last FROM _sequences WHERE entity = ?", [entity]).fetchone()
    highest = connection.execute(f"SELECT max(id) FROM {quoted(entity)}").fetchone()[0]  # noqa: S608 -- as above
    last = max(row[0] if row else 0, highest or 0)
    connection.execute(
        "INSERT INTO _sequences VALUES (?, ?) "
        "ON CONFLICT (entity) DO UPDATE SET last = excluded.last",
        [entity, last + count],
    )
    return int(last) + 1
