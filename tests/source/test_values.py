"""Raw values become typed values, or `InvalidValue` is raised."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.catalogue import Column, Type
from trueup.source.errors import InvalidValue
from trueup.source.values import converter_for

ZURICH = ZoneInfo("Europe/Zurich")
GUID = "7f3a0000-0000-4000-8000-00000000ab01"


def read(
    type_: Type, raw: object, display: object = None, *, zone: str = "UTC", **more: Any
) -> object:
    column = Column("a_column", type_, "logical", **more)
    return converter_for(column, ZoneInfo(zone), [])(raw, display)


@pytest.mark.parametrize(
    ("type_", "raw", "value"),
    [
        (Type.TEXT, "007", "007"),
        (Type.TEXT, 1007, "1007"),
        (Type.TEXT, "<b>Ünlü & Söhne</b>", "<b>Ünlü & Söhne</b>"),
        (Type.TEXT, "two\r\nlines\tand a tab", "two\nlines\tand a tab"),
        (Type.INTEGER, "12", 12),
        (Type.INTEGER, Decimal("12.0"), 12),
        (Type.DECIMAL, "10.50", Decimal("10.5")),
        (Type.DECIMAL, -3, Decimal(-3)),
        (Type.DECIMAL, Decimal("1E+3"), Decimal(1000)),
        (Type.DECIMAL, Decimal("-0.00"), Decimal(0)),
        (Type.BOOLEAN, True, True),
        (Type.BOOLEAN, "No", False),
        (Type.BOOLEAN, 1, True),
        (Type.DAY, "2026-02-28", date(2026, 2, 28)),
        (Type.DAY, "2026-03-01T00:00:00Z", date(2026, 3, 1)),
        (Type.DAY, datetime(2026, 3, 1, 0, 0, tzinfo=UTC), date(2026, 3, 1)),
        (Type.INSTANT, "2026-03-01T05:00:00.1234567Z", datetime(2026, 3, 1, 5, 0, 0, 123456, UTC)),
        (Type.INSTANT, "2026-03-01 06:00:00+01:00", datetime(2026, 3, 1, 5, tzinfo=UTC)),
        (Type.LOOKUP, "{7F3A0000-0000-4000-8000-00000000AB01}", GUID),
        (Type.LOOKUP, " C-17 ", "C-17"),
    ],
)
def test_a_value_is_read_as_its_type(type_: Type, raw: object, value: object):
    value_read = read(type_, raw)

    assert (value_read, type(value_read), str(value_read)) == (value, type(value), str(value))


@pytest.mark.parametrize(
    ("type_", "raw", "message"),
    [
        (Type.TEXT, True, "true is not text"),
        (Type.TEXT, ["a"], '["a"] is not text'),
        (
            Type.TEXT,
            "N" * 1_048_577,
            f'"{"N" * 40}…" is a text of 1,048,577 characters, and at most 1,048,576 are read',
        ),
        (
            Type.LOOKUP,
            "k" * 1_001,
            f'"{"k" * 40}…" is a key of 1,001 characters, and at most 1,000 are read',
        ),
        (Type.INTEGER, "1.5", '"1.5" is not a whole number'),
        (Type.DECIMAL, "1,000.00", '"1,000.00" is not a number'),
        (
            Type.DECIMAL,
            "9" * 1_001,
            f'"{"9" * 40}…" has 1,001 characters, and a number has at most 1,000',
        ),
        (
            Type.DECIMAL,
            Decimal("9" * 1_001),
            f"{'9' * 40}… has 1,001 characters, and a number has at most 1,000",
        ),
        (Type.DECIMAL, "NaN", '"NaN" is not a number'),
        (Type.DECIMAL, True, "true is not a number"),
        (Type.DECIMAL, Decimal("1E+9000000"), "1E+9000000 is a number with more than 40 digits"),
        (Type.BOOLEAN, "perhaps", '"perhaps" is neither yes nor no'),
        (Type.DAY, "01.03.2026", '"01.03.2026" is not a day (YYYY-MM-DD)'),
        (Type.DAY, "2026-02-30", '"2026-02-30" is not a day (YYYY-MM-DD)'),
        (Type.DAY, "20260301", '"20260301" is not a day (YYYY-MM-DD)'),
        (
            Type.INSTANT,
            "2026-03-01T05:00:00",
            '"2026-03-01T05:00:00" is not an instant (YYYY-MM-DDThh:mm:ssZ)',
        ),
        (Type.INSTANT, 5, "5 is not an instant (YYYY-MM-DDThh:mm:ssZ)"),
        (Type.LOOKUP, {}, "{} is not a key"),
        (Type.LOOKUP, {"a": [None, Decimal("1.50")]}, '{"a": [null, "1.50"]} is not a key'),
        (Type.INTEGER, Decimal("1.50"), "1.50 is not a whole number"),
        (Type.TEXT, datetime(2026, 3, 1, 5, tzinfo=UTC), "2026-03-01T05:00:00+00:00 is not text"),
        (Type.TEXT, b"\x00", "binary data is not text"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused_with_a_reason(
    type_: Type, raw: object, message: str
):
    with pytest.raises(InvalidValue) as refused:
        read(type_, raw)

    assert str(refused.value) == message


@pytest.mark.parametrize("type_", [Type.INTEGER, Type.DECIMAL])
@pytest.mark.parametrize("written", [int, str, Decimal])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_has_at_most_40_digits_however_it_is_written(
    type_: Type, written: type, sign: str
):
    largest = sign + "9" * 40

    assert read(type_, written(largest)) == int(largest)
    with pytest.raises(InvalidValue, match="is a number with more than 40 digits"):
        read(type_, written(sign + "1" + "0" * 40))


STATUS = {1: "Active", 2: "Archived"}


@pytest.mark.parametrize(
    ("raw", "display", "label"),
    [
        (2, None, "Archived"),
        ("2", None, "Archived"),
        ("archived", None, "Archived"),
        (126340001, "Archived", "Archived"),  # a tenant with other numbers
        (2, "Archiviert", "Archived"),  # a tenant in German
    ],
)
def test_a_choice_becomes_its_label(raw: object, display: object, label: str):
    assert read(Type.CHOICE, raw, display, choices=STATUS) == label


@pytest.mark.parametrize("raw", [3, "Closed", True, [1]])
def test_an_unknown_choice_is_refused(raw: object):
    with pytest.raises(InvalidValue):
        read(Type.CHOICE, raw, choices=STATUS)


def test_a_choice_without_known_labels_becomes_its_display_text():
    assert read(Type.CHOICE, 7, "Per seat") == "Per seat"


@pytest.mark.parametrize(("display", "value"), [("Billable", True), ("Non-Billable", False)])
def test_a_choice_of_two_is_read_as_a_boolean_by_the_columns_own_name(display: str, *, value: bool):
    convert = converter_for(Column("billable", Type.BOOLEAN, "billablestatus"), ZURICH, [])

    assert convert(126340000, display) is value


def test_text_loses_terminal_escapes_and_control_characters_and_its_column_is_listed():
    cleaned: list[str] = []
    convert = converter_for(Column("name", Type.TEXT, "name"), ZURICH, cleaned)

    value_read = convert("\x1b[31mRed\x1b[0m\x07 \x1b]0;title\x07roof\x9b2J \ud800end\x00", None)

    assert value_read == "Red roof end"
    assert cleaned == ["name"]


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20
    )
)
def test_decimals_are_exact_and_have_one_spelling(number: Decimal):
    value_read = read(Type.DECIMAL, format(number, "f"))

    assert value_read == number
    assert str(value_read) == str(
        read(Type.DECIMAL, f"{number:f}" + ("00" if "." in f"{number:f}" else ".00"))
    )
    assert "E" not in format(value_read, "f")
