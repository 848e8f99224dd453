"""Properties of the terminal: colours, cursor movement, and width."""

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
    """Returns colours for a terminal, plain text with `NO_COLOR`, the option or a dumb terminal."""
    is_plain = no_color or os.environ.get("NO_COLOR") or not moves_cursor(sys.stdout)
    return PLAIN if is_plain else COLOURS


def moves_cursor(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal that obeys control sequences."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int | None:
    """Returns the width of the terminal; None if output goes elsewhere.

    The terminal's own size comes first: `COLUMNS` may be out of date or of another terminal.
    """
    if not sys.stdout.isatty():
        return None
    with suppress(OSError, ValueError):
        if size := os.get_terminal_size(sys.stdout.fileno()).columns:
            return size
    return shutil.get_terminal_size((WIDTH, 24)).columns
