"""Beginnings that many scenarios share are made once in a process, and copied."""

import atexit
import shutil
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests.scenarios.world import World

Making = Callable[..., World]


def made_once(make: Making) -> Making:
    """A function that makes a world in a folder: of the same arguments, the next ones are copies.

    To make one plans and applies, which takes longer than the rest of most scenarios.
    """
    made: dict[str, World] = {}

    @wraps(make)
    def copied(folder: Path, *given: Any, **more: Any) -> World:
        key = repr((given, sorted(more.items())))
        if key not in made:
            kept = mkdtemp(prefix="trueup-")
            atexit.register(shutil.rmtree, kept, ignore_errors=True)
            made[key] = make(Path(kept) / "world", *given, **more)
        return made[key].copy(folder)

    return copied
