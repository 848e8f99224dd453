"""The rows of one tenant, used by one store: connected when needed, one thread at a time."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime

import psycopg
from psycopg import Connection, errors

from trueup.errors import StateError
from trueup.ports.world import Clock
from trueup.state.postgres.address import parse_address
from trueup.state.postgres.database import (
    BEGIN_READING,
    BEGIN_WRITING,
    check_version,
    connect,
    ensure_schema,
    transaction,
    translated,
)
from trueup.state.postgres.transaction import PostgresTransaction
from trueup.state.values import UNREADABLE, ForeignValue, foreign_value


class PostgresAccess:
    """Transactions on the rows of `tenant`; each raises `StateError` if they cannot be used."""

    def __init__(self, url: str, tenant: str, *, clock: Clock | None = None) -> None:
        """`clock` replaces the server's in tests. Raises `StateError` for an invalid address."""
        self._address = parse_address(url)
        self._tenant, self._clock = tenant, clock
        self.name = f"the state of {tenant} in PostgreSQL {self._address.description}"
        self._turn = threading.RLock()
        self._connection: Connection | None = None
        self._has_schema = False
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[PostgresTransaction | None]:
        """Yields one consistent view, or None without such a tenant. Never creates anything."""
        with self._turn, translated(self._address, self.name):
            connection = self._open(create=False)
            if not self._has_schema:
                yield None
                return
            with transaction(connection, BEGIN_READING):
                opened = PostgresTransaction(connection, self._tenant, self._clock)
                [(version, exists)] = opened.rows("open_reading")
                check_version(version, self.name)
                try:
                    yield opened if exists else None
                except (*UNREADABLE, errors.DataError) as error:
                    raise foreign_value(self.name) from error

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[PostgresTransaction]:
        """Locks this tenant's rows; durable at the end of the block, or rolled back."""
        with self._turn, translated(self._address, self.name):
            connection = self._open(create=create)
            if not self._has_schema:
                raise StateError(f"{self.name} does not exist")
            with transaction(connection, BEGIN_WRITING):
                opened = PostgresTransaction(connection, self._tenant, self._clock)
                self._lock_rows(opened, create=create)
                try:
                    yield opened
                except ForeignValue as error:
                    raise foreign_value(self.name) from error

    def server_time(self) -> datetime:
        """Returns the instant by the server's clock. Raises `StateError`."""
        with self._turn, translated(self._address, self.name):
            return PostgresTransaction(self._open(create=False), self._tenant, self._clock).now()

    def mark_open_run(self, run: str) -> None:
        """Does nothing: there is no place beside the database that would outlive its loss."""

    def unmark_open_run(self) -> None:
        """Does nothing."""

    def refuse_lost(self) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Closes the connection for good."""
        with self._turn:
            self._closed = True
            self._drop()

    def _lock_rows(self, opened: PostgresTransaction, *, create: bool) -> None:
        """Waits until no other process writes to this tenant's rows."""
        row = opened.one("open_writing")
        if row is None and create:
            opened.do("add_state")
            opened.do("add_lock")
            row = opened.one("open_writing")
        if row is None:
            raise StateError(f"{self.name} does not exist")
        check_version(row[0], self.name)

    def _open(self, *, create: bool) -> Connection:
        """Returns a connection that works; one that the server has given up is replaced."""
        if self._closed:
            raise StateError(f"{self.name} was closed")
        if self._connection and not self._is_alive(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = connect(self._address, self.name)
            self._has_schema = False
        if not self._has_schema:
            self._has_schema = ensure_schema(self._connection, self.name, create=create)
        return self._connection

    def _is_alive(self, connection: Connection) -> bool:
        """Whether the connection still works: the server may have restarted since the last call."""
        if connection.closed:
            return False
        try:
            connection.execute("")
        except psycopg.OperationalError:
            return False
        return True

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None
