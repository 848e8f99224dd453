"""The ledger's laws over random histories, compared with a simple model of every day's units."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from trueup.sandbox.autotask import ledger
from trueup.sandbox.autotask.ledger import Adjustment, Ledger, LedgerError

DAY = timedelta(days=1)
FIRST = date(2024, 1, 1)
DAYS = st.integers(0, 800).map(lambda number: FIRST + number * DAY)
MONTHS = st.sampled_from([0, 1, 3, 6, 12])


def new_ledger(start=FIRST, end=date(2025, 3, 17), months=1, **more):
    return Ledger(start, end, months, Decimal(10), Decimal(4), **more)


def days(first, last):
    return [first + number * DAY for number in range((last - first).days + 1)]


def units_by_day(adjusted):
    """The units of every day that rows cover. Fails if two rows cover one day."""
    units = {}
    for row in ledger.rows(adjusted):
        for day in days(row.start, row.end):
            assert day not in units
            units[day] = row.units
    return units


class Histories(RuleBasedStateMachine):
    """Adjusts, posts and moves the end in any order, and keeps the changes that should result."""

    def __init__(self):
        super().__init__()
        self.ledger = new_ledger()
        self.changes = {}  # units by day
        self.posted = ()  # rows as they were posted

    @rule(
        months=MONTHS, start_day=st.integers(1, 31), length=st.integers(1, 700), lead=st.booleans()
    )
    @precondition(lambda self: not self.changes and not self.posted)
    def begin(self, months, start_day, length, lead):
        start = date(2024, 1, start_day)
        self.ledger = new_ledger(start, start + length * DAY, months, from_first=lead)

    @rule(day=DAYS, units=st.integers(-6, 9), price=st.none() | st.decimals(-5, 50, places=4))
    def adjust(self, day, units, price):
        if not self.ledger.start <= day <= self.ledger.end:
            return
        changes = {**self.changes, day: units}
        totals = [
            sum(change for since, change in changes.items() if since <= later)
            for later in changes
            if later >= day
        ]
        allowed = (
            day not in self.changes
            and not any(row.start <= day <= row.end for row in self.posted)
            and all(total >= 0 for total in totals)
        )
        try:
            self.ledger = ledger.adjust(self.ledger, Adjustment(day, units, price))
        except LedgerError:
            assert not allowed or self.posted
            return
        assert allowed
        self.changes = changes

    @rule(until=DAYS)
    def post(self, until):
        self.ledger = ledger.post(self.ledger, until)
        spans = set(self.ledger.posted)
        self.posted = tuple(
            row for row in ledger.rows(self.ledger) if (row.start, row.end) in spans
        )

    @rule(end=DAYS)
    def move_end(self, end):
        if end <= self.ledger.start:
            return
        try:
            self.ledger = ledger.move_end(self.ledger, end)
        except LedgerError:
            assert any(row.end > end for row in self.posted)
            return
        assert all(row.end <= end for row in self.posted)
        self.changes = {day: units for day, units in self.changes.items() if day <= end}

    @invariant()
    def units_on_a_day_are_the_sum_of_adjustments_up_to_it(self):
        for day, units in units_by_day(self.ledger).items():
            assert units == sum(change for since, change in self.changes.items() if since <= day)

    @invariant()
    def rows_cover_the_contract_without_gaps_or_overlaps(self):
        first = self.ledger.start
        if self.ledger.from_first:
            first = min(self.changes, default=None)
        expected = days(first, self.ledger.end) if first else []
        assert list(units_by_day(self.ledger)) == expected

    @invariant()
    def posted_rows_never_change(self):
        now = {(row.start, row.end): row for row in ledger.rows(self.ledger)}
        for row in self.posted:
            row_now = now[(row.start, row.end)]
            assert (row_now.units, row_now.price, row_now.cost) == (row.units, row.price, row.cost)

    @invariant()
    def no_row_extends_beyond_its_period(self):
        periods = ledger.periods(self.ledger.start, self.ledger.end, self.ledger.months)
        starts = {start for start, _ in periods}
        for row in ledger.rows(self.ledger):
            assert not any(row.start < start <= row.end for start in starts)
            assert 0 < row.share <= 1


Histories.TestCase.settings = settings(stateful_step_count=25)
TestHistories = Histories.TestCase


@given(start=DAYS, months=st.sampled_from([1, 3, 6, 12]), length=st.integers(0, 900))
def test_periods_are_counted_from_the_start_in_whole_months(start, months, length):
    end = start + length * DAY
    periods = list(ledger.periods(start, end, months))

    assert periods[0][0] == start
    assert periods[-1][1] >= end
    for number, (first, last) in enumerate(periods):
        assert first == ledger.months_later(start, number * months)
        assert last + DAY == ledger.months_later(start, (number + 1) * months)


@pytest.mark.parametrize(
    ("start", "first_days"),
    [
        (date(2026, 1, 31), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        (date(2024, 1, 30), ["2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"]),
    ],
)
def test_a_period_starts_earlier_in_a_month_without_the_day_but_not_in_the_next(start, first_days):
    periods = list(ledger.periods(start, date(2026, 5, 1), 1))

    assert [first.isoformat() for first, _ in periods[:4]] == first_days


def test_a_one_time_service_has_one_period_as_long_as_the_contract():
    assert [(row.start, row.end) for row in ledger.rows(new_ledger(months=0))] == [
        (FIRST, date(2025, 3, 17))
    ]


def test_the_shares_of_a_split_period_add_up_to_one():
    adjusted = ledger.adjust(new_ledger(), Adjustment(date(2024, 2, 10), 3))
    adjusted = ledger.adjust(adjusted, Adjustment(date(2024, 2, 20), 3))

    february = [row for row in ledger.rows(adjusted) if row.start.isoformat()[:7] == "2024-02"]
    assert len(february) == 3
    assert sum(row.share for row in february) == 1


@given(st.dictionaries(DAYS, st.integers(-3, 9), max_size=12), st.sampled_from([0, 1, 3, 12]))
def test_rebuilt_adjustments_give_the_same_rows(changes, months):
    adjusted = new_ledger(end=FIRST + 800 * DAY, months=months)
    for day, units in sorted(changes.items()):
        adjusted = ledger.adjust(adjusted, Adjustment(day, units), negative=True)
    unit_rows = [(row.start, row.units) for row in ledger.rows(adjusted)]

    rebuilt = ledger.rebuild_adjustments(adjusted.start, unit_rows, months, adjusted.end)

    again = new_ledger(end=adjusted.end, months=months, adjustments=rebuilt)
    assert ledger.rows(again) == ledger.rows(adjusted)


@given(st.dictionaries(DAYS, st.integers(0, 9), max_size=8), DAYS)
def test_a_moved_start_keeps_the_units_of_the_remaining_days(changes, start):
    adjusted = new_ledger(end=FIRST + 900 * DAY)
    for day, units in changes.items():
        adjusted = ledger.adjust(adjusted, Adjustment(day, units))
    before = units_by_day(adjusted)

    after = units_by_day(ledger.move_start(adjusted, start))

    assert after == {day: units for day, units in before.items() if day >= start}


def test_the_price_in_force_is_the_latest_by_day_not_by_order_of_entry():
    adjusted = ledger.adjust(new_ledger(), Adjustment(date(2024, 6, 1), 1, Decimal(20)))
    adjusted = ledger.adjust(adjusted, Adjustment(date(2024, 3, 1), 1, Decimal(15)))

    assert ledger.in_force(adjusted, date(2024, 4, 1))[:2] == (1, Decimal(15))
    assert ledger.in_force(adjusted, date(2024, 7, 1))[:2] == (2, Decimal(20))
