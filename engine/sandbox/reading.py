"""Records out: one by id, pages by key-set cursor, counts; always in ascending order of id."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from engine.model.catalogue import UDF, Entity
from engine.sandbox import access, lenient
from engine.sandbox.access import User
from engine.sandbox.answers import Refused
from engine.sandbox.lenient import Json
from engine.sandbox.query import PAGE, Query
from engine.sandbox.records import columns
from engine.sandbox.store import quoted
from engine.sandbox.tenant import Tenant

BEFORE_ALL = -1
_PAGES_KEPT = 50  # of a cursor; the service keeps about as many
INDEXED_FROM = 1000  # records from which a sought field gets an index


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, in which state of the database, and what a fault hides from everybody."""

    connection: sqlite3.Connection
    tenant: Tenant
    user: User
    hidden: Mapping[str, frozenset[int | str]]

    def unseen(self, entity: str) -> frozenset[int | str]:
        """Ids that this user is not shown."""
        return self.user.level.hidden.get(entity, frozenset()) | self.hidden.get(entity, frozenset())


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page starts: after `after`; `before` are the starts of the pages that led here."""

    size: int
    before: tuple[int, ...] = ()
    after: int = BEFORE_ALL

    def text(self) -> str:
        """As it stands in a page's address."""
        shown = {"pageSize": self.size, "previousIds": list(self.before), "nextIds": [self.after]}
        return quote(json.dumps(shown, separators=(",", ":")), safe="")

    def next(self, last: int) -> "Cursor":
        """The page that follows one that ends with `last`."""
        return replace(self, before=(*self.before, self.after)[-_PAGES_KEPT:], after=last)

    def previous(self) -> "Cursor | None":
        """The page before this one, while it is kept."""
        return replace(self, before=self.before[:-1], after=self.before[-1]) if self.before else None


def read_cursor(text: str) -> Cursor:
    """A cursor out of a page's address. Raises Refused."""
    said = lenient.mapping(lenient.read(text), "The paging parameter")
    try:
        before, after = [int(one) for one in said["previousids"]], [int(one) for one in said["nextids"]]
        size = min(max(int(said["pagesize"]), 1), PAGE)
        return Cursor(size, tuple(before[-_PAGES_KEPT:]), after[0])
    except (KeyError, IndexError, TypeError, ValueError):
        raise Refused("The paging parameter is not valid.") from None


def page(view: View, query: Query, cursor: Cursor) -> tuple[list[dict[str, Json]], Cursor | None]:
    """The records of one page, and the next page's cursor if there is more."""
    condition, values = _condition(view, query)
    sql = (
        f"SELECT {columns(query.names)} FROM {quoted(query.entity.name)} "  # noqa: S608 -- names are the catalogue's, values are bound
        f"WHERE {condition} AND id > ? ORDER BY id LIMIT ?"
    )
    rows = view.connection.execute(sql, [*values, cursor.after, cursor.size + 1]).fetchall()
    more = len(rows) > cursor.size
    items = shown(view, query, rows[: cursor.size])
    return items, cursor.next(items[-1]["id"]) if more else None


def count(view: View, query: Query) -> int:
    """How many records fit."""
    condition, values = _condition(view, query)
    sql = f"SELECT count(*) FROM {quoted(query.entity.name)} WHERE {condition}"  # noqa: S608 -- as above
    return int(view.connection.execute(sql, values).fetchone()[0])


def whole(entity: Entity, where: str = "1", values: tuple[object, ...] = ()) -> Query:
    """Everything of the records that fit a condition in SQL."""
    return Query(entity, where, values, tuple(entity.fields), PAGE, narrowed=False, names_id=True, sought=frozenset())


def _condition(view: View, query: Query) -> tuple[str, list[object]]:
    unseen = sorted(view.unseen(query.entity.name))
    if not unseen:
        return f"({query.where})", list(query.values)
    return f"({query.where}) AND id NOT IN ({', '.join('?' * len(unseen))})", [*query.values, *unseen]


def shown(view: View, query: Query, rows: list[tuple[Json, ...]]) -> list[dict[str, Json]]:
    """Rows as Autotask shows them: typed forms, costs only to whom they are for, user-defined fields as a list."""
    entity, showers = query.entity, view.tenant.showers[query.entity.name]
    places = [(place, showers[name]) for place, name in enumerate(query.names) if name in showers]
    blank = [place for place, name in enumerate(query.names) if _no_cost(view, entity, name)]
    plain = [(place, name) for place, name in enumerate(query.names) if not name.startswith(UDF)]
    udfs = [(place, name.removeprefix(UDF)) for place, name in enumerate(query.names) if name.startswith(UDF)]
    capable = entity.udf_capable != "no"
    items = []
    for kept in rows:
        row = list(kept)
        for place, show in places:
            if row[place] is not None:
                row[place] = show(row[place])
        for place in blank:
            row[place] = None
        item = {name: row[place] for place, name in plain}
        if capable:
            item["userDefinedFields"] = [{"name": name, "value": row[place]} for place, name in udfs]
        items.append(item)
    return items


def _no_cost(view: View, entity: Entity, name: str) -> bool:
    return not view.user.level.costs and access.is_cost(entity, name)


def unindexed(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Sought fields of a large table that have no index yet."""
    table = query.entity.name
    if not query.sought or not _is_large(connection, table):
        return []
    there = {row[1] for row in connection.execute(f"PRAGMA index_list({quoted(table)})")}
    return [name for name in sorted(query.sought) if _index(table, name) not in there]


def _is_large(connection: sqlite3.Connection, table: str) -> bool:
    sql = f"SELECT 1 FROM {quoted(table)} LIMIT 1 OFFSET {INDEXED_FROM}"  # noqa: S608 -- as above
    return connection.execute(sql).fetchone() is not None


def add_index(connection: sqlite3.Connection, table: str, name: str) -> None:
    """Indexes a field, inside a write."""
    connection.execute(f"CREATE INDEX IF NOT EXISTS {quoted(_index(table, name))} ON {quoted(table)} ({quoted(name)})")


def _index(table: str, name: str) -> str:
    return f"{table} by {name}"
