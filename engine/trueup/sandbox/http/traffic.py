"""What was asked of the server: the latest requests, and how many of each kind. Kept in memory only."""

import re
from collections import Counter, deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any

KEPT = 20_000
_NUMBER = re.compile(r"/-?\d+(?=/|$)")


@dataclass(slots=True)
class Seen:
    """One request and what became of it. `took_effect` may turn true later, for a write that comes late."""

    number: int
    verb: str
    path: str
    status: int | None  # none: no answer was sent
    took_effect: bool
    fault: str


class Traffic:
    """The latest requests in the order of their answers, and counters by verb and address."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: deque[Seen] = deque(maxlen=KEPT)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def add(self, verb: str, path: str, *, status: int | None, took_effect: bool, fault: str) -> Seen:
        """One more."""
        with self._lock:
            self._number += 1
            seen = Seen(self._number, verb, path, status, took_effect, fault)
            self._latest.append(seen)
            self._counts[f"{verb} {_NUMBER.sub('/{id}', path)}"[:200]] += 1
            return seen

    def latest(self) -> list[dict[str, Any]]:
        """The requests that are still known."""
        with self._lock:
            return [asdict(seen) for seen in self._latest]

    def counts(self) -> dict[str, int]:
        """How many of each verb and address, numbers as `{id}`."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._latest.clear()
            self._counts.clear()
