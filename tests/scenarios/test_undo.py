"""An undo is a plan like any other: it says what the invoices will say."""

from decimal import Decimal

from trueup.model.money import exact

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import Line, agrees, expect, findings
from tests.scenarios.world import World


def test_an_undone_increase_is_taken_off_the_invoice_from_the_next_free_day(tmp_path):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}, posted="2026-10-31"))
    outcome = world.run(world.plan())
    assert outcome.complete
    plan = world.plan(undo=outcome.run)
    [change] = [one for one in plan.changes if one.adjustment]
    assert (str(change.adjustment.day), change.unit_change) == ("2026-11-11", -3)
    money = world.money()
    assert world.run(plan).complete
    after = world.money()
    assert plan.summary.invoice.net == -20  # 3 x £10 x 20 of 30 days
    assert after.invoice - money.invoice == -20
    assert plan.summary.run_rate.net == after.run_rate - money.run_rate == -30
    assert [world.units("sub", f"2026-11-{day}") for day in ("09", "10", "11")] == [10, 13, 10]

    again = world.plan()
    assert [one.name for one in again.changes if one.adjustment] == []
    assert {one.code for one in findings(again)} == {"undone"}
    expect(
        again,
        findings=["undone"],
        ledger={"sub": Line("under-billed", 13, 10, held=3)},
        held={"undone": "30.00"},
    )


def test_a_month_that_was_posted_meanwhile_stays_billed(tmp_path):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}))
    outcome = world.run(world.plan())
    world.post("2026-11-30")
    plan = world.plan(undo=outcome.run)
    [change] = [one for one in plan.changes if one.adjustment]
    assert (str(change.adjustment.day), change.unit_change) == ("2026-12-01", -3)
    before = world.money()
    assert world.run(plan).complete
    assert world.money().invoice - before.invoice == plan.summary.invoice.net == -30
    assert [world.units("sub", day) for day in ("2026-11-30", "2026-12-01")] == [13, 10]


def test_what_was_undone_and_is_pushed_again_is_billed_once(tmp_path):
    """It was billed until the undo took it back: a new push goes on from there."""
    service = Service(seats=15, changes={"2026-11-05": 2, "2026-11-20": 3})
    world = World(tmp_path, service)
    outcome = world.run(world.plan())
    assert world.run(world.plan(undo=outcome.run)).complete
    days = ("2026-11-04", "2026-11-05", "2026-11-20", "2026-11-22", "2026-11-23")
    assert [world.units("sub", day) for day in days] == [10, 12, 15, 10, 10]
    for key in service.log_keys:
        world.decide("license_change", key, "push")
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-23", 5)],
        ledger={"sub": Line("under-billed", 15, 10, moved=5)},
        invoice="13.33",  # 5 x £10 x 8 of 30 days
        run_rate="50.00",
        lost="2.67",  # the days that took the undo: 3 x £10 x 2 and 2 x £10 x 1 of 30 days
    )
    world.apply(plan, units={"sub": {"2026-11-05": 12, "2026-11-20": 15, "2026-11-23": 15}})


def test_a_plan_after_an_undo_that_is_archived_is_empty(tmp_path):
    world = World(tmp_path, Service(seats=13, changes={"2026-11-10": 3}))
    outcome = world.run(world.plan())
    assert world.run(world.plan(undo=outcome.run)).complete
    with world.work365():
        world.row("subscription")["quantity"] = 10
        world.tables["license_change"][:] = [world.row("license_change", "first-sub")]
    plan = world.plan()
    expect(plan, ledger={"sub": agrees(10)})
    assert plan.changes == ()


def test_an_undo_of_a_later_period_is_on_the_invoice_that_comes_next(tmp_path):
    """The month of the plan is posted ahead: the next invoice is that of December."""
    service = Service(seats=13, changes={"2026-12-05": 3}, posted="2026-11-30")
    world = World(tmp_path, service)
    first = world.plan()
    assert first.summary.invoice.net == exact(Decimal(3 * 10 * 27) / 31)
    outcome = world.run(first)
    plan = world.plan(undo=outcome.run)
    [change] = [one for one in plan.changes if one.adjustment]
    assert (str(change.adjustment.day), change.unit_change) == ("2026-12-06", -3)
    before = world.money()
    assert world.run(plan).complete
    assert plan.summary.invoice.net == exact(world.money().invoice - before.invoice)
    assert plan.summary.invoice.net == exact(Decimal(-3 * 10 * 26) / 31)
