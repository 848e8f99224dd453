"""How much may be asked at a time, in an hour and in a run; pure bookkeeping, nothing is sent here."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.errors import CallsUsedUp
from engine.ports import Clock, Threshold

PER_ENDPOINT = 3
"""Requests in flight per integration code and entity (autotask-api.md, section 4)."""

SLOW_FROM = 0.9
"""Share of the hour's calls from which requests are spread so that those left last for an hour."""

_HOUR = 3600.0
_LONGEST_GAP = 60.0
_ASK_AGAIN_AFTER = 25
"""Calls after which the threshold is asked anew at the earliest; else after a quarter of those left."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may use. Times in seconds."""

    workers: int = 3  # requests in flight, over all endpoints
    timeout: float = 300.0  # of one request; Autotask lets one run for five minutes
    deadline: float = 900.0  # of one call with all its repeats
    attempts: int = 6  # at one call, when answers are faults
    max_calls: int | None = None  # in the whole run


class Slots:
    """Places for requests in flight: a few per endpoint, and a few over all."""

    def __init__(self, workers: int) -> None:
        self._all = threading.Semaphore(max(workers, 1))
        self._lock = threading.Lock()
        self._endpoints: dict[str, threading.Semaphore] = {}

    @contextmanager
    def hold(self, endpoint: str) -> Iterator[None]:
        """One place of the endpoint for as long as the block runs. Endpoint first, so that none deadlocks."""
        with self._lock:
            own = self._endpoints.setdefault(endpoint.casefold(), threading.Semaphore(PER_ENDPOINT))
        with own, self._all:
            yield


class Calls:
    """Counts requests, stops at the run's own limit, and spreads them near the hour's."""

    def __init__(self, clock: Clock, max_calls: int | None) -> None:
        self._clock = clock
        self._max = max_calls
        self._kept = 0  # of them, kept back for what must be asked later
        self._lock = threading.Lock()
        self._count = 0
        self._known: Threshold | None = None
        self._asked_at = 0  # the count when the threshold was last asked
        self._next: datetime | None = None  # nothing is sent before

    @property
    def count(self) -> int:
        """Requests counted so far."""
        return self._count

    def keep_back(self, calls: int) -> None:
        """From now on a request is sent only if so many can be sent after it."""
        with self._lock:
            self._kept = calls

    def take(self) -> None:
        """Counts a request that is about to be sent, or raises CallsUsedUp."""
        with self._lock:
            if self._max is not None and self._count + 1 + self._later() > self._max:
                kept = ", or kept to prove what was sent" if self._kept else ""
                raise CallsUsedUp(
                    f"all {self._max} calls that this run may make are used{kept}; nothing more was sent."
                    " Run it again to go on, or allow more calls."
                )
            self._count += 1

    def _later(self) -> int:
        """The calls that are kept back, and those that ask for the threshold between them."""
        if not self._kept or self._known is None or self._known.limit <= 0:
            return self._kept
        before = self._count + 1 - self._asked_at
        return self._kept + max(0, before + self._kept - 1) // self._patience()

    def learn(self, threshold: Threshold) -> None:
        """What the service says is used of the hour; a limit of 0 means that nothing is known."""
        with self._lock:
            self._known = threshold
            self._asked_at = self._count

    def due(self) -> bool:
        """Should the threshold be asked (again)? Others use the same hour, and old calls leave it."""
        with self._lock:
            if self._known is None:
                return True
            return self._known.limit > 0 and self._count - self._asked_at >= self._patience()

    def _patience(self) -> int:
        """Calls after which the threshold is asked again."""
        left = self._known.limit - self._known.used if self._known else 0
        return max(_ASK_AGAIN_AFTER, left // 4)

    def turn(self) -> float:
        """Takes the next turn; the seconds to wait for it."""
        with self._lock:
            now = self._clock.now()
            start = max(now, self._next) if self._next else now
            self._next = start + timedelta(seconds=self._gap())
            return (start - now).total_seconds()

    def hold_back(self, seconds: float) -> None:
        """The service asked to wait: nobody sends before that."""
        with self._lock:
            until = self._clock.now() + timedelta(seconds=seconds)
            self._next = max(until, self._next) if self._next else until

    def _gap(self) -> float:
        """Seconds between two requests, so that the calls left last for an hour in the worst case."""
        known = self._known
        if known is None or known.limit <= 0:
            return 0.0
        used = known.used + self._count - self._asked_at
        if used < known.limit * SLOW_FROM:
            return 0.0
        return min(_LONGEST_GAP, _HOUR / max(known.limit - used, 1))
