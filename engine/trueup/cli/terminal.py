"""What the terminal can show: colours, moving lines, and how many columns."""

import os
import shutil
import sys
from contextlib import suppress
from functools import partial
from typing import TextIO

import click

from trueup.render.style import PLAIN, WIDTH, Style

COLOURS = Style(
    heading=partial(click.style, bold=True),
    add=partial(click.style, fg="green"),
    change=partial(click.style, fg="yellow"),
    remove=partial(click.style, fg="red"),
    link=partial(click.style, fg="cyan"),
    warn=partial(click.style, fg="yellow"),
    error=partial(click.style, fg="red"),
    dim=partial(click.style, dim=True),
)


def style(*, no_color: bool) -> Style:
    """Colours on a terminal, unless the option, `NO_COLOR` or a dumb terminal say no."""
    is_plain = no_color or os.environ.get("NO_COLOR") or not moves_cursor(sys.stdout)
    return PLAIN if is_plain else COLOURS


def moves_cursor(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal that obeys control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """The width of the terminal; None if output goes elsewhere.

    What the terminal says counts first: `COLUMNS` may be of another one, or of an earlier size.
    """
    if not sys.stdout.isatty():
        return None
    with suppress(OSError, ValueError):
        if size := os.get_terminal_size(sys.stdout.fileno()).columns:
            return size
    return shutil.get_terminal_size((WIDTH, 24)).columns
