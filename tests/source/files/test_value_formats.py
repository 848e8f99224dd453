"""Numbers, days and times as people write them are read as the project says, and never guessed."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trueup.model.catalogue import Column, Type
from trueup.source.errors import InvalidValue
from trueup.source.files.value_formats import ValueFormat, parse_format
from trueup.source.values import converter_for

ZONE = ZoneInfo("Europe/Berlin")
DAYS = ("DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "DD-MM-YYYY", "YYYY/MM/DD")


def column(type_: Type) -> Column:
    return Column("value", type_, "value")


def value_of(type_: Type, text: object, written: ValueFormat) -> object:
    """The typed value of a cell."""
    one = column(type_)
    return converter_for(one, ZONE, [])(written.read(one, text, ZONE), None)


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1234,50", ",", "1234.5"),
        ("1.234,50", ",", "1234.5"),
        ("1 234 567,5", ",", "1234567.5"),
        ("1\u00a0234", ",", "1234"),
        ("-0,05", ",", "-0.05"),
        ("1'234.50", ".", "1234.5"),
        ("1,234.50", ".", "1234.5"),
    ],
)
def test_a_number_is_read_with_the_stated_decimal_sign(text: str, decimal: str, number: str):
    assert value_of(Type.DECIMAL, text, ValueFormat(decimal=decimal)) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "decimal"),
    [("1.5", ","), ("1.23,5", ","), ("1,5", "."), ("1.2345,0", ","), ("12,", ","), ("", ",")],
)
def test_a_number_with_another_sign_is_refused(text: str, decimal: str):
    with pytest.raises(InvalidValue):
        value_of(Type.DECIMAL, text, ValueFormat(decimal=decimal))


@given(st.dates(min_value=date(1900, 1, 1)), st.sampled_from(DAYS))
def test_a_day_is_read_as_it_was_written(day: date, pattern: str):
    written = ValueFormat(day=pattern)

    assert value_of(Type.DAY, written.write(day, ZONE), written) == day
    assert value_of(Type.DAY, day.isoformat(), written) == day


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9)))
def test_a_number_is_read_as_it_was_written(number: Decimal):
    written = ValueFormat(decimal=",")

    assert value_of(Type.DECIMAL, written.write(number, ZONE), written) == number


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("15/11/2026", date(2026, 11, 15)),
        ("1/2/2026", date(2026, 2, 1)),
        ("15/11/2026 14:30", date(2026, 11, 15)),
        ("15/11/2026, 11:59:59 pm", date(2026, 11, 15)),
    ],
)
def test_a_day_may_have_a_time(text: str, day: date):
    assert value_of(Type.DAY, text, ValueFormat(day="DD/MM/YYYY")) == day


@pytest.mark.parametrize("day", ["", "DD/MM/YYYY"])
@pytest.mark.parametrize(
    "value",
    [
        "2026-11-15 00:00:00",
        "2026-11-15T00:00",
        "2026-11-15 00:00:00.000",
        datetime(2026, 11, 15),  # noqa: DTZ001 -- as a cell of a workbook holds it
    ],
)
def test_midnight_without_a_zone_is_that_day(value: object, day: str):
    assert value_of(Type.DAY, value, ValueFormat(day=day)) == date(2026, 11, 15)


@pytest.mark.parametrize("day", ["", "DD/MM/YYYY"])
@pytest.mark.parametrize(
    "value",
    ["2026-11-15 23:30:00", datetime(2026, 11, 15, 23, 30)],  # noqa: DTZ001 -- as above
)
def test_another_time_in_a_column_of_days_needs_the_projects_word(value: object, day: str):
    with pytest.raises(InvalidValue, match="local_times"):
        value_of(Type.DAY, value, ValueFormat(day=day))

    local = value_of(Type.DAY, value, ValueFormat(day=day, local_times=True))

    assert local == date(2026, 11, 15)


@pytest.mark.parametrize("day", ["", "YYYY-MM-DD"])
@pytest.mark.parametrize(
    "value",
    [
        "9999-12-31 23:59:59",
        "9999-12-31T23:59:59.997",
        datetime(9999, 12, 31, 23, 59, 59),  # noqa: DTZ001 -- as above
    ],
)
def test_the_last_moment_of_the_calendar_is_its_day(value: object, day: str):
    """Databases write it for "no end"."""
    assert value_of(Type.DAY, value, ValueFormat(day=day)) == date(9999, 12, 31)


@pytest.mark.parametrize("text", ["2026-11-31 00:00:00", "2026-11-15 25:00:00"])
def test_a_time_that_is_none_is_no_day(text: str):
    with pytest.raises(InvalidValue, match="is not a day"):
        value_of(Type.DAY, text, ValueFormat())


@pytest.mark.parametrize("text", ["31/02/2026", "11/15/2026", "15.11.2026", "15/11/26"])
def test_a_day_in_another_order_is_refused(text: str):
    with pytest.raises(InvalidValue):
        value_of(Type.DAY, text, ValueFormat(day="DD/MM/YYYY"))


@pytest.mark.parametrize("text", ["2026-11-15 14:30:00", "2026-11-15T14:30", "15.11.2026 2:30 PM"])
def test_a_time_without_a_zone_needs_the_projects_word(text: str):
    days = ValueFormat(day="DD.MM.YYYY")
    with pytest.raises(InvalidValue, match="local_times"):
        value_of(Type.INSTANT, text, days)

    local = value_of(Type.INSTANT, text, ValueFormat(day="DD.MM.YYYY", local_times=True))

    assert local == datetime(2026, 11, 15, 13, 30, tzinfo=UTC)


AUTUMN = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30, an hour before 02:30


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2037, 1, 1)),  # noqa: DTZ001 -- zone below
    st.sampled_from(["", "DD/MM/YYYY"]),
)
@example(AUTUMN, "")
@example(AUTUMN + timedelta(hours=1), "")
@example(AUTUMN + timedelta(hours=1), "DD/MM/YYYY")
def test_a_local_time_is_read_as_it_was_written(moment: datetime, day: str):
    instant = moment.replace(tzinfo=UTC)
    written = ValueFormat(day=day, local_times=True)

    known = value_of(Type.INSTANT, written.write(instant, ZONE), written)

    assert known == instant


def test_a_columns_own_format_replaces_parts_of_the_common_one():
    file_format = parse_format(
        {"decimal": ",", "day": "DD/MM/YYYY", "columns": {"product.price": {"decimal": "."}}}
    )

    assert file_format.columns["product.price"] == ValueFormat(decimal=".", day="DD/MM/YYYY")
