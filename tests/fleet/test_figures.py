"""The figures of a plan in the fleet's records."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.fleet.figures import figures_of
from trueup.model.change import RowRef
from trueup.model.plan import HeldUnits, LedgerClass
from trueup.stages.ledger_totals import totals

from tests.render.conftest import full_plan, ledger

UNDER, OVER, UNKNOWN = LedgerClass.UNDER_BILLED, LedgerClass.OVER_BILLED, LedgerClass.UNKNOWN
PRICE = Decimal("12.50")
ROW = RowRef("license_change", "c1", "Change 1")


def line(class_, gap, held=0, moved=0, price=PRICE):
    """A line whose quantity is `gap` above its 40 units; what explains nothing is the rest."""
    pieces = (HeldUnits(Decimal(held), "posted", "it is posted", ("c1",), ROW),) if held else ()
    made = ledger(class_, "Premium", (40 + gap, 40, moved + held), price, "", pieces)
    return replace(made, unexplained=Decimal(gap - moved - held))


def left(*lines):
    plan = full_plan()
    summary = replace(plan.summary, ledger=totals(lines))
    return figures_of(replace(plan, ledger=lines, summary=summary), "GBP").left


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([line(UNDER, 80, held=80), line(OVER, -80, held=-80)], 2000),
        ([line(UNDER, 3), line(OVER, -2)], Decimal("62.50")),
        ([line(UNDER, 4, held=1, moved=2), line(OVER, -1, held=-1)], Decimal("37.50")),
        ([line(UNDER, 2, held=5, moved=-3)], Decimal("62.50")),
        ([line(UNDER, 3, moved=3), line(OVER, -2, moved=-2)], 0),
        ([line(UNDER, 3, price=None), line(UNKNOWN, 3)], 0),
    ],
)
def test_what_stays_after_applying_is_no_balance_between_customers(lines, expected):
    assert left(*lines) == expected
