"""Limits the number of open event streams of each session."""

from collections import Counter
from threading import Lock

MOST = 3
"""Streams of one session. A browser opens six connections to an address; pages need some, too."""


class Streams:
    """Counts the open streams of each session. Any thread may use it."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, session: str) -> bool:
        """Takes one; returns False if the session has too many."""
        with self._lock:
            if self._open[session] >= MOST:
                return False
            self._open[session] += 1
            return True

    def give_back(self, session: str) -> None:
        """Gives one back."""
        with self._lock:
            self._open[session] -= 1
            if not self._open[session]:
                del self._open[session]

    @property
    def count(self) -> int:
        """Returns how many are open."""
        with self._lock:
            return self._open.total()
