"""Equal values of a column are one object, and what reading reports is reported for each row."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from trueup.model.catalogue import Column, Type
from trueup.source.errors import InvalidValue
from trueup.source.shared_values import LONGEST, MOST, shared
from trueup.source.values import converter_for


def converter(kind, cleaned=None):
    found = [] if cleaned is None else cleaned
    return shared(converter_for(Column("column", kind, "column"), ZoneInfo("UTC"), found))


def fresh(text):
    """Returns an equal text that is another object, as each row of a file has it."""
    return "".join([*text])


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Type.TEXT, "Active"), (Type.DECIMAL, "12.34"), (Type.DAY, "2026-11-15")],
)
def test_equal_texts_give_one_object(kind, text):
    convert = converter(kind)

    assert convert(fresh(text), None) is convert(fresh(text), None)


def test_what_is_no_text_or_has_a_display_text_is_converted_each_time():
    seen = []

    def convert(value, display):
        seen.append((value, display))
        return value

    for value, display in [(1, None), (1, None), ("1", "one"), ("1", "one")]:
        shared(convert)(value, display)

    assert len(seen) == 4


def test_text_that_loses_characters_is_reported_for_each_row():
    cleaned = []
    convert = converter(Type.TEXT, cleaned)

    assert [convert("a\x00b", None), convert("a\x00b", None)] == ["ab", "ab"]
    assert cleaned == ["column", "column"]


def test_a_value_that_cannot_be_read_is_refused_each_time():
    convert = converter(Type.DECIMAL)

    for _ in range(2):
        with pytest.raises(InvalidValue):
            convert("twelve", None)


def test_only_so_many_and_only_short_texts_are_kept():
    convert = converter(Type.TEXT)
    long = "x" * (LONGEST + 1)

    assert convert(long, None) is not convert(fresh(long), None)
    for number in range(MOST):
        convert(f"name {number}", None)
    assert convert(fresh("one more"), None) is not convert(fresh("one more"), None)
    assert converter(Type.DECIMAL)("1", None) == Decimal(1)
