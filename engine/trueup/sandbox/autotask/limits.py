"""Autotask's limits: requests in an hour by tenant, concurrent requests by endpoint.

Source: docs/explanation/autotask.md, section 4 (Limits).
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock
from time import monotonic

from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.tenant import Tenant

THRESHOLD = 10_000  # requests
TIMEFRAME = 60  # minutes
AT_A_TIME = 3
_DELAYS = ((0.75, 1.0), (0.5, 0.5))  # from this share of the threshold on, seconds to add
_EXCHANGE_INTERVAL = 1.0  # seconds for which counts may stay in memory
_TOO_MANY_THREADS = "Itgenatr005: Thread Threshold Exceeded."
_TOO_MANY_CALLS = "The request threshold of 10000 requests per 60 minutes has been exceeded."


class EndpointSlots:
    """Counts the requests in progress by integration code and entity, in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._in_progress: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def hold(self, code: str, entity: str, status: str) -> Iterator[None]:
        """Holds a slot for one request. Raises `AutotaskError` with this status if none is free."""
        endpoint = (code, entity)
        with self._lock:
            if self._in_progress[endpoint] >= AT_A_TIME:
                raise AutotaskError(_TOO_MANY_THREADS, status=int(status))
            self._in_progress[endpoint] += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_progress[endpoint] -= 1
                if not self._in_progress[endpoint]:
                    del self._in_progress[endpoint]


class HourlyCalls:
    """Counts the requests of the last 60 minutes, in all processes that have the database open.

    Counts by minute are exchanged with the database about once a second.
    """

    def __init__(self, store: RecordStore, sleep: Callable[[float], None]) -> None:
        self._store = store
        self._sleep = sleep
        self._lock = Lock()
        self._unsaved: Counter[int] = Counter()  # of this process, by minute
        self._saved: Counter[int] = Counter()  # of all processes, by minute
        self._exchanged_at = float("-inf")

    def used(self, now: datetime) -> int:
        """Returns the number of requests in the timeframe that ends now."""
        with self._lock:
            if monotonic() - self._exchanged_at > _EXCHANGE_INTERVAL:
                self._exchange(_minute(now))
            oldest = _minute(now) - TIMEFRAME
            calls = [*self._saved.items(), *self._unsaved.items()]
            return sum(number for minute, number in calls if minute > oldest)

    def count(self, tenant: Tenant) -> None:
        """Counts one request, and delays it if many were made.

        Raises `AutotaskError` beyond the threshold.
        """
        now = tenant.now()
        used = self.used(now)
        limited = tenant.switches["hourly_limit"] == "on"
        if limited and used >= THRESHOLD:
            status = int(tenant.switches["over_hourly_limit"])
            raise AutotaskError(_TOO_MANY_CALLS, status=status, headers={"Retry-After": "60"})

        with self._lock:
            self._unsaved[_minute(now)] += 1
        if limited and tenant.switches["hourly_delays"] == "on":
            self._sleep(delay(used))

    def save(self) -> None:
        """Writes the counts of this process to the database."""
        with self._lock:
            self._exchange(None)

    def _exchange(self, minute: int | None) -> None:
        """Adds the counts of this process to the database, and reads those of all processes."""
        if self._unsaved:
            with self._store.writing() as db:
                db.executemany(
                    "INSERT INTO _calls VALUES (?, ?) "
                    "ON CONFLICT (minute) DO UPDATE SET calls = calls + excluded.calls",
                    list(self._unsaved.items()),
                )
                if minute is not None:
                    db.execute("DELETE FROM _calls WHERE minute <= ?", [minute - 2 * TIMEFRAME])
            self._unsaved.clear()
        with self._store.reading() as db:
            self._saved = Counter(dict(db.execute("SELECT minute, calls FROM _calls")))
        self._exchanged_at = monotonic()


def delay(used: int) -> float:
    """Returns the seconds by which Autotask delays a request after so many others."""
    return next((seconds for share, seconds in _DELAYS if used >= share * THRESHOLD), 0.0)


def _minute(now: datetime) -> int:
    return int(now.timestamp() // 60)
