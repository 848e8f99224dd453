"""Units that a person entered in Autotask for a later day: what is billed now, and then."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.expected import (
    Line,
    PlanFigures,
    adjusting,
    agrees,
    expect,
    finding,
    findings,
    line_of,
)
from tests.scenarios.test_moves import moved, service_on
from tests.scenarios.world import World

LATER = "2026-12-01"


@pytest.mark.parametrize(
    ("keyed", "steps", "then"),
    [
        ({LATER: 3}, "+3 on 2026-12-01", "13 are billed from 2026-12-01 on"),
        ({LATER: -4}, "-4 on 2026-12-01", "6 are billed from 2026-12-01 on"),
        (
            {LATER: 3, "2026-12-05": -3},
            "+3 on 2026-12-01 and -3 on 2026-12-05",
            "10 are billed from 2026-12-05 on",
        ),
    ],
)
def test_a_line_that_agrees_only_today_has_a_note(tmp_path, keyed, steps, then):
    """Nothing in Work 365 explains them: from that day on too much is billed, or too little."""
    world = World(tmp_path, Service(seats=10, keyed=keyed))
    plan = world.plan()
    expect(plan, findings=["units-change-later"], ledger={"sub": agrees(10)})
    warning = finding(plan, "units-change-later")
    assert warning.text == (
        f"Autotask's units change by {steps}, later than any change, and not by trueup: "
        f"{then}, and 10 should be"
    )
    assert line_of(plan).text == warning.text
    assert "`trueup plan --as-of" in warning.remedy


def test_on_their_day_they_are_a_difference_like_any_other(tmp_path):
    world = World(tmp_path, Service(seats=10, keyed={LATER: 3}))
    world.sync()
    expect(world.plan(LATER), ledger={"sub": Line("over-billed", 10, 13, left=-3)})
    world.decide("subscription", "sub", "correct")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-12-02", -3)]  # 1 December is taken
    world.apply(plan, {"sub": {"2026-11-30": 10, LATER: 13, "2026-12-02": 10}})


def test_too_little_is_billed_until_the_day_of_units_that_explain_a_difference(tmp_path):
    """The advice compares both on that day: they agree there, and nothing is to be corrected."""
    world = World(tmp_path, Service(seats=13, keyed={LATER: 3}))
    plan = world.plan()
    expect(plan, ledger={"sub": Line("under-billed", 13, 10, left=3)})
    assert plan.summary.ledger.under.monthly == 30
    assert f"`trueup plan --as-of {LATER}` compares both on that day" in line_of(plan).remedy
    expect(world.plan(LATER), ledger={"sub": agrees(13)})


def test_a_change_that_was_entered_for_a_later_day_is_not_sent(tmp_path):
    world = World(tmp_path, Service(seats=13, keyed={LATER: 3}, changes={"2026-11-10": 3}))
    expect(
        world.plan(),
        findings=["keyed-already"],
        ledger={"sub": Line("under-billed", 13, 10, held=3)},
        held={"keyed-already": "30.00"},
    )
    world.decide("license_change", "log-sub", "archive")
    world.sync()
    expect(world.plan(), ledger={"sub": Line("under-billed", 13, 10, left=3)})
    expect(world.plan(LATER), ledger={"sub": agrees(13)})


def test_a_change_that_is_pushed_beside_such_units_has_a_note_on_the_result(tmp_path):
    world = World(tmp_path, Service(seats=13, keyed={LATER: 3}, changes={"2026-11-10": 3}))
    world.decide("license_change", "log-sub", "push")
    world.sync()
    plan = world.plan()
    expect(plan, findings=["units-change-later"], ledger={"sub": agrees(13)})
    assert "16 are billed from 2026-12-01 on, and 13 should be" in line_of(plan).text


def test_a_line_with_a_later_change_is_compared_on_its_day(tmp_path):
    """Work 365's quantity has the change already: billed is what Autotask bills on that day."""
    world = World(tmp_path, Service(seats=13, keyed={LATER: 3}, changes={LATER: 3}))
    plan = world.plan()
    expect(
        plan,
        findings=["ledger-differs"],
        ledger={"sub": Line("match", 13, 13, held=3, left=-3)},
        held={"ledger-differs": "30.00"},
    )
    assert str(line_of(plan).day) == LATER
    world.decide("license_change", "log-sub", "archive")
    world.apply(world.plan(), {"sub": {"2026-11-30": 10, LATER: 13}})


def test_units_do_not_move_to_a_service_that_gets_others_later(tmp_path):
    """Somebody has entered the move for the first of the month: it would be billed twice then."""
    world = moved(tmp_path)
    run = world.run(world.plan()).run
    assert world.run(world.plan(undo=run)).complete
    world.adjust(service_on(world, "con-2"), LATER, 10)
    plan = world.plan()
    assert adjusting(plan) == []
    [held] = [one for one in findings(plan) if one.code == "not-moved"]
    assert "the units of its new service change later" in held.text
