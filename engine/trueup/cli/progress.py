"""What the engine is at: on a terminal a line that moves, in a pipe nothing, with `-v` a line for each step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from engine.applying.coordinator import Progress
from engine.cli.common import Here
from engine.cli.terminal import report
from engine.render.harmless import clean, clip

COLUMNS = 78
MINUTE, HOUR = 60, 3600
BAR = 20
ERASE = "\r\x1b[2K"


@contextmanager
def telling(here: Here) -> Iterator[Callable[[str], None]]:
    """Gives what takes the engine's words; on a terminal the line is gone afterwards."""
    if _moves(here):
        with _gone_afterwards():
            yield lambda text: _in_place(clip(clean(text), COLUMNS))
    else:
        yield _each(here)


@contextmanager
def watching(here: Here) -> Iterator[Callable[[Progress], None]]:
    """Gives what takes a run's progress: a bar with the time that is left, or a line for each change."""
    if _moves(here):
        meter = Meter(time.monotonic)
        with _gone_afterwards():
            yield lambda progress: _in_place(meter.line(progress))
    else:
        each = _each(here)
        yield lambda progress: each(f"{progress.done}/{progress.total} {clean(progress.name)}")


class Meter:
    """Turns progress into a line; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first: tuple[int, float] | None = None

    def line(self, progress: Progress) -> str:
        """A bar, how many of how many, the time that is left, and what was done last."""
        now = self._clock()
        begun, since = self._first = self._first or (progress.done, now)
        full = BAR * progress.done // max(1, progress.total)
        bar = "█" * full + "░" * (BAR - full)
        said = f"{bar} {progress.done:,}/{progress.total:,}"
        steps = progress.done - begun
        if steps > 0:
            said += f"  {left((now - since) / steps * (progress.total - progress.done))}"
        return clip(f"{said}  {clean(progress.name)}".rstrip(), COLUMNS)


def left(seconds: float) -> str:
    """Roughly how long it still takes."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s left"
    return f"{seconds / MINUTE:.0f} min left" if seconds < HOUR else f"{seconds / HOUR:.1f} h left"


def _moves(here: Here) -> bool:
    return sys.stderr.isatty() and not here.json and not here.verbose


@contextmanager
def _gone_afterwards() -> Iterator[None]:
    try:
        yield
    finally:
        _in_place("")


def _each(here: Here) -> Callable[[str], None]:
    return report if here.verbose and not here.json else lambda _text: None


def _in_place(line: str) -> None:
    click.echo(f"{ERASE}{line}", nl=False, err=True, color=True)
