"""The sentence for the customer, and the units over time that it is about."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.model.change import (
    Action,
    Adjustment,
    InvoiceEffect,
    Preconditions,
    RowRef,
    ServiceTerms,
    UnitRow,
)
from trueup.render.amounts import plan_money
from trueup.render.belonging import Belonging
from trueup.render.customer_sentence import customer_sentence
from trueup.render.unit_steps import UnitLevel, units_over_time

from tests.render.conftest import change, full_plan

PLAN = full_plan()
DAY = date(2026, 11, 10)
OFFICE = RowRef("service", "s1", "Microsoft 365 Business Premium")


def adjust(id_, before, after, *, day=DAY, months=1, monthly=None, invoice=None, service=OFFICE,
           row="sub", rows=None, **more):  # fmt: skip
    """An adjustment of one service."""
    terms = ServiceTerms(Decimal(10), months)
    period = (DAY, DAY + timedelta(30))
    return change(
        id_,
        Action.ADJUST,
        "license_change",
        service.name,
        under=(service, RowRef("customer", "c", "Alpine")),
        units=(before, after),
        monthly=None if monthly is None else Decimal(monthly),
        invoice=None if invoice is None else InvoiceEffect(*period, Decimal(invoice)),
        adjustment=Adjustment(day, RowRef("subscription", row, "Alpine, Office"), terms=terms),
        seen=Preconditions(units=rows),
        **more,
    )


def sentence_of(*changes, currency="GBP"):
    plan = replace(PLAN, changes=changes, ledger=())
    money, ids = plan_money(plan), [one.id for one in changes]
    amounts = money.invoice.known(ids), money.month.known(ids)
    return customer_sentence(changes, Belonging(plan).service, *amounts, currency)


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            adjust("a", 10, 13, monthly=30, invoice=21),
            (
                "From 10 November 2026 you have 13 instead of 10 Microsoft 365 Business Premium; "
                "counted in GBP, your next invoice has £21.00 more and each month £30.00 more."
            ),
        ),
        (
            adjust("a", 13, 10, monthly=-30, invoice="-21.004"),
            (
                "From 10 November 2026 you have 10 instead of 13 Microsoft 365 Business Premium; "
                "counted in GBP, your next invoice has £21.00 less and each month £30.00 less."
            ),
        ),
        (
            adjust("a", 0, 3, monthly=5, months=12, invoice=0),
            (
                "From 10 November 2026 you have 3 Microsoft 365 Business Premium; "
                "counted in GBP, your next invoice has nothing more and each year £60.00 more."
            ),
        ),
        (
            adjust("a", 3, 0, monthly=-5, months=3),
            (
                "From 10 November 2026 you no longer have Microsoft 365 Business Premium; "
                "counted in GBP, each quarter £15.00 less."
            ),
        ),
        (
            adjust("a", 1, 2, price_unknown=True),
            (
                "From 10 November 2026 you have 2 instead of 1 Microsoft 365 Business Premium; "
                "the price is not known yet."
            ),
        ),
        (
            adjust("a", 1, 2, service=RowRef("service", "s", "a\u202eb\x1b[31m")),
            "From 10 November 2026 you have 2 instead of 1 a\\u202eb\\x1b[31m.",
        ),
    ],
)
def test_a_change_of_units_is_one_plain_sentence(one, sentence):
    assert sentence_of(one) == sentence


def test_amounts_are_named_by_their_currency_or_left_out():
    one = adjust("a", 1, 2, monthly=3)
    units = "From 10 November 2026 you have 2 instead of 1 Microsoft 365 Business Premium"

    assert sentence_of(one, currency="CHF") == f"{units}; counted in CHF, each month CHF 3.00 more."
    assert sentence_of(one, currency="") == f"{units}."


def test_what_takes_the_place_of_another_is_one_sentence():
    old = RowRef("service", "s0", "Office 2019")
    gain, loss = adjust("a", 0, 12, monthly=120), adjust("b", 12, 2, monthly=-90, service=old)

    assert sentence_of(gain, loss) == (
        "From 10 November 2026 you have 12 Microsoft 365 Business Premium in place of 10 "
        "Office 2019, and keep 2 of these; counted in GBP, each month £30.00 more."
    )


def test_other_changes_have_no_sentence():
    later = adjust("b", 12, 0, day=DAY + timedelta(1))

    assert sentence_of(adjust("a", 0, 12), later) == ""
    assert sentence_of(change("c", Action.CREATE, "service", "Mail")) == ""
    assert sentence_of(adjust("d", 13, 10, undo_depth=1)) == ""


def month(number, units, start):
    return UnitRow(number, start, start + timedelta(29), units)


def test_units_over_time_have_the_steps_before_and_after():
    rows = (
        month(1, 8, date(2026, 9, 1)),
        month(2, 10, date(2026, 10, 1)),
        month(3, 10, date(2026, 11, 1)),
        month(4, 10, date(2026, 12, 1)),
        month(5, 11, date(2027, 1, 1)),
    )
    changes = [
        adjust("a", 10, 13, rows=rows),
        adjust("b", 14, 12, rows=rows, day=date(2027, 1, 15)),
        adjust("new", 0, 5, row="other"),
        change("c", Action.CREATE, "service", "Mail"),
    ]
    first, new = units_over_time(changes)

    assert first.steps == (
        UnitLevel(date(2026, 11, 1), 10, 10),
        UnitLevel(DAY, 10, 13),
        UnitLevel(date(2027, 1, 1), 11, 14),
        UnitLevel(date(2027, 1, 15), 11, 12),
    )
    assert [one.id for one in first.changes] == ["a", "b"]
    assert new.steps == (UnitLevel(DAY, 0, 5),)
