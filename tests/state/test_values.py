"""Values are read back as they were, and equal values give equal texts."""

import json
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.state.values import decode, encode

KEYS = st.text() | st.sampled_from(["$", "$date", "$decimal", "$time", "$map", "$other"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=()))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.datetimes(timezones=st.just(UTC) | st.none())
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def typed(value):
    """The value with the type of each part, because 1, True and 1.0 are equal."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value).__name__, str(value)


@given(VALUES)
def test_each_value_is_read_back_as_it_was(value):
    assert typed(decode(encode(value))) == typed(value)


@given(st.dictionaries(KEYS, SCALARS))
def test_the_order_of_keys_makes_no_difference(value):
    assert encode(dict(reversed(value.items()))) == encode(value)


@given(VALUES)
def test_the_text_is_one_line_of_canonical_json_in_ascii(value):
    text = encode(value)

    assert text.isascii()
    assert "\n" not in text
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text


def test_decimals_keep_their_decimal_places():
    assert str(decode(encode(Decimal("10.50")))) == "10.50"


def test_an_instant_keeps_its_offset():
    at = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=2)))

    assert decode(encode(at)).isoformat() == at.isoformat()


def test_tuples_are_read_as_lists_and_enumerations_as_their_values():
    class Word(StrEnum):
        ONE = "one"

    class Number(IntEnum):
        ONE = 1

    assert decode(encode((1, (Word.ONE, Number.ONE)))) == [1, ["one", 1]]


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        {"a": [0.0]},
        {1: "a"},
        {None: 1},
        b"x",
        {1, 2},
        time(1),
        Decimal("NaN"),
        Decimal("Infinity"),
    ],
    ids=repr,
)
def test_a_value_that_could_not_be_read_back_is_refused(value):
    with pytest.raises(TypeError):
        encode(value)


def test_a_refusal_names_the_type_and_not_the_value():
    with pytest.raises(TypeError) as refused:
        encode({"secret": 271828.5})

    assert "float" in str(refused.value)
    assert "271828" not in str(refused.value)
