"""Records the requests that the server answered: the latest ones, and counters. In memory only."""

import re
from collections import Counter, deque
from threading import Lock
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

CAPACITY = 20_000  # requests that are kept
_NUMBER = re.compile(r"/-?\d+(?=/|$)")


class RecordedRequest(Struct, frozen=True):
    """One request and its outcome."""

    number: int
    verb: str
    path: str
    status: int | None  # None: no response was sent
    took_effect: bool  # a write was committed
    fault: str  # the faults that shaped the response


class Traffic:
    """The latest requests in the order of their responses, and counters by verb and path."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: deque[RecordedRequest] = deque(maxlen=CAPACITY)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def add(
        self, verb: str, path: str, *, status: int | None, took_effect: bool, fault: str
    ) -> None:
        """Records one request."""
        with self._lock:
            self._number += 1
            recorded = RecordedRequest(self._number, verb, path, status, took_effect, fault)
            self._latest.append(recorded)
            self._counts[f"{verb} {_NUMBER.sub('/{id}', path)}"[:200]] += 1

    def latest(self) -> list[dict[str, Any]]:
        """Returns the latest requests as JSON objects, the oldest first."""
        with self._lock:
            return [asdict(recorded) for recorded in self._latest]

    def counts(self) -> dict[str, int]:
        """Returns the number of requests by verb and path, with numbers in paths as `{id}`."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Removes all records and counters."""
        with self._lock:
            self._latest.clear()
            self._counts.clear()
