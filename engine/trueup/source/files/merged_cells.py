"""Merged cells of a sheet: only the first has a value, and the others would be read as empty."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from trueup.errors import SourceError
from trueup.source.files.packed_rows import NumberedRow, has_value
from trueup.source.files.workbook_file import MERGED, parse_tags, part_of
from trueup.source.text import on_one_line

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet


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

    `worksheet` is that of the rows, open for reading; `name` is the workbook's.
    """
    pending = sorted(_merged_cells(worksheet), key=lambda cells: cells.top, reverse=True)
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


def _merged_cells(worksheet: "Worksheet") -> list[_MergedCells]:
    from openpyxl.utils.cell import range_boundaries  # noqa: PLC0415 -- an extra

    ranges = list[str]()

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if tag == MERGED:
            ranges.append(attributes["ref"])

    parse_tags(part_of(worksheet), start)  # openpyxl skips these tags
    return [_MergedCells(text, *range_boundaries(text)) for text in ranges]
