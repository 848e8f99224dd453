"""What both file formats share: rows with their positions, and a text with some values replaced.

Values are replaced in the text itself, so that everything else stays as it was, byte for byte.
"""

import codecs
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from msgspec import Struct

from trueup.errors import SourceError
from trueup.local_files import read_regular
from trueup.source.column_reader import RawRow


class MalformedRow(Struct, frozen=True):
    """An entry of a file that is not a row of columns and values."""

    reason: str


Shift = tuple[int, int]
"""The position of an edited row, and by how much the positions of the rows behind it move."""


class EditedFile(Struct, frozen=True):
    """A file with new values, piece by piece, so that a large one is not in memory again."""

    pieces: Iterable[bytes]
    shifts: Sequence[Shift] = ()
    """What the edits do to the positions of rows; complete when all pieces have been taken."""


class TableDocument(Protocol):
    """One table in the text of one file."""

    uniform: ClassVar[bool]
    """Whether all rows have the same names, those of a row of headings."""

    typed: ClassVar[bool]
    """Whether cells hold numbers and days as such, whatever they look like."""

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields each row with its position. Raises `SourceError`."""
        ...

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows at these ascending positions, which `rows` has yielded before."""
        ...

    def line(self, position: int) -> int:
        """Returns the line number of the row at that position."""
        ...

    def names(self) -> list[str]:
        """Returns the names of the columns, as far as the first row shows them."""
        ...

    def given_back(self, value: object) -> object:
        """Returns the raw value that the file would have after `value` was written to it."""
        ...

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with new values, given by the row's position and the column's name."""
        ...


BLOCK = 1 << 18
"""Bytes of a file that are copied at once."""

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_bytes(path: Path, name: str) -> bytes:
    """Returns the file's bytes. Raises `SourceError`."""
    try:
        return read_regular(path)
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}") from error


BEGINNING = 64
"""Bytes in which a text of UTF-16 shows itself: every export begins with names in ASCII."""


def _byte_order(beginning: bytes) -> str:
    """Returns the byte order where every second byte is 0, as in ASCII in UTF-16; else nothing."""
    halves = {"big endian": beginning[::2], "little endian": beginning[1::2]}
    found = (order for order, half in halves.items() if half and not half.strip(b"\0"))
    return next(found, "")


def encoding_of(beginning: bytes, name: str) -> tuple[bytes, str]:
    """Returns the byte order mark of a file and the encoding that it states.

    Raises as `require_text`.
    """
    mark = next((one for one in _ENCODINGS if beginning.startswith(one)), b"")
    if not mark and (order := _byte_order(beginning)):
        raise SourceError(
            f"{name} looks like UTF-16 ({order}) without a byte order mark; save it as UTF-8"
        )
    return mark, _ENCODINGS.get(mark, "utf-8")


def require_text(data: bytes, name: str) -> None:
    """Checks that a file is text in UTF-8, or in the UTF-16 that its byte order mark states.

    Raises `SourceError`, with the first byte that does not fit, or for UTF-16 without such a mark.
    """
    mark, encoding = encoding_of(data[:BEGINNING], name)
    try:
        data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        at = error.start + len(mark)
        text = f"{name} is not {encoding.upper()} from byte {at} on"
        raise SourceError(
            f"{text} (the byte there is 0x{data[at]:02x}); save it as UTF-8"
        ) from error
