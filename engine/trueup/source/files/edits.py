"""Decides what a write-back replaces in a document, and the outcome of each update.

Nothing is written here; `source` writes the edited text.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from trueup.model.catalogue import Column, Table, Type
from trueup.ports.source import RowOutcome, RowUpdate
from trueup.source.column_reader import (
    DISPLAY_SUFFIX,
    ColumnReader,
    RawRow,
    column_readers,
    missing_columns,
)
from trueup.source.errors import InvalidValue, RowMoved, UpdateRefused
from trueup.source.files.documents import MalformedRow, TableDocument
from trueup.source.files.value_formats import FileFormat
from trueup.source.text import canonical_key, shown
from trueup.source.updates import columns_of, values_to_set
from trueup.source.values import choice_number

Edits = dict[int, dict[str, object]]
"""New raw values by the position of the row and the raw name of the column."""


@dataclass(slots=True)
class ColumnFormat:
    """How a file writes one column: its raw name, and whether choices are numbers or labels."""

    name: str
    numbered: bool | None = None  # None: no row has a value
    numbers: dict[str, int] = field(default_factory=dict)  # by label, from the display texts


@dataclass(slots=True)
class DocumentScan:
    """What one pass over a document finds for some updates."""

    rows: dict[str, list[tuple[int, RawRow]]] = field(default_factory=dict)  # by key
    formats: dict[str, ColumnFormat] = field(default_factory=dict)  # by column


@dataclass(frozen=True, slots=True)
class _Editor:
    """Edits rows of one document."""

    table: Table
    columns: Mapping[str, ColumnReader]
    scan: DocumentScan
    zone: ZoneInfo
    file_format: FileFormat
    edits: Edits = field(default_factory=dict)

    def apply(self, update: RowUpdate) -> RowOutcome:
        """Adds the update to the edits."""
        key = canonical_key(update.key)
        rows = self.scan.rows.get(key, [])
        if len(rows) != 1:
            gone = "the row does not exist any more, and no row is created"
            return RowOutcome(update.key, "the key occurs more than once" if rows else gone)

        position, raw = rows[0]
        try:
            changed = self._changed(update, raw)
        except UpdateRefused as refusal:
            return RowOutcome(update.key, str(refusal), moved=isinstance(refusal, RowMoved))
        if changed:
            self.edits.setdefault(position, {}).update(changed)
            # The next update of the same row starts from the changed one.
            self.scan.rows[key] = [(position, {**raw, **changed})]
        return RowOutcome(update.key)

    def _changed(self, update: RowUpdate, raw: RawRow) -> Mapping[str, object]:
        """Raw names and values to set; none where all are set already. Raises `UpdateRefused`."""
        changed: dict[str, object] = {}
        to_set = values_to_set(self.table, self.columns, update, raw, self.zone)
        for name, value in to_set.items():
            column, column_format = self.table.columns[name], self.scan.formats[name]
            written = self.file_format.of(self.table, column).write(value, self.zone)
            changed |= _raw_values(column, written, raw, column_format)
        return changed


def edit(
    table: Table,
    document: TableDocument,
    updates: Sequence[RowUpdate],
    zone: ZoneInfo,
    file_format: FileFormat,
) -> tuple[Edits, Sequence[RowOutcome]]:
    """Returns the edits of a document and one outcome for each update.

    `zone` is the business time zone. Raises `SourceError` for a column that the file does not have.
    """
    adapt = file_format.adapt(table, zone)
    key, *columns = column_readers(table, columns_of(updates), zone, [], adapt)
    keys = {canonical_key(update.key) for update in updates}
    scan = _scan(document, key, columns, keys)
    unseen = [column for column in columns if column.name not in scan.formats]
    if unseen and scan.rows:
        raise missing_columns(table, document.names(), unseen, table.name)

    readers = {column.name: column for column in columns}
    editor = _Editor(table, readers, scan, zone, file_format)
    outcomes = [editor.apply(update) for update in updates]
    return editor.edits, outcomes


def _scan(
    document: TableDocument, key: ColumnReader, columns: Sequence[ColumnReader], keys: Iterable[str]
) -> DocumentScan:
    scan, sought = DocumentScan(), frozenset(keys)
    for position, raw in document.rows():
        if isinstance(raw, MalformedRow):
            continue
        if (row_key := _key_of(key, raw)) in sought:
            scan.rows.setdefault(row_key, []).append((position, raw))
        for column in columns:
            _learn_format(column, raw, scan.formats)
    return scan


def _key_of(key: ColumnReader, raw: RawRow) -> str:
    try:
        return str(key.value(raw) or "")
    except InvalidValue:
        return ""


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
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


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
