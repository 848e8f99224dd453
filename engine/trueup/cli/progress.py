"""Shows the progress of an operation: one moving line on a terminal; all steps with `-v`."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click

from trueup.cli.common import CommandContext
from trueup.cli.output import report
from trueup.cli.terminal import moves_cursor
from trueup.operations.listener import Listener, Progress
from trueup.render.sanitize import clip, sanitize

WIDEST = 78
"""Columns that a moving line takes at most."""

TENTHS = 10
MINUTE, HOUR = 60, 3600
BAR = 20  # columns, where there is room
ERASE = "\r\x1b[2K"


@contextmanager
def listening(context: CommandContext) -> Iterator[Listener]:
    """Yields a listener that shows progress on stderr; a moving line is removed at the end."""
    if context.json or context.verbose or not sys.stderr.isatty():
        yield _line_by_line(context)
        return
    if not moves_cursor(sys.stderr):
        yield Listener(step=_line, progress=_every_tenth(), notice=report)
        return
    meter = Meter(time.monotonic)

    def notice(text: str) -> None:
        _in_place("")
        report(text)

    try:
        yield Listener(
            step=lambda text: _in_place(clip(sanitize(text), columns())),
            progress=lambda progress: _in_place(meter.line(progress, columns())),
            notice=notice,
        )
    finally:
        _in_place("")


def columns() -> int:
    """Returns the width of a moving line: one column less than the terminal, so it never wraps."""
    with suppress(OSError):
        if width := os.get_terminal_size(sys.stderr.fileno()).columns:
            return max(1, min(WIDEST, width - 1))
    return WIDEST


def _line_by_line(context: CommandContext) -> Listener:
    if not context.verbose or context.json:
        return Listener(notice=report)
    return Listener(step=report, progress=_line_of, notice=report)


def _line_of(progress: Progress) -> None:
    report(f"{progress.done}/{progress.total} {sanitize(progress.name)}")


def _every_tenth() -> Callable[[Progress], None]:
    """Returns a function that shows ten lines per run, for output without a moving line."""
    shown = -1

    def show(progress: Progress) -> None:
        nonlocal shown
        tenth = TENTHS * progress.done // max(1, progress.total)
        if tenth != shown:
            shown = tenth
            _line(f"{progress.done:,}/{progress.total:,}")

    return show


def _line(text: str) -> None:
    report(clip(sanitize(text), columns()))


class Meter:
    """Turns progress into a line; `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._first = (0, 0.0)  # the first progress of the phase, and its time
        self._total = -1  # the phase shown last: a plan's rows, then a run's changes

    def line(self, progress: Progress, width: int = WIDEST) -> str:
        """Returns a bar, the count, the remaining time, and the last change.

        `width` is in columns. The bar takes at most a third of it.
        """
        now = self._clock()
        if progress.total != self._total:
            self._first, self._total = (progress.done, now), progress.total
        begun, since = self._first
        length = min(BAR, width // 3)
        full = length * progress.done // max(1, progress.total)
        bar = "█" * full + "░" * (length - full)
        parts = [f"{bar} {progress.done:,}/{progress.total:,}"]
        steps = progress.done - begun
        if steps > 0:
            parts.append(time_left((now - since) / steps * (progress.total - progress.done)))
        parts.append(sanitize(progress.name))
        return clip("  ".join(parts).rstrip(), width)


def time_left(seconds: float) -> str:
    """Returns the estimated remaining time as text."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s left"
    return f"{seconds / MINUTE:.0f} min left" if seconds < HOUR else f"{seconds / HOUR:.1f} h left"


def _in_place(line: str) -> None:
    click.echo(f"{ERASE}{line}", nl=False, err=True, color=True)
