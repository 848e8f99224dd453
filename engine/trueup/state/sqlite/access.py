"""One state file, used by one store: opened when needed, one thread at a time."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from trueup import operating_system
from trueup.errors import StateError
from trueup.ports.world import Clock
from trueup.state.sqlite.file import (
    exists,
    identity,
    open_file,
    transaction,
    translated,
)
from trueup.state.sqlite.transaction import SqliteTransaction
from trueup.state.values import UNREADABLE, ForeignValue, foreign_value


class SqliteAccess:
    """Transactions on the file at `path`. Each raises `StateError` if the file cannot be used."""

    def __init__(self, path: Path, *, clock: Clock, durable: bool = True) -> None:
        """Without `durable`, a power cut may lose what was written."""
        self.path, self._clock, self._durable = path, clock, durable
        self.name = f"the state {path}"  # for messages
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[SqliteTransaction | None]:
        """One consistent view of the file; None if there is no file. Never creates one."""
        with self._turn, translated(self.path):
            if self._connection is None and not exists(self.path):
                yield None
                return
            connection = self._open(create=False)
            try:
                with transaction(connection, "DEFERRED"):
                    yield SqliteTransaction(connection, self._clock)
            except UNREADABLE as error:
                raise foreign_value(self.name) from error

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[SqliteTransaction]:
        """Durable at the end, or rolled back. With `create` a missing file is created."""
        with self._turn, translated(self.path):
            connection = self._open(create=create)
            try:
                with transaction(connection):
                    yield SqliteTransaction(connection, self._clock)
            except ForeignValue as error:
                raise foreign_value(self.name) from error

    def mark_open_run(self, run: str) -> None:
        """Writes a file beside the state that says which run is open, in case the state is lost."""
        operating_system.create_private(self._open_run_file)
        self._open_run_file.write_text(f"{run}\n", encoding="utf-8")

    def unmark_open_run(self) -> None:
        """Removes that file: no run is open."""
        self._open_run_file.unlink(missing_ok=True)

    def refuse_lost(self) -> None:
        """Raises `StateError` if the state is gone although a run was open."""
        file = self._open_run_file
        if file.exists():
            run = file.read_text(encoding="utf-8").strip()
            raise StateError(
                f"{self.name} is gone, and {run} was open: the outcome of the changes that it was "
                "sending is unknown. Put a copy of the state back; or look in the target, then "
                f"remove {file} to go on without the state"
            )

    @property
    def _open_run_file(self) -> Path:
        return self.path.with_name(self.path.name + ".open")

    def close(self) -> None:
        """Closes the file for good."""
        with self._turn:
            self._closed = True
            if self._connection:
                self._connection.close()
                self._connection = None

    def _open(self, *, create: bool) -> sqlite3.Connection:
        if self._closed:
            raise StateError(f"{self.name} was closed")
        if self._connection is None:
            self._connection = open_file(self.path, create=create, durable=self._durable)
            self._file = identity(self.path)
        elif not exists(self.path) or identity(self.path) != self._file:
            raise StateError(
                f"{self.name} was removed or replaced while in use: nothing was written"
            )
        return self._connection
