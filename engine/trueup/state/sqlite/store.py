"""The state in one SQLite file. What it does is in `trueup.state.store`."""

from pathlib import Path

from trueup.ports.world import Clock
from trueup.state.lock import LEASE_SECONDS
from trueup.state.process import Processes
from trueup.state.sqlite.access import SqliteAccess
from trueup.state.store import StoredState


class SqliteState(StoredState):
    """The state at `path`. The file is opened by the first call and created by the first write."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        lease_seconds: float = LEASE_SECONDS,
        processes: Processes | None = None,
        durable: bool = True,
    ) -> None:
        """Without `durable`, a power cut may lose what was written: for states of tests."""
        access = SqliteAccess(path, clock=clock, durable=durable)
        super().__init__(access, lease_seconds=lease_seconds, processes=processes)
