"""The money of an explained change: what it is made of adds up."""

from decimal import Decimal

import pytest
from trueup.model.change import Action, ServiceTerms
from trueup.model.explanation import ChangeExplanation, ShownMoney
from trueup.model.money import exact
from trueup.render.explained_money import change_lines
from trueup.render.pennies import penny
from trueup.render.view import View

from tests.render.conftest import change


@pytest.mark.parametrize(
    ("units", "terms", "text"),
    [
        ((0, 12), ServiceTerms(Decimal("2.8055"), 1), "+£33.67 = +12 x £2.8055"),
        ((9, 12), ServiceTerms(Decimal("10.00"), 1), "+£30.00 = +3 x £10.00"),
        ((10, 5), ServiceTerms(Decimal(113), 12), "-£47.08 = -5 x £113.00 / 12"),
    ],
)
def test_the_amount_of_a_month_is_a_product_that_is_true(units, terms, text):
    monthly = exact(terms.monthly * (units[1] - units[0]))
    adjusted = change("a", Action.ADJUST, "license_change", "Mail", units=units, monthly=monthly)
    explained = ChangeExplanation(
        adjusted, (), terms, (), None, (), (), ShownMoney(month=penny(monthly))
    )

    lines = [[cell.text for cell in line.cells] for line in change_lines(explained, View("GBP"))]

    assert ["A month", text] in lines
