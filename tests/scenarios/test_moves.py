"""Moves: one subscription goes to another contract, or to another service, as the same row."""

import pytest
from trueup.render.ledger import line_money

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import (
    Line,
    PlanFigures,
    adjusting,
    agrees,
    assert_sums,
    expect,
    findings,
    line_of,
)
from tests.scenarios.made_once import made_once
from tests.scenarios.world import World


@made_once
def moved(folder, **contract) -> World:
    """A subscription of ten seats that is on another contract of the same customer now."""
    own = Service(contract="con", product="pro")
    other = Service(key="other", seats=1, billed=1, contract="con-2", product="pro-2", **contract)
    world = World(folder, own, other)
    world.sync()
    with world.work365():
        world.row("subscription", "sub")["contract"] = "con-2"
    return world


def service_on(world, contract) -> int:
    """The contract service of product pro on a contract."""
    [service] = [
        row["id"]
        for row in world.records("ContractServices")
        if (row["contractID"], row["serviceID"]) == (world.id_of(contract), world.id_of("pro"))
    ]
    return int(service)


def test_a_move_to_another_contract_takes_the_units_along(tmp_path):
    world = moved(tmp_path)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-15", 10), ("sub", "2026-11-15", -10)],
        ledger={"sub": agrees(10), "other": agrees(1)},
    )
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    old, new = world.id_of("sub"), service_on(world, "con-2")
    days = ("2026-11-14", "2026-11-15", "2028-12-31")
    assert [world.units(old, day) for day in days] == [10, 0, 0]
    assert [world.units(new, day) for day in days] == [0, 10, 10]
    again = world.plan()
    assert again.changes == ()
    assert {line.key: Line.of(line) for line in again.ledger} == {
        "sub": agrees(10),
        "other": agrees(1),
    }


def test_a_move_with_a_change_takes_both_along(tmp_path):
    world = moved(tmp_path)
    world.add_change("sub", "2026-11-20", 3, "log-sub")
    plan = world.plan()
    moves = [change for change in plan.changes if change.adjustment]
    assert sorted((str(one.adjustment.day), one.unit_change) for one in moves) == [
        ("2026-11-15", -10),
        ("2026-11-15", 10),
        ("2026-11-20", 3),
    ]
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    old, new = world.id_of("sub"), service_on(world, "con-2")
    assert [world.units(old, day) for day in ("2026-11-15", "2026-11-20")] == [0, 0]
    assert [world.units(new, day) for day in ("2026-11-15", "2026-11-20")] == [10, 13]
    assert world.plan().changes == ()


def test_a_move_goes_on_a_day_that_both_services_can_take(tmp_path):
    """Somebody adjusted the old service today: no day may be billed twice, or not at all."""
    world = moved(tmp_path)
    world.adjust("sub", "2026-11-15", 2)
    with world.work365():
        world.row("subscription", "sub")["quantity"] = 12
        world.row("license_change", "first-sub")["quantity"] = 12
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-16", 12), ("sub", "2026-11-16", -12)],
        ledger={"sub": agrees(12), "other": agrees(1)},
    )
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    old, new = world.id_of("sub"), service_on(world, "con-2")
    days = ("2026-11-15", "2026-11-16")
    assert [(world.units(old, day), world.units(new, day)) for day in days] == [(12, 0), (0, 12)]


def test_a_move_waits_while_the_ledger_does_not_agree(tmp_path):
    world = moved(tmp_path)
    world.adjust("sub", "2026-11-01", 2)
    plan = world.plan()
    assert [change.name for change in plan.changes if change.adjustment] == []
    assert "not-moved" in {one.code for one in findings(plan)}
    assert Line.of(line_of(plan)) == Line("over-billed", 10, 12, left=-2)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("adjustment", [1, 2])
def test_no_day_is_unbilled_if_a_move_dies_between_its_halves(tmp_path, adjustment, when):
    world = moved(tmp_path)
    world.kill(world.plan(), adjustment, when)
    services = [row["id"] for row in world.records("ContractServices")]
    assert sum(world.units(service, "2026-11-15") for service in services) >= 11
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert world.units(world.id_of("sub"), "2026-11-15") == 0
    assert world.units(service_on(world, "con-2"), "2026-11-15") == 10
    assert world.plan().changes == ()


def test_a_move_to_a_contract_that_the_plan_creates(tmp_path):
    world = World(tmp_path, Service(contract="con", product="pro"))
    world.sync()
    with world.work365() as tables:
        new = {"id": "con-2", "name": "con-2", "number": "con-2", "start_date": "2026-11-01"}
        tables["billing_contract"].append({**world.row("billing_contract"), **new})
        world.row("subscription").update(contract="con-2", effective_start="2026-11-01")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-15", 10), ("sub", "2026-11-15", -10)],
        ledger={"sub": agrees(10)},
    )
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    by_units = {world.units(row["id"], "2026-11-15") for row in world.records("ContractServices")}
    assert by_units == {0, 10}
    assert world.plan().changes == ()


def test_a_move_to_a_contract_that_has_the_service_already_is_held(tmp_path):
    own = Service(contract="con", product="pro")
    world = World(tmp_path, own, Service("other", 3, 3, contract="con-2", product="pro"))
    world.sync()
    with world.work365():
        world.row("subscription", "sub")["contract"] = "con-2"
    expect(
        world.plan(),
        findings=["subscription-is-the-only-one-of-its-service"],
        ledger={"sub": agrees(10), "other": agrees(3)},
    )


def test_without_the_state_a_move_is_known_again(tmp_path):
    world = moved(tmp_path)
    assert world.run(world.plan()).complete
    world.lose_state()
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10), "other": agrees(1)})
    assert {str(change.action) for change in plan.changes} == {"link"}


# Changes dated before the move


@pytest.mark.parametrize(("units", "left"), [(-4, 6), (3, 13), (-10, 0)])
def test_a_change_before_the_day_of_the_move_is_made_on_the_old_service(tmp_path, units, left):
    world = moved(tmp_path)
    world.add_change("sub", "2026-11-10", units, "log-sub")
    plan = world.plan()
    sent = [(str(one.adjustment.day), one.unit_change, one.record) for one in adjusting(plan)]
    old = world.id_of("sub")
    expected = [("2026-11-10", units, old), ("2026-11-15", left, None), ("2026-11-15", -left, old)]
    assert sorted(sent, key=str) == sorted((one for one in expected if one[1]), key=str)
    assert Line.of(line_of(plan)).moved == units
    assert_sums(plan)
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert units_of_the_move(world) == {
        "2026-11-09": (10, 0),
        "2026-11-10": (10 + units, 0),
        "2026-11-15": (0, left),
    }
    assert world.plan().changes == ()


def units_of_the_move(world) -> dict[str, tuple[int, int]]:
    """Units on the old and on the new service, by day."""
    old, new = world.id_of("sub"), service_on(world, "con-2")
    days = ("2026-11-09", "2026-11-10", "2026-11-15")
    return {day: (world.units(old, day), world.units(new, day)) for day in days}


def test_a_move_waits_for_a_held_change_before_its_day(tmp_path):
    world = moved(tmp_path)
    world.add_change(
        "sub", "2026-11-10", -4, "log-sub", provisioning_status="Awaiting Provisioning"
    )
    plan = world.plan()
    assert adjusting(plan) == []
    [finding] = [one for one in findings(plan) if one.code == "not-moved"]
    assert "a change of 2026-11-10 comes before it" in finding.text
    assert Line.of(line_of(plan)) == Line("over-billed", 6, 10, held=-4)
    assert_sums(plan)


@pytest.mark.parametrize(
    ("units", "adjustment", "when"),
    [
        (-4, 1, "before"),
        (3, 1, "after"),
        (-4, 2, "after"),
        (3, 2, "before"),
        (-4, 3, "before"),
        (3, 3, "after"),
    ],
)
def test_a_move_with_an_earlier_change_can_be_resumed(tmp_path, units, adjustment, when):
    world = moved(tmp_path)
    world.add_change("sub", "2026-11-10", units, "log-sub")
    world.kill(world.plan(), adjustment, when)
    services = [row["id"] for row in world.records("ContractServices")]
    assert sum(world.units(service, "2026-11-15") for service in services) >= 7
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert units_of_the_move(world) == {
        "2026-11-09": (10, 0),
        "2026-11-10": (10 + units, 0),
        "2026-11-15": (0, 10 + units),
    }
    assert world.plan().changes == ()


# The old contract has ended


def test_a_row_that_moved_and_then_ended_is_over_billed_where_its_units_are(tmp_path):
    """It has no record of its own on the other contract, and no quantity."""
    world = moved(tmp_path)
    with world.work365():
        world.row("subscription", "sub").update(state="Inactive", status="Expired")

    expect(
        world.plan(),
        ledger={"sub": Line("over-billed", 0, 10, left=-10), "other": agrees(1)},
        findings={"not-moved"},
    )

    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    assert [change.unit_change for change in plan.changes] == [-10]
    assert plan.summary.ledger.moved.units == -10


@made_once
def moved_after_the_end(folder, **contract) -> World:
    """The contract of ten seats ended last month and is billed; the row is on another one now."""
    own = Service(contract="con", product="pro", end="2026-10-31", posted="2026-10-31")
    world = World(folder, own, Service("other", 1, 1, contract="con-2", product="pro-2"))
    world.sync()
    with world.work365():
        world.row("subscription", "sub").update(contract="con-2")
    return world


def test_after_the_end_of_the_old_contract_the_row_is_under_billed(tmp_path):
    world = moved_after_the_end(tmp_path)
    plan = world.plan()
    expect(
        plan,
        ledger={"sub": Line("under-billed", 10, 0, left=10), "other": agrees(1)},
    )
    assert "decide subscription sub correct" in line_of(plan).remedy
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-15", 10)],
        ledger={"sub": Line("under-billed", 10, 0, moved=10), "other": agrees(1)},
        invoice="53.33",  # 10 x £10 x 16 of 30 days; the ten of before ended with their contract
        lost="46.67",  # the 14 days since then
    )
    again = world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-15": 0}}, ended=100)
    new = service_on(world, "con-2")
    assert [world.units(new, day) for day in ("2026-11-14", "2026-11-15")] == [0, 10]
    assert Line.of(line_of(again)) == agrees(10)


def test_after_the_end_of_the_old_contract_a_change_explains_the_units(tmp_path):
    world = moved_after_the_end(tmp_path)
    with world.work365():
        world.row("subscription", "sub")["quantity"] = 0
        world.row("license_change", "first-sub")["quantity"] = 0
    world.add_change("sub", "2026-11-01", 10, "log-sub")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-01", 10)]
    assert Line.of(line_of(plan)) == Line("under-billed", 10, 0, moved=10)
    world.apply(plan, units={"sub": {"2026-10-31": 10, "2026-11-01": 0}}, ended=100)
    assert world.units(service_on(world, "con-2"), "2026-11-01") == 10


def on_both(world, *days) -> list[tuple[int, int]]:
    """Units of the two services of the product, on contract con and on con-2, by day."""
    services = world.id_of("sub"), service_on(world, "con-2")
    return [(world.units(services[0], day), world.units(services[1], day)) for day in days]


def test_units_move_no_earlier_than_the_new_contract_begins(tmp_path):
    own = Service(contract="con", product="pro")
    later = Service("other", 1, 1, contract="con-2", product="pro-2", start="2026-12-01")
    world = World(tmp_path, own, later)
    world.sync()
    with world.work365():
        world.row("subscription", "sub").update(contract="con-2", effective_start="2026-12-01")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-12-01", 10), ("sub", "2026-12-01", -10)]
    assert world.run(plan).complete
    assert on_both(world, "2026-11-30", "2026-12-01") == [(10, 0), (0, 10)]


def test_a_pushed_change_of_a_posted_day_and_the_move_share_the_first_open_day(tmp_path):
    world = moved(tmp_path)
    world.post("2026-11-30")
    world.add_change("sub", "2026-11-10", -4, "log-sub")
    held = world.plan()
    assert adjusting(held) == []
    assert "not-moved" in {one.code for one in findings(held)}
    world.decide("license_change", "log-sub", "push")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("sub", "2026-12-01", 6), ("sub", "2026-12-01", -10)]
    assert figures.credit == "28.00"  # 4 x £10 x 21 of 30 days
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert on_both(world, "2026-11-30", "2026-12-01") == [(10, 0), (0, 6)]
    assert world.plan().changes == ()


@pytest.mark.parametrize("is_new", [False, True])
def test_a_move_after_everything_is_posted_changes_no_invoice(tmp_path, is_new):
    """Both halves are on the run of December, also where nothing is posted on the new contract."""
    if is_new:
        world = World(tmp_path, Service(contract="con", product="pro"))
        world.sync()
        with world.work365() as tables:
            new = {"id": "con-2", "name": "con-2", "number": "con-2"}
            tables["billing_contract"].append({**world.row("billing_contract"), **new})
            world.row("subscription", "sub")["contract"] = "con-2"
    else:
        world = moved(tmp_path)
    world.post("2026-11-30")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("sub", "2026-12-01", 10), ("sub", "2026-12-01", -10)]
    assert (figures.invoice, figures.run_rate, figures.lost) == ("0.00", "0.00", "0.00")
    world.apply(plan, {})


def test_units_are_corrected_before_they_are_moved(tmp_path):
    world = moved(tmp_path)
    world.adjust("sub", "2026-11-01", 2)
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    [correction] = [change for change in plan.changes if change.adjustment]
    assert (correction.record, correction.unit_change) == (world.id_of("sub"), -2)
    assert world.run(plan).complete
    moves = [change.unit_change for change in world.plan().changes if change.adjustment]
    assert sorted(moves) == [-10, 10]
    assert world.run(world.plan()).complete
    old, new = world.id_of("sub"), service_on(world, "con-2")
    assert [world.units(one, "2026-12-01") for one in (old, new)] == [0, 10]
    assert world.plan().changes == ()


def test_a_move_that_a_rule_on_the_ledger_stops_leaves_the_record(tmp_path):
    """A new record alone would leave the units behind."""
    world = moved(tmp_path)
    rule = """rules:
  - rule: not-today
    for: subscription
    on: ledger
    when: "{{ source.id == 'sub' }}"
    assert: "{{ false }}"
    severity: hold
    message: "Not today."
    remedy: "Wait."
"""
    world.edit("rules/subscription.yaml", "rules:\n", rule)
    plan = world.plan()
    assert plan.changes == ()
    assert {"not-moved", "not-today"} <= {one.code for one in findings(plan)}
    world.edit("rules/subscription.yaml", "{{ false }}", "{{ true }}")
    world.apply(world.plan(), {"sub": {"2026-11-14": 10, "2026-11-15": 0}})


@made_once
def other_product(folder) -> World:
    """A subscription of ten seats at £10 that is another product now, at £25, on its contract."""
    own = Service(contract="con", product="pro")
    other = Service(key="other", seats=1, billed=1, contract="con-2", product="pro-2", price="25")
    world = World(folder, own, other)
    world.sync()
    with world.work365():
        world.row("subscription", "sub")["product"] = "pro-2"
    return world


def test_the_price_of_another_product_is_in_what_this_plan_moves(tmp_path):
    plan = other_product(tmp_path).plan()

    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-15", 10), ("sub", "2026-11-15", -10)]
    line, totals = line_of(plan, "sub"), plan.summary.ledger
    assert (line.class_, line.monthly, line.repriced) == ("under-billed", 150, 150)
    assert line.text == "its units move to a service with another price, +150.00 a month"
    assert plan.summary.monthly == 150
    sums = (totals.under, totals.over, totals.moved, totals.held, totals.unexplained)
    assert [one.monthly for one in sums] == [150, 0, 150, 0, 0]
    assert [part.moved for _, part in line_money(plan) if part.moved] == [150]


def test_the_halves_of_a_move_on_one_contract_name_the_products(tmp_path):
    plan = other_product(tmp_path).plan()

    halves = [change for change in plan.changes if change.adjustment]

    assert [change.notes for change in halves] == [
        ("moved from Mail pro, monthly",),
        ("moved to Mail pro-2, monthly",),
    ]
