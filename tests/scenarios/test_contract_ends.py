"""Subscriptions that end with their contract: its end is the end of what it bills."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.chains import Link, begins, ends
from tests.scenarios.expected import Line, PlanFigures, agrees, expect, findings
from tests.scenarios.made_once import made_once
from tests.scenarios.world import World

END, DAY_AFTER = "2026-11-30", "2026-12-01"


@made_once
def ending(folder, day: str = DAY_AFTER, **more) -> World:
    """Ten seats on a contract until the end of November, cancelled from a day on."""
    world = World(folder, Service("old", contract="con", product="pro", end=END), **more)
    world.sync()
    ends(world, "old", day)
    return world


def test_a_cancellation_on_the_day_after_the_contract_is_not_over_billed(tmp_path):
    world = ending(tmp_path)
    plan = world.plan()
    expect(plan, ledger={"old": agrees(10)})
    assert [one.code for one in plan.left_out] == ["after-its-contract"]
    again = world.apply(plan, {"old": {END: 10, DAY_AFTER: 0}})
    assert [one.code for one in again.left_out] == ["after-its-contract"]


def test_once_the_contract_has_ended_the_cancellation_is_marked(tmp_path):
    world = ending(tmp_path)
    plan = world.plan("2026-12-05")
    expect(plan, ledger={"old": agrees(0)}, run_rate="-100.00")
    [mark] = plan.changes
    assert mark.notes == (f"nothing is sent: its contract ended on {END}",)
    assert mark.monthly == -100
    world.apply(plan, {"old": {END: 10, DAY_AFTER: 0}}, ended=100)
    assert world.rows("license_change")["end-old"]["status"] == "Archived"


def test_a_contract_that_is_renewed_in_time_ends_what_was_cancelled(tmp_path):
    world = ending(tmp_path)
    world.sync()
    with world.work365():
        world.row("billing_contract")["end_date"] = "2027-11-30"
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("old", DAY_AFTER, -10)]
    assert world.run(plan).complete
    assert [world.units("old", day) for day in (END, DAY_AFTER)] == [10, 0]
    assert world.plan().changes == ()


def test_a_cancellation_long_after_the_contract_is_a_question_and_not_over_billed(tmp_path):
    """From the end of the contract until then no contract bills."""
    world = ending(tmp_path, "2026-12-03")
    expect(
        world.plan(),
        findings=["change-is-within-its-contract"],
        ledger={"old": agrees(10)},
    )


def test_fewer_seats_on_the_day_after_the_contract_change_nothing_that_is_billed(tmp_path):
    world = World(tmp_path, Service("old", contract="con", product="pro", end=END))
    world.sync()
    world.add_change("old", DAY_AFTER, -4, "log-old")
    expect(world.plan(), ledger={"old": agrees(10)})


def test_more_seats_on_the_day_after_the_contract_are_held(tmp_path):
    world = World(tmp_path, Service("old", contract="con", product="pro", end=END))
    world.sync()
    world.add_change("old", DAY_AFTER, 4, "log-old")
    expect(
        world.plan(),
        findings=["change-is-within-its-contract"],
        ledger={"old": Line("under-billed", 14, 10, held=4)},
        held={"change-is-within-its-contract": "40.00"},
    )


@pytest.mark.parametrize("as_of", ["2026-11-15", "2026-12-05"])
def test_a_renewal_on_the_contract_that_follows_does_not_wait_for_the_one_that_ended(
    tmp_path, as_of
):
    other = Service("other", 1, 1, contract="con-2", product="pro-2")
    own = Service("old", contract="con", product="pro", end=END)
    world = World(tmp_path, own, other)
    world.sync()
    ends(world, "old", DAY_AFTER)
    begins(world, Link("new", "con-2", 12, DAY_AFTER))
    world.succeed("new", "old")
    plan = world.plan(as_of)
    assert PlanFigures.of(plan).adjusts == [("new", DAY_AFTER, 12)]
    assert PlanFigures.of(plan).run_rate == "20.00"
    assert [*findings(plan)] == []
    assert world.run(plan).complete
    assert [world.units("old", day) for day in (END, DAY_AFTER)] == [10, 0]
    assert [world.units("new", day) for day in (END, DAY_AFTER)] == [0, 12]
    assert world.plan().changes == ()
