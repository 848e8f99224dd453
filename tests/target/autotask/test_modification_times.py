"""What the times prove in which records state when they were modified."""

from datetime import UTC, datetime, timedelta

import pytest
from trueup.target.autotask.modification_times import sizes_since, starts, unmoved

READ = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLOCK = "lastModifiedDate"


def before_read(**duration):
    return READ - timedelta(**duration)


def items(*times):
    return [{CLOCK: time and time.isoformat()} for time in times]


def by_id(*times):
    return dict(enumerate(items(*times), start=1))


@pytest.mark.parametrize(
    ("times", "page", "expected"),
    [
        (
            [before_read(days=1), before_read(days=2)],
            20,
            [before_read(days=1, hours=2), before_read(days=1, hours=2)],
        ),
        (
            [before_read(days=1), before_read(days=2), before_read(days=3)],
            40,
            [before_read(days=2), before_read(days=1, hours=2)],
        ),
        (
            [before_read(days=1), before_read(days=2)],
            500,
            [before_read(days=2), before_read(days=1, hours=2)],
        ),
        (
            [before_read(days=-1), before_read(hours=1)],
            20,
            [before_read(hours=3), before_read(hours=3)],
        ),
        (
            [before_read(days=-1), before_read(days=1)],
            20,
            [before_read(days=1, hours=2), before_read(days=1, hours=2)],
        ),
        ([before_read(days=-1)], 20, []),
        ([before_read(days=1), None], 20, []),
        ([], 20, []),
    ],
    ids=["overlap", "two", "all", "one_to_come", "one_old", "all_to_come", "one_without", "none"],
)
def test_changes_are_asked_for_from_where_some_of_the_newest_records_state_a_time(
    times, page, expected
):
    assert starts(items(*times), [CLOCK], READ, page) == expected


def test_records_that_state_a_time_or_a_later_one_are_counted():
    pieces = [
        by_id(before_read(hours=1), before_read(hours=2), before_read(hours=3)),
        by_id(before_read(hours=3), None),
    ]

    assert sizes_since(pieces, [CLOCK], before_read(hours=2)) == [2, 0]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([before_read(hours=1), before_read(hours=2)], 2),
        ([before_read(hours=-1), before_read(hours=2)], 1),
        ([before_read(hours=-1), before_read(hours=-1)], 0),
        ([before_read(hours=1)], None),
        ([before_read(hours=1), before_read(hours=3)], None),
    ],
    ids=["no_edit", "one_edit", "all_edited", "missing", "earlier"],
)
def test_a_record_that_states_its_time_proves_that_no_edit_is_gone(found, expected):
    before = by_id(before_read(hours=1), before_read(hours=2), before_read(days=9))

    proofs = unmoved(before, by_id(*found), [CLOCK], (before_read(hours=2), READ))

    assert proofs == expected


def test_a_time_that_is_yet_to_come_proves_nothing():
    record = by_id(before_read(days=-1))

    assert unmoved(record, record, [CLOCK], (before_read(hours=2), READ)) == 0
