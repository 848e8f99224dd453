"""A subscription becomes another product with another price: what its move costs, or saves.

The money is compared with that of the sandbox's unit rows, which shares no code with the engine.
"""

from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trueup.operations.explain import explain
from trueup.planning.explaining.totals import explain_total
from trueup.render.overview import balance, overview
from trueup.render.plan_tables import TableKind, rows_of
from trueup.review.rows import ledger_rows

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import assert_sums, findings, line_of, pounds
from tests.scenarios.made_once import made_once
from tests.scenarios.test_half_done import half_done
from tests.scenarios.world import World


@made_once
def other_product(folder, *, price="10", other_price="25") -> World:
    """Ten seats of a product that are another one now; a contract with one seat of that has it."""
    own = Service(contract="con", product="pro", price=price)
    other = Service(
        key="other", seats=1, billed=1, contract="con-2", product="pro-2", price=other_price
    )
    world = World(folder, own, other)
    world.sync()
    with world.work365():
        world.row("subscription", "sub")["product"] = "pro-2"
    return world


def assert_moves_what_is_billed(world: World) -> None:
    """Applies; what the ledger says the plan moves must be the difference of the unit rows."""
    plan, before = world.plan(), world.money()
    assert_sums(plan)

    assert world.run(plan).complete

    moved, after = plan.summary.ledger.moved, world.money()
    assert (moved.monthly, moved.unpriced) == (plan.summary.monthly, 0)
    assert pounds(moved.monthly) == pounds(after.run_rate - before.run_rate)
    assert pounds(plan.summary.invoice.net) == pounds(after.invoice - before.invoice)


@pytest.mark.parametrize("changes", [(), ((10, 3),), ((10, -4),), ((20, 3),), ((10, 3), (20, -5))])
@pytest.mark.parametrize("prices", [("10", "25"), ("25", "10"), ("10", "10"), ("0.07", "33.33")])
def test_a_move_costs_what_the_unit_rows_say(tmp_path, prices, changes):
    """Changes before the move are on the old service, later ones on the new one."""
    world = other_product(tmp_path, price=prices[0], other_price=prices[1])
    for day, units in changes:
        world.add_change("sub", f"2026-11-{day}", units, f"log-{day}")

    assert_moves_what_is_billed(world)


@pytest.mark.parametrize("prices", [("10", "25"), ("25", "10")])
@pytest.mark.parametrize("ending", ["closed", "lost"])
def test_the_rest_of_a_half_done_move_has_the_price_of_the_old_service(tmp_path, ending, prices):
    world = other_product(tmp_path, price=prices[0], other_price=prices[1])
    half_done(world, ending, 2, "before")
    left, money = world.plan(), -10 * Decimal(prices[0])
    world.decide("subscription", "sub", "correct")

    corrected = world.plan()

    assert (line_of(left).monthly, line_of(corrected).monthly) == (money, money)
    sums = left.summary.ledger
    assert (sums.over.monthly, sums.unexplained.monthly) == (-money, money)
    assert (sums.over.lines, sums.under.lines, sums.moved.lines) == (1, 0, 0)
    assert_moves_what_is_billed(world)


def test_a_difference_before_a_move_has_the_price_of_the_old_service(tmp_path):
    world = other_product(tmp_path)
    world.adjust("sub", "2026-11-01", 2)
    assert line_of(world.plan()).monthly == -20
    world.decide("subscription", "sub", "correct")

    assert_moves_what_is_billed(world)
    assert_moves_what_is_billed(world)  # the move itself


@pytest.mark.parametrize(
    ("changes", "held", "left"),
    [((3,), 30, 20), ((-4,), -40, 20), ((3, -5), -20, 20)],
)
def test_pending_changes_of_a_row_that_differs_have_the_price_of_the_old_service(
    tmp_path, changes, held, left
):
    """They go to the old service with the correction; the move is in the plan after that."""
    world = other_product(tmp_path)
    world.adjust("sub", "2026-11-02", -2)
    for day, units in enumerate(changes, start=10):
        world.add_change("sub", f"2026-11-{day}", units, f"log-{day}")

    sums = world.plan().summary.ledger

    assert (sums.held.monthly, sums.unexplained.monthly) == (held, left)
    world.decide("subscription", "sub", "correct")
    assert line_of(world.plan()).monthly == held + left
    assert_moves_what_is_billed(world)


@pytest.mark.parametrize("units", [2, -3])
def test_after_half_of_a_move_pending_changes_have_the_price_of_the_old_service(tmp_path, units):
    world = other_product(tmp_path)
    half_done(world, "lost", 2, "before")
    world.add_change("sub", "2026-11-20", units, "log-0")

    sums = world.plan().summary.ledger

    assert (sums.held.monthly, sums.unexplained.monthly) == (10 * units, -100)


def test_after_half_of_a_move_a_correction_leaves_out_what_pending_changes_add(tmp_path):
    world = other_product(tmp_path)
    half_done(world, "lost", 2, "before")
    world.add_change("sub", "2026-11-20", 2, "log-0")
    world.decide("subscription", "sub", "correct")

    assert line_of(world.plan()).monthly == -80
    assert_moves_what_is_billed(world)


@settings(max_examples=10)
@given(
    prices=st.tuples(*[st.sampled_from(["10", "25", "7.77"])] * 2),
    keyed=st.sampled_from([0, 1, -2, 3]),
    changes=st.dictionaries(st.integers(1, 30), st.sampled_from([1, 2, 5, -1, -3]), max_size=3),
)
def test_what_moves_is_billed_whatever_differs_and_is_pending(prices, keyed, changes):
    """Of the first plan, in which a difference is corrected, and of the one with the move."""
    with TemporaryDirectory() as folder:
        world = other_product(Path(folder) / "world", price=prices[0], other_price=prices[1])
        if keyed:
            world.adjust("sub", "2026-11-02", keyed)
        for day, units in changes.items():
            world.add_change("sub", f"2026-11-{day:02}", units, f"log-{day:02}")
        if line_of(world.plan()).difference:
            world.decide("subscription", "sub", "correct")

        for _ in range(2):
            assert_moves_what_is_billed(world)
        world.close()


@pytest.mark.parametrize("is_decided", [False, True])
def test_a_row_that_differs_before_its_move_explains_the_price_of_the_old_service(
    tmp_path, is_decided
):
    world = other_product(tmp_path)
    world.adjust("sub", "2026-11-02", -2)
    if is_decided:
        world.decide("subscription", "sub", "correct")

    [found] = explain(world.project, "subscription:sub").ledger

    assert (found.line.price, found.terms.price) == (10, 10)
    assert {price.value for price in found.prices} == {10}


@pytest.mark.parametrize("product", ["pro", "pro-2"])
def test_a_move_with_an_unknown_price_is_a_line_without_a_price(tmp_path, product):
    world = other_product(tmp_path)
    world.forget_price(product)

    plan = world.plan()

    line, moved = line_of(plan), plan.summary.ledger.moved
    assert (line.class_, line.moved, line.monthly, line.repriced) == ("match", 0, None, None)
    assert line.text == "its units move to another service, and one of the prices is unknown"
    assert (moved.lines, moved.units, moved.monthly, moved.unpriced) == (1, 0, 0, 1)
    total = explain_total(plan, "this plan moves")
    assert total
    assert [(part.units, part.unpriced) for part in total.parts] == [(0, True)]
    assert_sums(plan)


@pytest.mark.parametrize("forgotten", [[], ["pro"]])
def test_another_price_is_no_units_that_change_later(tmp_path, forgotten):
    world = other_product(tmp_path)
    for product in forgotten:
        world.forget_price(product)

    assert [one for one in findings(world.plan()) if one.code == "units-change-later"] == []


def test_every_output_shows_what_another_price_moves(tmp_path):
    world = other_product(tmp_path)
    plan = world.plan()

    on_desk = {row.ref.key: row.classes for row in ledger_rows(world.project, overview(plan))}
    in_table = {
        row["key"]: (row["moved"], row["repriced"], row["monthly"])
        for row in rows_of(plan, TableKind.LEDGER)
    }
    total = explain_total(plan, "this plan moves")

    assert on_desk == {"sub": ("moved",), "other": ()}
    assert in_table == {"sub": (0, 150, 150), "other": (0, 0, 0)}
    assert total
    assert [(part.units, part.amount) for part in total.parts] == [(0, 150)]


def test_a_part_of_a_plan_says_that_the_move_is_not_in_it(tmp_path):
    world = other_product(tmp_path)

    notes = {
        exclude: {row.label: row.note for row in balance(overview(world.plan(exclude=exclude)))}
        for exclude in ("", "license_change")
    }

    assert {exclude: found["this plan moves"] for exclude, found in notes.items()} == {
        "": "1 line",
        "license_change": "1 line, 1 not in this part of the plan",
    }


def test_each_half_of_a_move_is_listed_under_the_service_that_it_adjusts(tmp_path):
    world = other_product(tmp_path)
    listed = [
        (row["service"], row["record"], row["units after"])
        for row in rows_of(world.plan(), TableKind.CHANGES)
        if row["action"] == "adjust"
    ]

    old = f"contractServiceID {world.id_of('sub')}"
    assert listed == [("Mail pro-2, monthly", None, 10), ("Mail pro, monthly", old, 0)]


def test_the_rest_of_a_half_done_move_is_listed_under_the_old_service(tmp_path):
    world = other_product(tmp_path)
    half_done(world, "lost", 2, "before")
    world.decide("subscription", "sub", "correct")

    [service] = [
        row["service"]
        for row in rows_of(world.plan(), TableKind.CHANGES)
        if row["action"] == "adjust"
    ]

    assert service == "Mail pro, monthly"
