"""Days and instants are read in the business time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from trueup.expressions.date_filters import to_date
from trueup.model.catalogue import Field, Type
from trueup.model.coerce import coerce
from trueup.source.dates import day_converter, instant_converter
from trueup.source.errors import InvalidValue


def read_day(raw: object, zone: str) -> object:
    return day_converter(ZoneInfo(zone))(raw, None)


def read_instant(raw: object, zone: str) -> object:
    return instant_converter(ZoneInfo(zone))(raw, None)


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("2026-02-28T23:00:00Z", date(2026, 3, 1)),  # a midnight in Zürich, winter
        ("2026-06-30T22:00:00Z", date(2026, 7, 1)),  # and in summer
        ("2026-07-01T00:00:00Z", date(2026, 7, 1)),  # a day without a time zone
        ("2026-07-01", date(2026, 7, 1)),
    ],
)
def test_an_instant_in_a_column_of_days_belongs_to_its_day_in_the_business_time_zone(
    raw: str, day: date
):
    assert read_day(raw, "Europe/Zurich") == day


def test_a_day_without_a_time_zone_stays_that_day_west_of_greenwich():
    assert read_day("2026-07-01T00:00:00Z", "America/Chicago") == date(2026, 7, 1)
    assert read_day("2026-07-01T05:00:00Z", "America/Chicago") == date(2026, 7, 1)
    assert read_day("2026-07-01T04:59:59Z", "America/Chicago") == date(2026, 6, 30)


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
def test_an_instant_becomes_its_day_in_the_business_time_zone(raw: object, zone: str, day: date):
    instant = read_instant(raw, zone)
    assert to_date(instant) == day
    assert to_date(instant, "%d.%m.%Y") == day.strftime("%d.%m.%Y")
    assert coerce(instant, Field("effectiveDate", Type.DAY)) == day


@pytest.mark.parametrize(
    ("raw", "day"),
    [
        ("9999-12-31T23:59:59Z", date(9999, 12, 31)),
        ("9999-12-31T23:59:59-05:00", date(9999, 12, 31)),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), date(9999, 12, 31)),
        ("0001-01-01T00:00:00Z", date(1, 1, 1)),
        ("0001-01-01T00:00:01Z", date(1, 1, 1)),
        ("0001-01-01T00:00:00+05:00", date(1, 1, 1)),
    ],
)
@pytest.mark.parametrize("zone", ["America/Chicago", "Europe/Berlin", "Europe/London"])
def test_an_instant_at_an_end_of_the_calendar_has_its_own_date_where_the_zone_has_none(
    raw: object, day: date, zone: str
):
    """Databases write such an instant for "no end"."""
    assert read_day(raw, zone) == day


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_an_instant_that_is_out_of_range_in_utc_is_reported_as_that(raw: str):
    for value in (raw, datetime.fromisoformat(raw)):
        with pytest.raises(InvalidValue, match="is an instant out of range"):
            read_instant(value, "UTC")


@pytest.mark.parametrize("raw", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_extreme_instant_is_read_or_reported_as_out_of_range(raw: str):
    for zone in ("America/Chicago", "Europe/Zurich"):
        try:
            assert read_instant(raw, zone) == datetime.fromisoformat(raw)
        except InvalidValue as fault:
            assert "out of range" in str(fault)  # noqa: PT017 -- either outcome is right
