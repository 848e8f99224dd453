"""Money at the price that Autotask bills, per month, unknown ones counted and never guessed."""

from decimal import Decimal

from trueup.model.change import InvoiceEffect
from trueup.model.money import exact

from tests.support.scene import YEARLY, Scene, change_of, day, kept, line_of, log
from tests.support.small_project import changed
from tests.support.starting_points import by_hand


def test_money_is_counted_at_the_adjusted_price_first():
    scene = by_hand((day(10, 5), 10))
    scene.add("license_change", log("first", day(10, 5), 10, status="Archived"))
    made = scene.plan()
    assert change_of(made, "license_change:second").monthly == 19
    assert (made.summary.monthly, made.summary.prices_unknown, made.summary.prices_zero) == (
        19,
        0,
        0,
    )


def test_money_of_a_yearly_service_is_a_twelfth_a_month():
    scene = Scene()
    scene.row("subscription")["product"] = "yea"
    made = scene.plan()
    assert [change.monthly for change in made.changes if change.units] == [100, 20]
    assert line_of(made).price == 10


def test_money_of_a_service_that_is_to_be_created_is_its_price_to_be():
    assert [change.monthly for change in Scene().plan().changes if change.units] == [100, 20]


def test_an_unknown_price_is_counted_and_not_guessed():
    scene = by_hand((day(1, 1), 0))
    scene.target.only("ContractServices").update(
        internalCurrencyAdjustedPrice=None, internalCurrencyUnitPrice=None
    )
    scene.target.records["Services"][601]["unitPrice"] = None
    made = scene.plan()
    assert [change.monthly for change in made.changes if change.units] == [None, None]
    assert (made.summary.monthly, made.summary.prices_unknown) == (0, 2)
    assert (line_of(made).price, line_of(made).monthly) == (None, None)


def test_a_rule_on_the_plan_knows_how_many_prices_are_unknown():
    rule = """
rules:
  - rule: prices-known
    on: plan
    assert: "{{ plan.prices_unknown == 0 }}"
    severity: error
    message: "{{ plan.prices_unknown }} changes have no price."
    remedy: "Enter the prices."
"""
    scene = by_hand((day(1, 1), 0))
    scene.files({"rules/more.yaml": rule})
    assert scene.plan().exceeded == ()

    prices = dict.fromkeys(("internalCurrencyAdjustedPrice", "internalCurrencyUnitPrice"))
    scene.target.only("ContractServices").update(prices)
    scene.target.records["Services"][601]["unitPrice"] = None

    assert [one.text for one in scene.plan().exceeded] == ["2 changes have no price."]


def test_a_price_of_zero_is_counted_beside_the_unknown_ones():
    scene = by_hand((day(1, 1), 0))
    scene.target.only("ContractServices").update(internalCurrencyAdjustedPrice=Decimal(0))
    made = scene.plan()
    assert (made.summary.prices_unknown, made.summary.prices_zero) == (0, 2)


PERIODS = changed(
    "mappings/subscription.yaml",
    "  difference: hold",
    "  periods: {start: contract.startDate, end: contract.endDate}\n  difference: hold",
)


def test_a_back_dated_change_shows_what_is_charged_once_for_the_periods_before():
    scene = Scene()
    scene.files(PERIODS)
    made = scene.plan()
    first, second = (change_of(made, f"license_change:{key}") for key in ("first", "second"))
    october, november = exact(Decimal(100) * 27 / 31), Decimal(100)  # from the fifth on; all of it
    assert first.one_off == october
    assert first.invoice == InvoiceEffect(
        start=day(10, 1),
        end=day(11, 30),
        amount=october + november,
        earlier=october,
        first_billed=(day(10, 1), day(10, 31)),
    )
    # Of November's 30 days 11 are left: they are on the next invoice, and nothing is charged once.
    assert (second.one_off, second.invoice and second.invoice.amount) == (
        None,
        exact(Decimal(20) * 11 / 30),
    )
    assert made.summary.one_off.net == october


def test_where_the_target_does_not_tell_the_periods_there_is_no_invoice_amount():
    made = Scene().plan()
    first = change_of(made, "license_change:first")
    assert (first.monthly, first.invoice, first.one_off) == (100, None, None)


def test_a_yearly_service_keeps_its_own_price_where_the_contract_has_one():
    scene = kept()
    scene.target.only("ContractServices").update(
        serviceID=YEARLY, internalCurrencyAdjustedPrice=Decimal(60)
    )
    scene.row("subscription")["product"] = "yea"
    assert line_of(scene.plan()).price == 5
