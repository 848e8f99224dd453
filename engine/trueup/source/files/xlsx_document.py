"""A table in a sheet of an Excel workbook, with one row of headers. Needs the extra `excel`.

openpyxl reads and writes the file. A write-back keeps values, formulas and formats; of what
openpyxl does not know (such as embedded objects) it may keep less, so exports that people prepared
with care are better written back as CSV.
"""

import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from trueup.errors import SourceError
from trueup.source.column_reader import RawRow
from trueup.source.files.documents import MalformedRow

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

DIGITS = 15
"""Significant digits of a number that Excel shows: more are noise of its binary fractions."""

_BROKEN = (BadZipFile, SyntaxError, KeyError, ValueError, TypeError, AttributeError, OSError)
"""What the reader raises: whatever the broken part of a file leads to; for XML a SyntaxError."""


class XlsxDocument:
    """A table in one sheet; the position of a row is its number in the sheet."""

    def __init__(self, data: bytes, name: str, sheet: str) -> None:
        """`sheet` is read, or the only one there is. Raises `SourceError`."""
        self._data, self._name, self._sheet = data, name, sheet
        workbook = self._load(values=True)
        worksheet = self._worksheet(workbook)
        try:
            self._rows = [*_filled(worksheet)]
        except _BROKEN as error:
            raise self._broken() from error
        finally:
            workbook.close()

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, without empty ones. Raises `SourceError`."""
        headers = self.names()
        for number, cells in self._rows[1:]:
            extra = [cell for cell in cells[len(headers) :] if cell is not None]
            faults = (
                f"{header} is {cell}, the error of a formula"
                for header, cell in zip(headers, cells, strict=False)
                if header and isinstance(cell, _FormulaError)
            )
            if extra:
                yield number, MalformedRow("a row has values beyond the columns that are named")
            elif fault := next(faults, ""):
                yield number, MalformedRow(fault)
            else:
                filled = [*cells, *[None] * (len(headers) - len(cells))]
                yield (
                    number,
                    {
                        header: _raw(value)
                        for header, value in zip(headers, filled, strict=False)
                        if header
                    },
                )

    def line(self, position: int) -> int:
        """Returns the position itself: a row's number."""
        return position

    def names(self) -> list[str]:
        """Returns the headers. Raises `SourceError`."""
        if not self._rows:
            return []
        number, cells = self._rows[0]
        headers = ["" if cell is None else str(cell).strip() for cell in cells]
        repeated = sorted({name for name in headers if name and headers.count(name) > 1})
        if repeated:
            raise SourceError(
                f"{self._name}:{number}: column `{repeated[0]}` occurs more than once; "
                "the first row must name each column once"
            )
        return headers

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> bytes:
        """Returns the workbook with new values, given by row number and header."""
        workbook = self._load(values=False)
        worksheet = self._worksheet(workbook)
        columns = {name: number for number, name in enumerate(self.names(), start=1)}
        for row, values in edits.items():
            for name, value in values.items():
                worksheet.cell(row, columns[name], _cell(value))
        written = io.BytesIO()
        workbook.save(written)
        return written.getvalue()

    def _load(self, *, values: bool) -> "Workbook":
        """The workbook: to read the values of formulas, or to edit the formulas themselves.

        For reading, only the cells that there are come one by one: a stray one in the last column
        or row of a sheet costs nothing.
        """
        try:
            from openpyxl import load_workbook  # noqa: PLC0415 -- an extra, only for this format
        except ImportError as error:
            raise SourceError(
                f"{self._name} is an Excel workbook: reading one needs `pip install trueup[excel]`"
            ) from error
        try:
            return load_workbook(io.BytesIO(self._data), data_only=values, read_only=values)
        except _BROKEN as error:
            raise self._broken() from error

    def _broken(self) -> SourceError:
        return SourceError(
            f"{self._name} cannot be read as an Excel workbook (.xlsx): save it again in Excel"
        )

    def _worksheet(self, workbook: "Workbook") -> "Worksheet":
        names = workbook.sheetnames
        by_name = {name.casefold(): name for name in names}
        name = by_name.get(self._sheet.casefold(), names[0] if len(names) == 1 else "")
        if not name:
            raise SourceError(
                f"{self._name} has no sheet `{self._sheet}`; its sheets are {', '.join(names)}"
            )
        sheet: Worksheet = workbook[name]
        return sheet


class _FormulaError(str):
    """What a cell shows whose formula has failed, such as #N/A: no text."""

    __slots__ = ()


def _filled(worksheet: "Worksheet") -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows with their numbers, without empty ones. The worksheet is open for reading."""
    worksheet.reset_dimensions()  # type: ignore[attr-defined] # a sheet's own account may be wrong
    for number, row in enumerate(worksheet.iter_rows(), start=1):
        cells = tuple(
            _FormulaError(cell.value) if cell.data_type == "e" else cell.value for cell in row
        )
        if any(cell is not None and cell != "" for cell in cells):
            yield number, cells


def _raw(value: object) -> object:
    """A cell's value as `source.values` reads it."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(f"{value:.{DIGITS}g}")
    return value


def _cell(value: object) -> str | int | float | bool | date | None:
    """A value as a cell holds it: Excel knows no time zones, so an instant becomes text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | date) else str(value)
