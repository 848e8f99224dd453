"""Raw values in, typed values or Misfit out."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expressions.values import to_date
from engine.model.catalogue import Column, Field, Type
from engine.model.fit import fit
from engine.source.values import Misfit, clean, convert_for, same_key, shown

ZURICH = ZoneInfo("Europe/Zurich")
GUID = "7f3a0000-0000-4000-8000-00000000ab01"


def read(type_: Type, raw: object, note: object = None, *, zone: str = "UTC", **more: object) -> object:
    column = Column("a_column", type_, "logical", **more)
    return convert_for(column, ZoneInfo(zone), [])(raw, note)


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
    got = read(type_, raw)

    assert (got, type(got), str(got)) == (value, type(value), str(value))


@pytest.mark.parametrize(
    ("type_", "raw", "said"),
    [
        (Type.TEXT, True, "true is not text"),
        (Type.TEXT, ["a"], '["a"] is not text'),
        (Type.INTEGER, "1.5", '"1.5" is not a whole number'),
        (Type.DECIMAL, "1,000.00", '"1,000.00" is not a number'),
        (Type.DECIMAL, "NaN", '"NaN" is not a number'),
        (Type.DECIMAL, True, "true is not a number"),
        (Type.DECIMAL, Decimal("1E+9000000"), "1E+9000000 is not a number that can be worked with"),
        (Type.BOOLEAN, "perhaps", '"perhaps" is neither yes nor no'),
        (Type.DAY, "01.03.2026", '"01.03.2026" is not a day (YYYY-MM-DD)'),
        (Type.DAY, "2026-02-30", '"2026-02-30" is not a day (YYYY-MM-DD)'),
        (Type.DAY, "20260301", '"20260301" is not a day (YYYY-MM-DD)'),
        (Type.DAY, "0001-01-01T00:00:00+14:00", '"0001-01-01T00:00:00+14:00" is not a day (YYYY-MM-DD)'),
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
def test_a_value_that_is_not_its_type_is_refused_in_words(type_: Type, raw: object, said: str):
    with pytest.raises(Misfit) as refused:
        read(type_, raw)

    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2026-02-28T23:00:00Z", date(2026, 3, 1)),  # a midnight in Zürich, winter
        ("2026-06-30T22:00:00Z", date(2026, 7, 1)),  # and in summer
        ("2026-07-01T00:00:00Z", date(2026, 7, 1)),  # a day without a time zone
        ("2026-07-01", date(2026, 7, 1)),
    ],
)
def test_an_instant_in_a_column_of_days_belongs_to_its_day_in_the_business_time_zone(raw: str, day: date):
    assert read(Type.DAY, raw, zone="Europe/Zurich") == day


def test_a_day_without_a_time_zone_is_that_day_west_of_greenwich_too():
    assert read(Type.DAY, "2026-07-01T00:00:00Z", zone="America/Chicago") == date(2026, 7, 1)
    assert read(Type.DAY, "2026-07-01T05:00:00Z", zone="America/Chicago") == date(2026, 7, 1)
    assert read(Type.DAY, "2026-07-01T04:59:59Z", zone="America/Chicago") == date(2026, 6, 30)


@pytest.mark.parametrize(
    ("raw", "zone", "day"),
    [
        ("2026-11-14T23:30:00Z", "Europe/Zurich", date(2026, 11, 15)),
        ("2026-06-30T23:30:00Z", "Europe/London", date(2026, 7, 1)),
        ("2026-11-15T02:00:00+00:00", "America/Chicago", date(2026, 11, 14)),
        (datetime(2026, 11, 14, 23, 30, tzinfo=UTC), "Europe/Zurich", date(2026, 11, 15)),
        ("2026-11-14T23:30:00Z", "UTC", date(2026, 11, 14)),
    ],
)
def test_an_instant_becomes_the_day_that_it_was_in_the_business_time_zone(raw: object, zone: str, day: date):
    instant = read(Type.INSTANT, raw, zone=zone)
    assert to_date(instant) == day
    assert to_date(instant, "%d.%m.%Y") == day.strftime("%d.%m.%Y")
    assert fit(instant, Field("effectiveDate", Type.DAY)) == day


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_instant_at_the_end_of_time_is_told_or_read(raw: str):
    for zone in ("America/Chicago", "Europe/Zurich"):
        try:
            assert read(Type.INSTANT, raw, zone=zone) == datetime.fromisoformat(raw)
        except Misfit as fault:
            assert "out of all range" in str(fault)  # noqa: PT017 -- or it can be told in that zone


STATUS = {1: "Active", 2: "Archived"}


@pytest.mark.parametrize(
    ("raw", "note", "label"),
    [
        (2, None, "Archived"),
        ("2", None, "Archived"),
        ("archived", None, "Archived"),
        (126340001, "Archived", "Archived"),  # this tenant numbers its choices otherwise
        (2, "Archiviert", "Archived"),  # and this one speaks German
    ],
)
def test_a_choice_becomes_its_label(raw: object, note: object, label: str):
    assert read(Type.CHOICE, raw, note, choices=STATUS) == label


@pytest.mark.parametrize("raw", [3, "Closed", True, [1]])
def test_an_unknown_choice_is_refused(raw: object):
    with pytest.raises(Misfit):
        read(Type.CHOICE, raw, choices=STATUS)


def test_a_choice_without_known_labels_is_whatever_it_is_called():
    assert read(Type.CHOICE, 7, "Per seat") == "Per seat"


@pytest.mark.parametrize(("note", "value"), [("Billable", True), ("Non-Billable", False)])
def test_a_choice_of_two_is_read_as_yes_or_no_by_the_columns_own_name(note: str, *, value: bool):
    convert = convert_for(Column("billable", Type.BOOLEAN, "billablestatus"), ZURICH, [])

    assert convert(126340000, note) is value


def test_text_loses_terminal_escapes_and_control_characters_and_that_is_noted():
    notes: list[str] = []
    convert = convert_for(Column("name", Type.TEXT, "name"), ZURICH, notes)

    got = convert("\x1b[31mRed\x1b[0m\x07 \x1b]0;title\x07roof\x9b2J \ud800end\x00", None)

    assert got == "Red roof end"
    assert notes == ["name"]


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_is_harmless_and_clean_stays_clean(text: str):
    got = clean(text)

    assert clean(got) == got
    assert all(letter in "\n\t" or ord(letter) >= 0x20 for letter in got)
    assert not any(0x7F <= ord(letter) <= 0x9F for letter in got)
    got.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20))
def test_decimals_are_exact_and_written_in_one_way(number: Decimal):
    got = read(Type.DECIMAL, format(number, "f"))

    assert got == number
    assert str(got) == str(read(Type.DECIMAL, f"{number:f}" + ("00" if "." in f"{number:f}" else ".00")))
    assert "E" not in format(got, "f")


@given(st.uuids())
def test_a_guid_is_one_key_however_it_is_written(guid: object):
    text = str(guid)

    assert {same_key(text), same_key(text.upper()), same_key(f"{{{text}}}"), same_key(f" {text} ")} == {text}


def test_a_long_value_is_shown_short_and_on_one_line():
    assert shown("a\n" * 100) == '"' + "a " * 20 + '…"'
