"""How many requests may be in flight, sent in an hour, and sent in a run. Nothing is sent here.

Facts: docs/explanation/autotask.md, section 4 (limits).
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct

from trueup.errors import CallsUsedUp
from trueup.ports.target import Threshold
from trueup.ports.world import Clock

PER_ENDPOINT = 3
"""Requests in flight for each integration code and entity."""

SLOW_FROM = 0.9
"""Share of the hour's calls from which requests are spread so that the rest lasts for an hour."""

_HOUR = 3600.0
_LONGEST_GAP = 60.0
FEWEST_BEFORE_RECHECK = 25
"""Calls after which the threshold is read again at the earliest.

It is read again after a quarter of the calls that were left, if that is more and this process has
read it.
"""


class RunLimits(Struct, frozen=True):
    """The limits of a run. Times are in seconds."""

    workers: int = 3  # requests in flight, over all endpoints
    timeout: float = 300.0  # of a wait, and of a body; Autotask ends a request after five minutes
    deadline: float = 900.0  # of one call with all its repeats
    attempts: int = 6  # of one call, while its answers are faults
    max_calls: int | None = None  # in the whole run


class _Places:
    """So many places, each taken for a block; who waits longest gets the next free one.

    A `threading.Semaphore` would give it to a thread that has just left one and comes back before
    those that wait have woken: while many records are written, reads would wait for long.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()  # each is released when its turn comes

    def __enter__(self) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        try:
            turn.acquire()
        except BaseException:  # Ctrl-C: the place must not be given to a thread that has left
            self._leave(turn)
            raise

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._pass_on()

    def _leave(self, turn: threading.Lock) -> None:
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            else:
                self._pass_on()

    def _pass_on(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._free += 1


class Slots:
    """Slots for requests in flight: a few for each endpoint, and a few over all.

    A slot that becomes free is given to the request that has waited longest.
    """

    def __init__(self, workers: int) -> None:
        self._all = _Places(max(workers, 1))
        self._lock = threading.Lock()
        self._endpoints: dict[str, _Places] = {}

    @contextmanager
    def hold(self, endpoint: str) -> Iterator[None]:
        """Holds one slot of the endpoint during the block.

        The endpoint's slot is taken before the common one, so that no deadlock is possible.
        """
        with self._lock:
            own = self._endpoints.setdefault(endpoint.casefold(), _Places(PER_ENDPOINT))
        with own, self._all:
            yield


class CallBudget:
    """Counts requests, stops at the run's own limit, and spreads them near the hour's limit."""

    def __init__(self, clock: Clock, max_calls: int | None) -> None:
        self._clock = clock
        self._max = max_calls
        self._reserved = 0  # of the run's calls, for requests that must be sent later
        self._lock = threading.Lock()
        self._count = 0
        self._threshold: Threshold | None = None
        self._count_at_threshold = 0  # when the threshold was last read
        self.is_assumed = False  # whether the threshold is that of an earlier command
        self._next: datetime | None = None  # nothing is sent before

    @property
    def count(self) -> int:
        """Requests counted so far."""
        return self._count

    def reserve_calls(self, calls: int) -> None:
        """Reserves calls of the run: a request that would leave fewer raises `CallsUsedUp`."""
        with self._lock:
            self._reserved = calls

    def take(self) -> None:
        """Counts a request that is about to be sent. Raises `CallsUsedUp`."""
        with self._lock:
            if self._max is not None and self._count + 1 + self._needed_later() > self._max:
                reserved = ", or reserved to verify what was sent" if self._reserved else ""
                raise CallsUsedUp(
                    f"all {self._max} calls that this run may make are used{reserved};"
                    " nothing more was sent: allow more calls"
                )
            self._count += 1

    def _needed_later(self) -> int:
        """The reserved calls, and those that read the threshold in between."""
        if not self._reserved or self._threshold is None or self._threshold.limit <= 0:
            return self._reserved
        since = self._count + 1 - self._count_at_threshold
        rechecks = max(0, since + self._reserved - 1) // self._calls_before_recheck()
        return self._reserved + rechecks

    def learn(self, threshold: Threshold) -> None:
        """Takes the service's count of the hour; a limit of 0 means that it is unknown."""
        with self._lock:
            self._threshold, self.is_assumed = threshold, False
            self._count_at_threshold = self._count

    def assume(self, threshold: Threshold) -> None:
        """Takes the count that an earlier command has read; the service's is due soon after."""
        with self._lock:
            self._threshold, self.is_assumed = threshold, True

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of the hour's calls."""
        return self._threshold is None

    def due(self) -> bool:
        """Whether the threshold should be read (again).

        Other programs use the same hour, and old calls leave it.
        """
        with self._lock:
            if self._threshold is None:
                return True
            since = self._count - self._count_at_threshold
            return self._threshold.limit > 0 and since >= self._calls_before_recheck()

    def _calls_before_recheck(self) -> int:
        if self._threshold is None or self.is_assumed:
            return FEWEST_BEFORE_RECHECK
        left = self._threshold.limit - self._threshold.used
        return max(FEWEST_BEFORE_RECHECK, left // 4)

    def turn(self) -> float:
        """Takes the next turn, and returns the seconds to wait for it."""
        with self._lock:
            now = self._clock.now()
            start = max(now, self._next) if self._next else now
            self._next = start + timedelta(seconds=self._gap())
            return (start - now).total_seconds()

    def hold_back(self, seconds: float) -> None:
        """Delays all requests by the seconds that the service asked to wait."""
        with self._lock:
            until = self._clock.now() + timedelta(seconds=seconds)
            self._next = max(until, self._next) if self._next else until

    def _gap(self) -> float:
        """Seconds between two requests, so that the calls left last for an hour at worst."""
        threshold = self._threshold
        if threshold is None or threshold.limit <= 0:
            return 0.0
        used = threshold.used + self._count - self._count_at_threshold
        if used < threshold.limit * SLOW_FROM:
            return 0.0
        return min(_LONGEST_GAP, _HOUR / max(threshold.limit - used, 1))
