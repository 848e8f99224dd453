"""Writes results to stdout, progress and errors to stderr, with colour on a terminal."""

import os
import shutil
import sys
from contextlib import suppress
from functools import partial
from typing import TextIO

import click

from trueup.cli.streams import take_write_error
from trueup.errors import EngineError
from trueup.render.style import PLAIN, WIDTH, Style

_LOST = "the output cannot be written"

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
    """The width of the terminal; None where output goes elsewhere.

    What the terminal says counts first: `COLUMNS` may be of another one, or of an earlier size.
    """
    if not sys.stdout.isatty():
        return None
    with suppress(OSError, ValueError):
        if size := os.get_terminal_size(sys.stdout.fileno()).columns:
            return size
    return shutil.get_terminal_size((WIDTH, 24)).columns


def out(text: str) -> None:
    """Writes the result of a command that only reads to stdout.

    Raises `EngineError` if it cannot be written: such a command is worth nothing without its
    output. A reader that has gone away (`| head`) wanted no more, so that is no error.
    """
    _write(text)
    require_written()


def out_done(text: str) -> None:
    """Writes what a command has done to stdout.

    Output that is lost does not undo it, so that is only reported on stderr.
    """
    _write(text)
    if error := take_write_error(sys.stdout):
        report(f"warning: {_LOST}: {error.strerror}; what the command had to do is done")


def out_error(text: str) -> None:
    """Writes the error of a command to stdout, for programs; its exit code says the same."""
    _write(text)


def require_written() -> None:
    """Raises `EngineError` if something that was written to stdout is lost."""
    sys.stdout.flush()
    if error := take_write_error(sys.stdout):
        raise EngineError(f"{_LOST}: {error.strerror}")


def report(text: str) -> None:
    """Writes a line to stderr."""
    click.echo(text, err=True)


def report_from_signal(text: str) -> None:
    """Writes a line to stderr past its buffer, which the interrupted code may be using."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


def _write(text: str) -> None:
    click.echo(text, nl=False)
    sys.stdout.flush()
