"""Reports how many rows a plan has evaluated, which takes most of the time of a large plan."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

EACH = 10_000
"""Rows between two reports. Of fewer rows nothing is reported: they take less than a second."""

Show = Callable[[int, int, str], None]
"""Takes the rows that are done, all rows, and the title of the mapping."""

_Item = TypeVar("_Item")


def show_nothing(done: int, total: int, title: str) -> None:
    """Ignores how many rows are done."""
    del done, total, title


class RowProgress:
    """Counts the rows of all mappings, one mapping after the other."""

    def __init__(self, total: int = 0, show: Show = show_nothing) -> None:
        """`total` is the number of rows of all mappings together."""
        self._total, self._show = total, show
        self._done = 0

    def counted(self, items: Iterable[_Item], title: str) -> Iterable[_Item]:
        """Returns the items, counted as they are taken. `title` is that of the mapping."""
        return self._counted(items, title) if self._total >= EACH else items

    def _counted(self, items: Iterable[_Item], title: str) -> Iterator[_Item]:
        for item in items:
            yield item
            self._done += 1
            if self._done % EACH == 0:
                self._show(self._done, self._total, title)
