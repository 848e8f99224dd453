"""A table in a JSON file: `{"value": [{…}, …]}`, as Dataverse answers, or the bare list."""

import json
from collections.abc import Iterator, Mapping, Sequence

from trueup.errors import SourceError
from trueup.source.column_reader import RawRow
from trueup.source.files.documents import EditedFile, LineIndex, MalformedRow, Shift, decode
from trueup.source.json_rows import JSON_ERRORS, STRICT_DECODER, JsonRows, json_text

_NEXT_LINK = "@odata.nextLink"


class JsonDocument:
    """A table in a JSON file; the position of a row is the offset of its first character."""

    def __init__(self, data: bytes, name: str) -> None:
        """`name` is the file's name in messages. Raises `SourceError`."""
        self._file, self._name = decode(data, name), name
        self._text = self._file.text
        self._lines = LineIndex(self._text)

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, so that not all raw rows are in memory. Raises `SourceError`."""
        walk = JsonRows(self._text, STRICT_DECODER)
        try:
            for start, _, row in walk.rows():
                yield start, _row(row)
        except json.JSONDecodeError as error:
            hint = "; it looks like HTML" if self._text.lstrip().startswith("<") else ""
            place = f"{self._name}:{error.lineno}:{error.colno}"
            raise SourceError(f"{place}: {error.msg}{hint}") from error
        except JSON_ERRORS as error:
            text = "a value is nested too deeply or a number is too long"
            raise SourceError(f"{self._name}: {text}") from error
        if _NEXT_LINK in walk.rest:
            raise SourceError(
                f"{self._name} is one page of several (it has `{_NEXT_LINK}`); export all of them"
            )

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows that start at these offsets."""
        walk = JsonRows(self._text, STRICT_DECODER)
        for start in positions:
            yield start, _row(walk.row_at(start))

    def line(self, position: int) -> int:
        """Returns the line of the row that starts at that offset."""
        return self._lines.line_of(position)

    def names(self) -> list[str]:
        """Returns the keys of the first row that is an object."""
        first = next((row for _, row in self.rows() if not isinstance(row, MalformedRow)), {})
        return list(first)

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with new values; a new key is added at the end of its row."""
        shifts: list[Shift] = []
        return EditedFile(self._pieces(edits, shifts), shifts)

    def _pieces(
        self, edits: Mapping[int, Mapping[str, object]], shifts: list[Shift]
    ) -> Iterator[bytes]:
        """Yields the edited file piece by piece, and adds what that does to positions."""
        yield self._file.mark
        done = 0
        for start, values in sorted(edits.items()):
            longer = 0
            for first, end, replacement in sorted(self._replacements(start, values)):
                yield from self._file.encoded(done, first)
                yield replacement.encode(self._file.encoding)
                done = end
                longer += len(replacement) - (end - first)
            shifts.append((start, longer))
        yield from self._file.encoded(done, len(self._text))

    def _replacements(
        self, start: int, values: Mapping[str, object]
    ) -> Iterator[tuple[int, int, str]]:
        """The spans to replace in one row: first offset, offset after the last, new text."""
        spans = JsonRows(self._text).spans(start)
        added = []
        for name, value in values.items():
            text = json_text(value, ascii_only=self._text.isascii())
            if name in spans:
                yield *spans[name], text
            else:
                added.append(f"{json.dumps(name)}: {text}")
        if added:
            end = max((last for _, last in spans.values()), default=start + 1)
            yield end, end, ("" if not spans else ", ") + ", ".join(added)


def _row(value: object) -> RawRow | MalformedRow:
    if isinstance(value, dict):
        return value
    return MalformedRow("a row is not an object of columns and values")
