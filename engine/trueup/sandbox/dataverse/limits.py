"""The three service protection limits: requests and execution time of the last 300 seconds, requests at a time.

Facts: work365.md, 6.5. Counted for the one user that there is.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from engine.sandbox.dataverse.answers import Refusal

WINDOW = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures; those of the real service unless said otherwise."""

    requests: int = 6000
    execution: float = 1200.0  # seconds
    at_a_time: int = 52
    retry_after: int = 5  # seconds that a refused client is told to wait


class Gate:
    """Counts what comes in."""

    def __init__(self, limits: Limits, pause: Callable[[float], None]) -> None:
        self.limits = limits
        self._pause = pause
        self._lock = Lock()
        self._begun: deque[float] = deque()
        self._spent: deque[tuple[float, float]] = deque()
        self._now = 0

    @contextmanager
    def through(self, slow: tuple[float, float]) -> Iterator[None]:
        """One request, so many seconds slower before and after its work. Raises Refusal over a limit."""
        start = monotonic()
        with self._lock:
            self._let_in(start)
            self._now += 1
        try:
            self._pause(slow[0])
            yield
            self._pause(slow[1])
        finally:
            with self._lock:
                self._now -= 1
                self._spent.append((monotonic(), monotonic() - start))

    def forget(self) -> None:
        """As if nobody had asked yet."""
        with self._lock:
            self._begun.clear()
            self._spent.clear()

    def _let_in(self, now: float) -> None:
        while self._begun and self._begun[0] < now - WINDOW:
            self._begun.popleft()
        while self._spent and self._spent[0][0] < now - WINDOW:
            self._spent.popleft()
        limits = self.limits
        if self._now >= limits.at_a_time:
            raise self._refusal(
                "0x80072326", f"Number of concurrent requests exceeded the limit of {limits.at_a_time}."
            )
        if len(self._begun) >= limits.requests:
            words = f"Number of requests exceeded the limit of {limits.requests} over time window of 300 seconds."
            raise self._refusal("0x80072322", words)
        if sum(seconds for _, seconds in self._spent) > limits.execution:
            most = f"{limits.execution * 1000:,.0f}"
            words = (
                f"Combined execution time of incoming requests exceeded limit of {most} milliseconds over time window"
            )
            raise self._refusal("0x80072321", f"{words} of 300 seconds.")
        self._begun.append(now)

    def _refusal(self, code: str, words: str) -> Refusal:
        return Refusal(
            429,
            code,
            f"{words} Decrease the number of requests or wait.",
            {"Retry-After": str(self.limits.retry_after)},
        )
