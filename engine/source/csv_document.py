"""CSV with one line of headers, parted by commas, semicolons or tabs: whichever that line has most of."""

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Protocol

from engine.errors import SourceError
from engine.source.documents import Spoilt
from engine.source.rows import Raw

_Found = tuple[int, Raw | Spoilt]


class _Reader(Protocol):
    """What `csv.reader` gives."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


class CsvDocument:
    """A table in a CSV file; where a row stands is the number of its first line."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        # Lines end as the file ends them, and a quoted cell may hold some: `csv` puts those together again.
        self._lines = list(io.StringIO(text, newline=""))
        first = self._lines[0] if self._lines else ""
        self._parted = max(",;\t", key=first.count)
        self._ending = first[len(first.rstrip("\r\n")) :] or "\n"

    def rows(self) -> Iterator[_Found]:
        """Row by row; empty lines are none."""
        reader = self._reader()
        headers = self._headers(reader)
        start = reader.line_num + 1
        try:
            for cells in reader:
                if cells:
                    yield start, self._row(headers, cells)
                start = reader.line_num + 1
        except csv.Error as error:
            raise SourceError(f"{self._name}:{start}: {error}") from error

    def line(self, where: int) -> int:
        """The number itself."""
        return where

    def names(self) -> list[str]:
        """The headers."""
        return self._headers(self._reader())

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> str:
        """The text with the edited rows written anew; all other lines stay as they are."""
        reader = self._reader()
        headers = self._headers(reader)
        lines, start = self._lines[: reader.line_num], reader.line_num + 1
        for cells in reader:
            as_it_was = self._lines[start - 1 : reader.line_num]
            lines += [self._line(headers, cells, edits[start])] if start in edits else as_it_was
            start = reader.line_num + 1
        return "".join(lines)

    def _reader(self) -> _Reader:
        return csv.reader(self._lines, delimiter=self._parted, strict=True)

    def _headers(self, reader: _Reader) -> list[str]:
        try:
            headers = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise SourceError(f"{self._name}:1: {error}") from error
        twice = sorted({name for name in headers if headers.count(name) > 1})
        if not any(headers) or twice:
            fault = f"column `{twice[0]}` is there more than once" if twice else "no columns are named"
            raise SourceError(f"{self._name}:1: {fault}; the first line names each column once")
        return headers

    def _row(self, headers: list[str], cells: list[str]) -> Raw | Spoilt:
        if len(cells) != len(headers):
            return Spoilt(f"a row has {len(cells)} cells where the first line names {len(headers)} columns")
        return dict(zip(headers, cells, strict=True))

    def _line(self, headers: list[str], cells: list[str], edit: Mapping[str, object]) -> str:
        row = dict(zip(headers, cells, strict=True)) | {name: _cell(value) for name, value in edit.items()}
        line = io.StringIO(newline="")
        # Python quotes only what its own line end holds: with this one, both letters.
        csv.writer(line, delimiter=self._parted, lineterminator="\r\n").writerow(row.values())
        return line.getvalue().removesuffix("\r\n") + self._ending


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, "f") if isinstance(value, Decimal) else str(value)
