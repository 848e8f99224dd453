"""A table in a CSV file with one line of headers.

The delimiter is what a line `sep=;` states, else the comma, semicolon or tab that the line of
headers has most of outside quotation marks. A row whose cells are all empty is none: spreadsheets
leave such rows at the end.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice, takewhile
from typing import ClassVar, Protocol

from trueup.errors import SourceError
from trueup.source.column_reader import RawRow
from trueup.source.files.documents import EditedFile, MalformedRow, Shift
from trueup.source.files.streamed_text import (
    Lines,
    OpenText,
    StreamedText,
    line_of,
    offset_of,
    position_of,
)
from trueup.source.text import on_one_line
from trueup.source.values import LONGEST_TEXT

LONGEST_CELL = 16 * LONGEST_TEXT
"""Characters of a cell. A text that is too long for its column is a fault of its row, as in the
other formats; what is longer still is the rest of the file behind a quotation mark."""

csv.field_size_limit(LONGEST_CELL)

_QUOTED = re.compile(r'(?:^|(?<=[,;\t]))"(?:[^"]|"")*"?')
"""A cell in quotation marks; its end may be in another line."""

_PREAMBLE = re.compile(r"sep=.?|#TYPE .*", re.IGNORECASE)
_PREAMBLE_LINES = 2


class _CsvReader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class CsvDocument:
    """A table in a CSV file; the position of a row is its first line and its byte offset."""

    uniform: ClassVar[bool] = True
    typed: ClassVar[bool] = False

    def __init__(self, text: StreamedText, name: str) -> None:
        """`name` is the file's name in messages. Raises `SourceError`."""
        self._text, self._name = text, name
        with text.opened() as file:
            # Lines keep their own ends. A quoted cell may span several of them; `csv` joins those.
            lines = list(islice(file.lines(file.start), _PREAMBLE_LINES + 1))
            self._before = lines[: _preamble(lines)]
            self._start = file.start + len(file.encode("".join(self._before)))  # of the headers
        first = next(iter(lines[len(self._before) :]), "")
        bare = _QUOTED.sub("", first)
        self._delimiter = _stated_delimiter(self._before) or max(",;\t", key=bare.count)
        self._line_end = first[len(first.rstrip("\r\n")) :] or "\n"
        self._names: list[str] | None = None

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, without empty ones. Raises `SourceError`."""
        with self._text.opened() as file:
            lines = file.lines(self._start)
            reader, next_line = self._reader(lines), len(self._before) + 1
            headers = self._headers(reader)
            start = position_of(next_line + reader.line_num, lines.end)
            try:
                for cells in reader:
                    if any(cells):
                        yield start, self._row(headers, cells)
                    start = position_of(next_line + reader.line_num, lines.end)
            except csv.Error as error:
                raise _invalid(self._name, self.line(start), error) from error

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows that begin there; the others are not read. Raises `SourceError`."""
        headers = self.names()
        with self._text.opened() as file:
            for position in positions:
                yield position, self._row(headers, self._cells_at(file, position)[0])

    def line(self, position: int) -> int:
        """Returns the line of a position."""
        return line_of(position)

    def names(self) -> list[str]:
        """Returns the headers. Raises `SourceError`."""
        if self._names is None:
            with self._text.opened() as file:
                return self._headers(self._reader(file.lines(self._start)))
        return self._names

    def given_back(self, value: object) -> object:
        """Returns the text of a cell with this value."""
        return _cell_text(value)

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with the edited rows written again; all other bytes are copied."""
        shifts: list[Shift] = []
        return EditedFile(self._pieces(edits, shifts), shifts)

    def _pieces(
        self, edits: Mapping[int, Mapping[str, object]], shifts: list[Shift]
    ) -> Iterator[bytes]:
        """Yields the edited file piece by piece, and adds what that does to positions."""
        headers, copied = self.names(), 0
        with self._text.opened() as file:
            for position, edit in sorted(edits.items()):
                start = offset_of(position)
                yield from file.blocks(copied, start)
                cells, lines, copied = self._cells_at(file, position)
                row = self._edited_row(headers, cells, edit)
                data = file.encode(row)
                yield data
                more_lines, more_bytes = len(_lines(row)) - lines, len(data) - (copied - start)
                shifts.append((position, position_of(more_lines, more_bytes)))
            yield from file.blocks(copied)

    def _cells_at(self, file: OpenText, position: int) -> tuple[list[str], int, int]:
        """Returns a row, the number of its lines, and the offset behind it."""
        lines = file.lines(offset_of(position))
        reader = self._reader(lines)
        try:
            cells = next(reader)
        except csv.Error as error:
            raise _invalid(self._name, self.line(position), error) from error
        return cells, reader.line_num, lines.end

    def _reader(self, lines: Lines) -> _CsvReader:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _headers(self, reader: _CsvReader) -> list[str]:
        line = len(self._before) + 1
        try:
            headers = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise _invalid(self._name, line, error) from error

        # Spreadsheets leave columns without a name and values at the end of each line.
        repeated = sorted({name for name in headers if name and headers.count(name) > 1})
        if not any(headers) or repeated:
            fault = "no columns are named"
            if repeated:
                fault = f"`{on_one_line(repeated[0])}` occurs more than once"
            raise SourceError(
                f"{self._name}:{line}: {fault}; the first line must name each column once"
            )
        self._names = headers
        return headers

    def _row(self, headers: list[str], cells: list[str]) -> RawRow | MalformedRow:
        if len(cells) != len(headers):
            number = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            return MalformedRow(
                f"a row has {number} where the first line names {len(headers)} columns"
            )
        return dict(zip(headers, cells, strict=True))

    def _edited_row(self, headers: list[str], cells: list[str], edit: Mapping[str, object]) -> str:
        texts = {name: _cell_text(value) for name, value in edit.items()}
        row = [texts.get(name, cell) for name, cell in zip(headers, cells, strict=True)]
        line = io.StringIO(newline="")
        # `csv` quotes only characters of its own line end. With this one it quotes both \r and \n.
        csv.writer(line, delimiter=self._delimiter, lineterminator="\r\n").writerow(row)
        return line.getvalue().removesuffix("\r\n") + self._line_end


def _invalid(name: str, line: int, error: csv.Error) -> SourceError:
    """What is wrong with the row that begins at a line; `csv` has no word for a missing mark."""
    text = str(error)
    if text.startswith("field larger"):
        text = (
            f"a cell has more than {LONGEST_CELL:,} characters; "
            "if it opens with a quotation mark, the one at its end is missing"
        )
    elif text.startswith("unexpected end"):
        text = f"{text}; the quotation mark at the end of a cell is missing"
    elif text.endswith("expected after '\"'"):
        text = (
            "text follows the quotation mark that ends a cell; a quotation mark within a cell is "
            'written twice (""), or the one at the end of a cell before is missing'
        )
    return SourceError(f"{name}:{line}: {text}")


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends."""
    return list(io.StringIO(text, newline=""))


def _preamble(lines: Sequence[str]) -> int:
    """How many lines stand before the headers: `sep=;` of Excel, `#TYPE …` of PowerShell."""
    first = (line.strip().strip('"') for line in lines[:_PREAMBLE_LINES])
    found = takewhile(_PREAMBLE.fullmatch, first)
    return len(list(found))


def _stated_delimiter(preamble: Sequence[str]) -> str:
    """The delimiter that `sep=` states; empty if there is none."""
    for line in preamble:
        text = line.strip("\r\n").strip('"')
        if text.lower().startswith("sep="):
            return text[len("sep=") :][:1]
    return ""


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
