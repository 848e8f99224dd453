"""The state behind `ports.State`, whatever database keeps it. Start reading here.

The calls of the port are grouped by subject: `lock` takes and keeps the lock, `writer` writes runs,
journal and manual edits, `history` reads the past. `access` defines what they need of the database.

One store may be used by several threads, which take turns, and one state by many processes.
"""

from types import TracebackType
from typing import Self

from trueup.errors import StateLocked
from trueup.ports.state import StateSnapshot
from trueup.state import journal, rows
from trueup.state.access import Access
from trueup.state.history import HistoryCalls
from trueup.state.lock import LEASE_SECONDS, LockCalls, lock_row
from trueup.state.process import HostProcesses, Processes
from trueup.state.transfer import restore
from trueup.state.writer import WriterCalls


class StoredState(LockCalls, WriterCalls, HistoryCalls):
    """The state in one store. Nothing is opened before the first call.

    All calls raise `StateError` for a store that cannot be used. Calls that take a lease raise
    `StateLocked` if it is no longer the holder's, and have written nothing then.
    """

    def __init__(
        self,
        access: Access,
        *,
        lease_seconds: float = LEASE_SECONDS,
        processes: Processes | None = None,
    ) -> None:
        self._access = access
        self._lease_seconds = lease_seconds
        self._processes = processes or HostProcesses()

    def load(self) -> StateSnapshot:
        """All that planning needs.

        Open runs are those that are open or interrupted, or have changes in doubt.
        """
        with self._access.reading() as transaction:
            if transaction is None:
                self._access.refuse_lost()
                return StateSnapshot()
            lineage, serial, _, _ = journal.state_row(transaction)
            return StateSnapshot(
                lineage,
                serial,
                rows.links(transaction.rows("read_links")),
                rows.applied(transaction.rows("read_applied")),
                rows.pushed(transaction.rows("read_pushed")),
                tuple(map(rows.run, transaction.rows("read_open_runs"))),
                journal.systems(transaction),
                rows.row_keys(transaction.rows("read_last_blocked")),
            )

    def import_(self, text: str) -> None:
        """Fills an empty state from an export, whole or not at all.

        Raises `StateError` if the state is not empty or the text is no export, `StateLocked` while
        the lock is held.
        """
        name = self._access.name
        with self._access.writing(create=True) as transaction:
            current = lock_row(transaction)
            if current.holder:
                raise StateLocked(f"{name} is in use by {current.holder} on {current.host}")
            restore(transaction, text, name)

    def close(self) -> None:
        """Closes the store for good. A lock that is held stays held until its lease expires."""
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
