"""Moves to a contract service that is there already: the row's former one, or a predecessor's."""

import pytest

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
from tests.scenarios.test_moves import moved, on_both, service_on
from tests.scenarios.world import World


@made_once
def moved_back(folder) -> World:
    """The row was moved to another contract today, and is on its former one again."""
    world = moved(folder)
    world.sync()
    with world.work365():
        world.row("subscription", "sub")["contract"] = "con"
    return world


def test_a_move_back_takes_the_former_service_again(tmp_path):
    world = moved_back(tmp_path)
    plan = world.plan()
    expect(
        plan,
        adjusts=[("sub", "2026-11-16", 10), ("sub", "2026-11-16", -10)],  # a day that both can take
        ledger={"sub": agrees(10), "other": agrees(1)},
    )
    [link] = [change for change in plan.changes if change.action == "link"]
    left = service_on(world, "con-2")
    assert link.record == world.id_of("sub")
    assert link.notes == (f"moved back: its ContractServices {left} stays, without units",)
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert on_both(world, "2026-11-14", "2026-11-15", "2026-11-16") == [(10, 0), (0, 10), (10, 0)]
    again = world.plan()
    assert again.changes == ()
    assert Line.of(line_of(again)) == agrees(10)
    assert {line.key for line in again.ledger} == {"sub", "other"}


def test_a_move_back_that_was_linked_by_decision_takes_the_units_along(tmp_path):
    world = moved_back(tmp_path)
    world.link("sub", world.id_of("sub"))
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-16", 10), ("sub", "2026-11-16", -10)]
    assert Line.of(line_of(plan)) == agrees(10)
    assert world.run(plan).complete
    assert on_both(world, "2026-11-15", "2026-11-16") == [(0, 10), (10, 0)]
    assert world.plan().changes == ()


def test_units_that_were_entered_on_the_former_service_stop_a_move_back(tmp_path):
    world = moved_back(tmp_path)
    world.adjust("sub", "2026-11-20", 5)
    plan = world.plan("2026-11-21")
    assert adjusting(plan) == []
    assert "not-moved" in {one.code for one in findings(plan)}
    assert_sums(plan)


def test_a_move_back_that_cannot_be_sent_leaves_the_link(tmp_path):
    world = moved_back(tmp_path)
    plan = world.plan()
    world.adjust("sub", "2026-11-20", 1)
    assert not world.run(plan).complete
    again = world.plan("2026-11-21")
    assert {line.key: Line.of(line) for line in again.ledger} == {
        "sub": Line("over-billed", 10, 11, left=-1),  # of both services
        "other": agrees(1),
    }


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("adjustment", [1, 2])
def test_a_move_back_can_be_resumed(tmp_path, adjustment, when):
    world = moved_back(tmp_path)
    world.kill(world.plan(), adjustment, when)
    assert sum(on_both(world, "2026-11-16")[0]) >= 10
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert on_both(world, "2026-11-15", "2026-11-16") == [(0, 10), (10, 0)]
    assert world.plan().changes == ()


# To the service of a subscription that has ended


@made_once
def moved_to_an_ended_one(folder, seats=0) -> World:
    """The row is on a contract now where another subscription of its product has ended."""
    own = Service(contract="con", product="pro")
    ended = Service("other", seats, seats, contract="con-2", product="pro")
    world = World(folder, own, ended)
    world.sync()
    if seats:
        world.add_change("other", "2026-11-10", -seats, "log-other")
    with world.work365():
        world.row("subscription", "other").update(state="Inactive", status="Expired")
        world.row("subscription", "sub").update(contract="con-2")
    return world


@pytest.mark.parametrize("seats", [0, 3])
def test_a_move_takes_the_service_of_a_row_that_it_succeeds(tmp_path, seats):
    world = moved_to_an_ended_one(tmp_path, seats)
    plan = world.plan()
    ended = [("2026-11-10", -seats, world.id_of("other"))] if seats else []
    assert sorted(
        (str(one.adjustment.day), one.unit_change, one.record) for one in adjusting(plan)
    ) == [
        *ended,
        ("2026-11-15", -10, world.id_of("sub")),
        ("2026-11-15", 10, world.id_of("other")),
    ]
    [link] = [change for change in plan.changes if change.succeeds]
    assert (link.record, link.succeeds.key) == (world.id_of("other"), "other")
    assert Line.of(line_of(plan)).left == 0
    assert_sums(plan)
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    days = ("2026-11-09", "2026-11-10", "2026-11-14", "2026-11-15")
    assert [world.units("sub", day) for day in days] == [10, 10, 10, 0]
    assert [world.units("other", day) for day in days] == [seats, 0, 0, 10]
    again = world.plan()
    expect(again, ledger={"sub": agrees(10)})
    assert again.changes == ()


def test_of_two_that_have_ended_a_person_decides_whose_service_is_taken(tmp_path):
    world = moved_to_an_ended_one(tmp_path)
    with world.work365() as tables:
        older = {**world.row("subscription", "other"), "id": "older"}
        tables["subscription"].append(older)
    [taken] = [one for one in findings(world.plan()) if one.code == "service-taken"]
    assert "decide subscription sub succeed --of other" in taken.remedy
    world.succeed("sub", "other")
    outcome = world.run(world.plan())
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert [world.units(key, "2026-11-15") for key in ("sub", "other")] == [0, 10]
    again = world.plan()
    assert again.changes == ()
    assert Line.of(line_of(again)) == agrees(10)
