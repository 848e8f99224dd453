"""Where a column stands in a raw row, and how its value is read.

A raw row may use the catalogue's logical name, the name that Dataverse gives a look-up, or our own
name. Dataverse may add the display text of a value beside it (docs/explanation/work365.md,
section 6.2).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.errors import SourceError
from trueup.model.catalogue import Column, Table, Type
from trueup.source.errors import InvalidValue
from trueup.source.names import column_named, suggestion
from trueup.source.shared_values import shared
from trueup.source.text import on_one_line
from trueup.source.values import CleanedColumns, Convert, converter_for

DISPLAY_SUFFIX = "@OData.Community.Display.V1.FormattedValue"
"""Dataverse appends this to a column's name for the display text of its value."""

RawRow = Mapping[str, object]

Adapt = Callable[[Column, Convert], Convert]
"""Takes a column and its converter, returns a converter for values as a certain file has them."""

MOST = 3
"""Missing columns that a message names."""

FEW = 2
"""Columns that may all be missing without the first row being no row of headings."""


class ColumnReader(Struct, frozen=True):
    """Reads one column out of raw rows."""

    name: str
    names: tuple[str, ...]  # where the column may stand in a raw row, in order of preference
    convert: Convert
    display_names: Mapping[str, str]  # by raw name; empty: display texts are not looked at
    textual: bool  # text: the display text counts where the raw value is a reference or a number
    headings: tuple[str, ...] = ()  # of a row of headings, those that all stand for the column

    def name_in(self, row: RawRow) -> str | None:
        """Returns the name that the row uses for the column, preferring one with a value."""
        present = [name for name in self.names if name in row]
        filled = (name for name in present if row[name] not in (None, ""))
        return next(filled, present[0] if present else None)

    def value(self, row: RawRow) -> object:
        """Returns the typed value, None where the row has none. Raises `InvalidValue`.

        It is invalid where several headings stand for the column and their values differ.
        """
        if self.headings:
            values = [self._converted(name, row.get(name), row) for name in self.headings]
            if any(value != values[0] for value in values):
                raise InvalidValue(f"{_listed(self.headings)} differ, and are both this column")

        for name in self.names:
            value = row.get(name)
            if value is not None and value != "":
                return self._converted(name, value, row)
        return None

    def _converted(self, name: str, value: object, row: RawRow) -> object:
        """The typed value that a row has under a name."""
        if value is None or value == "":
            return None

        display = row.get(self.display_names[name]) if self.display_names else None
        # A look-up or choice that is read as text, like a currency, is known by its display text.
        if (
            self.textual
            and isinstance(display, str)
            and (name == self.lookup_name or not isinstance(value, str))
        ):
            value = display
        return self.convert(value, display)

    @property
    def lookup_name(self) -> str:
        """The name that Dataverse gives a look-up in its rows."""
        return f"_{self.names[0]}_value"


def column_readers(
    table: Table,
    columns: Iterable[str],
    zone: ZoneInfo,
    cleaned: CleanedColumns,
    adapt: Adapt | None = None,
) -> list[ColumnReader]:
    """Returns the reader of the key first, then one for each other column.

    `zone` is the business time zone; the readers append to `cleaned`. With `adapt`, columns
    may also stand under their display labels, as in files that people export. Raises `SourceError`
    on an unknown column.
    """
    names = dict.fromkeys([table.key, *columns])
    return [_reader(table, column_named(table, name), zone, cleaned, adapt) for name in names]


def _reader(
    table: Table,
    column: Column,
    zone: ZoneInfo,
    cleaned: CleanedColumns,
    adapt: Adapt | None,
) -> ColumnReader:
    names = tuple(dict.fromkeys((column.logical, f"_{column.logical}_value", column.name)))
    names += _labels(table, column) if adapt else ()
    is_key = column.name == table.key
    convert = converter_for(column, zone, cleaned, key=is_key)
    if adapt:
        convert = adapt(column, convert)
    if not is_key:
        convert = shared(convert)
    has_display = column.type in (Type.CHOICE, Type.TEXT, Type.BOOLEAN) and not is_key
    return ColumnReader(
        name=column.name,
        names=names,
        convert=convert,
        display_names={name: name + DISPLAY_SUFFIX for name in names} if has_display else {},
        textual=column.type is Type.TEXT and not is_key,
    )


def _labels(table: Table, column: Column) -> tuple[str, ...]:
    """The column's display label, where no other column has it, as exports write it.

    Dynamics marks columns of its Excel exports that are not to be edited.
    """
    same = [one for one in table.columns.values() if one.label == column.label]
    if not column.label or len(same) > 1:
        return ()
    return column.label, f"(Do Not Modify) {column.label}"


def headings_of(table: Table, column: ColumnReader, names: Collection[str]) -> tuple[str, ...]:
    """Returns which of the names in a row of headings stand for a column, and for no other one."""
    others = (other for other in table.columns.values() if other.name != column.name)
    taken = {name for other in others for name in (other.logical, other.name)}
    return tuple(name for name in column.names if name in names and name not in taken)


def require_one_name(
    table: Table, names: Collection[str], columns: Iterable[ColumnReader], place: str
) -> None:
    """Raises `SourceError` if a row of headings names a column twice, each time in another way.

    Such a key could not be found, and of such a column only one value would be written. `names` are
    the headings, `place` is the name of their file in messages.
    """
    for column in columns:
        present = headings_of(table, column, names)
        if len(present) > 1:
            raise SourceError(
                f"{place}: {_listed(present)} are both {column.name}; remove all but one of them"
            )


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"`{on_one_line(name)}`" for name in names)


def missing_columns(
    table: Table, names: Collection[str], missing: Iterable[ColumnReader], place: str
) -> SourceError:
    """Returns the error for columns that a file or table does not have.

    `names` are the columns that it has, `place` is its name in messages.
    """
    faults, missing = [], list(missing)
    for column in missing[:MOST]:
        logical = column.names[0]
        label = f"{column.name} (`{logical}`)" if logical != column.name else f"`{column.name}`"
        faults.append(f"no column for {label}{suggestion(logical, names).rstrip('?')}")
    if len(missing) > MOST:
        faults.append(f"and {len(missing) - MOST} more")
    export = f"Export table {table.label or table.name} with these columns"
    return SourceError(f"{place}: {', '.join(faults)}. {export}")


def no_headings(table: Table, names: Collection[str], place: str) -> SourceError:
    """Returns the error for a file whose first row names none of the columns that are read.

    `names` are what stands there: the title of a report, say, with the headings further down.
    """
    shown = ", ".join(f"`{on_one_line(name)}`" for name in [*names][:MOST] if name)
    more = ", …" if len(names) > MOST else ""
    return SourceError(
        f"{place}: its first row, {shown}{more}, is no row of headings: it names no column of "
        f"{table.label or table.name}. Remove the lines above the headings, or export the table "
        "again as CSV in UTF-8"
    )
