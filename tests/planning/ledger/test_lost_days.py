"""Days between a change and the day on which somebody entered its units in the target."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, example, given
from hypothesis import strategies as st
from trueup.model.change import RowRef, ServiceTerms
from trueup.planning.ledger.lost_days import lost
from trueup.stages.append import Correction, Pending, ServiceDays, merge
from trueup.stages.ledger import PendingUnits, ServiceLedger

FIRST, DAYS = date(2026, 11, 1), 30
TERMS = ServiceTerms(Decimal(30), 1, FIRST, date(2026, 12, 31))  # £1 a unit and day of November
NONE_TAKEN = ServiceDays.of((), ())


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@st.composite
def changes_and_entries(draw):
    """Changes on days of their own, and some of them entered by hand a few days later or sooner."""
    days = draw(st.lists(st.integers(3, 20), min_size=1, max_size=4, unique=True))
    units = st.integers(-4, 4).filter(bool)
    changes = [(one, draw(units)) for one in sorted(days)]
    entered = Counter()  # the target shows one step of a day
    for one, count in changes:
        if draw(st.booleans()):
            entered[one + draw(st.integers(-2, 6))] += count
    return changes, sorted((one, count) for one, count in entered.items() if count)


def units_for_changes(parts):
    """The units that stand for changes, by the day on which they were entered."""
    units = Counter()
    for one in parts:
        if one.cancels:
            units[(one.cancels.entered - FIRST).days] += int(one.cancels.units)
    return units


@given(changes_and_entries())
@example(([(3, 1), (4, -1), (5, 1), (6, -1)], [(5, -1)]))
@example(([(3, -1), (4, 1), (5, -1), (6, 1)], [(5, 2), (6, -1)]))  # one unit is for no change
def test_what_is_lost_are_the_days_on_which_other_units_are_billed(drawn):
    changes, entered = drawn
    pending = [Pending(f"{one}", day(one), Decimal(count)) for one, count in changes]
    correction = Correction(Decimal(-sum(count for _, count in entered)), day(29))
    steps = [(day(one), Decimal(count)) for one, count in entered]
    parts = correction.parts(pending, NONE_TAKEN, steps)
    # Entries without a difference are asked about. What was entered for no change is money of
    # earlier days (see tests/scenarios/corrections.yaml), also where it was taken back later.
    assume(correction.units and Counter(dict(entered)) == units_for_changes(parts))
    sent = merge([*pending, *parts], NONE_TAKEN)
    ledger = ServiceLedger(
        row=RowRef("subscription", "sub"),
        record=1,
        changes=tuple(PendingUnits(one.key, one.day, one.units) for one in pending),
        terms=TERMS,
    )

    shown = sum((lost(ledger, one) or Decimal(0)) for one in sent)

    missing = 0
    for number in range(DAYS):
        due = sum(count for one, count in changes if one <= number)
        billed = sum(count for one, count in entered if one <= number)
        billed += sum(one.units for one in sent if one.day <= day(number))
        missing += due - billed
    assert shown == missing
