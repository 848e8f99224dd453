"""Windows in which a tenant may be written to."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from trueup.model.fleet import Window

LONDON = ZoneInfo("Europe/London")
NIGHT = Window(time(22), time(6), frozenset({4}))  # from Friday to Saturday
WEEKEND = Window(time(0), time(0), frozenset({5, 6}))  # until midnight


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("instant", "is_open"),
    [
        ("2026-11-27T21:59Z", False),  # a Friday
        ("2026-11-27T22:00Z", True),
        ("2026-11-28T05:59Z", True),
        ("2026-11-28T06:00Z", False),
        ("2026-11-28T22:00Z", False),
        ("2026-07-03T21:00Z", True),  # 22:00 in summer
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(instant, is_open):
    assert NIGHT.is_open(at(instant), LONDON) is is_open


def test_a_window_until_midnight_ends_with_its_day():
    assert WEEKEND.is_open(at("2026-11-28T00:00Z"), LONDON)
    assert WEEKEND.is_open(at("2026-11-29T23:59Z"), LONDON)
    assert not WEEKEND.is_open(at("2026-11-30T00:00Z"), LONDON)


def test_an_open_window_opens_now_and_a_closed_one_when_it_begins():
    assert NIGHT.opens_after(at("2026-11-28T01:00Z"), LONDON) == at("2026-11-28T01:00Z")
    assert NIGHT.opens_after(at("2026-11-28T06:00Z"), LONDON) == at("2026-12-04T22:00Z")
    assert NIGHT.opens_after(at("2026-07-03T20:00Z"), LONDON) == at("2026-07-03T21:00Z")


def test_a_window_whose_beginning_the_clocks_skip_opens_when_they_go_forward():
    window = Window(time(1, 30), time(4))

    assert window.opens_after(at("2026-03-28T12:00Z"), LONDON) == at("2026-03-29T01:00Z")


def test_a_window_that_the_clocks_skip_as_a_whole_opens_on_the_next_day():
    window = Window(time(1), time(2))

    assert window.opens_after(at("2026-03-28T12:00Z"), LONDON) == at("2026-03-30T00:00Z")
