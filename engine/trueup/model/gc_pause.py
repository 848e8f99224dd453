"""Keeps the cycle collector away from large values, because it would find no cycles."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Made = TypeVar("_Made")


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


@contextmanager
def gc_spared(make: Callable[[], _Made]) -> Iterator[_Made]:
    """Makes a value, and spares the collector what exists then until the block ends.

    What the block makes is collected as usual. If the process has frozen objects before, what was
    made is not frozen: the end of the block would release those too.
    """
    freezes = not gc.get_freeze_count()
    with gc_paused():
        made = make()
        if freezes:
            gc.freeze()
    try:
        yield made
    finally:
        if freezes:
            gc.unfreeze()
