"""Files are read as streams: what is in memory is what the rows take, not the text of the file."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.ports.source import RowUpdate
from trueup.source.files.csv_document import CsvDocument
from trueup.source.files.json_document import JsonDocument
from trueup.source.files.source import FileSource
from trueup.source.files.streamed_text import StreamedText
from trueup.source.files.xlsx_document import XlsxDocument

ROWS = 1_000
CELL = "x" * 2_000


def csv_text() -> str:
    return "id,name,status\n" + "".join(f"r{number},{CELL},Active\n" for number in range(ROWS))


def json_text() -> str:
    rows = [{"id": f"r{number}", "name": CELL, "status": "Active"} for number in range(ROWS)]
    return json.dumps({"value": rows})


TEXTS = {"csv": csv_text, "json": json_text}
"""Files of 2 MB."""


def written(folder: Path, kind: str = "csv") -> Path:
    """Writes a file of 2 MB; returns its path."""
    path = folder / f"rows.{kind}"
    path.write_text(TEXTS[kind]())
    return path


DOCUMENTS: dict[str, Any] = {"csv": CsvDocument, "json": JsonDocument}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_is_never_in_memory_as_a_whole(tmp_path, kind):
    path = written(tmp_path, kind)
    tracemalloc.start()
    document = DOCUMENTS[kind](StreamedText(path, path.name), path.name)

    count = sum(1 for _ in document.rows())

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == ROWS
    assert peak < path.stat().st_size / 3


def test_the_rows_of_a_workbook_are_never_in_memory_as_a_whole():
    book, content = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    for number in range(2 * ROWS):
        sheet.append([number * 1.5] * 20)
    book.save(content)
    document = XlsxDocument(content.getvalue(), "rows.xlsx", "rows")

    walked = peak_of(lambda: sum(1 for _ in document._read()))
    collected = peak_of(lambda: list(document._read()))

    assert walked < collected * 2 / 3


def peak_of(action: Callable[[], object]) -> int:
    """The bytes that an action takes at its peak."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("kind", TEXTS)
def test_some_rows_of_a_file_are_read_and_edited_without_the_others(
    folder: Path, source: FileSource, kind: str
):
    path = folder / f"license_change.{kind}"
    path.write_text(TEXTS[kind]())
    size = path.stat().st_size

    read = peak_of(lambda: source.read("license_change", ["name"], ["r1", "r999"]))
    source.write("license_change", [archive("r2")])  # imports what it uses
    written = peak_of(lambda: source.write("license_change", [archive("r1"), archive("r999")]))

    assert max(read, written) < size / 2
    assert path.read_text().count("Archived") == 3


def archive(key: str) -> RowUpdate:
    return RowUpdate(key, {"status": "Archived"}, {})


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=8)


@given(
    names=st.lists(texts, min_size=1),
    chosen=st.sets(st.integers(0, 5)),
    ending=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    before=st.sampled_from(["", "sep=,", "#TYPE é"]),
)
def test_edits_copy_all_other_bytes_of_any_csv_file(
    tables: Mapping[str, Table],
    names: list[str],
    chosen: set[int],
    ending: str,
    encoding: str,
    before: str,
):
    def row(cells: list[str], quoting: Any = csv.QUOTE_ALL) -> str:
        line = io.StringIO(newline="")
        csv.writer(line, lineterminator="\r\n", quoting=quoting).writerow(cells)
        return line.getvalue().removesuffix("\r\n") + ending

    keys = [f"k{at}" for at in range(len(names))]
    listed = [*zip(keys, names, strict=True)]
    first = (before and before + ending) + row(["id", "name", "status"])
    old = [row([key, name, "Active"]) for key, name in listed]
    new = [
        row([key, name, "Archived"], csv.QUOTE_MINIMAL) if at in chosen else old[at]
        for at, (key, name) in enumerate(listed)
    ]
    with TemporaryDirectory() as where:
        path = Path(where) / "license_change.csv"
        path.write_bytes(f"{first}{ending}{''.join(old)}".encode(encoding))
        source = FileSource(Path(where), tables, "work365")

        source.write("license_change", [archive(f"k{at}") for at in chosen])

        assert path.read_bytes() == f"{first}{ending}{''.join(new)}".encode(encoding)
        found = source.read("license_change", ["name", "status"], keys)
        assert found == source.read("license_change", ["name", "status"])


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("is_in_place", [True, False])
def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, kind: str, *, is_in_place: bool
):
    path, other = written(tmp_path, kind), tmp_path / "other"
    document = DOCUMENTS[kind](StreamedText(path, path.name), path.name)
    rows = document.rows()
    next(rows)
    if is_in_place:
        with path.open("a") as file:
            file.write("\n")
    else:
        other.write_text(path.read_text() + "\n")
        assert [*rows]
        other.replace(path)

    with pytest.raises(SourceError, match=rf"rows.{kind} was changed by another program while"):
        [*rows, *document.rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("before", ["", "sep=,\n", "sep=,\n#TYPE x\n"])
def test_a_streamed_file_gives_the_rows_of_one_that_is_read_whole(tmp_path, encoding, before):
    path = tmp_path / "rows.csv"
    text = f'{before}id,name\r\na,"two\r\nlines"\r\n\r\nb,é\r\nc,d,e\r\n'
    path.write_bytes(text.encode(encoding))

    streamed = CsvDocument(StreamedText(path, "rows.csv"), "rows.csv")
    whole = CsvDocument(StreamedText(path.read_bytes(), "rows.csv"), "rows.csv")

    assert [*streamed.rows()] == [*whole.rows()]
    assert streamed.names() == whole.names() == ["id", "name"]
    assert b"".join(streamed.edited({}).pieces) == path.read_bytes()


@pytest.mark.parametrize("kind", TEXTS)
def test_a_byte_that_does_not_fit_is_named_by_its_place_in_the_whole_file(tmp_path, kind):
    path = written(tmp_path, kind)
    data = path.read_bytes()
    path.write_bytes(data + b"\xff")
    document = DOCUMENTS[kind](StreamedText(path, path.name), path.name)

    with pytest.raises(SourceError, match=f"not UTF-8 from byte {len(data)} on .*0xff"):
        [*document.rows()]


def test_a_file_that_is_gone_is_an_error_of_the_source(tmp_path):
    document = StreamedText(tmp_path / "rows.csv", "rows.csv")

    with pytest.raises(SourceError, match=r"rows.csv cannot be read: No such file"):
        document.digest()
