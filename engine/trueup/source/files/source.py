"""Work 365 as exports: one file for each table, `<table>.json`, `<table>.csv` or `<table>.xlsx`.

JSON is an answer of Dataverse's Web API (`value`, logical names, `_…_value` for look-ups, choices
as numbers, display texts beside them; docs/explanation/work365.md, section 6.2), or a bare list.
CSV has one line of headers. Excel workbooks have a row of headers in the sheet of that name, or in
their only visible one if it has no other table's name. A single workbook with a sheet of its name
for each table may stand in the place of the folder.
Columns may also use our own names or their display labels. How values are written is stated, never
guessed: see `value_formats`. A write-back replaces a file whole or leaves it unchanged.

A few rows are found by an index of the file, which is made once for each content (`row_index`).
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.finding import Place
from trueup.ports.source import RowOutcome, Rows, RowUpdate
from trueup.source.column_reader import (
    FEW,
    column_readers,
    missing_columns,
    no_headings,
    require_one_name,
)
from trueup.source.files.atomic_write import locked, replace_file, require_writable
from trueup.source.files.csv_document import CsvDocument
from trueup.source.files.documents import (
    MalformedRow,
    TableDocument,
    read_bytes,
)
from trueup.source.files.edits import edit
from trueup.source.files.json_document import JsonDocument
from trueup.source.files.packed_rows import PackedRows
from trueup.source.files.row_index import RowIndex, index_rows
from trueup.source.files.streamed_text import StreamedText
from trueup.source.files.value_formats import FileFormat
from trueup.source.files.xlsx_document import XlsxDocument
from trueup.source.names import suggestion, table_named
from trueup.source.rows import RowCollector
from trueup.source.values import CleanedColumns

WORKBOOK = ".xlsx"
SUFFIXES = (".json", ".csv", WORKBOOK)
"""A table is a file of its name with one of these endings."""

_SIMILAR = 0.75
"""Least similarity of a file's name to a table's for a suggestion; exports share words in names."""


class FileSource:
    """Tables as files of one folder."""

    def __init__(
        self,
        folder: Path,
        tables: Mapping[str, Table],
        name: str,
        *,
        zone: ZoneInfo | None = None,
        file_format: FileFormat | None = None,
    ) -> None:
        """`folder` may be one workbook; `name` is its name in messages.

        `zone` is the business time zone; `file_format` is how the files write values.
        """
        self._folder, self._tables, self._name = folder, tables, name
        self._zone, self._format = zone or ZoneInfo("UTC"), file_format or FileFormat()
        self._indexes: dict[str, RowIndex] = {}  # by table, of the content that was read last
        self._packed: dict[str, tuple[bytes, PackedRows]] = {}  # by table, with such a digest

    def describe(self) -> str:
        """Returns the name of the folder."""
        return self._name

    def identity(self) -> str:
        """Returns nothing: the folder may be another one each day.

        Every row is compared again before it is used.
        """
        return ""

    def decimal_places(self, table: str, column: str) -> int | None:  # noqa: ARG002 -- as below
        """Returns None: files keep all places."""
        return None

    def id_entity_of(self, table: str, column: str) -> str | None:  # noqa: ARG002 -- files take any value
        """Returns None: any column takes any value."""
        return None

    @property
    def notices(self) -> Sequence[str]:
        """Always empty."""
        return ()

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the table, or some rows, with the key and these columns. Raises `SourceError`."""
        return self._collect(table, columns, keys).result()

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:
        """Returns the file and line of these rows, by key. Raises `SourceError`."""
        wanted = frozenset(keys)
        return self._collect(table, (), wanted).places(wanted)

    def _collect(
        self, table: str, columns: Iterable[str], keys: Collection[str] | None
    ) -> RowCollector:
        """Returns the rows of a table, all or those with these keys, typed. Raises `SourceError`.

        Rows whose key is unknown are among those with any key.
        """
        catalogued = table_named(self._tables, table)
        cleaned: CleanedColumns = []
        adapt = self._format.adapt(catalogued, self._zone)
        readers = column_readers(catalogued, columns, self._zone, cleaned, adapt)
        path = self._file_of(table)
        name = self._name_of(path)
        if keys is None:
            document, index = self._stream(path, table), None
        else:
            document, digest = self._open(path, table)
            index = self._index(catalogued, document, digest)

        rows = RowCollector(
            catalogued,
            readers,
            cleaned,
            lambda position: Place(name, document.line(position), 1),
            uniform=document.uniform,
        )
        found = document.rows_at(index.positions_of(keys or ())) if index else document.rows()
        for position, raw in found:
            if isinstance(raw, MalformedRow):
                rows.add_malformed(position, raw.reason)
            else:
                rows.add(raw, position)

        names = document.names()
        if document.uniform:
            require_one_name(catalogued, names, readers[:1], name)  # the key
        known = {**dict.fromkeys(names), **(index.names if index else {})}
        missing = [column for column in rows.unseen if column.name_in(known) is None]
        if len(missing) == len(readers) > FEW and names:
            raise no_headings(catalogued, names, name)
        if missing and (names or rows.count):
            raise missing_columns(catalogued, names, missing, name)
        return rows

    def _index(self, table: Table, document: TableDocument, digest: bytes) -> RowIndex:
        """Returns the index of a document, made again where its content has changed."""
        known = self._indexes.get(table.name)
        if known is None or known.digest != digest:
            adapt = self._format.adapt(table, self._zone)
            key, *_ = column_readers(table, (), self._zone, [], adapt)
            known = self._indexes[table.name] = index_rows(document, key, digest)
        return known

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Writes all updates in one replacement of the file; never creates a row.

        Raises `SourceError`; the file is then unchanged.
        """
        catalogued = table_named(self._tables, table)
        path = self._file_of(table).resolve()
        name = self._name_of(path)
        with locked(path, name) as before:
            document, digest = self._open(path, table)
            index = self._index(catalogued, document, digest)
            edits, outcomes = edit(catalogued, document, index, updates, self._zone, self._format)
            if edits:
                edited = document.edited(edits)
                digest = replace_file(path, edited.pieces, name, before)
                self._indexes[table] = index.shifted(edited.shifts, digest)
        return outcomes

    def location(self, table: str) -> str:
        """Returns the name of the table's file. Raises `SourceError` if there is none."""
        return self._name_of(self._file_of(table))

    def require_writable(
        self, table: str, _columns: Iterable[str] = (), _compared: Iterable[str] = ()
    ) -> None:
        """Raises `SourceError` if the table's file may not or cannot be written."""
        path = self._file_of(table)
        require_writable(path.resolve(), self._name_of(path))
        if path.suffix.casefold() == WORKBOOK:
            name = self._name_of(path)
            self._workbook(read_bytes(path, name), name, table).require_editable()

    def _name_of(self, path: Path) -> str:
        return self._name if self._is_workbook else f"{self._name}/{path.name}"

    @property
    def _is_workbook(self) -> bool:
        """Whether one workbook stands in the place of the folder."""
        return self._folder.suffix.casefold() == WORKBOOK and self._folder.is_file()

    def _stream(self, path: Path, table: str) -> TableDocument:
        """Returns the table in a file; of a workbook, the compressed bytes are in memory."""
        name = self._name_of(path)
        if path.suffix.casefold() == WORKBOOK:
            return self._workbook(read_bytes(path, name), name, table)
        text = StreamedText(path, name)
        is_json = path.suffix.casefold() == ".json"
        return JsonDocument(text, name) if is_json else CsvDocument(text, name)

    def _open(self, path: Path, table: str) -> tuple[TableDocument, bytes]:
        """Returns the table in a file, and the digest of the file."""
        name = self._name_of(path)
        if path.suffix.casefold() == WORKBOOK:
            return self._open_workbook(read_bytes(path, name), name, table)
        text = StreamedText(path, name)
        if path.suffix.casefold() == ".json":
            return JsonDocument(text, name), text.digest()
        return CsvDocument(text, name), text.digest()

    def _open_workbook(self, data: bytes, name: str, table: str) -> tuple[TableDocument, bytes]:
        """As `_open`; the rows of a content are parsed once."""
        digest = hashlib.sha256(data).digest()
        known, packed = self._packed.get(table, (b"", None))
        document = self._workbook(data, name, table, packed if known == digest else None)
        self._packed[table] = digest, document.packed()
        return document, digest

    def _workbook(
        self, data: bytes, name: str, table: str, packed: PackedRows | None = None
    ) -> XlsxDocument:
        others = None if self._is_workbook else self._tables.keys() - {table}
        return XlsxDocument(data, name, table, packed, others=others)

    def _file_of(self, table: str) -> Path:
        """The file of a table. Raises `SourceError` if there is none, or more than one."""
        if self._is_workbook:
            return self._folder
        candidates = [self._folder / f"{table}{suffix}" for suffix in SUFFIXES]
        present = [path for path in candidates if path.is_file()]
        if len(present) == 1:
            return present[0]

        *first, last = (self._name_of(path) for path in candidates)
        expected = f"{', '.join(first)} or {last}"
        if present:
            both = " and ".join(self._name_of(path) for path in present)
            raise SourceError(f"{both} exist; keep one of them")
        if not self._folder.is_dir():
            raise SourceError(f"there is no folder {self._name}; {expected} was expected")

        others = sorted(path for path in self._folder.iterdir() if path.suffix in SUFFIXES)
        for path in others:
            if path.stem == table:
                kind = "a folder" if path.is_dir() else "no regular file"
                raise SourceError(f"{self._name_of(path)} is {kind}, and a file was expected")
        hint = suggestion(table, [path.stem for path in others if path.is_file()], _SIMILAR)
        for path in others:
            hint = hint.replace(f"`{path.stem}`", f"`{path.name}`")
        raise SourceError(f"{expected} was expected and does not exist{hint}")
