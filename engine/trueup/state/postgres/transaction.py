"""The named statements on a connection to PostgreSQL, inside a transaction that `access` opened."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, cast

import psycopg
from psycopg import Connection

from trueup.ports.world import Clock
from trueup.state.access import Row, Values
from trueup.state.sql_files import named_statements
from trueup.state.values import foreign_if_rejected

_REJECTED = (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError)
"""Errors for rows that do not fit the tables."""

_FETCHED = 2000
"""Rows that are fetched together when rows are read one by one."""


def statement(name: str) -> bytes:
    """The statement with this name in `queries.sql`. Raises `KeyError` if there is none."""
    return named_statements("trueup.state.postgres")[name].encode()


class PostgresTransaction:
    """A `Transaction` on the rows of one tenant; the time is the server's."""

    def __init__(self, connection: Connection, tenant: str, clock: Clock | None) -> None:
        self._connection, self._tenant, self._clock = connection, tenant, clock
        self._cursors = count(1)

    def now(self) -> datetime:
        """The instant by the clock of the server, or of a test."""
        if self._clock:
            return self._clock.now()
        [(instant,)] = self.rows("read_clock")
        return cast("datetime", instant).replace(tzinfo=UTC)

    def one(self, name: str, values: Values = ()) -> Row | None:
        """The first row that the statement selects."""
        return self._connection.execute(statement(name), self._values(values)).fetchone()

    def rows(self, name: str, values: Values = ()) -> list[Row]:
        """All rows that it selects."""
        return self._connection.execute(statement(name), self._values(values)).fetchall()

    @contextmanager
    def each(self, name: str, values: Values = ()) -> Iterator[Iterator[Row]]:
        """Yields the rows one at a time; a cursor of the server holds the others."""
        with self._connection.cursor(f"trueup_{next(self._cursors)}") as cursor:
            cursor.itersize = _FETCHED
            cursor.execute(statement(name), self._values(values))
            yield cursor

    def columns(self, name: str) -> list[str]:
        """The names of the columns that it selects; no row is read."""
        with self._connection.cursor(f"trueup_{next(self._cursors)}") as cursor:
            cursor.execute(statement(name), self._values(()))
            return [column.name for column in cursor.description or ()]

    def do(self, name: str, values: Values = ()) -> None:
        """Runs a statement that selects nothing."""
        self._connection.execute(statement(name), self._values(values))

    def do_many(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs it once for each row of values, without waiting for each answer."""
        with self._connection.cursor() as cursor:
            cursor.executemany(statement(name), [(*row, self._tenant) for row in rows])

    def restore(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """As `do_many`, and raises `ForeignValue` for rows that the tables do not accept."""
        with foreign_if_rejected(_REJECTED):
            self.do_many(name, rows)

    def damage(self) -> str:
        """Returns "": the server itself checks each page that it reads."""
        return ""

    def _values(self, values: Values) -> Mapping[str, Any] | Sequence[Any]:
        if isinstance(values, Mapping):
            return {**values, "tenant": self._tenant}
        return (*values, self._tenant) if values else {"tenant": self._tenant}
