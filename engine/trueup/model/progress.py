"""How far a run or a plan is, for whoever waits for it."""

from collections.abc import Callable

from msgspec import Struct


class Progress(Struct, frozen=True):
    """The progress of a run, in changes, or of a plan of many rows, in rows."""

    done: int
    total: int
    name: str = ""  # of the change that was recorded last, or of the mapping


Watch = Callable[[Progress], None]
"""Takes the progress of a run or a plan."""


def no_watch(progress: Progress) -> None:
    """Ignores progress."""
    del progress
