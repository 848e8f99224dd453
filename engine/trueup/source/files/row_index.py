"""Where the rows of a table stand in its file, so that a few are read without the others.

An index belongs to one content of a file, which is recognized by its digest: the time of a file's
last change may be coarse, and programs set it.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.source.column_reader import ColumnReader, RawRow
from trueup.source.errors import InvalidValue
from trueup.source.files.documents import MalformedRow, Shift, TableDocument

UNKNOWN = ""
"""The key of rows whose key is missing or cannot be read."""


class ColumnFormat(Struct):
    """How a file writes one column: its raw name, and whether choices are numbers or labels."""

    name: str
    numbered: bool | None = None  # None: no row has a value
    numbers: dict[str, int] = {}  # by label, from the display texts


class RowIndex(Struct, frozen=True):
    """The positions of all rows in one content of a file, by key."""

    digest: bytes
    names: dict[str, None] = {}
    """The raw names of columns in any row, in the order in which they first occur."""

    formats: dict[str, ColumnFormat] = {}
    """By column, of those that were written; writing keeps the format of a column."""

    _first: dict[str, int] = {}
    _further: dict[str, list[int]] = {}
    """Of keys that occur more than once."""

    def positions(self, key: str) -> list[int]:
        """Returns the positions of the rows with this key, in the order of the file."""
        first = self._first.get(key)
        return [] if first is None else [first, *self._further.get(key, ())]

    def positions_of(self, keys: Iterable[str]) -> list[int]:
        """Returns the positions of the rows with these keys, and of all whose key is unknown."""
        return sorted(at for key in {*keys, UNKNOWN} for at in self.positions(key))

    def add(self, key: str, position: int, raw: RawRow | MalformedRow) -> None:
        """Adds the next row of the file."""
        if not isinstance(raw, MalformedRow) and not raw.keys() <= self.names.keys():
            self.names.update(dict.fromkeys(raw))
        if self._first.setdefault(key, position) != position:
            self._further.setdefault(key, []).append(position)

    def shifted(self, shifts: Sequence[Shift], digest: bytes) -> "RowIndex":
        """Returns the index of the content in which edits have moved the rows behind them."""
        moved: dict[int, int] = {}
        pending, by = [*sorted(shifts, reverse=True)], 0
        positions = sorted([*self._first.values(), *_flat(self._further.values())])
        for position in positions:
            while pending and pending[-1][0] < position:
                by += pending.pop()[1]
            moved[position] = position + by
        return replace(
            self,
            digest=digest,
            _first={key: moved[at] for key, at in self._first.items()},
            _further={key: [moved[at] for at in more] for key, more in self._further.items()},
        )


def index_rows(document: TableDocument, key: ColumnReader, digest: bytes) -> RowIndex:
    """Returns the index of a document, whose rows are read once. Raises `SourceError`."""
    index = RowIndex(digest)
    for position, raw in document.rows():
        index.add(UNKNOWN if isinstance(raw, MalformedRow) else key_of(key, raw), position, raw)
    return index


def key_of(key: ColumnReader, raw: RawRow) -> str:
    """Returns the key of a raw row, `UNKNOWN` where it has none that can be read."""
    try:
        return str(key.value(raw) or UNKNOWN)
    except InvalidValue:
        return UNKNOWN


def _flat(lists: Iterable[Iterable[int]]) -> Iterable[int]:
    return (one for many in lists for one in many)
