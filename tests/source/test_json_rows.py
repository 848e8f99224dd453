"""JSON is walked row by row, also where only a part of the text is there."""

import io
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import SourceError
from trueup.source.files.json_document import JsonDocument
from trueup.source.files.streamed_text import StreamedText
from trueup.source.json_rows import JSON_ERRORS, STRICT_DECODER, JsonRows

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**6), 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
ROWS = st.lists(st.one_of(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), VALUES))
INDENTS = st.sampled_from([None, 0, 2])


def walked(rows):
    """The rows that are yielded, then the error with its message."""
    found = []
    try:
        found.extend(rows)
    except JSON_ERRORS as error:
        return found, getattr(error, "msg", str(error))
    return found, ""


@given(rows=ROWS, indent=INDENTS, block=st.integers(1, 9), enveloped=st.booleans())
def test_rows_of_a_text_that_comes_in_pieces_are_those_of_the_whole(rows, indent, block, enveloped):
    document = {"count": 1.5e7, "value": rows, "more": [12]} if enveloped else rows
    text = json.dumps(document, indent=indent, ensure_ascii=False)

    whole, pieces = JsonRows(text, STRICT_DECODER), io.StringIO(text)
    streamed = JsonRows("", STRICT_DECODER, pieces.read, block)

    assert walked(streamed.rows()) == walked(whole.rows())
    assert streamed.rest == whole.rest


@given(rows=ROWS, cut=st.integers(0, 200), more=st.sampled_from(["", "]", ",", "x"]))
def test_broken_texts_that_come_in_pieces_are_refused_after_the_same_rows(rows, cut, more):
    text = json.dumps(rows)[:cut] + more

    streamed = JsonRows("", STRICT_DECODER, io.StringIO(text).read, 3)

    assert walked(streamed.rows()) == walked(JsonRows(text, STRICT_DECODER).rows())


def test_a_decimal_is_read_although_the_digits_before_its_point_fill_a_piece():
    text = json.dumps([{"a": 1}]).replace("1", f"{'1' * 5_000}.5")

    streamed = JsonRows("", STRICT_DECODER, io.StringIO(text).read, 4_500)

    assert walked(streamed.rows()) == walked(JsonRows(text, STRICT_DECODER).rows())


def test_a_number_is_not_cut_where_a_piece_ends():
    text = "[1234, -0.5e+3, 1.25]"

    for block in range(1, len(text)):
        streamed = JsonRows("", STRICT_DECODER, io.StringIO(text).read, block)
        assert [row for _, _, row in streamed.rows()] == [1234, Decimal("-0.5e+3"), Decimal("1.25")]


@given(
    rows=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4)),
    indent=INDENTS,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_positions_lead_to_the_line_and_to_the_row(rows, indent, encoding):
    text = json.dumps(rows, indent=indent, ensure_ascii=False)
    starts = [start for start, _, _ in JsonRows(text).rows()]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        path.write_bytes(text.encode(encoding, "replace"))
        document = JsonDocument(StreamedText(path, path.name), path.name)

        found = list(document.rows())

        assert [document.line(at) for at, _ in found] == [
            1 + text.count("\n", 0, start) for start in starts
        ]
        assert list(document.rows_at([at for at, _ in found])) == found
        edited = b"".join(document.edited({}).pieces)
        assert edited == path.read_bytes()


def test_an_error_far_behind_the_beginning_has_its_place(tmp_path):
    path = tmp_path / "rows.json"
    rows = ",\n".join(['{"id": "' + "é" * 1_000 + '"}'] * 500)
    path.write_text(f'[{rows},\n{{"id": 1, "id": 2}}]', encoding="utf-8")

    with pytest.raises(SourceError, match=r"^rows.json:501:11: `id` occurs twice in one row"):
        list(JsonDocument(StreamedText(path, "rows.json"), "rows.json").rows())
