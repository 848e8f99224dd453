"""Writes results to stdout, progress and errors to stderr."""

import os
import sys
from contextlib import suppress

import click

from trueup.cli.streams import take_write_error

_LOST = "the output cannot be written"


def out(content: str | bytes) -> None:
    """Writes the result of a read-only command to stdout.

    Raises `EngineError` if it cannot be written, because the command has no other result. A closed
    reader (`| head`) is no error. Raises `UsageError` for bytes, such as a workbook, if stdout is a
    terminal.
    """
    if isinstance(content, bytes) and sys.stdout.isatty():
        raise click.UsageError(
            "This format is not text, and a terminal cannot show it: name a file with --out FILE"
        )
    _write(content)
    require_written()


def out_done(text: str) -> None:
    """Writes to stdout what a command has done.

    Lost output does not undo the command, so it is only reported on stderr.
    """
    _write(text)
    if error := take_write_error(sys.stdout):
        report(f"warning: {_LOST}: {error.strerror}; the command itself has succeeded")


def out_error(text: str) -> None:
    """Writes an error to stdout for programs; the exit code has the same information."""
    _write(text)


def require_written() -> None:
    """Raises `EngineError` if something that was written to stdout is lost."""
    sys.stdout.flush()
    if error := take_write_error(sys.stdout):
        from trueup.errors import EngineError

        raise EngineError(f"{_LOST}: {error.strerror}")


def report(text: str) -> None:
    """Writes a line to stderr."""
    click.echo(text, err=True)


def report_from_signal(text: str) -> None:
    """Writes a line to stderr without its buffer, which the interrupted code may be using."""
    with suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text}\n".encode())


def _write(content: str | bytes) -> None:
    click.echo(content, nl=False)
    sys.stdout.flush()
