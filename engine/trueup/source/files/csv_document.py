"""A table in a CSV file with one line of headers.

The delimiter is what a line `sep=;` states, else the comma, semicolon or tab that the line of
headers has most of.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice, takewhile
from typing import Protocol

from trueup.errors import SourceError
from trueup.source.column_reader import LONGEST, RawRow
from trueup.source.files.documents import EditedFile, MalformedRow, Shift, TextLines

_PREAMBLE = re.compile(r"sep=.?|#TYPE .*", re.IGNORECASE)
_PREAMBLE_LINES = 2


class _CsvReader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class CsvDocument:
    """A table in a CSV file; the position of a row is the number of its first line."""

    def __init__(self, text: TextLines, name: str) -> None:
        """`name` is how messages call the file. Raises `SourceError`."""
        self._text, self._name = text, name
        # Lines keep their own ends. A quoted cell may span several of them; `csv` joins those.
        lines = list(islice(text.lines(), _PREAMBLE_LINES + 1))
        self._before = lines[: _preamble(lines)]
        first = next(iter(lines[len(self._before) :]), "")
        self._delimiter = _stated_delimiter(self._before) or max(",;\t", key=first.count)
        self._line_end = first[len(first.rstrip("\r\n")) :] or "\n"
        self._names: list[str] | None = None

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, without empty lines. Raises `SourceError`."""
        reader = self._reader()
        headers = self._headers(reader)
        before = len(self._before)
        start = before + reader.line_num + 1
        try:
            for cells in reader:
                if cells:
                    yield start, self._row(headers, cells)
                start = before + reader.line_num + 1
        except csv.Error as error:
            raise SourceError(f"{self._name}:{start}: {error}") from error

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows that begin in these lines."""
        headers, lines = self.names(), [*self._text.lines()]
        for position in positions:
            rest = map(lines.__getitem__, range(position - 1, len(lines)))
            yield position, self._row(headers, next(self._reader_of(rest)))

    def line(self, position: int) -> int:
        """Returns the position itself."""
        return position

    def names(self) -> list[str]:
        """Returns the headers."""
        return self._headers(self._reader()) if self._names is None else self._names

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with the edited rows written again; all other lines are unchanged."""
        reader, before, known = self._reader(), len(self._before), [*self._text.lines()]
        headers = self._headers(reader)
        start = before + reader.line_num + 1
        lines, shifts = known[: start - 1], list[Shift]()
        for cells in reader:
            end = before + reader.line_num
            if start in edits:
                row = self._edited_row(headers, cells, edits[start])
                lines.append(row)
                shifts.append((start, len(_lines(row)) - (end + 1 - start)))
            else:
                lines += known[start - 1 : end]
            start = end + 1
        return EditedFile(self._text.encode("".join(lines)), shifts)

    def _reader(self) -> _CsvReader:
        """Reads from the line of headers on."""
        return self._reader_of(islice(self._text.lines(), len(self._before), None))

    def _reader_of(self, lines: Iterable[str]) -> _CsvReader:
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _headers(self, reader: _CsvReader) -> list[str]:
        line = len(self._before) + 1
        try:
            headers = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise SourceError(f"{self._name}:{line}: {error}") from error

        # Spreadsheets leave columns without a name and values at the end of each line.
        repeated = sorted({name for name in headers if name and headers.count(name) > 1})
        if not any(headers) or repeated:
            fault = "no columns are named"
            if repeated:
                fault = f"`{repeated[0][:LONGEST]}` occurs more than once"
            raise SourceError(
                f"{self._name}:{line}: {fault}; the first line must name each column once"
            )
        self._names = headers
        return headers

    def _row(self, headers: list[str], cells: list[str]) -> RawRow | MalformedRow:
        if len(cells) != len(headers):
            return MalformedRow(
                f"a row has {len(cells)} cells where the first line names {len(headers)} columns"
            )
        return dict(zip(headers, cells, strict=True))

    def _edited_row(self, headers: list[str], cells: list[str], edit: Mapping[str, object]) -> str:
        texts = {name: _cell_text(value) for name, value in edit.items()}
        row = [texts.get(name, cell) for name, cell in zip(headers, cells, strict=True)]
        line = io.StringIO(newline="")
        # `csv` quotes only characters of its own line end. With this one it quotes both \r and \n.
        csv.writer(line, delimiter=self._delimiter, lineterminator="\r\n").writerow(row)
        return line.getvalue().removesuffix("\r\n") + self._line_end


def _lines(text: str) -> list[str]:
    """The lines of a text with their ends."""
    return list(io.StringIO(text, newline=""))


def _preamble(lines: Sequence[str]) -> int:
    """How many lines stand before the headers: `sep=;` of Excel, `#TYPE …` of PowerShell."""
    first = (line.strip().strip('"') for line in lines[:_PREAMBLE_LINES])
    found = takewhile(_PREAMBLE.fullmatch, first)
    return len(list(found))


def _stated_delimiter(preamble: Sequence[str]) -> str:
    """The delimiter that `sep=` states; empty where there is none."""
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
