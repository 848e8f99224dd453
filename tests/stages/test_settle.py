"""What a reading shows about a write that got no answer."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.change import UnitRow
from trueup.model.mapping import UnitFields
from trueup.model.units import DAY, adjust
from trueup.stages.settle import (
    WriteOutcome,
    proof_rows,
    rows_from,
    rows_to,
    settle_adjustment,
    settle_create,
    settle_update,
)

from tests.stages.examples import day, units

NAMES = UnitFields("id", "startDate", "endDate", "units")
LANDED, ABSENT, UNCLEAR = WriteOutcome.LANDED, WriteOutcome.ABSENT, WriteOutcome.UNCLEAR
BEFORE = units((1, 10, 5), (11, 20, 5), (21, 30, 5))


def written(rows, *adjustments):
    """The rows after adjustments, new ones with ids of their own, as Autotask gives them."""
    for on, count in adjustments:
        rows = adjust(rows, day(on), count)
    used = max((row.id for row in rows), default=0)
    return tuple(
        row if row.id else UnitRow(used + place, row.start, row.end, row.units)
        for place, row in enumerate(rows, 1)
    )


@pytest.mark.parametrize(("found", "landing"), [([], ABSENT), ([5], LANDED), ([5, 6], UNCLEAR)])
def test_a_create_landed_when_one_record_carries_its_identity(found, landing):
    assert settle_create(found) is landing


@pytest.mark.parametrize(
    ("record", "landing"),
    [
        ({"name": "Alpine", "fee": Decimal("5.0000")}, LANDED),
        ({"name": "Alpine ", "fee": 5}, LANDED),
        ({"name": "Alpine", "fee": Decimal(6)}, ABSENT),
        ({"name": "Alpine"}, ABSENT),
        ({}, ABSENT),
        (None, UNCLEAR),
    ],
)
def test_an_update_landed_when_all_its_fields_are_as_sent(record, landing):
    assert settle_update({"name": "Alpine", "fee": Decimal(5)}, record) is landing


def test_an_update_that_empties_a_field_landed_when_it_is_empty():
    assert settle_update({"note": None}, {"note": ""}) is LANDED
    assert settle_update({"note": None}, {"note": "x"}) is ABSENT


@pytest.mark.parametrize(
    ("others", "landing"),
    [
        ([], ABSENT),
        ([(15, 3)], LANDED),
        ([(12, -3)], ABSENT),
        ([(15, 3), (18, -3)], LANDED),
        ([(12, -3), (15, 3)], LANDED),
        ([(12, 3), (18, -3)], ABSENT),
        ([(14, 3)], ABSENT),
        ([(16, 3)], ABSENT),
        ([(15, 4)], UNCLEAR),
        ([(15, -3)], UNCLEAR),
        ([(15, 3), (15, -3)], UNCLEAR),
        ([(15, 3), (15, 3)], UNCLEAR),
    ],
)
def test_an_adjustment_is_known_by_the_step_on_its_day_whatever_others_do_on_other_days(
    others, landing
):
    assert settle_adjustment(BEFORE, written(BEFORE, *others), day(15), 3) is landing


def test_on_the_first_day_of_a_row_too():
    assert settle_adjustment(BEFORE, written(BEFORE, (11, 3)), day(11), 3) is LANDED
    assert settle_adjustment(BEFORE, BEFORE, day(11), 3) is ABSENT
    assert settle_adjustment(BEFORE, written(BEFORE, (5, 2), (12, 2)), day(11), 3) is ABSENT


def test_a_row_that_is_another_one_than_before_leaves_it_unclear():
    now = (BEFORE[0], UnitRow(9, day(11), day(20), 5), BEFORE[2])
    assert settle_adjustment(BEFORE, now, day(11), 3) is UNCLEAR


def test_on_the_first_day_of_all_the_day_before_has_no_units():
    assert settle_adjustment(BEFORE, written(BEFORE, (1, 3)), day(1), 3) is LANDED
    assert settle_adjustment(BEFORE, BEFORE, day(1), 3) is ABSENT


def test_a_service_without_rows_gets_its_first():
    assert settle_adjustment((), (), day(5), 3) is ABSENT
    assert settle_adjustment((), units((1, 4, 0), (5, 31, 3)), day(5), 3) is LANDED
    assert settle_adjustment((), units((5, 31, 3)), day(5), 3) is LANDED
    assert settle_adjustment((), units((5, 31, 0)), day(5), 3) is ABSENT


OTHERS = st.lists(
    st.tuples(st.integers(1, 30).filter(lambda on: on != 15), st.integers(-3, 3)), max_size=5
)


@given(OTHERS, st.integers(-4, 4).filter(bool), st.booleans())
def test_an_adjustment_within_a_period_is_known_for_certain_if_no_other_write_is_on_its_day(
    others, count, landed
):
    now = written(BEFORE, *others, *([(15, count)] if landed else []))
    assert settle_adjustment(BEFORE, now, day(15), count) is (LANDED if landed else ABSENT)


@given(OTHERS, st.integers(-4, 4).filter(bool), st.integers(-4, 4))
def test_two_on_one_day_are_never_taken_for_none(others, count, other):
    now = written(BEFORE, *others, (15, count), (15, other))
    assert settle_adjustment(BEFORE, now, day(15), count) is not ABSENT


def test_the_proof_is_the_row_of_the_day_and_the_one_that_ends_before_it():
    rows = written(BEFORE, (15, 3))
    assert [
        (row["startDate"], row["endDate"], row["units"]) for row in proof_rows(rows, day(15), NAMES)
    ] == [
        (day(11), day(14), 5),
        (day(15), day(20), 8),
    ]
    assert [row["id"] for row in proof_rows(BEFORE, day(11), NAMES)] == [1, 2]
    assert [row["id"] for row in proof_rows(BEFORE, day(12), NAMES)] == [2]
    assert proof_rows((), day(12), NAMES) == ()


def test_rows_go_through_the_journal_unchanged():
    assert rows_from(rows_to(BEFORE)) == BEFORE


def test_the_day_before_is_the_day_before():
    assert timedelta(days=1) == DAY
