"""The state of one tenant on PostgreSQL. What it does is in `trueup.state.store`."""

from trueup.ports.world import Clock
from trueup.state.lock import LEASE_SECONDS
from trueup.state.postgres.access import PostgresAccess
from trueup.state.postgres.clock import ServerClock
from trueup.state.process import Processes
from trueup.state.store import StoredState


class PostgresState(StoredState):
    """The state of `tenant` in the database at `url`, `postgresql://user:secret@host/base`.

    The first call connects, the first write creates the tables. Leases run by the server's clock.
    """

    def __init__(
        self,
        url: str,
        tenant: str,
        *,
        clock: Clock | None = None,
        lease_seconds: float = LEASE_SECONDS,
        processes: Processes | None = None,
    ) -> None:
        """`clock` replaces the server's in tests. Raises `StateError` for an invalid address."""
        access = PostgresAccess(url, tenant, clock=clock)
        super().__init__(access, lease_seconds=lease_seconds, processes=processes)
        self._server = access

    def server_clock(self, own: Clock) -> Clock:
        """Returns the server's clock, computed from `own`; the server is read on first use."""
        return ServerClock(self._server, own)
