"""Raw rows in; `Rows` out: typed, one a key, in order of keys, with a finding for each one left out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from operator import itemgetter
from zoneinfo import ZoneInfo

from engine.errors import SourceError
from engine.model.catalogue import Column, Table, Type
from engine.model.finding import Finding, Place, Severity
from engine.model.work import Row
from engine.ports import Rows
from engine.source.values import Convert, Misfit, Notes, convert_for

NOTE = "@OData.Community.Display.V1.FormattedValue"
"""What Dataverse appends to a column's name for its display text."""

Raw = Mapping[str, object]
Spot = Callable[[int], Place | None]
"""From where a raw row stood (a line, an offset, a number) to its place, asked only for findings."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a column may stand in a raw row, in order of preference, and how it is read."""

    name: str
    names: tuple[str, ...]
    convert: Convert
    noted: Mapping[str, str]  # name in the raw row → name of its display text; empty: not looked at
    textual: bool  # text: the display text counts where the raw value is a reference or a number

    def name_in(self, row: Raw) -> str | None:
        """Under which name the row has it, filled in if any is."""
        there = [name for name in self.names if name in row]
        return next((name for name in there if row[name] not in (None, "")), there[0] if there else None)

    def value(self, row: Raw) -> object:
        """The typed value, none where the row has none; raises Misfit in words for people."""
        for name in self.names:
            value = row.get(name)
            if value is not None and value != "":
                break
        else:
            return None
        note = row.get(self.noted[name]) if self.noted else None
        # A look-up or choice that we take as text, such as a currency, is known by its display text.
        if self.textual and isinstance(note, str) and (name == self.lookup_name or not isinstance(value, str)):
            value = note
        return self.convert(value, note)

    @property
    def lookup_name(self) -> str:
        """The name that a look-up wears in Dataverse."""
        return f"_{self.names[0]}_value"


def _fast(cell: Cell, first: Raw) -> tuple[Cell, str, str, str | None, Convert]:
    """How to read a cell if the rows are all like the first one."""
    name = cell.name_in(first) or cell.names[0]
    note = cell.noted.get(name)
    if cell.textual and (note in first or name == cell.lookup_name):
        return cell, cell.name, "", None, cell.convert
    return cell, cell.name, name, note if note in first else None, cell.convert


def _at_once(cells: list[Cell], first: Raw) -> Callable[[Raw], tuple[object, ...]] | None:
    """All values in one step, where each column has one name only and no display text."""
    names = [cell.names[0] for cell in cells if len(cell.names) == 1 and not cell.noted]
    usable = len(names) == len(cells) > 1 and all(name in first for name in names)
    return itemgetter(*names) if usable else None


def cells_for(table: Table, columns: Iterable[str], zone: ZoneInfo, notes: Notes) -> list[Cell]:
    """The key's cell first, then one for each other column asked for. Raises SourceError on unknown ones."""
    wanted = dict.fromkeys([table.key, *columns])
    return [_cell(table, column_of(table, name), zone, notes) for name in wanted]


def _cell(table: Table, column: Column, zone: ZoneInfo, notes: Notes) -> Cell:
    names = tuple(dict.fromkeys((column.logical, f"_{column.logical}_value", column.name)))
    key = column.name == table.key
    labelled = column.type in (Type.CHOICE, Type.TEXT, Type.BOOLEAN) and not key
    noted = {name: name + NOTE for name in names} if labelled else {}
    textual = column.type is Type.TEXT and not key
    return Cell(column.name, names, convert_for(column, zone, notes, key=key), noted, textual)


def table_of(tables: Mapping[str, Table], name: str) -> Table:
    """The table of that name. Raises SourceError naming the nearest."""
    if name not in tables:
        raise SourceError(f"there is no table `{name}`{nearest(name, tables)}")
    return tables[name]


def column_of(table: Table, name: str) -> Column:
    """The column of that name. Raises SourceError naming the nearest."""
    if name not in table.columns:
        raise SourceError(f"table {table.name} has no column `{name}`{nearest(name, table.columns)}")
    return table.columns[name]


def nearest(name: str, names: Iterable[str], cutoff: float = 0.5) -> str:
    """`; did you mean …?`, or nothing. `cutoff` is how much alike they must be, from 0 to 1."""
    close = get_close_matches(name, list(names), n=1, cutoff=cutoff)
    return f"; did you mean `{close[0]}`?" if close else ""


class Gathering:
    """Rows being typed one by one; `end` gives them all."""

    def __init__(self, table: Table, cells: list[Cell], notes: Notes, spot: Spot) -> None:
        """`notes` is the list that the cells' converters write to."""
        self.table, self.cells, self.notes, self.spot = table, cells, notes, spot
        self.unseen = list(cells)  # columns that no raw row had so far, under any of their names
        self.rows = 0
        self.findings: list[Finding] = []
        self._found: dict[str, tuple[Row, int]] = {}
        self._twice: dict[str, list[int]] = {}
        self._refused: dict[str, list[int]] = {}
        self._parts: dict[str, Row] = {}  # of rows left out: what can be read of them
        self._fast: list[tuple[Cell, str, str, str | None, Convert]] = []
        self._at_once: Callable[[Raw], tuple[object, ...]] | None = None

    def add(self, raw: Raw, where: int) -> None:
        """Types one raw row; a row that cannot be typed becomes a finding."""
        self.rows += 1
        if self.unseen:
            self.unseen = [cell for cell in self.unseen if cell.name_in(raw) is None]
        if not self._fast:
            self._fast = [_fast(cell, raw) for cell in self.cells]
            self._at_once = _at_once(self.cells, raw)
        try:
            row = self._typed_at_once(raw) if self._at_once else self._typed(raw)
        except Misfit:
            self._refuse(raw, where)
            return
        self._keep(row, where)
        if self.notes:
            self._note(row, where)

    def _typed_at_once(self, raw: Raw) -> Row:
        try:
            values = self._at_once(raw) if self._at_once else ()
        except KeyError:
            return self._typed(raw)
        return {
            cell.name: None if value is None or value == "" else cell.convert(value, None)
            for cell, value in zip(self.cells, values, strict=True)
        }

    def _typed(self, raw: Raw) -> Row:
        row: Row = {}
        get = raw.get
        for cell, name, key, note, convert in self._fast:
            value = get(key)
            if value is None or value == "":
                row[name] = cell.value(raw)  # under another name, perhaps
            else:
                row[name] = convert(value, get(note) if note else None)
        return row

    def _keep(self, row: Row, where: int) -> None:
        key = row[self.table.key]
        if key is None:
            self._say("row-without-key", where, f"a row of {self.table.name} has no key", row=row)
        elif key in self._found:
            self._twice.setdefault(key, [self._found[key][1]]).append(where)
            self._part(key, row)
        else:
            self._found[key] = row, where

    def unreadable(self, where: int, text: str) -> None:
        """A row that is none."""
        self._say("row-unreadable", where, text)

    def end(self) -> Rows:
        """All rows with a key of their own, by key."""
        for key in self._refused.keys() & self._found.keys():
            self._twice.setdefault(key, [self._found[key][1]]).extend(self._refused[key])
        for key, places in self._twice.items():
            self._part(key, self._found.pop(key)[0])
            for where in places:
                others = " and ".join(str(self.spot(at)) for at in places if at != where)
                self._say(
                    "key-twice",
                    where,
                    f"{self.table.name} {key} is there more than once (also at {others})",
                    key=key,
                    row=self._parts[key],
                )
        rows = [self._found[key][0] for key in sorted(self._found)]
        return Rows(rows, sorted(self.findings, key=_order), self._parts)

    def _part(self, key: str, row: Row) -> None:
        """What can be read of a row that is left out; of several with one key, what they agree on."""
        known = self._parts.get(key, row)
        self._parts[key] = {name: value for name, value in known.items() if name in row and row[name] == value}

    def _refuse(self, raw: Raw, where: int) -> None:
        part: Row = {}
        faults = []
        for cell in self.cells:
            try:
                part[cell.name] = cell.value(raw)
            except Misfit as error:
                faults.append(f"{cell.name}: {error}")
        self.notes.clear()
        key = str(part.get(self.table.key) or "")
        if key:
            self._refused.setdefault(key, []).append(where)
            self._part(key, part)
        for fault in faults:
            text = f"{self.table.name} {key or 'without a key'}, {fault}"
            self._say("value-not-its-type", where, text, key=key, row=part)

    def _note(self, row: Row, where: int) -> None:
        columns = ", ".join(dict.fromkeys(self.notes))
        self.notes.clear()
        key = str(row[self.table.key] or "")
        text = f"{self.table.name} {key}, {columns}: control characters or terminal escapes, read without them"
        remedy = "Correct the text in Work 365."
        self.findings.append(
            Finding(
                "control-characters",
                Severity.WARNING,
                text,
                remedy,
                self.spot(where),
                key=key,
                name=self._title(row),
            )
        )

    def _say(self, code: str, where: int, text: str, *, key: str = "", row: Row | None = None) -> None:
        remedy = "Correct it in Work 365: the row is left out until then."
        self.findings.append(
            Finding(code, Severity.ERROR, text, remedy, self.spot(where), key=key, name=self._title(row or {}))
        )

    def _title(self, row: Row) -> str:
        """What people know the row by, if that can be read."""
        name = row.get(self.table.title)
        return name if isinstance(name, str) else ""


def _order(finding: Finding) -> tuple[Place, str, str]:
    return finding.place or Place(""), finding.key, finding.text


def missing(table: Table, names: Collection[str], cells: Iterable[Cell], file: str) -> SourceError:
    """What to raise for columns that a file has not."""
    said = []
    for cell in cells:
        label = f"{cell.name} (`{cell.names[0]}`)" if cell.names[0] != cell.name else f"`{cell.name}`"
        said.append(f"no column for {label}{nearest(cell.names[0], names).rstrip('?')}")
    return SourceError(f"{file}: {', '.join(said)}. Export table {table.label or table.name} with these columns")
