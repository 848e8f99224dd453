"""An explained line of the ledger: its figures are those of the ledger."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.model.change import NO_TERMS
from trueup.model.explanation import LedgerExplanation
from trueup.model.plan import LedgerClass
from trueup.render.explained_ledger import ledger_lines
from trueup.render.view import View

from tests.render.conftest import full_plan


def facts(line):
    explained = LedgerExplanation(line, None, "", (), "Units", (), (), (), None, NO_TERMS)
    return [[cell.text for cell in one.cells] for one in ledger_lines(explained, View("GBP"))]


@pytest.fixture
def waits():
    return next(line for line in full_plan().ledger if line.held)


def test_what_moves_and_what_is_held_is_in_units(waits):
    [held] = waits.held

    assert ["This plan moves", "0", ""] in facts(waits)
    assert ["Held", "+2", f"{held.code}: {held.reason}"] in facts(waits)


def test_of_a_line_that_is_not_known_no_units_are_held_or_moved(waits):
    [held] = waits.held
    found = facts(replace(waits, class_=LedgerClass.UNKNOWN, quantity=None, moved=3))

    assert [fact for fact in found if fact[0] in {"This plan moves", "Held"}] == [
        ["Held", "", f"{held.code}: {held.reason}"]
    ]


@pytest.mark.parametrize(
    ("quantity", "monthly", "repriced", "text"),
    [
        (12, 20, 0, "+£20.00 for +2 units"),
        (10, 150, 150, "+£150.00 for the price of another service"),
        (12, -130, -150, "-£130.00 for +2 units, of it -£150.00 for the price of another service"),
        (12, 0, -20, "£0.00 for +2 units, of it -£20.00 for the price of another service"),
    ],
)
def test_the_money_of_another_price_is_no_money_of_units(waits, quantity, monthly, repriced, text):
    line = replace(
        waits,
        quantity=Decimal(quantity),
        units=10,
        monthly=Decimal(monthly),
        repriced=Decimal(repriced),
    )

    assert ["A month", "", text] in facts(line)
