"""What goes to the screen: text to stdout, progress and complaints to stderr, colour where somebody sees it."""

import io
import os
import sys
from functools import partial
from typing import TextIO

import click

from engine.render.style import PLAIN, Style

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
    dumb = os.environ.get("TERM") == "dumb"
    return PLAIN if no_color or dumb or os.environ.get("NO_COLOR") or not sys.stdout.isatty() else COLOURS


def out(text: str) -> None:
    """Text to stdout. A reader that has gone away (`| head`) is no error: what was to be done is done."""
    try:
        click.echo(text, nl=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _to_nowhere(sys.stdout)


def report(text: str) -> None:
    """A line to stderr."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:
        _to_nowhere(sys.stderr)


def prepare() -> None:
    """A terminal that has no letter for a sign gets it written out; the output does not end there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
