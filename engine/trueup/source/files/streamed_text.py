"""The text of a file, read piece by piece: a large file is never in memory as a whole.

Lines have their byte offsets, so that reading may begin at any of them, and the bytes in between
can be copied. A file that is not the same one each time that it is opened is an error: offsets
belong to one content.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trueup.errors import SourceError
from trueup.local_files import open_regular
from trueup.source.files.documents import BEGINNING, BLOCK, encoding_of, require_text

_Version = tuple[int, int, int]


_OFFSET_BITS = 36
"""Of a position: its other bits are the line. So an array of 64 bits takes it, also for a file of
64 GB with 100 million lines, and edits shift line and offset by one addition."""


def position_of(line: int, offset: int) -> int:
    """Returns the position of a line and an offset in bytes, or the difference of two positions."""
    return (line << _OFFSET_BITS) + offset


def line_of(position: int) -> int:
    """Returns the line of a position."""
    return position >> _OFFSET_BITS


def offset_of(position: int) -> int:
    """Returns the offset of a position, in bytes."""
    return position & ((1 << _OFFSET_BITS) - 1)


class Lines:
    """Lines with their own ends; `end` is the byte offset behind those that were yielded."""

    def __init__(self, text: io.TextIOWrapper, start: int) -> None:
        """`start` is the byte offset at which the text stands."""
        self._text, self.end = text, start
        self._is_utf8 = text.encoding == "utf-8"

    def __iter__(self) -> Iterator[str]:
        """Yields the lines. Raises `UnicodeDecodeError`."""
        is_utf8, encoding = self._is_utf8, self._text.encoding
        for line in self._text:
            # Decoding is strict, so a text is encoded as the bytes that it was decoded from.
            is_short = is_utf8 and line.isascii()
            self.end += len(line) if is_short else len(line.encode(encoding))
            yield line


class OpenText:
    """A file that is open."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Raises `SourceError` as `require_text` does."""
        self._file = file
        mark, self._encoding = encoding_of(file.read(BEGINNING), name)
        self.start = len(mark)  # the offset of the first line
        self._text: io.TextIOWrapper | None = None

    def lines(self, start: int) -> Lines:
        """Returns the lines from an offset on; those that were returned before end."""
        self.detach()
        self._file.seek(start)
        self._text = io.TextIOWrapper(self._file, self._encoding, newline="")
        return Lines(self._text, start)

    def characters(self, start: int) -> Callable[[int], str]:
        """Returns what reads so many characters from an offset on; what was returned before ends.

        Line ends are left as they are. It raises `UnicodeDecodeError`.
        """
        self.detach()
        self._file.seek(start)
        self._text = io.TextIOWrapper(self._file, self._encoding, newline="")
        return self._text.read

    def blocks(self, start: int, end: int | None = None) -> Iterator[bytes]:
        """Yields the bytes between two offsets, or all from the first one on, as they are."""
        self.detach()
        self._file.seek(start)
        left = end - start if end is not None else None
        while block := self._file.read(BLOCK if left is None else min(BLOCK, left)):
            yield block
            left = None if left is None else left - len(block)

    def encode(self, text: str) -> bytes:
        """Returns another text as the file would hold it."""
        return text.encode(self._encoding)

    def detach(self) -> None:
        """Keeps the file open when the lines that were returned are given up."""
        if self._text:
            self._text.detach()
            self._text = None


class StreamedText:
    """The text of a file, or of bytes that are in memory."""

    def __init__(self, content: Path | bytes, name: str) -> None:
        """`name` is the file's name in messages."""
        self._content, self._name = content, name
        self._version: _Version | None = None  # of the file that was opened first

    @contextmanager
    def opened(self) -> Iterator[OpenText]:
        """Opens the file. Raises `SourceError`, also if it has changed since the first time."""
        try:
            with self._open() as file:
                self._require_unchanged(file)
                text = OpenText(file, self._name)
                yield text
                text.detach()
                self._require_unchanged(file)
        except OSError as error:
            raise SourceError(f"{self._name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            with self._open() as file:
                require_text(file.read(), self._name)  # names the byte in the whole file
            raise

    def digest(self) -> bytes:
        """Returns the digest of the bytes. Raises `SourceError`."""
        digest = hashlib.sha256()
        with self.opened() as file:
            for block in file.blocks(0):
                digest.update(block)
        return digest.digest()

    def _open(self) -> BinaryIO:
        if isinstance(self._content, bytes):
            return io.BytesIO(self._content)
        return open_regular(self._content)

    def _require_unchanged(self, file: BinaryIO) -> None:
        """Raises `SourceError` if the open file is not the one that was opened first."""
        if isinstance(self._content, bytes):
            return
        status = os.fstat(file.fileno())
        version = status.st_ino, status.st_mtime_ns, status.st_size
        self._version = self._version or version
        if version != self._version:
            raise SourceError(
                f"{self._name} was changed by another program while it was read; try again"
            )
