"""Units over time: rows, posted periods, adjustments."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.change import UnitRow
from trueup.model.mapping import UnitFields
from trueup.model.units import (
    DAY,
    adjust,
    adjusted_days,
    extended,
    first_open_day,
    is_posted,
    lowest,
    total,
    unit_rows,
    units_on,
)

from tests.stages.examples import day, units

NAMES = UnitFields("id", "startDate", "endDate", "units")


@st.composite
def histories(draw):
    """Rows without gap or overlap, the first of them posted or none; and a first day."""
    start = day(draw(st.integers(1, 28)))
    rows, posted = [], draw(st.integers(0, 3))
    for id_ in range(1, draw(st.integers(1, 7)) + 1):
        end = start + timedelta(days=draw(st.integers(0, 20)))
        rows.append(UnitRow(id_, start, end, draw(st.integers(0, 9)), posted=id_ <= posted))
        start = end + DAY
    return tuple(rows)


DAYS = st.integers(-10, 200).map(lambda count: day(1) + timedelta(days=count))


def days_of(rows):
    first, last = rows[0].start, rows[-1].end
    return [first + timedelta(days=count) for count in range((last - first).days + 1)]


def test_records_become_rows_by_their_start():
    records = [
        {
            "id": 9,
            "startDate": day("2-1"),
            "endDate": day("2-28"),
            "units": Decimal("5.0000"),
            "post": None,
        },
        {
            "id": 7,
            "startDate": day("1-1"),
            "endDate": day("1-31"),
            "units": None,
            "post": day("2-1"),
        },
        {"id": 3, "startDate": day("3-1"), "endDate": day("3-31"), "units": 6},
    ]
    assert unit_rows(records, NAMES, "post") == (
        UnitRow(7, day("1-1"), day("1-31"), 0, posted=True),
        UnitRow(9, day("2-1"), day("2-28"), 5),
        UnitRow(3, day("3-1"), day("3-31"), 6),
    )


@pytest.mark.parametrize(("on", "count"), [(0, -1), (1, 3), (10, 3), (11, 5), (20, 5), (21, -1)])
def test_units_of_a_day_are_those_of_the_row_that_it_is_in(on, count):
    rows = units((1, 10, 3), (11, 20, 5))
    assert units_on(rows, day(1) + timedelta(days=on - 1), none=-1) == count


def test_a_day_without_rows_has_no_units():
    assert units_on((), day(1)) == 0


POSTED = units((1, 10, 3, "posted"), (11, 20, 5, "posted"), (21, 30, 5))


@pytest.mark.parametrize(
    ("rows", "start", "open_day", "posted"),
    [
        (POSTED, 1, 21, True),
        (POSTED, 20, 21, True),
        (POSTED, 21, 21, False),
        (POSTED, 30, 30, False),
        (POSTED[:2], 5, None, True),
        (POSTED[:2], 21, 21, False),
        ((), 5, 5, False),
        (units((1, 10, 3), (11, 20, 5, "posted"), (21, 30, 5)), 5, 21, True),
        (units((11, 20, 5, "posted"), (21, 30, 5)), 5, 21, True),
    ],
)
def test_the_first_open_day_comes_after_all_that_is_posted(rows, start, open_day, posted):
    assert first_open_day(rows, day(start)) == (None if open_day is None else day(open_day))
    assert is_posted(rows, day(start)) is posted


@given(histories(), DAYS)
def test_the_first_open_day_is_open_and_no_day_before_it_is(rows, start):
    found = first_open_day(rows, start)
    if found is None:
        assert is_posted(rows, max(start, rows[-1].end))
    else:
        assert not is_posted(rows, found)
        assert found == start or is_posted(rows, found - DAY)


def test_days_on_which_units_changed_have_taken_an_adjustment():
    rows = units((1, 10, 3), (11, 20, 5), (21, 25, 5), (27, 30, 9))
    assert adjusted_days(rows) == {day(11)}
    assert adjusted_days(rows[:1]) == adjusted_days(()) == set()


def test_an_adjustment_splits_the_row_that_its_day_is_in():
    assert adjust(units((1, 10, 3), (11, 20, 5), (21, 30, 5)), day(15), 2) == (
        UnitRow(1, day(1), day(10), 3),
        UnitRow(2, day(11), day(14), 5),
        UnitRow(0, day(15), day(20), 7),
        UnitRow(3, day(21), day(30), 7),
    )


def test_an_adjustment_on_the_first_day_of_a_row_splits_nothing():
    assert adjust(units((1, 10, 3), (11, 20, 5)), day(11), -5) == (
        UnitRow(1, day(1), day(10), 3),
        UnitRow(2, day(11), day(20), 0),
    )


@given(histories(), DAYS, st.integers(-9, 9))
def test_an_adjustment_moves_units_from_its_day_on_and_no_others(rows, on, by):
    after = adjust(rows, on, by)
    assert [units_on(after, one) for one in days_of(rows)] == [
        units_on(rows, one) + (by if one >= on else 0) for one in days_of(rows)
    ]


@given(histories(), DAYS, st.integers(-9, 9))
def test_rows_after_an_adjustment_cover_the_same_days_without_gap_or_overlap(rows, on, by):
    after = adjust(rows, on, by)
    assert days_of(after) == days_of(rows)
    assert all(later.start == earlier.end + DAY for earlier, later in pairwise(after))
    assert all(row.start <= row.end for row in after)


@given(histories(), DAYS, st.integers(-9, 9).filter(bool))
def test_an_adjustment_within_the_rows_is_seen_on_its_day(rows, on, by):
    if rows[0].start < on <= rows[-1].end and on not in adjusted_days(rows):
        assert on in adjusted_days(adjust(rows, on, by))


@pytest.mark.parametrize(
    ("rows", "end", "after"),
    [
        (units((1, 10, 3), (11, 20, 5)), 30, units((1, 10, 3), (11, 30, 5))),
        (units((1, 10, 3), (11, 20, 5)), 20, units((1, 10, 3), (11, 20, 5))),
        (units((1, 10, 3), (11, 20, 5)), 15, units((1, 10, 3), (11, 20, 5))),
        ((), 30, ()),
    ],
)
def test_days_after_the_last_row_have_its_units(rows, end, after):
    assert extended(rows, day(end)) == after


def test_a_posted_row_is_not_extended_and_the_days_after_it_get_a_row_of_their_own():
    rows = units((1, 10, 3, "posted"))
    assert extended(rows, day(20)) == (*rows, UnitRow(0, day(11), day(20), 3))


@given(histories(), DAYS)
def test_the_lowest_is_the_fewest_units_of_any_day_from_then_on(rows, on):
    later = [units_on(rows, one) for one in days_of(rows) if one >= on]
    assert lowest(rows, on, none=-7) == min(later, default=-7)


@given(histories(), histories())
def test_a_total_has_the_units_of_all_services_on_each_day(first, second):
    both = total([first, second])

    for on in {*days_of(first), *days_of(second)}:
        assert units_on(both, on) == units_on(first, on) + units_on(second, on)
    assert all(earlier.end < later.start for earlier, later in pairwise(both))


def test_a_day_that_no_service_has_is_not_in_the_total():
    early = UnitRow(1, day(1), day(9), 3)
    late = UnitRow(2, day(20), day(28), 5, posted=True)

    rows = total([[early], [late]])

    assert [(row.start, row.end, row.units, row.posted) for row in rows] == [
        (early.start, early.end, 3, False),
        (late.start, late.end, 5, True),
    ]
