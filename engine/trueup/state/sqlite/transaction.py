"""The named statements on an SQLite connection, inside a transaction that `access` opened."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime

from trueup.ports.world import Clock
from trueup.state.access import Row, Values
from trueup.state.sqlite.statements import statement
from trueup.state.values import foreign_if_rejected

_REJECTED = (sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""Errors of SQLite for rows that do not fit the tables."""


class SqliteTransaction:
    """A `Transaction`; a file has no clock, so the time is that of this machine."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection, self._clock = connection, clock

    def now(self) -> datetime:
        """The instant by the clock of this machine."""
        return self._clock.now()

    def one(self, name: str, values: Values = ()) -> Row | None:
        """The first row that the statement selects."""
        row: Row | None = self._connection.execute(statement(name), values).fetchone()
        return row

    def rows(self, name: str, values: Values = ()) -> list[Row]:
        """All rows that it selects."""
        return self._connection.execute(statement(name), values).fetchall()

    @contextmanager
    def each(self, name: str, values: Values = ()) -> Iterator[Iterator[Row]]:
        """The rows one at a time; the file is no longer read when the block ends."""
        with closing(self._connection.execute(statement(name), values)) as selected:
            yield selected

    def columns(self, name: str) -> list[str]:
        """The names of the columns that it selects."""
        with closing(self._connection.execute(statement(name))) as selected:
            return [column[0] for column in selected.description]

    def do(self, name: str, values: Values = ()) -> None:
        """Runs a statement that selects nothing."""
        self._connection.execute(statement(name), values)

    def do_many(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs it once for each row of values."""
        self._connection.executemany(statement(name), rows)

    def restore(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """As `do_many`, and raises `ForeignValue` for rows that the tables do not accept."""
        with foreign_if_rejected(_REJECTED):
            self.do_many(name, rows)

    def damage(self) -> str:
        """What SQLite finds damaged; the check includes indexes, which could hide a line."""
        (result,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        return "" if result == "ok" else str(result)
