"""One state file in use by one store: opened when needed, one thread at a time, one transaction a call."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from engine.errors import StateError
from engine.state.file import UNREADABLE, identity, is_there, open_file, transaction, translated


class Access:
    """Reading and writing transactions on the file at `path`; both raise StateError if it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """One view of the file from beginning to end; None where there is no file, and none is made."""
        with self._turn, translated(self.path):
            if self._connection is None and not is_there(self.path):
                yield None
                return
            connection = self._opened(create=False)
            try:
                with transaction(connection, "DEFERRED"):
                    yield connection
            except UNREADABLE as error:
                raise StateError(
                    f"the state {self.path} holds a value that trueup did not write: put a copy back"
                ) from error

    @contextlib.contextmanager
    def writing(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        """Durable at the end, or undone; with `create` a missing file is made."""
        with self._turn, translated(self.path):
            connection = self._opened(create=create)
            with transaction(connection):
                yield connection

    def mark(self, run: str) -> None:
        """Notes beside the file that a run is open, for the day on which the file is lost."""
        beside = self._mark()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(run + "\n")

    def unmark(self) -> None:
        """No run is open any more."""
        self._mark().unlink(missing_ok=True)

    def refuse_lost(self) -> None:
        """Raises StateError where the file is gone and a run was open when it went."""
        beside = self._mark()
        if beside.exists():
            run = beside.read_text(encoding="utf-8").strip()
            raise StateError(
                f"the state {self.path} is gone, and {run} was open: what it had in flight is not known any more. "
                f"Put a copy of the state back; or look in Autotask, then remove {beside} to go on without it"
            )

    def _mark(self) -> Path:
        return self.path.with_name(self.path.name + ".open")

    def close(self) -> None:
        """Lets go of the file, for good."""
        with self._turn:
            self._closed = True
            if self._connection:
                self._connection.close()
                self._connection = None

    def _opened(self, *, create: bool) -> sqlite3.Connection:
        if self._closed:
            raise StateError(f"the state {self.path} was closed")
        if self._connection is None:
            self._connection = open_file(self.path, create=create)
            self._file = identity(self.path)
        elif not is_there(self.path) or identity(self.path) != self._file:
            raise StateError(f"the state {self.path} was removed or replaced while in use: nothing was written")
        return self._connection
