"""The clock of the database server, read by way of this machine's clock."""

from datetime import datetime, timedelta
from threading import Lock

from trueup.errors import StateError
from trueup.ports.world import Clock
from trueup.state.postgres.access import PostgresAccess

_MEASURED_FOR = timedelta(minutes=1)
"""How long a measured difference is used: clocks drift, and are set."""


class ServerClock:
    """This machine's clock, corrected by its difference from the server's.

    All machines that share a state then agree on the time to within one round trip, whatever their
    own clocks say.
    """

    def __init__(self, access: PostgresAccess, own: Clock) -> None:
        self._access, self._own = access, own
        self._difference: timedelta | None = None
        self._measured = own.now()
        self._turn = Lock()

    def now(self) -> datetime:
        """Returns the instant, in UTC. Raises `StateError` if the server was never reached."""
        with self._turn:
            now = self._own.now()
            if self._difference is None or abs(now - self._measured) >= _MEASURED_FOR:
                self._difference = self._measure()
                self._measured = now = self._own.now()
            return now + self._difference

    def sleep(self, seconds: float) -> None:
        """Waits."""
        self._own.sleep(seconds)

    def _measure(self) -> timedelta:
        """Returns server time minus local time; the last known value if the server is away."""
        before = self._own.now()
        try:
            server = self._access.server_time()
        except StateError:
            if self._difference is None:
                raise
            return self._difference
        return server - (before + (self._own.now() - before) / 2)
