"""The ledger's laws, over random histories: a plain model beside it says what must be true on every day."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.sandbox import ledger
from engine.sandbox.ledger import Adjustment, Ledger, NotAllowed

DAY = timedelta(days=1)
FIRST = date(2024, 1, 1)
DAYS = st.integers(0, 800).map(lambda number: FIRST + number * DAY)
MONTHS = st.sampled_from([0, 1, 3, 6, 12])


def fresh(start=FIRST, end=date(2025, 3, 17), months=1, **more):
    return Ledger(start, end, months, Decimal(10), Decimal(4), **more)


def days(first, last):
    return [first + number * DAY for number in range((last - first).days + 1)]


def units_by_day(known):
    """Units on every day that rows cover; fails where two rows cover one day."""
    found = {}
    for row in ledger.rows(known):
        for day in days(row.start, row.end):
            assert day not in found
            found[day] = row.units
    return found


class Histories(RuleBasedStateMachine):
    """Adjusts, posts, moves the end, in any order; beside it, what each day should have."""

    def __init__(self):
        super().__init__()
        self.ledger = fresh()
        self.changes = {}  # day: units
        self.frozen = ()

    @rule(months=MONTHS, start_day=st.integers(1, 31), length=st.integers(1, 700), lead=st.booleans())
    @precondition(lambda self: not self.changes and not self.frozen)
    def begin(self, months, start_day, length, lead):
        start = date(2024, 1, start_day)
        self.ledger = fresh(start, start + length * DAY, months, from_first=lead)

    @rule(day=DAYS, units=st.integers(-6, 9), price=st.none() | st.decimals(-5, 50, places=4))
    def adjust(self, day, units, price):
        if not self.ledger.start <= day <= self.ledger.end:
            return
        wanted = {**self.changes, day: units}
        allowed = (
            day not in self.changes
            and not any(row.start <= day <= row.end for row in self.frozen)
            and all(sum(n for d, n in wanted.items() if d <= one) >= 0 for one in wanted if one >= day)
        )
        try:
            self.ledger = ledger.adjust(self.ledger, Adjustment(day, units, price))
        except NotAllowed:
            assert not allowed or self.frozen
            return
        assert allowed
        self.changes = wanted

    @rule(until=DAYS)
    def post(self, until):
        self.ledger = ledger.post(self.ledger, until)
        spans = set(self.ledger.posted)
        self.frozen = tuple(row for row in ledger.rows(self.ledger) if (row.start, row.end) in spans)

    @rule(end=DAYS)
    def move_end(self, end):
        if end <= self.ledger.start:
            return
        try:
            self.ledger = ledger.move_end(self.ledger, end)
        except NotAllowed:
            assert any(row.end > end for row in self.frozen)
            return
        assert all(row.end <= end for row in self.frozen)
        self.changes = {day: units for day, units in self.changes.items() if day <= end}

    @invariant()
    def units_on_a_day_are_the_sum_of_adjustments_up_to_it(self):
        for day, units in units_by_day(self.ledger).items():
            assert units == sum(change for since, change in self.changes.items() if since <= day)

    @invariant()
    def rows_cover_the_contract_without_gap_or_overlap(self):
        first = self.ledger.start
        if self.ledger.from_first:
            first = min(self.changes, default=None)
        expected = days(first, self.ledger.end) if first else []
        assert list(units_by_day(self.ledger)) == expected

    @invariant()
    def nothing_posted_ever_changes(self):
        now = {(row.start, row.end): row for row in ledger.rows(self.ledger)}
        for row in self.frozen:
            found = now[(row.start, row.end)]
            assert (found.units, found.price, found.cost) == (row.units, row.price, row.cost)

    @invariant()
    def no_row_reaches_over_the_edge_of_a_period(self):
        heads = {head for head, _ in ledger.periods(self.ledger.start, self.ledger.end, self.ledger.months)}
        for row in ledger.rows(self.ledger):
            assert not any(row.start < head <= row.end for head in heads)
            assert 0 < row.share <= 1


Histories.TestCase.settings = settings(stateful_step_count=25)
TestHistories = Histories.TestCase


@given(start=DAYS, months=st.sampled_from([1, 3, 6, 12]), length=st.integers(0, 900))
def test_periods_are_counted_from_the_start_in_whole_months(start, months, length):
    end = start + length * DAY
    found = list(ledger.periods(start, end, months))

    assert found[0][0] == start
    assert found[-1][1] >= end
    for number, (head, last) in enumerate(found):
        assert head == ledger.months_later(start, number * months)
        assert last + DAY == ledger.months_later(start, (number + 1) * months)


@pytest.mark.parametrize(
    ("start", "heads"),
    [
        (date(2026, 1, 31), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (date(2024, 1, 30), ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
    ],
)
def test_a_month_without_the_day_ends_early_and_the_next_one_does_not(start, heads):
    assert [head.isoformat() for head, _ in list(ledger.periods(start, date(2026, 5, 1), 1))[:4]] == heads


def test_a_one_time_service_has_one_period_as_long_as_the_contract():
    assert [(row.start, row.end) for row in ledger.rows(fresh(months=0))] == [(FIRST, date(2025, 3, 17))]


def test_the_shares_of_a_split_period_add_up_to_one():
    known = ledger.adjust(fresh(), Adjustment(date(2024, 2, 10), 3))
    known = ledger.adjust(known, Adjustment(date(2024, 2, 20), 3))

    assert sum(row.share for row in ledger.rows(known) if row.start.month == 2 and row.start.year == 2024) == 1


@given(st.dictionaries(DAYS, st.integers(-3, 9), max_size=12), st.sampled_from([0, 1, 3, 12]))
def test_adjustments_are_rebuilt_from_the_rows_that_they_made(changes, months):
    known = fresh(end=FIRST + 800 * DAY, months=months)
    for day, units in sorted(changes.items()):
        known = ledger.adjust(known, Adjustment(day, units), negative=True)
    made = ledger.rows(known)

    found = ledger.rebuilt(known.start, [(row.start, row.units) for row in made], months, known.end)

    again = Ledger(known.start, known.end, months, known.price, known.cost, adjustments=found)
    assert [(row.start, row.end, row.units) for row in ledger.rows(again)] == [
        (row.start, row.end, row.units) for row in made
    ]


@given(st.dictionaries(DAYS, st.integers(0, 9), max_size=8), DAYS)
def test_a_start_that_moves_keeps_the_units_of_every_day_that_remains(changes, start):
    known = fresh(end=FIRST + 900 * DAY)
    for day, units in changes.items():
        known = ledger.adjust(known, Adjustment(day, units))
    before = units_by_day(known)

    after = units_by_day(ledger.move_start(known, start))

    assert after == {day: units for day, units in before.items() if day >= start}


def test_the_price_in_force_is_the_latest_by_day_not_by_entry():
    known = ledger.adjust(fresh(), Adjustment(date(2024, 6, 1), 1, Decimal(20)))
    known = ledger.adjust(known, Adjustment(date(2024, 3, 1), 1, Decimal(15)))

    assert ledger.in_force(known, date(2024, 4, 1))[:2] == (1, Decimal(15))
    assert ledger.in_force(known, date(2024, 7, 1))[:2] == (2, Decimal(20))
