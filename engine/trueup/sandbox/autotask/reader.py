"""Reads records: pages by cursor and counts, always in ascending order of ids.

Source: docs/explanation/autotask.md, section 3 (Paging).
"""

import json
import sqlite3
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.catalogue import UDF, Entity, Type
from trueup.sandbox.autotask import lenient_json as lenient
from trueup.sandbox.autotask import security
from trueup.sandbox.autotask.item_kinds import ITEM_KINDS
from trueup.sandbox.autotask.query import PAGE, Query, indexed
from trueup.sandbox.autotask.records import columns
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.security import ApiUser
from trueup.sandbox.autotask.store import quoted
from trueup.sandbox.autotask.tenant import Tenant
from trueup.sandbox.http.json_types import Json

BEFORE_ALL = -1  # lower than any id
_PAGES_KEPT = 50  # in a cursor; Autotask keeps about as many
INDEXED_FROM = 1000  # records in a table from which fields get indexes

_UNIT_ROWS = frozenset(kind.units for kind in ITEM_KINDS)
_AHEAD = "unit_rows_ahead"


class ReadContext(Struct, frozen=True):
    """By whom and in which state of the database records are read."""

    connection: sqlite3.Connection
    tenant: Tenant
    user: ApiUser
    hidden: Mapping[str, frozenset[int | str]]  # by a fault, from all users

    def hidden_ids(self, entity: str) -> frozenset[int | str]:
        """Returns the ids that are not shown to the user."""
        by_level = self.user.level.hidden.get(entity, frozenset())
        return by_level | self.hidden.get(entity, frozenset())


class Cursor(Struct, frozen=True):
    """Where a page starts: at the first id after `after`.

    `before` are the `after` of the previous pages.
    """

    size: int
    before: tuple[int, ...] = ()
    after: int = BEFORE_ALL

    def text(self) -> str:
        """Returns the cursor as the value of the `paging` parameter."""
        ids = {"previousIds": list(self.before), "nextIds": [self.after]}
        return quote(json.dumps({"pageSize": self.size, **ids}, separators=(",", ":")), safe="")

    def next(self, last: int) -> "Cursor":
        """Returns the cursor of the page after the one that ends with the id `last`."""
        return replace(self, before=(*self.before, self.after)[-_PAGES_KEPT:], after=last)

    def previous(self) -> "Cursor | None":
        """Returns the cursor of the page before this one, or None."""
        if not self.before:
            return None
        return replace(self, before=self.before[:-1], after=self.before[-1])


def parse_cursor(text: str) -> Cursor:
    """Parses the `paging` parameter. Raises `AutotaskError` if it is not a cursor."""
    paging = lenient.mapping(lenient.read(text), "The paging parameter")
    try:
        before = [int(id_) for id_ in paging["previousids"]]
        after = [int(id_) for id_ in paging["nextids"]]
        size = min(max(int(paging["pagesize"]), 1), PAGE)
        return Cursor(size, tuple(before[-_PAGES_KEPT:]), after[0])
    except (KeyError, IndexError, TypeError, ValueError):
        raise AutotaskError("The paging parameter is not valid.") from None


def read_page(
    context: ReadContext, query: Query, cursor: Cursor
) -> tuple[list[dict[str, Json]], Cursor | None]:
    """Returns the records of one page, and the next page's cursor if there are more records."""
    condition, values = _condition(context, query)
    sql = (
        f"SELECT {columns(query.names)} FROM {quoted(query.entity.name)} "  # noqa: S608 -- quoted names, bound values
        f"WHERE {condition} AND id > ? ORDER BY id LIMIT ?"
    )
    rows = context.connection.execute(sql, [*values, cursor.after, cursor.size + 1]).fetchall()
    items = _formatted(context, query, rows[: cursor.size])
    more = len(rows) > cursor.size
    return items, cursor.next(items[-1]["id"]) if more else None


def count_records(context: ReadContext, query: Query) -> int:
    """Returns the number of records that match a query."""
    condition, values = _condition(context, query)
    sql = f"SELECT count(*) FROM {quoted(query.entity.name)} WHERE {condition}"  # noqa: S608 -- as above
    return int(context.connection.execute(sql, values).fetchone()[0])


def all_fields_query(entity: Entity, where: str, values: tuple[object, ...]) -> Query:
    """Returns a query for all fields of the records that match an SQL condition."""
    return Query(
        entity=entity,
        where=where,
        values=values,
        names=tuple(entity.fields),
        size=PAGE,
        includes_id=True,
        index_candidates=frozenset(),
    )


def unindexed_fields(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Returns the fields of a large table that the query would find faster by an index."""
    table = query.entity.name
    if not query.index_candidates or not _is_large(connection, table):
        return []
    existing = {row[1] for row in connection.execute(f"PRAGMA index_list({quoted(table)})")}
    return [
        name
        for name in sorted(query.index_candidates)
        if _index_name(query.entity, name) not in existing
    ]


def add_index(connection: sqlite3.Connection, entity: Entity, name: str) -> None:
    """Inside a write: adds an index on a field."""
    table, column = quoted(entity.name), indexed(entity.fields[name])
    index = quoted(_index_name(entity, name))
    connection.execute(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({column})")


def _condition(context: ReadContext, query: Query) -> tuple[str, list[object]]:
    """Returns the query's condition without what is not shown, and the values of its parameters."""
    condition, values = f"({query.where})", list(query.values)
    hidden = sorted(context.hidden_ids(query.entity.name))
    if hidden:
        marks = ", ".join("?" * len(hidden))
        condition, values = f"{condition} AND id NOT IN ({marks})", [*values, *hidden]
    if query.entity.name in _UNIT_ROWS and context.tenant.switches[_AHEAD] == "job_is_late":
        # The job has not written the rows that begin in this month yet.
        month = context.tenant.now().date().replace(day=1)
        condition, values = f"{condition} AND startDate < ?", [*values, month.isoformat()]
    return condition, values


def _formatted(
    context: ReadContext, query: Query, rows: list[tuple[Json, ...]]
) -> list[dict[str, Json]]:
    """Formats rows for a response; costs are null for a user who may not see them.

    What depends on the column only is worked out once, before the loop over the rows.
    """
    entity = query.entity
    named = list(enumerate(query.names))
    entity_formatters = context.tenant.formatters[entity.name]
    formats = [
        (position, entity_formatters[name]) for position, name in named if name in entity_formatters
    ]
    nulls = [position for position, name in named if _is_hidden_cost(context, entity, name)]
    unset = _unset_text(context, entity, named)
    plain = [(position, name) for position, name in named if not name.startswith(UDF)]
    udfs = [(position, name.removeprefix(UDF)) for position, name in named if name.startswith(UDF)]
    can_have_udfs = entity.udf_capable != "no"
    lists_unset = context.tenant.switches["unset_udf"] == "listed"

    items = []
    for row in rows:
        values = list(row)
        for position, format_value in formats:
            if values[position] is not None:
                values[position] = format_value(values[position])
        for position in nulls:
            values[position] = None
        for position in unset:
            if values[position] is None:
                values[position] = ""

        item = {name: values[position] for position, name in plain}
        if can_have_udfs:
            item["userDefinedFields"] = [
                {"name": name, "value": values[position]}
                for position, name in udfs
                if lists_unset or values[position] is not None
            ]
        items.append(item)
    return items


def _unset_text(context: ReadContext, entity: Entity, named: list[tuple[int, str]]) -> list[int]:
    """Returns the positions of the fields that are shown as empty text where they are not set."""
    if context.tenant.switches["unset_text"] == "null":
        return []
    return [
        position
        for position, name in named
        if entity.fields[name].type is Type.TEXT and not name.startswith(UDF)
    ]


def _is_hidden_cost(context: ReadContext, entity: Entity, name: str) -> bool:
    return not context.user.level.costs and security.is_cost(entity, name)


def _is_large(connection: sqlite3.Connection, table: str) -> bool:
    sql = f"SELECT 1 FROM {quoted(table)} LIMIT 1 OFFSET {INDEXED_FROM}"  # noqa: S608 -- as above
    return connection.execute(sql).fetchone() is not None


def _index_name(entity: Entity, name: str) -> str:
    """Returns a name that says what the index contains: older files have others of text."""
    is_text = entity.fields[name].type is Type.TEXT
    return f"{entity.name} by {'folded ' if is_text else ''}{name}"
