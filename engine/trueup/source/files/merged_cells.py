"""Merged cells of a sheet: only the first has a value, and the others would be read as empty."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trueup.errors import SourceError
from trueup.source.files.packed_rows import NumberedRow, has_value
from trueup.source.files.workbook_file import MERGED, parse_tags, part_of
from trueup.source.text import on_one_line

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


_MOST_COLUMNS, _MOST_ROWS = 16_384, 1_048_576
"""Of a sheet."""


class _MergedCells(NamedTuple):
    """Merged cells: their range, and its borders as numbers of columns and rows, from 1."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


def unmerged(
    rows: Iterator[NumberedRow], worksheet: "Worksheet", name: str
) -> Iterator[NumberedRow]:
    """Yields the rows. Raises `SourceError` where one has lost a value to merged cells.

    Raises it for a reference to merged cells that cannot be read, too.

    `worksheet` is that of the rows, open for reading; `name` is the workbook's.
    """
    pending = sorted(_merged_cells(worksheet, name), key=lambda cells: cells.top, reverse=True)
    current: list[_MergedCells] = []
    headings: Sequence[Any] = ()
    for number, row in rows:
        while pending and pending[-1].top <= number:
            cells = pending.pop()
            if cells.top == number and has_value(row[cells.left - 1 : cells.left]):
                current.append(cells)
        current = [cells for cells in current if cells.bottom >= number]
        for cells in current:
            first = cells.left - (number > cells.top)  # the first cell itself has the value
            if has_value(headings[first : cells.right]):
                sheet = on_one_line(worksheet.title)
                raise SourceError(
                    f"{name}: cells {cells.text} of sheet `{sheet}` are merged, and only the first "
                    "of them has a value: unmerge them in Excel and fill each"
                )
        headings = headings or row
        yield number, row


def _merged_cells(worksheet: "Worksheet", name: str) -> list[_MergedCells]:
    ranges = list[str]()

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == MERGED:
            ranges.append(attributes.get("ref", ""))

    parse_tags(part_of(worksheet), start)  # openpyxl skips these tags
    return [_read_range(text, worksheet, name) for text in ranges]


def _read_range(text: str, worksheet: "Worksheet", name: str) -> _MergedCells:
    """Returns the merged cells of a reference, which may name the sheet before a `!`."""
    from openpyxl.utils.cell import range_boundaries  # noqa: PLC0415 -- an extra

    unreadable = SourceError(
        f"{name}: merged cells `{on_one_line(text)}` of sheet `{on_one_line(worksheet.title)}` "
        "cannot be read: unmerge them in Excel"
    )
    try:
        left, top, right, bottom = range_boundaries(text.rpartition("!")[2])
    except (LookupError, TypeError, ValueError):
        raise unreadable from None
    # Cells that are merged over whole columns or rows have no numbers of rows or columns.
    cells = _MergedCells(text, left or 1, top or 1, right or _MOST_COLUMNS, bottom or _MOST_ROWS)
    if not (left or top) or cells.left > cells.right or cells.top > cells.bottom:
        raise unreadable
    return cells
