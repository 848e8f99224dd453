"""Half of a move is done: its run was closed by hand, or the state is lost."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from trueup import wiring
from trueup.errors import StateError
from trueup.model.run import OPEN
from trueup.operations import state as states

from tests.scenarios.expected import (
    Line,
    PlanFigures,
    adjusting,
    agrees,
    assert_sums,
    finding,
    line_of,
)
from tests.scenarios.test_moves import moved, service_on
from tests.scenarios.test_succession import RENEWAL_DAY, renewed, succession_between_contracts
from tests.scenarios.world import World

MOVE_DAY = "2026-11-15"


def open_run(world: World) -> tuple[str, list[str]]:
    """The open run, and its changes in doubt."""
    with wiring.open_state(world.project) as state:
        [run] = state.load().open_runs
        steps = {entry.change: entry.step for entry in state.journal(run.id)}
    return run.id, [change for change, step in steps.items() if step in OPEN]


def close(world: World, *, landed: bool) -> None:
    """Settles by hand what is in doubt, once it may be settled, and closes the run."""
    run, in_doubt = open_run(world)
    later = replace(world.project, settle_after=timedelta(0))
    for change in in_doubt:
        is_there = landed and not change.endswith(":mark")
        states.settle_change(later, "me", change, landed=is_there, reason="as it is")
    states.close_run(world.project, "me", run, "as a scenario")


def on_both(world: World, *days: str) -> list[tuple[int, int]]:
    """Units of the old and the new service of a move, by day."""
    old, new = world.id_of("sub"), service_on(world, "con-2")
    return [(world.units(old, day), world.units(new, day)) for day in days]


def half_done(world: World, ending: str, adjustment: int, when: str) -> None:
    """The run dies before or after it sends an adjustment, and is not resumed."""
    world.kill(world.plan(), adjustment, when)
    if ending == "closed":
        close(world, landed=when == "after")
    else:
        world.lose_state()


@pytest.mark.parametrize(
    ("ending", "adjustment", "when", "later"),
    [
        ("closed", 1, "after", ""),
        ("lost", 2, "before", ""),
        ("closed", 2, "before", "2026-11-20"),
        ("lost", 1, "after", "2026-11-20"),
        ("closed", 1, "after", "2026-12-05"),
        ("lost", 2, "before", "2026-12-05"),
    ],
)
def test_half_of_a_move_is_seen_and_the_other_half_follows(
    tmp_path, ending, adjustment, when, later
):
    world = moved(tmp_path)
    half_done(world, ending, adjustment, when)
    plan = world.plan(later)
    assert adjusting(plan) == []
    assert_sums(plan)
    assert {line.key: Line.of(line) for line in plan.ledger} == {
        "sub": Line("over-billed", 10, 20, left=-10),
        "other": agrees(1),
    }
    text = "half of a move is done, 10 on con and 10 on con-2 are billed"
    assert line_of(plan).text.startswith(text)
    assert finding(plan, "not-moved").remedy == line_of(plan).remedy
    assert "decide subscription sub correct" in line_of(plan).remedy
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", MOVE_DAY, -10)]  # the day of the first half
    world.apply(plan, {})
    assert on_both(world, "2026-11-14", MOVE_DAY, "2026-12-31") == [(10, 0), (0, 10), (0, 10)]


@pytest.mark.parametrize("ending", ["closed", "lost"])
def test_a_move_that_only_made_its_service_is_planned_again(tmp_path, ending):
    """The new service has no units: a correction would have billed the row twice."""
    world = moved(tmp_path)
    half_done(world, ending, 1, "before")
    plan = world.plan()
    adjusts = [("sub", MOVE_DAY, 10), ("sub", MOVE_DAY, -10)]
    assert PlanFigures.of(plan).adjusts == adjusts
    assert Line.of(line_of(plan)) == agrees(10)
    world.apply(plan, {})
    assert on_both(world, "2026-11-14", MOVE_DAY) == [(10, 0), (0, 10)]


def test_a_move_that_was_undone_is_planned_again(tmp_path):
    world = moved(tmp_path)
    run = world.run(world.plan()).run
    assert world.run(world.plan(undo=run)).complete
    plan = world.plan()
    assert [one.unit_change for one in adjusting(plan)] == [10, -10]
    assert Line.of(line_of(plan)) == agrees(10)
    world.apply(plan, {})
    assert on_both(world, "2026-11-16", "2026-11-17") == [(10, 0), (0, 10)]


def test_a_project_that_corrects_takes_the_other_half_along(tmp_path):
    world = moved(tmp_path)
    world.edit("mappings/subscription.yaml", "difference: hold", "difference: correct")
    half_done(world, "closed", 1, "after")
    plan = world.plan("2026-11-20")
    assert PlanFigures.of(plan).adjusts == [("sub", MOVE_DAY, -10)]
    world.apply(plan, {})
    assert on_both(world, "2026-11-14", MOVE_DAY) == [(10, 0), (0, 10)]


def test_half_of_a_move_of_a_successor_is_seen(tmp_path):
    """The service that it leaves carries the identity of its predecessor."""
    world = renewed(tmp_path)
    world.sync()
    with world.work365() as tables:
        named = dict.fromkeys(("id", "name", "number"), "con-2")
        tables["billing_contract"].append({**world.row("billing_contract"), **named})
        world.row("subscription", "new")["contract"] = "con-2"
    half_done(world, "closed", 1, "after")
    assert Line.of(line_of(world.plan(), "new")) == Line("over-billed", 12, 24, left=-12)
    world.decide("subscription", "new", "correct")
    world.apply(world.plan("2026-11-20"), {})
    services = [row["id"] for row in world.records("ContractServices")]
    days = ("2026-11-14", MOVE_DAY, "2026-12-01")
    assert [sum(world.units(one, day) for one in services) for day in days] == [12, 12, 12]


def test_units_that_neither_half_explains_wait_for_the_next_plan(tmp_path):
    world = moved(tmp_path)
    half_done(world, "closed", 1, "after")
    with world.work365():
        world.row("subscription", "sub")["quantity"] = 8
        world.row("license_change", "first-sub")["quantity"] = 8
    world.decide("subscription", "sub", "correct")
    assert world.run(world.plan()).complete
    plan = world.plan()
    assert Line.of(line_of(plan)) == Line("over-billed", 8, 10, left=-2)
    assert on_both(world, MOVE_DAY) == [(0, 10)]


# Half of a succession


@pytest.mark.parametrize(
    "way", [("license_change", "log-new", "archive"), ("subscription", "new", "correct")]
)
def test_a_succession_without_its_state_ends_in_right_units(tmp_path, way):
    world = succession_between_contracts(tmp_path)
    half_done(world, "lost", 1, "after")
    plan = world.plan()
    assert adjusting(plan) == []
    remedies = finding(plan, "ledger-differs").remedy
    assert "push" not in remedies  # it would be billed twice
    assert f"`trueup decide {' '.join(way)} --reason …`" in remedies
    world.decide(*way)
    world.apply(world.plan(), {"old": {"2026-11-09": 10, RENEWAL_DAY: 0}, "new": {RENEWAL_DAY: 12}})


def test_a_closed_succession_is_finished_by_the_next_plan(tmp_path):
    world = succession_between_contracts(tmp_path)
    half_done(world, "closed", 1, "after")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("old", RENEWAL_DAY, -10)]
    world.apply(plan, {"old": {"2026-11-09": 10, RENEWAL_DAY: 0}, "new": {RENEWAL_DAY: 12}})


# The open run


def test_a_run_with_a_change_in_doubt_is_settled_before_it_is_closed(tmp_path):
    world = moved(tmp_path)
    world.kill(world.plan(), 1, "after")
    run, [change] = open_run(world)
    remedy = finding(world.plan(), "run-open").remedy
    assert remedy == (
        f"`trueup apply --resume` settles what is in doubt ({change}) and finishes it; "
        f"to give it up, settle that first (`trueup state settle {change} landed|absent "
        f"--reason …`), then `trueup state settle {run} closed --reason …` gives up the rest of it"
    )
    with pytest.raises(StateError, match=f"{change}.*settle it first, by `trueup apply --resume`"):
        states.close_run(world.project, "me", run, "as a scenario")
    states.settle_change(world.project, "me", change, landed=True, reason="it is there")
    remedy = finding(world.plan(), "run-open").remedy
    assert remedy.startswith("`trueup apply --resume` finishes it, or `trueup state settle")
