"""A file's text in; raw rows out, each with where it stands, and the text again with some values replaced.

Replacing is done in the text itself, so that all that was not replaced stays as it was, byte for byte.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.errors import SourceError
from engine.source.rows import Raw


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A row that is none, and why."""

    text: str


class Document(Protocol):
    """A table as a file has it."""

    def rows(self) -> Iterator[tuple[int, Raw | Spoilt]]:
        """Where each row stands, and the row. Raises SourceError."""
        ...

    def line(self, where: int) -> int:
        """The line of that row."""
        ...

    def names(self) -> list[str]:
        """The names of its columns, as far as the first row knows."""
        ...

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> str:
        """The text with these values (by where the row stands, then by name) in the place of the old ones."""
        ...


@dataclass(slots=True)
class Lines:
    """Offsets in a text to its lines."""

    text: str
    _starts: list[int] = field(default_factory=list)

    def of(self, offset: int) -> int:
        """The line, counted from 1."""
        if not self._starts:
            self._starts = [0, *(at + 1 for at, letter in enumerate(self.text) if letter == "\n")]
        return bisect_right(self._starts, offset)


def text_of(path: Path, name: str) -> str:
    """The file's text, without a byte order mark. Raises SourceError, with the byte where UTF-8 ends."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        guess = "it looks like UTF-16" if wide else f"the byte there is 0x{data[error.start]:02x}"
        text = f"{name} is not UTF-8 from byte {error.start} on ({guess}); save it as UTF-8"
        raise SourceError(text) from error
