"""Keeps the cycle collector away from large values, because it would find no cycles."""

import atexit
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

_Made = TypeVar("_Made")

_NEW_OBJECTS = 50_000
"""New objects after which the collector looks for cycles: some ten megabytes."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Disables the cycle collector for the block, if it was enabled."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def collect_rarely() -> None:
    """Has the cycle collector of this process look at new objects less often, and not at its end.

    Modules and what a plan is made from stay, so each look is in vain: with Python's own threshold
    there are more than a hundred in a plan of a few rows, mostly while it loads modules. At the end
    Python would look at all objects several times, though their memory is released at once.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)


@contextmanager
def gc_spared(make: Callable[[], _Made]) -> Iterator[_Made]:
    """Makes a value, and spares the collector what exists then until the block ends.

    What the block makes is collected as usual. If the process has frozen objects before, what was
    made is not frozen: the end of the block would release those too.
    """
    freezes = not _had_frozen_objects()
    with gc_paused():
        made = make()
        if freezes:
            gc.freeze()
    try:
        yield made
    finally:
        if freezes:
            gc.unfreeze()


@cache  # Python counts them one by one, which takes 20 ms for a process with many modules
def _had_frozen_objects() -> bool:
    return gc.get_freeze_count() > 0
