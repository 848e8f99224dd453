"""Selects columns of a table, and turns the values of database drivers into raw values.

Sessions are prepared for that.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from trueup.model.catalogue import Table, Type
from trueup.source.column_reader import RawRow
from trueup.source.text import canonical_key

ColumnTypes = Mapping[str, sqlalchemy.types.TypeEngine[Any]]
"""The types of columns by their names in the database."""

_TIMES = ("date", "timestamp", "timestamptz")
"""Types of PostgreSQL for days and instants."""

_FILLED_UP = (sqlalchemy.CHAR, sqlalchemy.NCHAR)
"""Types of texts that the database fills up to their length with blanks."""

_WITHOUT_ZONE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9.]+)?")


def prepare_sessions(engine: Engine) -> None:
    """Has sessions of PostgreSQL give and take times as they are read here."""
    if engine.dialect.name == "postgresql":
        sqlalchemy.event.listen(engine, "connect", _use_utc)
    if engine.dialect.driver == "psycopg":
        sqlalchemy.event.listen(engine, "connect", partial(_keep_all_times, engine.dialect.dbapi))


def _use_utc(connection: DBAPIConnection, _record: object) -> None:
    """The database converts what is written to columns without a zone to the session's zone."""
    with closing(connection.cursor()) as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _keep_all_times(driver: Any, connection: Any, _record: object) -> None:  # noqa: ANN401 -- psycopg's own
    """Has a time that Python lacks, such as `infinity`, read as text, which is no time.

    The driver refuses it, and with it all rows.
    """
    for name in _TIMES:
        known = driver.adapters.get_loader(driver.adapters.types[name].oid, driver.pq.Format.TEXT)
        connection.adapters.register_loader(name, _loader(known, driver))


def _loader(known: Any, driver: Any) -> type:  # noqa: ANN401 -- as above
    """Returns a loader as `known`, which gives the text of a value that `known` refuses."""

    class TimeLoader(driver.adapt.Loader):  # type: ignore[misc] # a class of the driver
        def __init__(self, oid: int, context: object = None) -> None:
            super().__init__(oid, context)
            self._known = known(oid, context)

        def load(self, data: Any) -> object:  # noqa: ANN401 -- as above
            try:
                return self._known.load(data)
            except driver.DataError:
                return bytes(data).decode()

    return TimeLoader


def select(table: Table, names: Iterable[str]) -> sqlalchemy.Select[Any]:
    """Returns a SELECT of these columns, given by their names in the database."""
    schema, _, name = table.logical.rpartition(".")
    columns: list[sqlalchemy.ColumnClause[Any]] = [sqlalchemy.column(each) for each in names]
    return sqlalchemy.select(*columns).select_from(sqlalchemy.table(name, schema=schema or None))


def has_key(name: str, keys: Iterable[str]) -> ColumnElement[bool]:
    """Returns the condition that a column holds one of these keys, as reading spells them.

    The database may store a key as text, in upper or lower case, between blanks or in braces, or as
    a type of its own. Rows whose keys differ in these only fulfil it as well.
    """
    lower = {key.lower() for key in keys}
    in_braces = {f"{{{key}}}" for key in lower}
    guids = {spelling for spelling in in_braces if canonical_key(spelling) in lower}
    text = sqlalchemy.func.ltrim(sqlalchemy.func.rtrim(as_text(name)))
    return sqlalchemy.func.lower(text).in_(sorted(lower | guids))


def as_text(name: str) -> ColumnElement[str]:
    """Returns a column as text, as the database spells it."""
    return sqlalchemy.cast(sqlalchemy.column(name), sqlalchemy.String)


def raw_row_maker(table: Table, types: ColumnTypes) -> Callable[[Iterable[Any]], RawRow]:
    """Returns what makes a raw row, by the names in the database, of the values of these columns.

    A text without a time zone is in UTC in a column of instants or days, which may hold instants,
    see `source.dates`. The blanks that fill up a CHAR are no part of its text.
    """
    names = tuple(types)
    times = _time_columns(table).intersection(names)
    filled_up = [name for name, kind in types.items() if isinstance(kind, _FILLED_UP)]

    def raw_row(values: Iterable[Any]) -> RawRow:
        row = {name: _raw_value(value) for name, value in zip(names, values, strict=True)}
        for name in times:
            row[name] = _in_utc(row[name])
        for name in filled_up:
            value = row[name]
            row[name] = value.rstrip(" ") if isinstance(value, str) else value
        return row

    return raw_row


def _time_columns(table: Table) -> set[str]:
    """Returns the names that columns of instants or days may have in the database."""
    types = (Type.INSTANT, Type.DAY)
    columns = [column for column in table.columns.values() if column.type in types]
    return {name for column in columns for name in (column.logical, column.name)}


def _in_utc(value: object) -> object:
    """SQLite stores instants as texts; one without a time zone is in UTC."""
    return f"{value}Z" if isinstance(value, str) and _WITHOUT_ZONE.fullmatch(value) else value


def _raw_value(value: object) -> object:
    """The types that only drivers use become types that the converters of values know."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value
