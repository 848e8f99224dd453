"""The standard streams of the process, wrapped so that writing to them never fails.

A command must have the same effect whether or not its output can be written. A stream that is
closed is opened on the null device, so that no other file gets its number. Errors of writing (a
full disk, a closed reader) are kept instead of raised: `take_write_error` returns them.

Pipes and files get UTF-8 with line feeds on every system. A terminal keeps its own encoding;
characters that it lacks are escaped.
"""

import io
import os
import select
import sys
from errno import EINVAL, EPIPE
from typing import IO, TYPE_CHECKING, TextIO

from trueup import operating_system

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_READER_GONE = frozenset({EPIPE, EINVAL} if operating_system.IS_WINDOWS else {EPIPE})


class _NeverFailing(io.RawIOBase):
    """A file descriptor that keeps its first error, and drops all text after it."""

    def __init__(self, descriptor: int) -> None:
        self._file = io.FileIO(descriptor, "w", closefd=False)
        self.error: OSError | None = None
        self.is_reported = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def write(self, content: "ReadableBuffer", /) -> int:
        while self.error is None:
            try:
                written: int | None = self._file.write(content)
            except OSError as error:
                self.error = error
            else:
                if written is not None:
                    return written
                # The pipe is full, and another program has set it not to block.
                select.select([], [self.fileno()], [])
        return memoryview(content).nbytes


def prepare() -> None:
    """Replaces the standard streams of this process. Called once, before anything is written."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is this one, because those below it are open.
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8", closefd=False))
    sys.stdout, sys.stderr = _guarded(sys.stdout), _guarded(sys.stderr)


def take_write_error(stream: IO[str]) -> OSError | None:
    """Returns the error that lost text of this stream, once; otherwise None.

    A closed reader (`| head`) is no error.
    """
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    if not isinstance(raw, _NeverFailing) or raw.error is None or raw.is_reported:
        return None
    raw.is_reported = True
    return None if raw.error.errno in _READER_GONE else raw.error


def _guarded(stream: TextIO) -> TextIO:
    """Returns a stream for the same descriptor that never fails."""
    on_terminal = stream.isatty()
    if on_terminal and operating_system.IS_WINDOWS:
        return stream  # Python writes to a Windows console by other calls, and it cannot go away
    return io.TextIOWrapper(
        io.BufferedWriter(_NeverFailing(stream.fileno())),
        encoding=stream.encoding if on_terminal else "utf-8",
        errors="backslashreplace",
        newline="\n",
        line_buffering=True,
    )
