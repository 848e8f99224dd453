"""The service protection limits: requests and execution time in 300 seconds, concurrent requests.

They are counted for the one user that the sandbox has.
Source: docs/explanation/work365.md, section 6.5.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

from msgspec import Struct

from trueup.sandbox.dataverse.responses import DataverseError

WINDOW = 300.0  # seconds


class Limits(Struct, frozen=True):
    """The limits; the defaults are those of the real service."""

    requests: int = 6000  # in the window
    execution: float = 1200.0  # seconds in the window
    at_a_time: int = 52
    retry_after: int = 5  # seconds in the Retry-After header


class Throttle:
    """Counts requests and refuses those over a limit."""

    def __init__(self, limits: Limits, sleep: Callable[[float], None]) -> None:
        self.limits = limits
        self._sleep = sleep
        self._lock = Lock()
        self._started: deque[float] = deque()  # instants
        self._durations: deque[tuple[float, float]] = deque()  # instant of the end, seconds
        self._concurrent = 0

    @contextmanager
    def admit(self, slow: tuple[float, float]) -> Iterator[None]:
        """Counts one request; `slow` are seconds to wait before and after its work.

        A request that is refused counts too, so that going on lengthens the wait. Raises
        `DataverseError` if the request is over a limit.
        """
        start = monotonic()
        with self._lock:
            try:
                self._check(start)
            finally:
                self._started.append(start)
            self._concurrent += 1
        try:
            self._sleep(slow[0])
            yield
            self._sleep(slow[1])
        finally:
            with self._lock:
                self._concurrent -= 1
                self._durations.append((monotonic(), monotonic() - start))

    def reset(self) -> None:
        """Forgets the requests of the last 300 seconds."""
        with self._lock:
            self._started.clear()
            self._durations.clear()

    def _check(self, now: float) -> None:
        while self._started and self._started[0] < now - WINDOW:
            self._started.popleft()
        while self._durations and self._durations[0][0] < now - WINDOW:
            self._durations.popleft()

        limits = self.limits
        if self._concurrent >= limits.at_a_time:
            message = f"Number of concurrent requests exceeded the limit of {limits.at_a_time}."
            raise self._error("0x80072326", message)

        if len(self._started) >= limits.requests:
            message = (
                f"Number of requests exceeded the limit of {limits.requests} over time window of"
                f" {WINDOW:.0f} seconds."
            )
            raise self._error("0x80072322", message)

        if sum(seconds for _, seconds in self._durations) > limits.execution:
            message = (
                f"Combined execution time of incoming requests exceeded limit of"
                f" {limits.execution * 1000:,.0f} milliseconds over time window of"
                f" {WINDOW:.0f} seconds."
            )
            raise self._error("0x80072321", message)

    def _error(self, code: str, message: str) -> DataverseError:
        return DataverseError(
            429,
            code,
            f"{message} Decrease the number of requests or wait.",
            {"Retry-After": str(self.limits.retry_after)},
        )
