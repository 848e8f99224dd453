"""Rows of a sheet, kept compressed, so that a few are found without reading the workbook again.

To find a row in a workbook, all rows before it must be parsed, which takes a hundred times as long
as here. Packed, they take about as much memory as the file.
"""

import pickle
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

NumberedRow = tuple[int, tuple[Any, ...]]
"""The number of a row in its sheet, and its cells."""

_BLOCK = 256
"""Rows that are compressed together: more take less memory, and longer to find one of them."""

_FASTEST = 1
"""A level of zlib."""


def has_value(cells: Sequence[object]) -> bool:
    """Returns whether any of these cells is not empty."""
    return any(cell is not None and cell != "" for cell in cells)


class PackedRows:
    """Rows with ascending numbers."""

    def __init__(self, rows: Iterable[NumberedRow]) -> None:
        """Takes the rows one by one: they are never in memory as a whole."""
        self._blocks: list[bytes] = []
        self._last = array("q")  # of each block, the number of its last row
        rows = iter(rows)
        while block := list(islice(rows, _BLOCK)):
            self._blocks.append(zlib.compress(pickle.dumps(block), _FASTEST))
            self._last.append(block[-1][0])

    def __iter__(self) -> Iterator[NumberedRow]:
        """Yields all rows."""
        for number in range(len(self._blocks)):
            yield from self._unpacked(number)

    def at(self, numbers: Sequence[int]) -> Iterator[NumberedRow]:
        """Yields the rows with these ascending numbers, as far as there are such rows."""
        opened, rows = -1, dict[int, tuple[Any, ...]]()
        for number in numbers:
            block = bisect_left(self._last, number)
            if block == len(self._blocks):
                return
            if block != opened:
                opened, rows = block, dict(self._unpacked(block))
            if number in rows:
                yield number, rows[number]

    def _unpacked(self, block: int) -> list[NumberedRow]:
        data = zlib.decompress(self._blocks[block])
        rows: list[NumberedRow] = pickle.loads(data)  # noqa: S301 -- bytes of ours, that never leave this object
        return rows
