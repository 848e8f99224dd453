"""Moves that wait for another change, and moves that are undone: what a person is told."""

from tests.scenarios.expected import PlanFigures, adjusting, findings
from tests.scenarios.test_moves import moved


def test_a_move_behind_a_change_of_posted_days_offers_to_push_that_one(tmp_path):
    world = moved(tmp_path)
    world.post("2026-10-31")
    world.add_change("sub", "2026-10-20", 2, "log-sub")
    plan = world.plan()
    assert plan.changes == ()
    held = {one.mapping: one for one in findings(plan)}
    assert held["license_change"].code == "change-is-in-an-open-period"
    assert held["subscription"].text == (
        "it moved to another contract or service, and its units stay: "
        + held["license_change"].text
    )
    assert "`trueup decide license_change log-sub push" in held["subscription"].remedy
    assert len([*findings(plan)]) == 2
    world.decide("license_change", "log-sub", "push")
    pushed = PlanFigures.of(world.plan())
    assert pushed.adjusts == [
        ("sub", "2026-11-01", 2),
        ("sub", "2026-11-15", 12),
        ("sub", "2026-11-15", -12),
    ]
    assert (pushed.run_rate, pushed.lost) == ("20.00", "7.74")


def test_the_undo_of_a_move_warns_that_the_next_plan_moves_the_units_again(tmp_path):
    world = moved(tmp_path)
    outcome = world.run(world.plan())
    undo = world.plan(undo=outcome.run)
    again = "the next plan moves them again, unless the row goes back in Work 365"
    assert [again in one.notes for one in adjusting(undo)] == [True, True]
    assert world.run(undo).complete
    assert PlanFigures.of(world.plan()).adjusts == [
        ("sub", "2026-11-17", 10),
        ("sub", "2026-11-17", -10),
    ]
