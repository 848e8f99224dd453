"""JSON as the vendor's own examples have it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.sandbox.autotask import lenient_json as lenient
from trueup.sandbox.autotask.responses import AutotaskError

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{id: 4, IsActive: True}", {"id": 4, "IsActive": True}),
        (
            "{'filter': [{'op': 'exist', 'field': 'IsActive'}]}",
            {"filter": [{"op": "exist", "field": "IsActive"}]},
        ),
        ('{"a": [1, 2,], }', {"a": [1, 2]}),
        ("{'name': 'it\\'s', n: None, f: FALSE}", {"name": "it's", "n": None, "f": False}),
        ("{'a': 'say \"hi\"'}", {"a": 'say "hi"'}),
        ("{a: NaN}", {"a": "NaN"}),  # a word, never a number
        ("{a: -1.5e3, b: 'x:y, z}'}", {"a": -1500.0, "b": "x:y, z}"}),
    ],
)
def test_unquoted_names_single_quotes_and_trailing_commas_are_read(text, value):
    assert lenient.read(text) == value


@given(VALUES)
def test_strict_json_is_read_unchanged(value):
    assert lenient.read(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "{", "{'a': }", "[1 2]", "'", '"', "{]", "[" * 100_000])
def test_a_text_that_cannot_be_read_leniently_is_refused(text):
    with pytest.raises(AutotaskError):
        lenient.read(text)


@given(st.text(alphabet="{}[]'\"\\:, abc0-e.,\n", max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        lenient.read(text)
    except AutotaskError:
        return
