"""Some rows of a file are found without the others, and are what a reading of all rows finds."""

import io
import json
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from trueup.errors import SourceError
from trueup.ports.source import Rows, RowUpdate
from trueup.source.files.csv_document import CsvDocument
from trueup.source.files.json_document import JsonDocument
from trueup.source.files.source import FileSource
from trueup.source.files.xlsx_document import XlsxDocument

Put = Callable[[str, str | bytes], Path]

COLUMNS = ("id", "name", "quantity", "status", "effective_date")
ROWS = (
    ("a", "one", "1", "Active", "2026-01-01"),
    ("b", "two\nlines", "2", "Active", "2026-01-02"),
    ("c", "", "many", "Active", "2026-01-03"),
    ("", "without a key", "4", "Active", "2026-01-04"),
    ("d", "é", "5", "Archived", "2026-01-05"),
    ("e", "first", "6", "Active", "2026-01-06"),
    ("e", "second", "7", "Active", "2026-01-07"),
    ("f", "last", "8", "Active", "2026-01-08"),
)
"""One row cannot be read, one has no key, and two have the same key."""


def as_json(rows: Iterable[tuple[str, ...]]) -> bytes:
    listed = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    return json.dumps({"value": [*listed, "no row"]}, ensure_ascii=False, indent=1).encode()


def as_csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    lines = [",".join(f'"{cell}"' for cell in row) for row in (COLUMNS, *rows)]
    return "\n".join(["sep=,", *lines, "", "too,few"]).encode()


def as_workbook(rows: Iterable[tuple[str, ...]]) -> bytes:
    book, content = Workbook(), io.BytesIO()
    for row in (COLUMNS, *rows, (None,) * 7 + ("beyond",)):
        book.worksheets[0].append(row)
    book.save(content)
    return content.getvalue()


FORMATS = {"json": as_json, "csv": as_csv, "xlsx": as_workbook}


@pytest.fixture(params=FORMATS)
def export(request: pytest.FixtureRequest, put: Put) -> Path:
    return put(f"license_change.{request.param}", FORMATS[request.param](ROWS))


def by_key(source: FileSource, *keys: str) -> tuple[Rows, Rows]:
    """Rows as they are found by their keys, and as a reading of all rows finds them."""
    whole = source.read("license_change", COLUMNS).only(keys, "id")
    return source.read("license_change", COLUMNS, keys), whole


def update(key: str, **values: object) -> RowUpdate:
    return RowUpdate(key, values, {})


@pytest.mark.usefixtures("export")
def test_rows_are_found_with_what_is_wrong_with_them(source: FileSource):
    found, whole = by_key(source, "b", "c", "e", "f", "no such key")

    assert found == whole
    assert [row["id"] for row in found.rows] == ["b", "f"]
    assert {finding.key for finding in found.findings} == {"", "c", "e"}


@pytest.mark.usefixtures("export")
def test_rows_behind_an_edit_are_found(source: FileSource):
    """A value of another length, with other lines, moves all that stands behind it."""
    by_key(source, "a")
    source.write(
        "license_change",
        [
            update("b", name="a longer text", effective_date=date(2026, 2, 1)),
            update("d", name="three\nlines\nnow", status="Active"),
            update("a", name=""),
        ],
    )
    found, whole = by_key(source, "a", "b", "c", "d", "e", "f")
    source.write("license_change", [update("f", name="x"), update("a", name="y" * 99)])
    again, all_again = by_key(source, "a", "b", "d", "f")

    assert (found, again) == (whole, all_again)
    assert [row["name"] for row in found.rows] == [
        None,
        "a longer text",
        "three\nlines\nnow",
        "last",
    ]
    assert [row["name"] for row in again.rows] == [
        "y" * 99,
        "a longer text",
        "three\nlines\nnow",
        "x",
    ]


def test_a_file_that_another_program_wrote_is_read_as_it_is_now(export: Path, source: FileSource):
    """Although it has the same size, and the same time of its last change."""
    by_key(source, "a", "f")
    before = export.stat()
    other = FORMATS[export.suffix[1:]](reversed(ROWS))
    export.write_bytes(other[: before.st_size] if export.suffix != ".xlsx" else other)
    os.utime(export, ns=(before.st_atime_ns, before.st_mtime_ns))
    found, whole = by_key(source, "a", "f")

    assert found == whole
    assert [row["id"] for row in found.rows] == ["a", "f"]


def test_a_column_that_no_row_has_any_more_is_an_error(put: Put, source: FileSource):
    rows = [{"id": "a", "name": "one"}, {"id": "b", "quantity": 2}]
    put("license_change.json", json.dumps(rows))

    assert [*source.read("license_change", ["quantity"], ["a"]).rows] == [
        {"id": "a", "quantity": None}
    ]
    put("license_change.json", json.dumps(rows[:1]))
    with pytest.raises(SourceError, match="no column for quantity"):
        source.read("license_change", ["quantity"], ["a"])


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_a_file_is_gone_through_once_however_often_rows_are_read(
    kind: str, put: Put, source: FileSource, monkeypatch: pytest.MonkeyPatch
):
    put(f"license_change.{kind}", FORMATS[kind](ROWS))
    passes = []
    for document in (JsonDocument, CsvDocument):
        monkeypatch.setattr(document, "rows", counted(document.rows, passes))

    for key in ("a", "b", "f"):
        source.read("license_change", COLUMNS, [key])
    assert len(passes) == 1

    for key in ("a", "b", "f"):
        source.write("license_change", [update(key, status="Archived")])
        source.read("license_change", COLUMNS, [key])
    assert len(passes) == 2  # one more for the format of the column


def test_a_workbook_is_parsed_once_for_each_content(
    put: Put, source: FileSource, monkeypatch: pytest.MonkeyPatch
):
    put("license_change.xlsx", as_workbook(ROWS))
    passes = []
    monkeypatch.setattr(XlsxDocument, "_read", counted(XlsxDocument._read, passes))

    for key in ("a", "b", "f"):
        source.read("license_change", COLUMNS, [key])
    assert len(passes) == 1

    source.write("license_change", [update("a", status="Archived")])
    for key in ("a", "b", "f"):
        source.read("license_change", COLUMNS, [key])
    assert len(passes) == 2


def counted(rows: Callable, passes: list[object]) -> Callable:
    def passed(document: object) -> Iterator[object]:
        yield from rows(document)
        passes.append(document)

    return passed
