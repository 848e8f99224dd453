"""Reads workbooks back; formulas are computed here from the cells, with Decimal."""

import io
import re
from decimal import Decimal
from functools import cached_property

from openpyxl import load_workbook

SUM = re.compile(r"SUM\((\w+)!\$([A-Z]+)\$(\d+):\$\2\$(\d+)\)")
SUM_IF = re.compile(r'SUMIF\((\w+)!\$([A-Z]+)\$(\d+):\$\2\$(\d+),"([<>])0"\)')


def exact(number):
    """The number as it is shown: floats in a file stand for decimals of few digits."""
    return Decimal(repr(number))


class Book:
    """A workbook as people see it."""

    def __init__(self, content):
        self._content = content
        self._formulas = load_workbook(io.BytesIO(content))

    @cached_property
    def _values(self):
        """What the file keeps beside formulas."""
        return load_workbook(io.BytesIO(self._content), data_only=True)

    @property
    def titles(self):
        """The names of the sheets."""
        return self._formulas.sheetnames

    def rows(self, title):
        """Cells of a table by heading; without the totals below it."""
        sheet = self._formulas[title]
        names = [cell.value for cell in sheet[1]]
        rows = [dict(zip(names, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
        return rows[:-1] if rows and rows[-1][names[0]].value == "total" else rows

    def column(self, title, name):
        """The values of a column."""
        return [row[name].value for row in self.rows(title)]

    def sum(self, title, name):
        """The sum of the numbers in a column."""
        numbers = [value for value in self.column(title, name) if isinstance(value, int | float)]
        return sum(map(exact, numbers), Decimal(0))

    def totals(self, title):
        """What the formulas below a table come to, by heading; checked against their values."""
        sheet = self._formulas[title]
        names, last = [cell.value for cell in sheet[1]], sheet[sheet.max_row]
        return {
            name: self.value(title, cell.coordinate)
            for name, cell in zip(names, last, strict=True)
            if cell.data_type == "f"
        }

    def head(self):
        """The figures of the first sheet: label → amounts in their order."""
        found = {}
        for row in self._formulas["Summary"].iter_rows():
            amounts = [
                self.value("Summary", cell.coordinate)
                for cell in row[1:]
                if cell.data_type in {"n", "f"} and cell.value is not None
            ]
            if amounts:
                found[row[0].value] = amounts
        return found

    def value(self, title, place):
        """What a cell comes to; what the file keeps beside a formula must be the same."""
        cell, kept = self._formulas[title][place], self._values[title][place].value
        if cell.data_type != "f":
            return exact(cell.value)
        came_to = self._evaluated(cell.value)
        assert exact(kept) == came_to, f"{title}!{place}: {cell.value} is {came_to}, not {kept}"
        return came_to

    def _evaluated(self, formula):
        assert formula.startswith("=")
        return sum((self._term(term) for term in formula[1:].split("+")), Decimal(0))

    def _term(self, term):
        if found := SUM.fullmatch(term):
            return sum(self._numbers(*found.groups()), Decimal(0))
        found = SUM_IF.fullmatch(term)
        assert found, term
        *cells, sign = found.groups()
        side = 1 if sign == ">" else -1
        return sum((n for n in self._numbers(*cells) if n * side > 0), Decimal(0))

    def _numbers(self, title, column, first, last):
        sheet = self._formulas[title]
        cells = (sheet[f"{column}{row}"] for row in range(int(first), int(last) + 1))
        return [
            exact(cell.value) for cell in cells if cell.data_type == "n" and cell.value is not None
        ]
