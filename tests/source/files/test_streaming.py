"""Files are read as streams: what is in memory is what the rows take, not the text of the file."""

import tracemalloc
from pathlib import Path

import pytest
from trueup.errors import SourceError
from trueup.source.files.csv_document import CsvDocument
from trueup.source.files.documents import StreamedText, decode, read_bytes

ROWS = 4_000
CELL = "x" * 500


def written(folder: Path, encoding: str = "utf-8") -> Path:
    """Writes a file of 2 MB; returns its path."""
    path = folder / "rows.csv"
    lines = ["id,text", *(f"r{number},{CELL}" for number in range(ROWS))]
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def test_a_csv_file_is_never_in_memory_as_a_whole(tmp_path):
    path = written(tmp_path)
    tracemalloc.start()
    document = CsvDocument(StreamedText(path, "rows.csv"), "rows.csv")

    count = sum(1 for _ in document.rows())

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == ROWS
    assert peak < path.stat().st_size / 4


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("before", ["", "sep=,\n", "sep=,\n#TYPE x\n"])
def test_a_streamed_file_gives_the_rows_of_one_that_is_read_whole(tmp_path, encoding, before):
    path = tmp_path / "rows.csv"
    text = f'{before}id,name\r\na,"two\r\nlines"\r\n\r\nb,é\r\nc,d,e\r\n'
    path.write_bytes(text.encode(encoding))

    streamed = CsvDocument(StreamedText(path, "rows.csv"), "rows.csv")
    whole = CsvDocument(decode(read_bytes(path, "rows.csv"), "rows.csv"), "rows.csv")

    assert [*streamed.rows()] == [*whole.rows()]
    assert streamed.names() == whole.names() == ["id", "name"]
    assert streamed.edited({}).data == whole.edited({}).data == path.read_bytes()


def test_a_byte_that_does_not_fit_is_named_by_its_place_in_the_whole_file(tmp_path):
    path = written(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data + b"\xff")
    document = CsvDocument(StreamedText(path, "rows.csv"), "rows.csv")

    with pytest.raises(SourceError, match=f"not UTF-8 from byte {len(data)} on .*0xff"):
        [*document.rows()]


def test_a_file_that_is_gone_is_an_error_of_the_source(tmp_path):
    document = StreamedText(tmp_path / "rows.csv", "rows.csv")

    with pytest.raises(SourceError, match=r"rows.csv cannot be read: No such file"):
        [*document.lines()]
