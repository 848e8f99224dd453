"""A table in a sheet of an Excel workbook, with one row of headers. Needs the extra `excel`.

openpyxl reads and writes the file. A write-back keeps values and formats; of what openpyxl does not
know (such as embedded objects) it may keep less, so exports that people prepared with care are
better written back as CSV. A formula is read by the value that the program which saved the file
stored with it. openpyxl stores none, so a workbook with formulas is not written back to.
"""

import gc
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import date, datetime
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from trueup.errors import SourceError
from trueup.source.column_reader import RawRow
from trueup.source.files.documents import EditedFile, MalformedRow
from trueup.source.files.merged_cells import unmerged
from trueup.source.files.packed_rows import NumberedRow, PackedRows, has_value
from trueup.source.files.workbook_file import FORMULA, MERGED, WorkbookFile, kinds_of_tags, part_of
from trueup.source.text import on_one_line

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

DIGITS = 15
"""Significant digits of a number that Excel shows: more are noise of its binary fractions."""

LONGEST = 32_767
"""Characters that a cell holds."""


class XlsxDocument:
    """A table in one sheet; the position of a row is its number in the sheet."""

    uniform: ClassVar[bool] = True
    typed: ClassVar[bool] = True

    def __init__(
        self,
        data: bytes,
        name: str,
        sheet: str,
        packed: PackedRows | None = None,
        *,
        others: Collection[str] | None = (),
    ) -> None:
        """`packed` has the rows if they are known. `sheet` and `others`: see `WorkbookFile`."""
        self._file = WorkbookFile(data, name, sheet, others)
        self._name, self._title = name, sheet
        self._packed = packed
        self._names: list[str] | None = None

    def packed(self) -> PackedRows:
        """Returns all rows with their headings, which this document then reads no second time.

        Raises `SourceError`.
        """
        if self._packed is None:
            self._packed = PackedRows(self._read())
        return self._packed

    def rows(self) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields row by row, without empty ones. Raises `SourceError`."""
        rows = iter(self._packed or self._read())
        headers = self._headings(next(rows, None))
        return (self._row(headers, number, cells) for number, cells in rows)

    def rows_at(self, positions: Sequence[int]) -> Iterator[tuple[int, RawRow | MalformedRow]]:
        """Yields the rows with these numbers. Raises `SourceError`."""
        headers = self.names()
        return (self._row(headers, *row) for row in self.packed().at(positions))

    def _row(
        self, headers: Sequence[str], number: int, cells: Sequence[Any]
    ) -> tuple[int, RawRow | MalformedRow]:
        self._require_values(number, headers, cells)
        extra = [cell for cell in cells[len(headers) :] if cell is not None]
        faults = (
            f"{header} is {cell}, the error of a formula"
            for header, cell in zip(headers, cells, strict=False)
            if header and isinstance(cell, _FormulaError)
        )
        if extra:
            return number, MalformedRow("a row has values beyond the columns that are named")
        if fault := next(faults, ""):
            return number, MalformedRow(fault)
        filled = [*cells, *[None] * (len(headers) - len(cells))]
        named = zip(headers, filled, strict=False)
        return number, {header: _raw(value) for header, value in named if header}

    def line(self, position: int) -> int:
        """Returns the position itself: a row's number."""
        return position

    def names(self) -> list[str]:
        """Returns the headers. Raises `SourceError`."""
        if self._names is None:
            return self._headings(next(iter(self._packed or self._read()), None))
        return self._names

    def _headings(self, row: NumberedRow | None) -> list[str]:
        if row is None:
            raise SourceError(
                f"{self._name}: sheet `{self._title}` is empty; its first row must name the "
                "columns also where there are no rows: export it again"
            )
        number, cells = row
        self._require_values(number, [], cells)
        headers = ["" if cell is None else str(cell).strip() for cell in cells]
        repeated = sorted({name for name in headers if name and headers.count(name) > 1})
        if repeated:
            raise SourceError(
                f"{self._name}:{number}: column `{on_one_line(repeated[0])}` occurs more than "
                "once; the first row must name each column once"
            )
        self._names = headers
        return headers

    def given_back(self, value: object) -> object:
        """Returns what a cell with this value is read as: a number of 15 digits, a shorter text."""
        return _raw(_cell(value))

    def edited(self, edits: Mapping[int, Mapping[str, object]]) -> EditedFile:
        """Returns the workbook with new values, given by row number and header.

        Raises `SourceError` for a workbook with formulas.
        """
        self.require_editable()
        written = self._written(edits)
        gc.collect()  # a workbook and its cells refer to each other: it would stay beside the next
        return EditedFile([written])

    def _written(self, edits: Mapping[int, Mapping[str, object]]) -> bytes:
        workbook = self._file.load(formulas=True, whole=True)
        worksheet = self._file.worksheet(workbook)
        columns = {name: number for number, name in enumerate(self.names(), start=1)}
        for row, values in edits.items():
            for name, value in values.items():
                cell = worksheet.cell(row, columns[name])
                cell.value = _cell(value)
                if isinstance(value, str):  # also one that looks like a formula or an error
                    cell.data_type = "s"
        written = io.BytesIO()
        workbook.save(written)
        return written.getvalue()

    def require_editable(self) -> None:
        """Raises `SourceError` for a workbook that a write-back would damage."""
        if self._file.has_formulas():
            raise SourceError(
                f"{self._name} has formulas, and writing to it would lose their values: "
                "replace them by their values, or export the tables as CSV"
            )

    def _require_values(self, number: int, headers: Sequence[str], cells: Sequence[Any]) -> None:
        """Raises `SourceError` if a formula has no value."""
        for column, cell in enumerate(cells):
            if isinstance(cell, _Uncalculated):
                name = on_one_line(headers[column]) if column < len(headers) else ""
                name = name or f"column {column + 1}"
                raise SourceError(
                    f"{self._name}:{number}: {name} is a formula that was never calculated; "
                    "open the file in Excel and save it"
                )

    def _read(self) -> Iterator[NumberedRow]:
        """Yields the rows of the sheet, without empty ones. Raises `SourceError`."""
        with self._file.translated_errors(), ExitStack() as stack:
            sheets = [self._file.worksheet(stack.enter_context(closing(self._file.load())))]
            self._title = on_one_line(sheets[0].title)
            tags = kinds_of_tags(part_of(sheets[0]))
            if FORMULA in tags:
                workbook = stack.enter_context(closing(self._file.load(formulas=True)))
                sheets.append(self._file.worksheet(workbook))
            rows = _filled(f"{self._name}, sheet `{self._title}`", *map(_cells, sheets))
            yield from unmerged(rows, sheets[0], self._name) if MERGED in tags else rows


_TEXT = "str"
"""The type of a formula's value that is text: an empty one is a value."""


class _FormulaError(str):
    """What a cell shows whose formula has failed, such as #N/A: no text."""

    __slots__ = ()


class _Uncalculated:
    """What a formula shows that no program has calculated."""

    __slots__ = ()


class _Cell(TypedDict):
    """A cell as openpyxl's parser gives it."""

    row: int
    column: int  # from 1
    value: Any
    data_type: str


def _cells(worksheet: "Worksheet") -> Iterator[tuple[int, Sequence[_Cell]]]:
    """Yields the number and the cells of each row in the file. The worksheet is open for reading.

    Its own methods skip rows that are not in order, and make an object of each cell.
    """
    from openpyxl.worksheet._reader import WorkSheetParser  # noqa: PLC0415 -- an extra

    workbook: Any = worksheet.parent
    with part_of(worksheet) as part:
        parser = WorkSheetParser(
            part,
            worksheet._shared_strings,  # type: ignore[attr-defined] # noqa: SLF001 -- as the worksheet calls it
            data_only=workbook.data_only,
            epoch=workbook.epoch,
            date_formats=workbook._date_formats,  # noqa: SLF001 -- as above
            timedelta_formats=workbook._timedelta_formats,  # noqa: SLF001 -- as above
        )
        yield from parser.parse()


def _filled(
    place: str,
    values: Iterable[tuple[int, Sequence[_Cell]]],
    formulas: Iterable[tuple[int, Sequence[_Cell]]] | None = None,
) -> Iterator[NumberedRow]:
    """Yields rows of values with their numbers, without empty ones.

    `formulas` are the same rows with the formulas in place of their values; `place` is that of
    the sheet, for messages.
    Raises `SourceError` if rows or cells are not in order: one would take the place of another.
    """
    last = 0
    for (number, row), (_, with_formulas) in zip(values, formulas or repeat((0, ())), strict=False):
        if number <= last:
            raise _disorder(place, f"row {number} follows row {last}")
        last, cells = number, list[object]()
        for cell, formula in zip(row, with_formulas or row, strict=False):
            missing = cell["column"] - len(cells) - 1
            if missing < 0 or cell["row"] != number:
                raise _disorder(place, f"the cells of row {number} are not in order")
            cells += [None] * missing
            cells.append(_value(cell, is_formula=formula["data_type"] == "f"))
        if has_value(cells):
            yield number, tuple(cells)


def _disorder(place: str, what: str) -> SourceError:
    return SourceError(f"{place}: {what}; open the file in Excel and save it again")


def _value(cell: _Cell, *, is_formula: bool) -> object:
    if cell["data_type"] == "e":
        return _FormulaError(cell["value"])
    if is_formula and cell["value"] is None and cell["data_type"] != _TEXT:
        return _Uncalculated()
    return cell["value"]


def _raw(value: object) -> object:
    """A cell's value as `source.values` reads it."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else Decimal(f"{value:.{DIGITS}g}")
    return value


def _cell(value: object) -> str | int | float | bool | date | None:
    """A value as a cell holds it: Excel knows no time zones, so a time with one becomes text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.isoformat()
    if isinstance(value, str):
        return value[:LONGEST]
    return value if value is None or isinstance(value, int | float | date) else str(value)
