"""When schedules are due: all times of a cron once, whatever the clocks do."""

import sys
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.config.cron import cron_fault, due_after, meets
from trueup.errors import EngineError
from trueup.model.finding import Place
from trueup.model.fleet import Schedule, Window

MINUTE = timedelta(minutes=1)
LONDON = "Europe/London"


def due(cron, zone, start, count=1):
    """The next instants at which it is due, in UTC."""
    schedule, found = Schedule(cron, ZoneInfo(zone), Place("fleet.yaml")), []
    instant = datetime.fromisoformat(start)
    for _ in range(count):
        instant = due_after(schedule, instant)
        found.append(f"{instant:%Y-%m-%dT%H:%M}")
    return found


def test_a_time_is_that_of_the_zone_in_summer_and_in_winter():
    assert due("0 5 * * *", LONDON, "2026-10-23T12:00Z", 3) == [
        "2026-10-24T04:00",
        "2026-10-25T05:00",
        "2026-10-26T05:00",
    ]


def test_a_time_that_the_clocks_skip_is_due_once_when_they_go_forward():
    # In 2026 London's clocks go from 01:00 to 02:00 on 29 March.
    assert due("30 1 * * *", LONDON, "2026-03-28T12:00Z", 2) == [
        "2026-03-29T01:00",
        "2026-03-30T00:30",
    ]
    assert due("*/20 1 * * *", LONDON, "2026-03-28T12:00Z", 2) == [
        "2026-03-29T01:00",
        "2026-03-30T00:00",
    ]


def test_a_time_that_the_clocks_show_twice_is_due_the_first_time_only():
    # In 2026 London's clocks go from 02:00 to 01:00 on 25 October.
    assert due("30 1 * * *", LONDON, "2026-10-24T12:00Z", 2) == [
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ]


def test_between_the_two_showings_of_a_time_nothing_is_due_again():
    assert due("*/30 1 * * *", LONDON, "2026-10-25T00:30Z") == ["2026-10-26T01:00"]


def test_a_day_that_a_zone_skips_is_due_when_the_next_one_begins():
    # Samoa had no 30 December 2011.
    assert due("0 5 * * *", "Pacific/Apia", "2011-12-29T16:00Z", 2) == [
        "2011-12-30T10:00",
        "2011-12-30T15:00",
    ]


def test_the_first_instant_after_the_given_one_counts():
    assert due("0 5 * * *", "UTC", "2026-11-30T05:00Z") == ["2026-12-01T05:00"]
    assert due("0 5 * * *", "UTC", "2026-11-30T04:59:59Z") == ["2026-11-30T05:00"]


# An independent computation: every minute of some days, one after the other.

CHANGES = [
    ("Europe/London", "2026-03-29T01:00Z"),
    ("Europe/London", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),  # half an hour
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00Z"),  # at midnight
    ("Africa/Casablanca", "2026-02-15T02:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),  # a day
    ("Asia/Kathmandu", "2026-06-01T00:00Z"),  # no change; 5:45 from UTC
]

NUMBERS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@st.composite
def fields(draw):
    """Each field as a set of numbers, and as text. Days are restricted by one field at most."""
    dense = draw(st.booleans())
    written, sets = [], []
    for position, (low, high) in enumerate(NUMBERS):
        every = set(range(low, high + 1))
        is_free = position in {2, 3, 4} and (dense or draw(st.booleans()))
        if is_free or (position == 4 and len(sets[2]) < 31):
            written.append("*")
            sets.append(every)
            continue
        step = draw(st.integers(15 if position == 0 else 1, 30))  # few minutes: it is a slow walk
        first = draw(st.integers(low, high))
        numbers = {one for one in every if one >= first and (one - first) % step == 0}
        written.append(",".join(map(str, sorted(numbers))))
        sets.append(numbers)
    return " ".join(written), sets


def names(sets, local):
    """Does the cron name this time?"""
    parts = (local.minute, local.hour, local.day, local.month, (local.weekday() + 1) % 7)
    return all(part in one for part, one in zip(parts, sets, strict=True))


def expected(sets, zone, start, end):
    """All instants after `start` at which it is due: each time that passes is looked at once.

    A time passes when the clock first shows it, or jumps over it. The walk begins before `start`,
    so that it knows which times have passed by then.
    """
    found, instant = set(), start - timedelta(hours=25)
    latest = instant.astimezone(zone).replace(tzinfo=None)
    while instant < end:
        instant += MINUTE
        shown = instant.astimezone(zone).replace(tzinfo=None)
        while latest < shown:  # not where the clock was set back
            latest += MINUTE
            if names(sets, latest):
                found.add(instant)
    return sorted(one for one in found if one > start)


@given(st.sampled_from(CHANGES), fields(), st.integers(0, 12))
def test_schedules_are_due_as_a_walk_over_all_minutes_finds(change, cron, before):
    name, changes = change
    text, sets = cron
    zone, start = ZoneInfo(name), datetime.fromisoformat(changes) - timedelta(hours=before)
    end = start + timedelta(hours=36)

    schedule, found, instant = Schedule(text, zone, Place("fleet.yaml")), [], start
    while (instant := due_after(schedule, instant)) and instant <= end:
        found.append(instant)

    assert found == expected(sets, zone, start, end)


@pytest.mark.parametrize(
    ("cron", "fault"),
    [
        ("0 5 * *", "'0 5 * *' has 4 fields, and a cron has five"),
        ("0 0 5 * * *", "'0 0 5 * * *' has 6 fields, and a cron has five"),
        ("@daily", "'@daily' has 1 fields, and a cron has five"),
        ("61 * * * *", "'61' is no minute"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 5 0 * *", "'0' is no day of the month"),
        ("0 5 L * *", "'L' is no day of the month"),
        ("0 5 * foo *", "'foo' is no month"),
        ("0 5 * * 8", "'8' is no day of the week"),
        ("0 5 * * mon#1", "'mon#1' is no day of the week"),
        ("R 5 * * *", "'R' is no minute"),
        ("*/0 5 * * *", "'*/0' is no minute"),
        ("0 5 30 2 *", "'0 5 30 2 *' is never due"),
        ("0 5 31 4,6,9,11 *", "'0 5 31 4,6,9,11 *' is never due"),
    ],
)
def test_a_cron_that_cannot_be_is_explained(cron, fault):
    assert cron_fault(cron)[0] == fault


@pytest.mark.parametrize(
    "cron",
    [
        "0 5 * * *",
        "*/15 1-5 1,15 * *",
        "0 5 29 2 *",
        "0 5 * * mon-fri",
        "0 5 * JAN sun",
        "0 5 30 2 mon",
    ],
)
def test_a_cron_that_can_be_has_no_fault(cron):
    assert cron_fault(cron) == ("", "")


NIGHT = Window(time(22), time(6), frozenset({4}))  # from Friday to Saturday


@pytest.mark.parametrize(
    ("cron", "met"),
    [
        ("0 5 * * *", True),
        ("0 5 * * sat", True),
        ("0 5 * * fri", False),
        ("0 22 * * fri", True),
        ("0 6 * * sat", False),
        ("*/30 12-23 * * fri", True),
        ("0 5 13 * *", True),  # a Saturday now and then
        ("0 5 29 2 *", True),
        ("0 12 * * *", False),
    ],
)
def test_a_window_is_met_where_any_time_of_the_cron_is_in_it(cron, met):
    assert meets(cron, NIGHT) is met


def test_without_the_extra_a_schedule_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "croniter", None)
    monkeypatch.setattr("trueup.config.cron.find_spec", lambda _: None)

    with pytest.raises(EngineError, match=r"pip install 'trueup\[fleet\]'"):
        cron_fault("0 5 * * *")
