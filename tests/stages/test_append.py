"""Pending logs become adjustments: one a day, none on a day that has taken one, none lost."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.stages.append import (
    NO_CORRECTION,
    MergedAdjustment,
    Pending,
    ServiceDays,
    merge,
    split_correction,
)

from tests.stages.examples import day, units


def log(key, on, count, *, forced=False):
    return Pending(key, day(on), Decimal(count), forced)


def days(*taken, posted=None, last=None):
    return ServiceDays(
        frozenset(map(day, taken)), day(posted) if posted else None, day(last) if last else None
    )


def summary(adjustments):
    return [(one.keys, one.day.day, one.units) for one in adjustments]


def test_logs_of_different_days_stay_apart_in_the_order_of_their_days():
    assert merge([log("b", 9, -2), log("a", 5, 3)], days()) == [
        MergedAdjustment(("a",), day(5), 3),
        MergedAdjustment(("b",), day(9), -2),
    ]


def test_logs_of_one_day_become_one_adjustment_with_a_note():
    assert merge([log("a", 5, 3), log("b", 5, -1), log("c", 5, 2)], days()) == [
        MergedAdjustment(("a", "b", "c"), day(5), 4, ("3 changes of 2026-01-05 in one",)),
    ]


def test_logs_that_cancel_out_are_one_of_no_units_on_their_day_even_if_it_is_taken():
    assert summary(merge([log("a", 5, 3), log("b", 5, -3)], days(5))) == [(("a", "b"), 5, 0)]


def test_halves_that_make_a_whole_are_a_whole():
    assert summary(merge([log("a", 5, "0.5"), log("b", 5, "0.5")], days())) == [(("a", "b"), 5, 1)]


def test_a_day_that_has_taken_an_adjustment_passes_it_on_to_the_next_free_one():
    assert merge([log("a", 5, 3)], days(5, 6, 8)) == [
        MergedAdjustment(
            ("a",),
            day(7),
            3,
            ("2026-01-05 has taken an adjustment already, and a day can take one: on 2026-01-07",),
        )
    ]


def test_what_is_passed_on_goes_in_one_with_what_is_there():
    assert summary(merge([log("a", 5, 3), log("b", 6, 2), log("c", 7, 1)], days(5))) == [
        (("b", "a"), 6, 5),
        (("c",), 7, 1),
    ]
    assert summary(merge([log("a", 5, 3), log("b", 6, -3)], days(5))) == [(("b", "a"), 6, 0)]


def test_a_forced_log_of_a_posted_day_goes_to_the_first_open_day():
    assert merge([log("a", 5, 3, forced=True)], days(posted=10)) == [
        MergedAdjustment(
            ("a",),
            day(11),
            3,
            ("2026-01-05 is posted: pushed on 2026-01-11, the first open day, as decided",),
        )
    ]
    assert summary(merge([log("a", 11, 3, forced=True)], days(posted=10))) == [(("a",), 11, 3)]


def test_a_log_of_a_posted_day_that_is_not_forced_stays_there_to_be_held():
    assert summary(merge([Pending("a", day(5), Decimal(3))], days(posted=10))) == [(("a",), 5, 3)]
    assert summary(merge([log("a", 10, 3)], days(9, 10, posted=10))) == [(("a",), 10, 3)]


def test_a_forced_log_whose_open_day_is_taken_goes_on_to_the_next():
    assert summary(merge([log("a", 5, 3, forced=True)], days(11, 12, posted=10))) == [
        (("a",), 13, 3)
    ]


def test_what_is_known_of_days_comes_from_rows():
    rows = units((1, 10, 3, "posted"), (11, 20, 5, "posted"), (21, 30, 5))
    assert ServiceDays.of(rows, {day(11)}) == ServiceDays(frozenset({day(11)}), day(20), day(30))
    assert ServiceDays.of((), ()) == ServiceDays(frozenset(), None, None)


@pytest.mark.parametrize(
    ("posted", "on", "opens"), [(None, 5, 5), (10, 5, 11), (10, 10, 11), (10, 11, 11)]
)
def test_a_day_is_open_when_nothing_on_it_or_after_it_is_posted(posted, on, opens):
    assert days(posted=posted).open_from(day(on)) == day(opens)


def test_notes_of_a_change_are_kept():
    rounded = Pending("a", day(5), Decimal(3), notes=("rounded up by the policy",))
    assert merge([rounded], days())[0].notes == ("rounded up by the policy",)


def test_a_correction_has_no_keys_and_its_units_are_counted_by_themselves():
    (made,) = merge([log("a", 5, 3), Pending("", day(5), Decimal(-1))], days())
    assert (made.keys, made.units, made.correction) == (("a",), 2, -1)


@pytest.mark.parametrize(
    ("correction", "parts"),
    [
        (2, [("11-15", 2)]),
        (-1, [("11-9", -1)]),  # it takes from the latest change that goes the other way
        (-3, [("11-9", -2), ("11-5", -1)]),
        (-9, [("11-9", -2), ("11-5", -3), ("11-15", -4)]),
        (0, []),
    ],
)
def test_a_correction_takes_from_opposite_changes_and_the_rest_goes_on_its_day(correction, parts):
    changes = [log("a", "11-5", 3), log("b", "11-9", 2)]
    split = split_correction(changes, Decimal(correction), day("11-15"))
    assert [(one.key, one.day, one.units) for one in split] == [
        ("", day(on), units) for on, units in parts
    ]


@pytest.mark.parametrize(
    ("entered", "correction", "parts"),
    [
        # Entered for the change before it, and not for the later one.
        ([("11-7", 3)], -3, [("11-5", -3, "11-7")]),
        # Entered before all changes: for the next one.
        ([("11-2", 2)], -2, [("11-5", -2, "11-2")]),
        # After the increase has ended again, it is none of these.
        ([("11-14", 3)], -3, [("11-15", -3, None)]),
        # Both together are the correction: each stands for a change of its own.
        ([("11-6", 3), ("11-13", -5)], 2, [("11-12", 5, "11-13"), ("11-5", -3, "11-6")]),
    ],
)
def test_a_correction_takes_from_the_change_whose_units_were_entered(entered, correction, parts):
    changes = [log("a", "11-5", 3), log("b", "11-9", 2), log("c", "11-12", -5)]
    found = [(day(on), Decimal(units)) for on, units in entered]
    split = split_correction(changes, Decimal(correction), day("11-15"), found)
    made = [(one.day, one.units, one.cancels.entered if one.cancels else None) for one in split]
    assert made == [
        (day(on), units, None if since is None else day(since)) for on, units, since in parts
    ]


def test_without_a_difference_nothing_is_taken_from_what_was_entered():
    entered = [(day("11-6"), Decimal(1)), (day("11-7"), Decimal(-1))]
    assert NO_CORRECTION.parts([log("a", "11-5", 3)], days(), entered) == []


LOGS = st.lists(
    st.tuples(st.integers(1, 28), st.integers(-4, 4), st.booleans()), min_size=1, max_size=10
).map(
    lambda many: [
        log(str(number), on, count, forced=forced)
        for number, (on, count, forced) in enumerate(many)
    ]
)
KNOWN = st.builds(
    lambda taken, posted: days(*taken, posted=posted),
    st.sets(st.integers(1, 28)),
    st.none() | st.integers(1, 28),
)


@given(LOGS, KNOWN)
def test_no_unit_and_no_log_is_lost_or_doubled(logs, known):
    made = merge(logs, known)
    assert sum(one.units for one in made) == sum(one.units for one in logs)
    assert sorted(key for one in made for key in one.keys) == sorted(one.key for one in logs)
    by_key = {one.key: one.units for one in logs}
    assert all(one.units == sum(by_key[key] for key in one.keys) for one in made)


@given(LOGS, KNOWN)
def test_no_day_takes_two_and_no_day_that_has_taken_one_takes_another(logs, known):
    made = [one.day for one in merge(logs, known)]
    assert made == sorted(set(made))
    sent = [
        one.day for one in merge(logs, known) if one.units and known.open_from(one.day) == one.day
    ]
    assert not known.taken.intersection(sent)


@given(LOGS, KNOWN)
def test_a_log_moves_to_later_days_only_and_only_with_a_note(logs, known):
    days_by_key = {one.key: one.day for one in logs}
    for one in merge(logs, known):
        for key in one.keys:
            assert one.day >= days_by_key[key]
            assert one.day == days_by_key[key] or one.notes


@given(LOGS, KNOWN)
def test_without_a_decision_nothing_leaves_a_posted_day(logs, known):
    by_key = {one.key: one for one in logs}
    for one in merge(logs, known):
        for key in one.keys:
            if known.open_from(by_key[key].day) != by_key[key].day and one.units:
                assert (
                    one.day > known.posted_until
                    if by_key[key].forced
                    else one.day == by_key[key].day
                )


@given(LOGS.filter(lambda logs: len({one.day for one in logs}) == len(logs)), KNOWN)
def test_logs_of_different_days_give_the_same_in_any_order(logs, known):
    forward, backward = merge(logs, known), merge(logs[::-1], known)
    assert [(one.day, one.units, set(one.keys)) for one in forward] == [
        (one.day, one.units, set(one.keys)) for one in backward
    ]


@given(LOGS, st.integers(0, 5))
def test_units_of_every_day_after_the_last_are_what_all_logs_give(logs, gap):
    made = merge(logs, days())
    after = max(one.day for one in made) + timedelta(days=gap)
    assert sum(one.units for one in made if one.day <= after) == sum(one.units for one in logs)
