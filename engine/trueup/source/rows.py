"""Raw rows become `Rows`: typed, ordered by key, with a finding for each row left out."""

from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from operator import itemgetter

from msgspec.structs import replace

from trueup.model.catalogue import Table
from trueup.model.compact_rows import row_maker
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping_state import Row
from trueup.ports.source import Rows
from trueup.source.column_reader import ColumnReader, RawRow, headings_of
from trueup.source.errors import InvalidValue
from trueup.source.values import CleanedColumns, Convert

PlaceOf = Callable[[int], Place | None]
"""Returns the place of a raw row from its position (a line, an offset, a number).

It is called for findings only, because computing a place may be slow.
"""

_QuickRead = tuple[ColumnReader, str, str | None, bool, Convert]
"""A column's reader, the raw name, the raw name of its display text, whether only a text is read
quickly, and its converter."""


def _quick_read(column: ColumnReader, headings: Collection[str]) -> _QuickRead:
    """How to read a column where a row has a value under this name; `column.value` does the rest.

    `headings` are the names that every row has. Without them a row may have any of the column's
    names and a display text, whatever the row before it had: only the first name is preferred to
    all others.
    """
    if column.headings:
        return column, "", None, False, column.convert
    name = next((name for name in column.names if name in headings), column.names[0])
    display = column.display_names.get(name)
    if headings and display not in headings:
        return column, name, None, False, column.convert
    # The display text of a text counts for a reference or a number.
    if column.textual and name == column.lookup_name:
        return column, "", None, False, column.convert
    return column, name, display, column.textual, column.convert


def _values_at_once(
    columns: Sequence[ColumnReader], first: RawRow
) -> Callable[[RawRow], tuple[object, ...]] | None:
    """Gets all values of a row in one step, where each column has one name and no display text."""
    names = [
        column.names[0] for column in columns if len(column.names) == 1 and not column.display_names
    ]
    usable = len(names) == len(columns) > 1 and all(name in first for name in names)
    return itemgetter(*names) if usable else None


class RowCollector:
    """Types raw rows one by one; `result` returns them all."""

    def __init__(
        self,
        table: Table,
        columns: list[ColumnReader],
        cleaned: CleanedColumns,
        place_of: PlaceOf,
        *,
        uniform: bool = False,
    ) -> None:
        """`cleaned` is the list that the columns' converters append to.

        `uniform`: all raw rows have the same names, as those below a row of headings.
        """
        self.table, self.columns, self.cleaned = table, columns, cleaned
        self.place_of, self._uniform = place_of, uniform
        self.unseen = list(columns)  # columns that no raw row had so far, under any of their names
        self.count = 0  # raw rows so far
        self.findings: list[Finding] = []
        self._rows: dict[str, Row] = {}  # by key
        self._positions = array("q")  # of these rows, in their order: an object each takes more
        self._duplicates: dict[str, list[int]] = {}  # positions by key, but that of the first
        self._unreadable: dict[str, list[int]] = {}  # positions by key
        self._parts: dict[str, Row] = {}  # of rows left out: the values that can be read
        self._keyless: list[tuple[Finding, Row]] = []  # the same, of rows whose key is unknown
        self._make = row_maker([column.name for column in columns])
        self._quick_reads: list[_QuickRead] = []
        self._at_once: Callable[[RawRow], tuple[object, ...]] | None = None

    def add(self, raw: RawRow, position: int) -> None:
        """Types one raw row; a row that cannot be typed becomes a finding."""
        self.count += 1
        if self.unseen:
            self.unseen = [column for column in self.unseen if column.name_in(raw) is None]
        if not self._quick_reads:
            headings = raw.keys() if self._uniform else ()
            self.columns = [self._under(headings, column) for column in self.columns]
            self._quick_reads = [_quick_read(column, headings) for column in self.columns]
            self._at_once = _values_at_once(self.columns, raw)

        try:
            row = self._typed_at_once(raw) if self._at_once else self._typed(raw)
        except InvalidValue:
            self._leave_out(raw, position)
            return

        self._keep(row, position)
        if self.cleaned:
            self._report_cleaned(row, position)

    def _under(self, headings: Collection[str], column: ColumnReader) -> ColumnReader:
        """The reader of a column, which compares the values if several headings stand for it."""
        own = headings_of(self.table, column, headings)
        return replace(column, headings=own) if len(own) > 1 else column

    def add_malformed(self, position: int, reason: str) -> None:
        """Reports a raw row that is not a row of columns and values."""
        self._report("row-unreadable", position, reason)

    def result(self) -> Rows:
        """Returns the rows that have a key of their own, ordered by key, and the findings."""
        for key in self._unreadable.keys() & self._rows.keys():
            self._duplicates.setdefault(key, []).extend(self._unreadable[key])

        first = self._first_positions() if self._duplicates else {}
        for key, later in self._duplicates.items():
            self._keep_part(key, self._rows.pop(key))
            positions = [first[key], *later]
            for position in positions:
                others = (self.place_of(other) for other in positions if other != position)
                places = " and ".join(str(place) for place in others if place)
                text = f"{self.table.name} {key} occurs more than once"
                text += f" (also at {places})" if places else ""
                self._report("key-twice", position, text, key=key, row=self._parts[key])

        rows = [self._rows[key] for key in sorted(self._rows)]
        return Rows(rows, sorted(self.findings, key=_order), self._parts, self._keyless)

    def places(self, keys: Iterable[str]) -> dict[str, Place]:
        """Returns the places of these rows, readable or not, by key."""
        positions = {key: found[0] for key, found in self._unreadable.items()}
        positions |= self._first_positions()
        known = {key: self.place_of(positions[key]) for key in keys if key in positions}
        return {key: place for key, place in known.items() if place}

    def _first_positions(self) -> dict[str, int]:
        """The positions of the rows by key, before those that occur twice are left out."""
        return dict(zip(self._rows, self._positions, strict=True))

    def _typed_at_once(self, raw: RawRow) -> Row:
        try:
            values = self._at_once(raw) if self._at_once else ()
        except KeyError:
            return self._typed(raw)
        return self._make(
            [
                None if value is None or value == "" else column.convert(value, None)
                for column, value in zip(self.columns, values, strict=True)
            ]
        )

    def _typed(self, raw: RawRow) -> Row:
        values: list[object] = []
        get = raw.get
        for column, raw_name, display, is_text, convert in self._quick_reads:
            value = get(raw_name)
            if value is None or value == "" or (is_text and not isinstance(value, str)):
                values.append(column.value(raw))  # this row may use another name or display text
            else:
                values.append(convert(value, get(display) if display else None))
        return self._make(values)

    def _keep(self, row: Row, position: int) -> None:
        key = row[self.table.key]
        if key is None:
            text = f"a row of {self.table.name} has no key"
            self._report("row-without-key", position, text, row=row)
        elif key in self._rows:
            self._duplicates.setdefault(key, []).append(position)
            self._keep_part(key, row)
        else:
            self._rows[key] = row
            self._positions.append(position)

    def _keep_part(self, key: str, row: Row) -> None:
        """Keeps the readable values of a row left out; of several with one key, the common ones."""
        known = self._parts.get(key, row)
        self._parts[key] = {
            name: value for name, value in known.items() if name in row and row[name] == value
        }

    def _leave_out(self, raw: RawRow, position: int) -> None:
        """Reports each unreadable value of a row, and keeps the others as its part."""
        part: Row = {}
        faults = []
        for column in self.columns:
            try:
                part[column.name] = column.value(raw)
            except InvalidValue as error:
                faults.append(f"{column.name}: {error}")
        self.cleaned.clear()

        key = str(part.get(self.table.key) or "")
        if key:
            self._unreadable.setdefault(key, []).append(position)
            self._keep_part(key, part)
        for fault in faults:
            text = f"{self.table.name} {key or 'without a key'}, {fault}"
            self._report("value-not-its-type", position, text, key=key, row=part)

    def _report_cleaned(self, row: Row, position: int) -> None:
        columns = ", ".join(dict.fromkeys(self.cleaned))
        self.cleaned.clear()
        key = str(row[self.table.key] or "")
        text = (
            f"{self.table.name} {key}, {columns}: "
            "control characters, terminal escapes or invisible characters were removed"
        )
        self.findings.append(
            Finding(
                "control-characters",
                Severity.WARNING,
                text,
                "Correct the text in Work 365.",
                self.place_of(position),
                key=key,
                name=self._title(row),
            )
        )

    def _report(
        self, code: str, position: int, text: str, *, key: str = "", row: Row | None = None
    ) -> None:
        finding = Finding(
            code,
            Severity.ERROR,
            text,
            "Correct it in Work 365: the row is left out until then.",
            self.place_of(position),
            key=key,
            name=self._title(row or {}),
        )
        self.findings.append(finding)
        if not key:
            self._keyless.append((finding, row or {}))

    def _title(self, row: Row) -> str:
        """The name that people know the row by, if it can be read."""
        name = row.get(self.table.title)
        return name if isinstance(name, str) else ""


def _order(finding: Finding) -> tuple[Place, str, str]:
    return finding.place or Place(""), finding.key, finding.text
