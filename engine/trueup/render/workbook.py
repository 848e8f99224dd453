"""Writes Excel workbooks: sheets of cells with the values of the data. Needs the extra `excel`.

XlsxWriter makes the file. It keeps decimals as they are, and the value of a formula beside it:
programs that compute nothing (a preview, Excel's protected view of attachments) show totals too.

Text from data is always text: it is never taken for a formula, a link or a number. A cell whose
text begins like a formula is marked as text, so that it stays text when it is edited.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum, auto
from io import BytesIO
from typing import Any, assert_never

from msgspec import Struct

from trueup.errors import EngineError
from trueup.model.money import SYMBOLS
from trueup.render.csv_ import Figure, is_formula
from trueup.render.sanitize import sanitize

LONGEST = 32_767
"""The capacity of one cell, in units of UTF-16."""

DIGITS = 15
"""Digits of a whole number that Excel keeps; a longer one is text."""

FIRST_YEAR = 1900
"""The first year of Excel's dates."""

INSTALL = "pip install 'trueup[excel]'"
_A4 = 9
_UTF_16 = "utf-16-le"


class SheetFormula(Struct, frozen=True):
    """A formula with its computed value."""

    text: str  # begins with `=`
    value: Decimal

    def __add__(self, other: "SheetFormula") -> "SheetFormula":
        return SheetFormula(f"{self.text}+{other.text[1:]}", self.value + other.value)


Content = Figure | SheetFormula


class Look(StrEnum):
    """The format of a cell."""

    TEXT = auto()
    LONG = auto()  # text over several lines
    TITLE = auto()
    HEADING = auto()
    HEADING_RIGHT = auto()
    EFFECT = auto()  # money with its sign
    AMOUNT = auto()
    PRICE = auto()  # of a unit: up to four places
    TOTAL = auto()  # money with its sign, below a line
    TOTAL_TEXT = auto()
    DAY = auto()


class Sheet:
    """One sheet: cells by row and column, both counted from zero."""

    def __init__(self, worksheet: Any, looks: dict[Look, Any], quoted: dict[Look, Any]) -> None:  # noqa: ANN401 -- XlsxWriter has no types
        self._sheet, self._looks, self._quoted = worksheet, looks, quoted

    def put(self, row: int, column: int, content: Content, look: Look = Look.TEXT) -> None:
        """Writes a cell. None and "" leave it empty."""
        format_ = self._looks[look]
        match content:
            case None | "":
                pass
            case SheetFormula():
                self._sheet.write_formula(row, column, content.text, format_, content.value)
            case str():
                self._text(row, column, content, look)
            case date():
                self._day(row, column, content)
            case int() if len(str(abs(content))) > DIGITS:
                self._text(row, column, str(content), look)
            case int() | Decimal():
                self._sheet.write_number(row, column, content, format_)
            case _:
                assert_never(content)

    def put_long(self, row: int, columns: tuple[int, int], text: str, height: int) -> None:
        """Writes a text over several columns and lines; `height` counts the lines."""
        self._sheet.set_row(row, 15 * height)
        self._sheet.merge_range(row, columns[0], row, columns[1], "", self._looks[Look.LONG])
        self._text(row, columns[0], text, Look.LONG)

    def set_widths(self, widths: Sequence[int]) -> None:
        """Sets the widths of the columns, in characters."""
        for column, width in enumerate(widths):
            self._sheet.set_column(column, column, width)

    def set_table(self, rows: int, columns: int) -> None:
        """Makes the first row a heading that stays in view, with filters for the rows below it."""
        self._sheet.freeze_panes(1, 0)
        self._sheet.repeat_rows(0)
        if rows:
            self._sheet.autofilter(0, 0, rows, columns - 1)

    def _text(self, row: int, column: int, text: str, look: Look) -> None:
        shown = cell_text(text)
        looks = self._quoted if is_formula(shown) else self._looks
        self._sheet.write_string(row, column, shown, looks[look])

    def _day(self, row: int, column: int, day: date) -> None:
        if day.year < FIRST_YEAR:
            self._text(row, column, day.isoformat(), Look.DAY)
        else:
            self._sheet.write_datetime(row, column, day, self._looks[Look.DAY])


class Workbook:
    """A workbook in the making."""

    def __init__(self, title: str, day: date, currency: str) -> None:
        """`day` is its creation date: the same content gives the same bytes.

        Raises EngineError if the extra is missing.
        """
        try:
            import xlsxwriter  # noqa: PLC0415 -- an extra, only for this format
        except ImportError as error:
            raise EngineError(f"writing an Excel workbook needs `{INSTALL}`") from error
        self._file = BytesIO()
        self._book = xlsxwriter.Workbook(self._file, {"in_memory": True})
        created = datetime.combine(day, time(), UTC)
        self._book.set_properties({"title": cell_text(title)[:200], "created": created})
        styles = _styles(currency)
        self._looks = {look: self._book.add_format(style) for look, style in styles.items()}
        self._quoted = {
            look: self._book.add_format({**style, "quote_prefix": True})
            for look, style in styles.items()
        }

    def add(self, title: str) -> Sheet:
        """Adds a sheet, for paper in landscape and as wide as the page."""
        worksheet = self._book.add_worksheet(title)
        worksheet.set_landscape()
        worksheet.set_paper(_A4)
        worksheet.fit_to_pages(1, 0)
        worksheet.set_footer("&L&A&RPage &P of &N")
        return Sheet(worksheet, self._looks, self._quoted)

    def finished(self) -> bytes:
        """Returns the content of the file."""
        self._book.close()
        return self._file.getvalue()


def cell_text(text: str) -> str:
    """Returns the text on one line, without hidden characters, within Excel's limit."""
    shown = sanitize(text, LONGEST)
    if 2 * len(shown) <= LONGEST:
        return shown
    return shown.encode(_UTF_16)[: 2 * LONGEST].decode(_UTF_16, "ignore")


def column_name(column: int) -> str:
    """The letters of a column, counted from zero: A, B, …, Z, AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _styles(currency: str) -> dict[Look, dict[str, object]]:
    unit = _unit(currency)
    amount, effect = f"{unit}#,##0.00", f"+{unit}#,##0.00;-{unit}#,##0.00;{unit}0.00"
    return {
        Look.TEXT: {},
        Look.LONG: {"text_wrap": True, "valign": "top"},
        Look.TITLE: {"bold": True, "font_size": 14},
        Look.HEADING: {"bold": True, "bottom": 1},
        Look.HEADING_RIGHT: {"bold": True, "bottom": 1, "align": "right"},
        Look.EFFECT: {"num_format": effect},
        Look.AMOUNT: {"num_format": amount},
        Look.PRICE: {"num_format": f"{amount}##"},
        Look.TOTAL: {"num_format": effect, "top": 1, "bold": True},
        Look.TOTAL_TEXT: {"top": 1, "bold": True},
        Look.DAY: {"num_format": "yyyy-mm-dd"},
    }


def _unit(currency: str) -> str:
    """Returns the currency quoted for a number format, so that it cannot end the quotes."""
    code = "".join(letter for letter in currency if letter.isalnum())[:8]
    unit = SYMBOLS.get(currency) or (f"{code} " if code else "")
    return f'"{unit}"' if unit else ""
