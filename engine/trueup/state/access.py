"""The interface to the database that keeps a state: named statements, inside transactions.

All that a state does is written once, in the modules beside this one. An adapter, `sqlite` or
`postgres`, brings an `Access` and one SQL statement for each name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

Row = tuple[Any, ...]
Values = Mapping[str, object] | Sequence[object]
"""Values of a statement, by name or in order, as the statement is written."""


class Transaction(Protocol):
    """The statements of one transaction. Errors of the database leave it as `StateError`."""

    def now(self) -> datetime:
        """Returns the instant, with an offset, by the clock of all processes on this state."""
        ...

    def one(self, name: str, values: Values = ...) -> Row | None:
        """Returns the first row that the statement with this name selects, or None."""
        ...

    def rows(self, name: str, values: Values = ...) -> list[Row]:
        """Returns all rows that it selects."""
        ...

    def each(self, name: str, values: Values = ...) -> AbstractContextManager[Iterator[Row]]:
        """Yields the rows one at a time; the database is no longer read when the block ends."""
        ...

    def columns(self, name: str) -> list[str]:
        """Returns the names of the columns that it selects."""
        ...

    def do(self, name: str, values: Values = ...) -> None:
        """Runs a statement that selects nothing."""
        ...

    def do_many(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs it once for each row of values."""
        ...

    def restore(self, name: str, rows: Iterable[Sequence[object]]) -> None:
        """As `do_many`, and raises `ForeignValue` for rows that the tables do not accept."""
        ...

    def damage(self) -> str:
        """Returns what the database itself reports as damaged in the state; "" if nothing is."""
        ...


class Access(Protocol):
    """Transactions of one store. Each raises `StateError` if the store cannot be used."""

    name: str
    """The store, for messages: `the state FILE`."""

    def reading(self) -> AbstractContextManager[Transaction | None]:
        """One consistent view of the store; None if there is none. Never creates one."""
        ...

    def writing(self, *, create: bool = False) -> AbstractContextManager[Transaction]:
        """Excludes other writers; durable at the end, or rolled back.

        `create` makes a store that is absent.
        """
        ...

    def mark_open_run(self, run: str) -> None:
        """Records outside the store which run is open, if the adapter has a place for that."""
        ...

    def unmark_open_run(self) -> None:
        """Removes that record: no run is open."""
        ...

    def refuse_lost(self) -> None:
        """Raises `StateError` if the store is gone although a run was open."""
        ...

    def close(self) -> None:
        """Closes the store for good."""
        ...
