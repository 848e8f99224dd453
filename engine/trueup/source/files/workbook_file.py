"""The file of an Excel workbook, which openpyxl opens, and the sheet of one table in it."""

import io
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from trueup.errors import SourceError
from trueup.source.files.documents import BLOCK

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_BROKEN = (
    BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # a part that is encrypted, or compressed in a way that Python does not know
    SyntaxError,  # of XML
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What the reader raises: whatever the broken part of a file leads to."""

_SHEETS = "xl/worksheets/"
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
"""The tag of a formula in the part of a sheet."""

_LONGEST_TAG = 64
"""Bytes that a tag may take in front of a block's end."""


class WorkbookFile:
    """The bytes of a workbook, of which one sheet is read. All methods raise `SourceError`."""

    def __init__(self, data: bytes, name: str, sheet: str, others: Collection[str] | None) -> None:
        """`sheet` is read, or the only visible one unless its name is among `others`.

        These are sheets of other tables. None: only `sheet` is read.
        """
        self._data, self._name = data, name
        self._sheet, self._others = sheet, others

    def load(self, *, formulas: bool = False, whole: bool = False) -> "Workbook":
        """Returns it with formulas or the values that are stored with them; `whole` to edit it.

        For reading, only the cells that there are come one by one: a stray one in the last column
        or row of a sheet costs nothing.
        """
        try:
            from openpyxl import load_workbook  # noqa: PLC0415 -- an extra, only for this format
        except ImportError as error:
            raise SourceError(
                f"{self._name} is an Excel workbook: reading one needs `pip install trueup[excel]`"
            ) from error
        with self.readable():
            data = io.BytesIO(self._data)
            return load_workbook(data, data_only=not formulas, read_only=not whole)

    @contextmanager
    def readable(self) -> Iterator[None]:
        """Raises `SourceError` for what reading a broken or encrypted file leads to."""
        try:
            yield
        except _BROKEN as error:
            raise SourceError(
                f"{self._name} cannot be read as an Excel workbook (.xlsx): save it again in "
                "Excel, without a password"
            ) from error

    def has_formulas(self) -> bool:
        """Returns whether any sheet may have a formula."""
        with self.readable(), ZipFile(io.BytesIO(self._data)) as parts:
            sheets = [name for name in parts.namelist() if name.startswith(_SHEETS)]
            return any(tag for name in sheets for tag in tags(parts.open(name), _FORMULA))

    def worksheet(self, workbook: "Workbook") -> "Worksheet":
        """Returns the sheet that is read, of this workbook as it was loaded."""
        sheets: Sequence[Worksheet] = workbook.worksheets
        # Dynamics names the sheet of an export after the view, and adds a hidden one.
        visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
        named = [sheet for sheet in sheets if sheet.title.casefold() == self._sheet.casefold()]
        if not named and (len(visible) != 1 or self._is_of_other_table(visible[0].title)):
            names = ", ".join(workbook.sheetnames)
            raise SourceError(f"{self._name} has no sheet `{self._sheet}`; its sheets are {names}")
        return next(iter(named or visible))

    def _is_of_other_table(self, title: str) -> bool:
        """Whether a sheet with this title may hold another table than the one that is read."""
        if self._others is None:
            return True
        return title.casefold() in {name.casefold() for name in self._others}


def tags(part: IO[bytes], tag: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
    """Yields the tags in the part of a sheet. It is read block by block, and closed."""
    with part:
        before = b""
        while block := part.read(BLOCK):
            yield from tag.finditer(before + block)
            before = block[-_LONGEST_TAG:]
