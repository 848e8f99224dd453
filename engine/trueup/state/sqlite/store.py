"""The state in one SQLite file, behind `ports.State`. Start reading here.

The calls of the port are grouped by subject: `lock` takes and keeps the lock, `writer` writes runs,
journal and manual edits, `history` reads the past. `access` gives each call its transaction.

One store may be used by several threads, which take turns, and one file by many processes.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from trueup.errors import StateLocked
from trueup.ports.state import StateSnapshot
from trueup.ports.world import Clock
from trueup.state.sqlite import journal, rows
from trueup.state.sqlite.access import Access
from trueup.state.sqlite.history import SqliteHistory
from trueup.state.sqlite.lock import SqliteLock, lock_row
from trueup.state.sqlite.process import HostProcesses, Processes
from trueup.state.sqlite.statements import statement
from trueup.state.sqlite.transfer import restore
from trueup.state.sqlite.writer import SqliteWriter


class SqliteState(SqliteLock, SqliteWriter, SqliteHistory):
    """The state at `path`. The file is opened by the first call and created by the first write.

    All calls raise `StateError` for a file that cannot be used. Calls that take a lease raise
    `StateLocked` if it is no longer the holder's, and have written nothing then.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        lease_seconds: float = 60,
        processes: Processes | None = None,
        durable: bool = True,
    ) -> None:
        """Without `durable`, a power cut may lose what was written: for states of tests."""
        self._access = Access(path, durable=durable)
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._processes = processes or HostProcesses()

    def load(self) -> StateSnapshot:
        """All that planning needs.

        Open runs are those that are open or interrupted, or have changes in doubt.
        """
        with self._access.reading() as connection:
            if connection is None:
                self._access.refuse_lost()
                return StateSnapshot()
            lineage, serial, _, _ = journal.state_row(connection)
            return StateSnapshot(
                lineage,
                serial,
                rows.links(connection.execute(statement("read_links")).fetchall()),
                rows.applied(connection.execute(statement("read_applied")).fetchall()),
                rows.pushed(connection.execute(statement("read_pushed")).fetchall()),
                tuple(map(rows.run, connection.execute(statement("read_open_runs")).fetchall())),
                journal.systems(connection),
                rows.row_keys(connection.execute(statement("read_last_blocked")).fetchall()),
            )

    def import_(self, text: str) -> None:
        """Fills an empty state from an export, whole or not at all.

        Raises `StateError` if the state is not empty or the text is no export, `StateLocked` while
        the lock is held.
        """
        name = self._access.name
        with self._access.writing(create=True) as connection:
            current = lock_row(connection)
            if current.holder:
                raise StateLocked(f"{name} is in use by {current.holder} on {current.host}")
            restore(connection, text, name)

    def close(self) -> None:
        """Closes the file for good. A lock that is held stays held until its lease expires."""
        self._access.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
