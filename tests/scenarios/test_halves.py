"""The two adjustments of a succession or a move belong together: both are sent, or neither."""

import pytest
from trueup.model.plan import Plan

from tests.scenarios.expected import PlanFigures, adjusting, findings
from tests.scenarios.test_succession import moved, service_on, succession_between_contracts


def is_joined(plan: Plan) -> bool:
    """Whether the plan's two adjustments name each other, and the increase goes first."""
    more, less = sorted(adjusting(plan), key=lambda change: -change.unit_change)
    named = (more.together, less.together) == ((less.id,), (more.id,))
    return named and more.id in less.needs and more.unit_change > 0 > less.unit_change


# The undo of a run


def test_the_undo_of_a_succession_keeps_its_halves_together(tmp_path):
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    plan = world.plan(undo=outcome.run)
    assert PlanFigures.of(plan).adjusts == [("old", "2026-11-11", 10), ("new", "2026-11-11", -12)]
    assert is_joined(plan)
    undone = world.run(plan)
    assert undone.complete, [one for one in undone.changes if one.text]
    days = ("2026-11-10", "2026-11-11")
    assert [(world.units("old", day), world.units("new", day)) for day in days] == [
        (0, 12),
        (10, 0),
    ]


def test_the_undo_of_an_undo_keeps_the_halves_together(tmp_path):
    world = succession_between_contracts(tmp_path)
    undone = world.run(world.plan(undo=world.run(world.plan()).run))
    plan = world.plan(undo=undone.run)
    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-12", 12), ("old", "2026-11-12", -10)]
    assert is_joined(plan)
    assert world.run(plan).complete
    assert [world.units(key, "2026-11-12") for key in ("old", "new")] == [0, 12]


def test_the_undo_of_a_move_keeps_its_halves_together(tmp_path):
    world = moved(tmp_path)
    outcome = world.run(world.plan())
    old, new = world.id_of("sub"), service_on(world, "con-2")
    plan = world.plan(undo=outcome.run)
    assert [(one.record, one.unit_change) for one in adjusting(plan)] == [(old, 10), (new, -10)]
    assert is_joined(plan)
    undone = world.run(plan)
    assert undone.complete, [one for one in undone.changes if one.text]
    days = ("2026-11-15", "2026-11-16")
    assert [(world.units(old, day), world.units(new, day)) for day in days] == [(0, 10), (10, 0)]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("adjustment", [1, 2])
def test_an_undo_that_dies_between_the_halves_is_resumed(tmp_path, adjustment, when):
    world = succession_between_contracts(tmp_path)
    plan = world.plan(undo=world.run(world.plan()).run)
    world.kill(plan, adjustment, when)
    assert sum(world.units(key, "2026-11-11") for key in ("old", "new")) >= 10
    outcome = world.resume()
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert [world.units(key, "2026-11-11") for key in ("old", "new")] == [10, 0]


def test_the_halves_of_an_undo_go_on_one_day(tmp_path):
    """Another user took the next day of the old service: no day may be billed twice."""
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    world.adjust("old", "2026-11-11", 1)
    plan = world.plan(undo=outcome.run)
    assert PlanFigures.of(plan).adjusts == [("old", "2026-11-12", 10), ("new", "2026-11-12", -12)]


def test_an_undo_takes_back_both_halves_or_neither(tmp_path):
    """Units were taken away from the new service since, so its half cannot be taken back."""
    world = succession_between_contracts(tmp_path)
    outcome = world.run(world.plan())
    world.adjust("new", "2026-11-12", -5)
    plan = world.plan(undo=outcome.run)
    assert adjusting(plan) == []
    reasons = {one.key: one.text for one in findings(plan) if one.code == "cannot-be-undone"}
    assert "would leave" in reasons["log-new"]
    assert reasons["log-old"] == (
        "its other half, Alpine Dental, Mail new, monthly, is not taken back: both are, or neither"
    )
