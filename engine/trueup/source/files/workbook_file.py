"""The file of an Excel workbook, which openpyxl opens, and the sheet of one table in it."""

import io
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import BadZipFile, ZipFile

from trueup.errors import SourceError
from trueup.source.text import on_one_line

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
    ExpatError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What the reader raises: whatever the broken part of a file leads to."""

_SHEET, FORMULA, MERGED = (
    f"http://schemas.openxmlformats.org/spreadsheetml/2006/main {name}"
    for name in ("worksheet", "f", "mergeCell")
)
"""Tags in the part of a sheet, as `parse_tags` names them."""

_PARSED = 1 << 16
"""Bytes of a part that are parsed at once."""


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
                f"{self._name} is an Excel workbook: reading one needs "
                "`pip install 'trueup[excel]'`"
            ) from error
        with self.translated_errors():
            data = io.BytesIO(self._data)
            return load_workbook(data, data_only=not formulas, read_only=not whole)

    @contextmanager
    def translated_errors(self) -> Iterator[None]:
        """Raises `SourceError` for what reading a broken or encrypted file leads to."""
        try:
            yield
        except _BROKEN as error:
            raise SourceError(
                f"{self._name} cannot be read as an Excel workbook (.xlsx): save it again in "
                "Excel, without a password"
            ) from error

    def has_formulas(self) -> bool:
        """Returns whether any sheet has a formula."""
        with self.translated_errors(), ZipFile(io.BytesIO(self._data)) as parts:
            return any(_is_sheet_with_formula(parts.open(name)) for name in parts.namelist())

    def worksheet(self, workbook: "Workbook") -> "Worksheet":
        """Returns the sheet that is read, of this workbook as it was loaded."""
        sheets: Sequence[Worksheet] = workbook.worksheets
        # Dynamics names the sheet of an export after the view, and adds a hidden one.
        visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
        named = [sheet for sheet in sheets if sheet.title.casefold() == self._sheet.casefold()]
        if not named and (len(visible) != 1 or self._is_of_other_table(visible[0].title)):
            names = ", ".join(map(on_one_line, workbook.sheetnames))
            raise SourceError(f"{self._name} has no sheet `{self._sheet}`; its sheets are {names}")
        return next(iter(named or visible))

    def _is_of_other_table(self, title: str) -> bool:
        """Whether a sheet with this title may hold another table than the one that is read."""
        if self._others is None:
            return True
        return title.casefold() in {name.casefold() for name in self._others}


def _is_sheet_with_formula(part: IO[bytes]) -> bool:
    try:
        tags = kinds_of_tags(part)
    except (ExpatError, LookupError, ValueError):  # the last two: an encoding that is not known
        return False  # a picture, for example; nothing reads a sheet that is not XML
    return _SHEET in tags and FORMULA in tags


def part_of(worksheet: "Worksheet") -> IO[bytes]:
    """Returns the part of a sheet in its file, wherever it is. It is open for reading."""
    part: IO[bytes] = worksheet._get_source()  # type: ignore[attr-defined] # noqa: SLF001 -- it knows the file's relations
    return part


def kinds_of_tags(part: IO[bytes]) -> Collection[str]:
    """Returns the name of each tag in a part of a workbook once; see `parse_tags`."""
    found: dict[str, object] = {}
    parse_tags(part, found.setdefault)  # no function of Python: a sheet has a million tags
    return found.keys()


def parse_tags(part: IO[bytes], start: Callable[[str, dict[str, str]], object]) -> None:
    """Calls `start` with name and attributes of each tag in a part of a workbook. Closes it.

    A name is that of its namespace, a blank, and its own.
    """
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    with part:
        while block := part.read(_PARSED):
            parser.Parse(block)
    parser.Parse(b"", True)  # noqa: FBT003 -- the end; it takes no names
