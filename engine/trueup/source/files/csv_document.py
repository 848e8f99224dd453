"""A table in a CSV file with one line of headers.

The delimiter is what a line `sep=;` states, else the comma, semicolon or tab that the line of
headers has most of.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from typing import Protocol

from trueup.errors import SourceError
from trueup.source.column_reader import LONGEST, RawRow
from trueup.source.files.documents import EditedFile, MalformedRow, Shift, decode

_PREAMBLE = re.compile(r"sep=.?|#TYPE .*", re.IGNORECASE)


class _CsvReader(Protocol):
    """What `csv.reader` returns."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class CsvDocument:
    """A table in a CSV file; the position of a row is the number of its first line."""

    def __init__(self, data: bytes, name: str) -> None:
        """`name` is how messages call the file. Raises `SourceError`."""
        self._name = name
        self._file = decode(data, name)
        # Lines keep their own ends. A quoted cell may span several of them; `csv` joins those.
        lines = _lines(self._file.text)
        preamble = _preamble(lines)
        self._before, self._lines = lines[:preamble], lines[preamble:]
        first = self._lines[0] if self._lines else ""
        self._delimiter = _stated_delimiter(self._before) or max(",;\t", key=first.count)
        self._line_end = first[len(first.rstrip("\r\n")) :] or "\n"

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
        headers = self.names()
        for position in positions:
            yield position, self._row(headers, next(self._reader(position)))

    def line(self, position: int) -> int:
        """Returns the position itself."""
        return position

    def names(self) -> list[str]:
        """Returns the headers."""
        return self._headers(self._reader())

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the file with the edited rows written again; all other lines are unchanged."""
        reader = self._reader()
        headers = self._headers(reader)
        lines, start = [*self._before, *self._lines[: reader.line_num]], reader.line_num + 1
        shifts: list[Shift] = []
        for cells in reader:
            position = len(self._before) + start
            if position in edits:
                row = self._edited_row(headers, cells, edits[position])
                lines.append(row)
                longer = len(_lines(row)) - (reader.line_num + 1 - start)
                shifts.append((position, longer))
            else:
                lines += self._lines[start - 1 : reader.line_num]
            start = reader.line_num + 1
        return EditedFile(self._file.encode("".join(lines)), shifts)

    def _reader(self, position: int | None = None) -> _CsvReader:
        """Reads from the line of headers on, or from a row at a position."""
        first = 0 if position is None else position - len(self._before) - 1
        lines = map(self._lines.__getitem__, range(first, len(self._lines)))
        return csv.reader(lines if first else self._lines, delimiter=self._delimiter, strict=True)

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
    found = takewhile(_PREAMBLE.fullmatch, (line.strip().strip('"') for line in lines[:2]))
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
