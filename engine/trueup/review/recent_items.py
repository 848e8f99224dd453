"""What the desk keeps for a while, to be shown or confirmed: the last few things of a kind."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

KEPT = 16
"""Things of a kind that are kept; older ones must be made again."""

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """The last few things by their name."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, one: Kept) -> None:
        with self._lock:
            self._kept[name] = one
            self._kept.move_to_end(name)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def get(self, name: str) -> Kept | None:
        with self._lock:
            return self._kept.get(name)

    def take(self, name: str) -> Kept | None:
        with self._lock:
            return self._kept.pop(name, None)
