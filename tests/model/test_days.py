"""Months later and earlier."""

from datetime import date

import pytest
from trueup.model.days import add_months


@pytest.mark.parametrize(
    ("start", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2026, 11, 15), 2, date(2027, 1, 15)),
        (date(2026, 11, 15), 12, date(2027, 11, 15)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_that_month(start, months, after):
    assert add_months(start, months) == after


@pytest.mark.parametrize(("start", "months"), [(date.min, -1), (date.max, 1)])
def test_months_beyond_the_calendar_are_refused(start, months):
    with pytest.raises(OverflowError, match=r"months from .* are out of range"):
        add_months(start, months)
