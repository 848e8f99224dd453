"""Work 365 as a folder of exports: one file a table, `<table>.json` or `<table>.csv`.

JSON is what Dataverse's Web API answers (`value`, logical names, `_…_value` for look-ups, choices as
numbers, display texts beside them), or a bare list; CSV has one line of headers. Columns may also wear
our own names. A write-back replaces a file whole or leaves it as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.errors import SourceError
from engine.model.catalogue import Table
from engine.model.finding import Place
from engine.ports import RowOutcome, Rows, RowUpdate
from engine.source.csv_document import CsvDocument
from engine.source.documents import Document, Spoilt, text_of
from engine.source.file_edits import edit
from engine.source.json_document import JsonDocument
from engine.source.replacing import held, replace_whole
from engine.source.rows import Gathering, cells_for, missing, nearest, table_of
from engine.source.values import Notes

_KINDS: Mapping[str, type[JsonDocument] | type[CsvDocument]] = {".json": JsonDocument, ".csv": CsvDocument}


_ALIKE = 0.75
"""How much a file's name must be like a table's to be taken for it misspelt: others of its kind share words."""


class FileSource:
    """Tables as files of one folder. `name` is what people call it; `zone` is the business time zone."""

    def __init__(self, folder: Path, tables: Mapping[str, Table], name: str, *, zone: ZoneInfo | None = None) -> None:
        self._folder, self._tables, self._name = folder, tables, name
        self._zone = zone or ZoneInfo("UTC")

    def describe(self) -> str:
        """What people call it."""
        return self._name

    def identity(self) -> str:
        """None: a folder may be another each day; each row is looked at again before it is used."""
        return ""

    def holds(self, table: str, column: str) -> str | None:  # noqa: ARG002 -- files take any value
        """None: any column takes any value."""
        return None

    @property
    def remarks(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table, with the key and these columns. Raises SourceError."""
        described = table_of(self._tables, table)
        notes: Notes = []
        cells = cells_for(described, columns, self._zone, notes)
        path = self._file(table)
        called, document = self._open(path)
        rows = Gathering(described, cells, notes, lambda where: Place(called, document.line(where), 1))
        for where, raw in document.rows():
            if isinstance(raw, Spoilt):
                rows.unreadable(where, raw.text)
            else:
                rows.add(raw, where)
        names = document.names()
        unseen = [cell for cell in rows.unseen if cell.name_in(dict.fromkeys(names)) is None]
        if unseen and (names or rows.rows):
            raise missing(described, names, unseen, called)
        return rows.end()

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """All updates in one rewrite of the file, whole or not at all; never creates. Raises SourceError."""
        described = table_of(self._tables, table)
        path = self._file(table).resolve()
        called = f"{self._name}/{path.name}"
        with held(path, called) as was:
            _, document = self._open(path)
            edits, outcomes = edit(described, document, updates, self._zone)
            if edits:
                replace_whole(path, document.edited(edits), called, was)
        return outcomes

    def _open(self, path: Path) -> tuple[str, Document]:
        called = f"{self._name}/{path.name}"
        return called, _KINDS[path.suffix](text_of(path, called), called)

    def _file(self, table: str) -> Path:
        there = [path for kind in _KINDS if (path := self._folder / f"{table}{kind}").is_file()]
        if len(there) == 1:
            return there[0]
        expected = " or ".join(f"{self._name}/{table}{kind}" for kind in _KINDS)
        if there:
            raise SourceError(f"{expected}: both are there; keep the one that counts")
        if not self._folder.is_dir():
            raise SourceError(f"there is no folder {self._name}; {expected} was expected")
        others = sorted(path for path in self._folder.iterdir() if path.suffix in _KINDS)
        if folders := [path.name for path in others if path.stem == table]:
            raise SourceError(f"{self._name}/{folders[0]} is a folder, and a file was expected")
        hint = nearest(table, [path.stem for path in others if path.is_file()], _ALIKE)
        for path in others:
            hint = hint.replace(f"`{path.stem}`", f"`{path.name}`")
        raise SourceError(f"{expected} was expected and is not there{hint}")
