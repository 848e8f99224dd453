"""Keeps the latest few items of a kind by name, until they are shown or confirmed."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

KEPT = 16
"""Items of a kind that are kept; older ones are dropped."""

Item = TypeVar("Item")


class RecentItems(Generic[Item]):
    """The latest items by their name; older ones are dropped. Any thread may use it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Item] = OrderedDict()
        self._lock = Lock()

    def put(self, name: str, one: Item) -> None:
        """Adds an item, or replaces the one with this name."""
        with self._lock:
            self._kept[name] = one
            self._kept.move_to_end(name)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def get(self, name: str) -> Item | None:
        """Returns the item with this name, or None."""
        with self._lock:
            return self._kept.get(name)

    def take(self, name: str) -> Item | None:
        """Returns the item with this name and removes it; None if there is none."""
        with self._lock:
            return self._kept.pop(name, None)
