"""Autotask's limits: ten thousand requests an hour for the whole tenant, three at a time for one endpoint."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from time import monotonic

from engine.sandbox.answers import Refused
from engine.sandbox.store import Store
from engine.sandbox.tenant import Tenant

THRESHOLD = 10_000
TIMEFRAME = 60  # minutes
AT_A_TIME = 3
_STEPS = ((0.75, 1.0), (0.5, 0.5))  # share used, seconds added
_KEPT = 1.0  # seconds for which counts may stay in memory alone
_TOO_MANY_THREADS = "Itgenatr005: Thread Threshold Exceeded."
_TOO_MANY_CALLS = "The request threshold of 10000 requests per 60 minutes has been exceeded."


class Endpoints:
    """How many requests are under way, by integration code and entity. This process only."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def place(self, code: str, entity: str, status: str) -> Iterator[None]:
        """Holds a place for one request. Raises Refused when three are taken."""
        key = (code, entity)
        with self._lock:
            if self._under_way[key] >= AT_A_TIME:
                raise Refused(_TOO_MANY_THREADS, status=int(status))
            self._under_way[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]


class Hour:
    """Requests of the last sixty minutes, kept in the database a second late at most."""

    def __init__(self, store: Store, pause: Callable[[float], None]) -> None:
        self._store = store
        self._pause = pause
        self._lock = Lock()
        self._fresh: Counter[int] = Counter()  # by minute, not yet kept
        self._kept: Counter[int] = Counter()
        self._read_at = float("-inf")

    def used(self, now: datetime) -> int:
        """Requests in the timeframe that ends now."""
        with self._lock:
            if monotonic() - self._read_at > _KEPT:
                self._exchange(_minute(now))
            oldest = _minute(now) - TIMEFRAME
            both = [*self._kept.items(), *self._fresh.items()]
            return sum(calls for minute, calls in both if minute > oldest)

    def count(self, tenant: Tenant) -> None:
        """One more request: refused beyond the threshold, slowed down on the way there."""
        now = tenant.now()
        used = self.used(now)
        limited = tenant.switches["hourly_limit"] == "on"
        if limited and used >= THRESHOLD:
            status = int(tenant.switches["over_hourly_limit"])
            raise Refused(_TOO_MANY_CALLS, status=status, headers={"Retry-After": "60"})
        with self._lock:
            self._fresh[_minute(now)] += 1
        if limited and tenant.switches["hourly_delays"] == "on":
            self._pause(delay(used))

    def keep(self) -> None:
        """Writes what is in memory alone."""
        with self._lock:
            self._exchange(None)

    def _exchange(self, minute: int | None) -> None:
        """Our counts into the database, everybody's out of it."""
        if self._fresh:
            with self._store.writing() as db:
                db.executemany(
                    "INSERT INTO _calls VALUES (?, ?) "
                    "ON CONFLICT (minute) DO UPDATE SET calls = calls + excluded.calls",
                    list(self._fresh.items()),
                )
                if minute is not None:
                    db.execute("DELETE FROM _calls WHERE minute <= ?", [minute - 2 * TIMEFRAME])
            self._fresh.clear()
        with self._store.reading() as db:
            self._kept = Counter(dict(db.execute("SELECT minute, calls FROM _calls")))
        self._read_at = monotonic()


def delay(used: int) -> float:
    """Seconds that the service adds to a request at this usage."""
    return next((seconds for share, seconds in _STEPS if used >= share * THRESHOLD), 0.0)


def _minute(now: datetime) -> int:
    return int(now.timestamp() // 60)
