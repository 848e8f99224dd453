"""Decides what a write-back replaces in a document, and the outcome of each update.

Nothing is written here; `source` writes the edited text.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.model.catalogue import Column, Table, Type
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.column_reader import (
    DISPLAY_SUFFIX,
    ColumnReader,
    RawRow,
    column_readers,
    missing_columns,
    require_one_name,
)
from trueup.source.errors import InvalidValue, RowChanged, UpdateRefused
from trueup.source.files.documents import MalformedRow, TableDocument
from trueup.source.files.row_index import UNKNOWN, ColumnFormat, RowIndex
from trueup.source.files.value_formats import FileFormat
from trueup.source.text import canonical_key, shown
from trueup.source.updates import columns_of, values_to_set
from trueup.source.values import choice_number

Edits = dict[int, dict[str, object]]
"""New raw values by the position of the row and the raw name of the column."""


class _Editor(Struct, frozen=True):
    """Edits rows of one document."""

    table: Table
    document: TableDocument
    columns: Mapping[str, ColumnReader]
    rows: dict[str, list[tuple[int, RawRow]]]  # by key, with their positions
    formats: Mapping[str, ColumnFormat]  # by column
    zone: ZoneInfo
    file_format: FileFormat
    edits: Edits = {}

    def apply(self, update: RowUpdate) -> RowOutcome:
        """Adds the update to the edits."""
        key = canonical_key(update.key)
        rows = self.rows.get(key, [])
        if len(rows) != 1:
            gone = "the row does not exist any more, and no row is created"
            return RowOutcome(update.key, "the key occurs more than once" if rows else gone)

        position, raw = rows[0]
        try:
            changed = self._changed(update, raw)
        except UpdateRefused as refusal:
            return RowOutcome(update.key, str(refusal), row_changed=isinstance(refusal, RowChanged))
        if changed:
            self.edits.setdefault(position, {}).update(changed)
            # The next update of the same row starts from the changed one.
            self.rows[key] = [(position, {**raw, **changed})]
        return RowOutcome(update.key)

    def _changed(self, update: RowUpdate, raw: RawRow) -> Mapping[str, object]:
        """Raw names and values to set; none if all are set already. Raises `UpdateRefused`."""
        changed: dict[str, object] = {}
        to_set = values_to_set(self.table, self.columns, update, raw, self.zone)
        for name, value in to_set.items():
            column, column_format = self.table.columns[name], self.formats[name]
            values = _raw_values(column, self._written(column, value), raw, column_format)
            given_back = {
                raw_name: self.document.given_back(one) for raw_name, one in values.items()
            }
            self._require_kept(name, value, {**raw, **given_back})
            changed |= values
        return changed

    def _written(self, column: Column, value: object) -> object:
        """A value as this file writes it: as text in its spelling, or typed as its cells are."""
        value_format = self.file_format.of(self.table, column)
        if self.document.typed:
            return value_format.write_typed(value, self.zone)
        written = value_format.write(value, self.zone)
        if isinstance(written, date) and not isinstance(written, datetime):
            return written.isoformat()
        return written

    def _require_kept(self, name: str, value: object, raw: RawRow) -> None:
        """Raises `UpdateRefused` if the file would not give back what is written to it."""
        try:
            kept = self.columns[name].value(raw)
        except InvalidValue as error:
            raise UpdateRefused(
                f"{name}: the file would hold what cannot be read: {error}"
            ) from error
        if kept != value:
            raise UpdateRefused(
                f"{name}: the file would give back {shown(kept)} for {shown(value)}; "
                "see source.format"
            )


def edit(
    table: Table,
    document: TableDocument,
    index: RowIndex,
    updates: Sequence[RowUpdate],
    zone: ZoneInfo,
    file_format: FileFormat,
) -> tuple[Edits, Sequence[RowOutcome]]:
    """Returns the edits of a document and one outcome for each update.

    `index` is that of the document. `zone` is the business time zone. Raises `SourceError` for a
    column that the file does not have.
    """
    adapt = file_format.adapt(table, zone)
    key, *columns = column_readers(table, columns_of(updates), zone, [], adapt)
    if document.uniform:
        require_one_name(table, document.names(), [key, *columns], table.name)
    _learn_formats(document, columns, index.formats)
    rows = {
        written: _raw_rows(document, index.positions(written))
        for written in {canonical_key(update.key) for update in updates} - {UNKNOWN}
    }
    unseen = [column for column in columns if column.name not in index.formats]
    if unseen and any(rows.values()):
        raise missing_columns(table, document.names(), unseen, table.name)

    readers = {column.name: column for column in columns}
    editor = _Editor(table, document, readers, rows, index.formats, zone, file_format)
    outcomes = [editor.apply(update) for update in updates]
    return editor.edits, outcomes


def _raw_rows(document: TableDocument, positions: Sequence[int]) -> list[tuple[int, RawRow]]:
    return [
        (position, raw)
        for position, raw in document.rows_at(positions)
        if not isinstance(raw, MalformedRow)
    ]


def _learn_formats(
    document: TableDocument, columns: Iterable[ColumnReader], formats: dict[str, ColumnFormat]
) -> None:
    """Adds how the file writes these columns, from all rows; what is known already stays."""
    unknown = [column for column in columns if column.name not in formats]
    for _, raw in document.rows() if unknown else ():
        if not isinstance(raw, MalformedRow):
            for column in unknown:
                _learn_format(column, raw, formats)


def _learn_format(column: ColumnReader, raw: RawRow, formats: dict[str, ColumnFormat]) -> None:
    name = column.name_in(raw)
    if name is None:
        return
    column_format = formats.setdefault(column.name, ColumnFormat(name))
    value, display = raw[name], raw.get(name + DISPLAY_SUFFIX)
    if value is None or value == "":
        return

    number = choice_number(value)
    if column_format.numbered is None:
        column_format.numbered = number is not None
    if number is not None and isinstance(display, str):
        column_format.numbers[display.strip().casefold()] = number


def _raw_values(
    column: Column, value: object, raw: RawRow, column_format: ColumnFormat
) -> Mapping[str, object]:
    """One value as this file writes it, with its display text where the row has one."""
    names = (column_format.name, column.logical, column.name)
    name = next((name for name in names if name in raw), column_format.name)
    if column.type is not Type.LOOKUP and name == f"_{column.logical}_value":
        raise UpdateRefused(f"{column.name} is a look-up in this file and cannot be set")
    values = {name: _raw_value(column, value, column_format)}
    if name + DISPLAY_SUFFIX in raw:
        values[name + DISPLAY_SUFFIX] = value if column.type is Type.CHOICE else None
    return values


def _raw_value(column: Column, value: object, column_format: ColumnFormat) -> object:
    if column.type is Type.CHOICE and isinstance(value, str) and column_format.numbered:
        return _number_of(column, value, column_format)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _number_of(column: Column, label: str, column_format: ColumnFormat) -> int:
    """The number of a label: the file's own, else the catalogue's if the file agrees with it."""
    if label.casefold() in column_format.numbers:
        return column_format.numbers[label.casefold()]
    catalogue = {own.casefold(): number for number, own in column.choices.items()}
    contradicted = any(
        catalogue.get(text, number) != number for text, number in column_format.numbers.items()
    )
    if contradicted or label.casefold() not in catalogue:
        raise UpdateRefused(
            f"the number of {column.name} {shown(label)} is unknown; name it in the profile"
        )
    return catalogue[label.casefold()]
