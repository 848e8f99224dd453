"""What a change of units does to invoices: prorated by days, posted periods left as they are."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.change import InvoiceEffect, ServiceTerms
from trueup.model.units import DAY
from trueup.stages.billing import amount, invoice_effect, period_start, periods

from tests.stages.examples import day

AS_OF = day("11-15")
MONTHLY = ServiceTerms(price=Decimal(10), months=1, start=day("1-1"))


def terms(months=1, price=10, start="1-1", end=None):
    return ServiceTerms(Decimal(price), months, day(start), day(end) if end else None)


def test_periods_are_counted_from_the_start_of_the_contract():
    assert [*periods(terms(start="1-31"), day("4-1"))] == [
        (day("1-31"), day("2-27")),
        (day("2-28"), day("3-30")),
        (day("3-31"), day("4-29")),
    ]
    assert [*periods(terms(), day("1-1") - DAY)] == []
    assert [*periods(ServiceTerms(), AS_OF)] == []


@pytest.mark.parametrize(
    ("start", "on", "first"),
    [
        ("1-1", "11-1", "11-1"),
        ("1-1", "11-2", "12-1"),
        ("1-31", "2-1", "2-28"),
        ("12-15", "11-2", "12-15"),
    ],
)
def test_the_first_period_that_begins_on_a_day_or_later(start, on, first):
    assert period_start(terms(start=start), day(on)) == day(first)


def test_without_terms_no_period_begins():
    assert period_start(ServiceTerms(), AS_OF) is None


# Worked by hand, for a contract of which no period is posted, on 15 November 2026

WHOLE_PENNIES = Decimal("0.01")


@pytest.mark.parametrize(
    ("service", "units", "on", "posted", "invoiced", "pounds"),
    [
        # £10 a month, 10 → 13 from 10 November: 21 of 30 days of three seats
        (terms(), 3, "11-10", "10-31", ("11-1", "11-30"), "21.00"),
        # five seats less from 10 November
        (terms(), -5, "11-10", "10-31", ("11-1", "11-30"), "-35.00"),
        # two seats less from 20 November: 11 of 30 days
        (terms(), -2, "11-20", "10-31", ("11-1", "11-30"), "-7.33"),
        # £120 a year from 1 February: 83 of 365 days of three seats
        (terms(12, 120, "2-1"), 3, "11-10", None, ("2-1", "1-31"), "81.86"),
        # £30 a quarter: 52 of 92 days of four seats
        (terms(3, 30), 4, "11-10", "9-30", ("10-1", "12-31"), "67.83"),
        # £60 a half-year: 52 of 184 days of two seats
        (terms(6, 60), 2, "11-10", "6-30", ("7-1", "12-31"), "33.91"),
        # a change of October that was moved to 1 November because October is posted
        (terms(), 2, "11-1", "10-31", ("11-1", "11-30"), "20.00"),
        # the same change sent on its own day: what is posted is not billed again
        (terms(), 2, "10-20", "10-31", ("11-1", "11-30"), "20.00"),
        # everything that has begun is posted: the next invoice is that of December
        (terms(), 2, "11-10", "11-30", ("12-1", "12-31"), "20.00"),
        # it takes effect in a later period than the next invoice bills
        (terms(), 2, "12-5", "10-31", ("11-1", "11-30"), "0.00"),
        # the contract begins after the change and after the day of the plan
        (terms(start="12-1"), 2, "11-10", None, ("12-1", "12-31"), "20.00"),
        # the contract ends before the period does: 6 of 30 days
        (terms(end="11-15"), 1, "11-10", "10-31", ("11-1", "11-15"), "2.00"),
    ],
)
def test_the_effect_on_the_next_invoice(service, units, on, posted, invoiced, pounds):
    posted_until = day(posted) if posted else None
    found = invoice_effect(units, day(on), service, posted_until, AS_OF)
    start, end = day(invoiced[0]), day(invoiced[1])
    if end < start:
        end = end.replace(year=end.year + 1)
    assert (found.start, found.end) == (start, end)
    assert found.amount.quantize(WHOLE_PENNIES) == Decimal(pounds)


def test_open_periods_before_the_present_one_are_on_the_same_invoice():
    """Two seats more from 20 October, and October is not posted: 12 of 31 days, and November."""
    found = invoice_effect(2, day("10-20"), MONTHLY, day("9-30"), AS_OF)
    assert found == InvoiceEffect(
        start=day("10-1"),
        end=day("11-30"),
        amount=Decimal("27.74193548"),
        earlier=Decimal("7.74193548"),
        first_billed=(day("10-1"), day("10-31")),
    )


def test_the_first_period_that_a_later_change_is_billed_in_is_named():
    found = invoice_effect(2, day("12-5"), MONTHLY, day("10-31"), AS_OF)
    assert (found.amount, found.first_billed) == (0, (day("12-1"), day("12-31")))


@pytest.mark.parametrize(
    "unknown", [{"price": None}, {"months": None}, {"months": 0}, {"start": None}]
)
def test_without_price_or_periods_the_effect_is_not_known(unknown):
    known = {"price": Decimal(10), "months": 1, "start": day("1-1")}
    service = ServiceTerms(**{**known, **unknown})
    assert invoice_effect(1, AS_OF, service, None, AS_OF) is None
    assert amount(1, day("11-1"), day("11-30"), service) is None


def test_an_amount_is_for_the_days_within_the_contract():
    assert amount(3, day("1-1"), day("2-28"), terms()) == 60
    assert amount(3, day("1-1"), day("12-31"), terms(end="2-28")) == 60
    assert amount(1, day("2-15"), day("2-28"), terms()) == 5


STARTS = st.dates(date(2025, 1, 1), date(2026, 12, 31))
MONTHS = st.sampled_from([1, 3, 6, 12])
DAYS = st.dates(date(2026, 1, 1), date(2027, 6, 30))


@given(STARTS, MONTHS, DAYS)
def test_periods_follow_each_other_without_gap_up_to_the_day(start, months, until):
    found = [*periods(ServiceTerms(Decimal(1), months, start), until)]
    assert all(later[0] == earlier[1] + DAY for earlier, later in pairwise(found))
    assert all(first <= last for first, last in found)
    if start <= until:
        assert found[0][0] == start
        assert found[-1][0] <= until <= found[-1][1]


@given(STARTS, MONTHS, DAYS)
def test_no_earlier_period_begins_on_the_day_or_later(start, months, on):
    service = ServiceTerms(Decimal(1), months, start)
    first = period_start(service, on)
    starts = [one[0] for one in periods(service, first)]
    assert starts[-1] == first >= on
    assert starts[-2:-1] < [on]


@given(STARTS, MONTHS, DAYS, DAYS, DAYS, st.integers(-5, 5))
def test_parts_of_an_amount_add_up_to_the_whole(start, months, one, two, three, units):
    first, middle, last = sorted([one, two, three])
    service = ServiceTerms(Decimal(30), months, start)
    whole = amount(units, first, last, service)
    parts = amount(units, first, middle, service)
    if middle < last:
        parts += amount(units, middle + DAY, last, service)
    assert abs(whole - parts) < Decimal("1e-20")
