"""A table in a JSON file: `{"value": [{…}, …]}`, as Dataverse answers, or the bare list."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from trueup.errors import SourceError
from trueup.source.column_reader import RawRow
from trueup.source.files.documents import EditedFile, MalformedRow, Shift
from trueup.source.files.streamed_text import (
    OpenText,
    StreamedText,
    line_of,
    offset_of,
    position_of,
)
from trueup.source.json_rows import (
    BLOCK,
    DELETED,
    JSON_ERRORS,
    STRICT_DECODER,
    JsonRows,
    is_deleted,
    json_text,
)

_CONTEXT, _NEXT_LINK = "@odata.context", "@odata.nextLink"

_CHANGES = "/$delta"
"""The end of the context of an answer with changes only. A whole answer, too, may have the link to
later changes."""

_ONE_ROW = 1 << 12
"""Characters that are read at once to find one row."""


class JsonDocument:
    """A table in a JSON file; the position of a row is its line and its byte offset."""

    uniform: ClassVar[bool] = False
    typed: ClassVar[bool] = False

    def __init__(self, text: StreamedText, name: str) -> None:
        """`name` is the file's name in messages."""
        self._text, self._name = text, name
        self._names: list[str] | None = None

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, so that neither the file nor all rows are in memory.

        Raises `SourceError`.
        """
        try:
            yield from self._walk()
        except JSON_ERRORS as error:
            raise self._invalid(error) from error

    def _walk(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """As `rows`. Raises one of `JSON_ERRORS`, whose place is not that in the file."""
        with self._text.opened() as file:
            walk = JsonRows("", STRICT_DECODER, file.characters(file.start))
            before, line, offset = 0, 1, file.start
            for start, _, value in walk.rows():
                passed = walk.between(before, start)
                before, line = start, line + passed.count("\n")
                offset += len(file.encode(passed))
                row = _row(value)
                if not isinstance(row, MalformedRow) and is_deleted(row):
                    raise _only_changes(f"{self._name}:{line}", DELETED)
                if self._names is None and not isinstance(row, MalformedRow):
                    self._names = list(row)
                yield position_of(line, offset), row
        if str(walk.rest.get(_CONTEXT)).endswith(_CHANGES):
            raise _only_changes(self._name, _CHANGES)
        if _NEXT_LINK in walk.rest:
            raise SourceError(
                f"{self._name} is one page of several (it has `{_NEXT_LINK}`); export all of them"
            )

    def _invalid(self, error: Exception) -> SourceError:
        """What is wrong with the file. It is read as a whole, as the error knows a part of it."""
        with self._text.opened() as file:
            read = file.characters(file.start)
            text = "".join(iter(lambda: read(BLOCK), ""))
        try:
            for _ in JsonRows(text, STRICT_DECODER).rows():
                pass
        except JSON_ERRORS as found:
            error = found
        if isinstance(error, json.JSONDecodeError):
            hint = "; it looks like HTML" if text.lstrip().startswith("<") else ""
            place = f"{self._name}:{error.lineno}:{error.colno}"
            return SourceError(f"{place}: {error.msg}{hint}")
        return SourceError(f"{self._name}: a value is nested too deeply or a number is too long")

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows that begin there; the others are not read. Raises `SourceError`."""
        with self._text.opened() as file:
            for position in positions:
                walk = _walk_from(file, position)
                yield position, _row(walk.row_at(0)[0])

    def line(self, position: int) -> int:
        """Returns the line of a position."""
        return line_of(position)

    def names(self) -> list[str]:
        """Returns the keys of the first row that is an object. Raises `SourceError`."""
        if self._names is not None:
            return self._names
        rows = (row for _, row in self.rows() if not isinstance(row, MalformedRow))
        return list(next(rows, {}))

    def given_back(self, value: object) -> object:
        """Returns the value itself: JSON holds each as it is."""
        return value

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with new values; a new key is added at the end of its row."""
        shifts: list[Shift] = []
        return EditedFile(self._pieces(edits, shifts), shifts)

    def _pieces(
        self, edits: Mapping[int, Mapping[str, object]], shifts: list[Shift]
    ) -> Iterator[bytes]:
        """Yields the edited file piece by piece, and adds what that does to positions."""
        copied = 0
        with self._text.opened() as file:
            ascii_only = _is_ascii(file)
            for position, values in sorted(edits.items()):
                start = offset_of(position)
                yield from file.blocks(copied, start)
                walk = _walk_from(file, position)
                _, end = walk.row_at(0)
                row = walk.text[:end]
                data = file.encode(_edited(row, values, ascii_only=ascii_only))
                yield data
                copied = start + len(file.encode(row))
                shifts.append((position, position_of(0, len(data) - (copied - start))))
            yield from file.blocks(copied)


def _walk_from(file: OpenText, position: int) -> JsonRows:
    """The text from a row on, which is read as far as it is needed."""
    return JsonRows("", STRICT_DECODER, file.characters(offset_of(position)), _ONE_ROW)


def _is_ascii(file: OpenText) -> bool:
    read = file.characters(file.start)
    return all(text.isascii() for text in iter(lambda: read(BLOCK), ""))


def _edited(row: str, values: Mapping[str, object], *, ascii_only: bool) -> str:
    """The text of a row with new values."""
    spans = JsonRows(row).spans(0)
    replacements, added = [], []
    for name, value in values.items():
        text = json_text(value, ascii_only=ascii_only)
        if name in spans:
            replacements.append((*spans[name], text))
        else:
            added.append(f"{json.dumps(name)}: {text}")
    if added:
        end = max((last for _, last in spans.values()), default=1)
        replacements.append((end, end, ("" if not spans else ", ") + ", ".join(added)))

    edited, done = "", 0
    for first, end, text in sorted(replacements):
        edited += row[done:first] + text
        done = end
    return edited + row[done:]


def _only_changes(place: str, sign: str) -> SourceError:
    return SourceError(
        f"{place}: the file has the changes since an earlier export (`{sign}`), not the whole "
        "table; export all rows"
    )


def _row(value: object) -> RawRow | MalformedRow:
    if isinstance(value, dict):
        return value
    return MalformedRow("a row is not an object of columns and values")
