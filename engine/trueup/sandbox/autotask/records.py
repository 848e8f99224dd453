"""Records in and out of the store, by entity and id, always inside somebody's transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from engine.model.catalogue import Entity
from engine.sandbox.store import quoted
from engine.sandbox.wire import Stored

Kept = dict[str, Stored]
"""A record as it is kept: every field of its entity, and `id`."""


def fetch(connection: sqlite3.Connection, entity: Entity, record: object) -> Kept | None:
    """One record, whole, or none."""
    rows = select(connection, entity, {"id": record})
    return rows[0] if rows else None


def select(connection: sqlite3.Connection, entity: Entity, where: Mapping[str, object]) -> list[Kept]:
    """All records whose fields equal these, by id."""
    names = list(entity.fields)
    condition = " AND ".join(f"{quoted(name)} = ?" for name in where) or "1"
    rows = connection.execute(
        f"SELECT {columns(names)} FROM {quoted(entity.name)} WHERE {condition} ORDER BY id",  # noqa: S608 -- names are the catalogue's, quoted
        list(where.values()),
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def columns(names: Iterable[str]) -> str:
    """Column names in SQL."""
    return ", ".join(map(quoted, names))


def insert(connection: sqlite3.Connection, entity: Entity, values: Mapping[str, Stored]) -> int:
    """Adds a record under its `id`, or under the next one that was never used; its id."""
    given = values.get("id")
    record = given if isinstance(given, int) else next_id(connection, entity.name)
    put(connection, entity.name, [{**values, "id": record}])
    return record


def put(connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Stored]]) -> None:
    """Writes records as they are, over those that have the same id; all have the fields of the first."""
    if not rows:
        return
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f"INSERT OR REPLACE INTO {quoted(table)} ({columns(names)}) VALUES ({marks})",  # noqa: S608 -- as above
        ([row[name] for name in names] for row in rows),
    )


def update(connection: sqlite3.Connection, table: str, record: int, values: Mapping[str, Stored]) -> None:
    """Sets fields of one record."""
    if values:
        assignments = ", ".join(f"{quoted(name)} = ?" for name in values)
        connection.execute(f"UPDATE {quoted(table)} SET {assignments} WHERE id = ?", [*values.values(), record])  # noqa: S608 -- as above


def delete(connection: sqlite3.Connection, table: str, ids: Iterable[int]) -> None:
    """Takes records away; their ids are never used again."""
    connection.executemany(f"DELETE FROM {quoted(table)} WHERE id = ?", ([record] for record in ids))  # noqa: S608 -- as above


def next_id(connection: sqlite3.Connection, entity: str, count: int = 1) -> int:
    """The first of `count` ids that nothing had before, not even something deleted since."""
    row = connection.execute("SELECT last FROM _sequences WHERE entity = ?", [entity]).fetchone()
    highest = connection.execute(f"SELECT max(id) FROM {quoted(entity)}").fetchone()[0]  # noqa: S608 -- as above
    last = max(row[0] if row else 0, highest or 0)
    connection.execute(
        "INSERT INTO _sequences VALUES (?, ?) ON CONFLICT (entity) DO UPDATE SET last = excluded.last",
        [entity, last + count],
    )
    return int(last) + 1
