"""The halves of a succession go on one day: none is billed twice, and none is left unbilled."""

import pytest

from tests.scenarios.expected import PlanFigures, adjusting, findings, line_of
from tests.scenarios.test_half_done import half_done
from tests.scenarios.test_succession import RENEWAL_DAY, succession_between_contracts
from tests.scenarios.test_succession_later import AWAITING, PAID_IN_FULL, provisioned, without
from tests.scenarios.world import World

BOTH = [("new", RENEWAL_DAY, 12), ("old", RENEWAL_DAY, -10)]


def entered_for(world: World, half: str) -> None:
    """The change of that half is not pending in Work 365; a correction takes its place."""
    if half == "old":
        without(world, "license_change", "log-old")
    else:
        with world.work365():
            world.row("license_change", "log-new")["status"] = "Archived"
    world.sync()
    world.decide("subscription", half, "correct")


@pytest.mark.parametrize("half", ["old", "new"])
def test_a_correction_goes_on_the_day_of_the_other_half(tmp_path, half):
    world = succession_between_contracts(tmp_path)
    entered_for(world, half)
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert (figures.adjusts, figures.invoice) == (BOTH, "14.00")
    assert world.apply(plan, PAID_IN_FULL).changes == ()


def test_a_correction_in_the_project_goes_on_the_day_of_the_other_half(tmp_path):
    world = succession_between_contracts(tmp_path)
    world.edit("mappings/subscription.yaml", "difference: hold", "difference: correct")
    without(world, "license_change", "log-old")
    assert PlanFigures.of(world.plan()).adjusts == BOTH


def test_two_corrections_of_a_succession_go_on_the_later_day(tmp_path):
    world = succession_between_contracts(tmp_path)
    without(world, "license_change", "log-old")
    entered_for(world, "new")
    assert adjusting(world.plan("2026-11-18")) == []
    world.decide("subscription", "old", "correct")
    plan = world.plan()
    days = [("new", "2026-11-18", 12), ("old", "2026-11-18", -10)]
    assert PlanFigures.of(plan).adjusts == days
    units = {"old": {"2026-11-17": 10, "2026-11-18": 0}, "new": {"2026-11-17": 0, "2026-11-18": 12}}
    world.apply(plan, units)


def test_a_correction_leaves_the_days_with_other_units_alone(tmp_path):
    """Two seats of the old service were taken away by hand: the renewal waits for that day."""
    world = succession_between_contracts(tmp_path)
    world.adjust("old", "2026-11-12", -2)
    entered_for(world, "old")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("new", "2026-11-13", 12), ("old", "2026-11-13", -8)]
    assert figures.lost == "12.00"  # 12 x £10 x 3 of 30 days
    units = {"old": {"2026-11-12": 8, "2026-11-13": 0}, "new": {"2026-11-12": 0, "2026-11-13": 12}}
    world.apply(plan, units)


def test_a_day_that_one_service_has_taken_moves_both_halves(tmp_path):
    world = succession_between_contracts(tmp_path)
    world.adjust("old", RENEWAL_DAY, 1)
    world.adjust("old", "2026-11-11", -1)
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-12", 12), ("old", "2026-11-12", -10)]


def test_a_posted_period_of_one_contract_moves_both_halves(tmp_path):
    world = succession_between_contracts(tmp_path)
    world.post("2026-11-30")
    held = world.plan()
    assert adjusting(held) == []
    world.decide("license_change", "log-old", "push")
    world.decide("license_change", "log-new", "push")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("new", "2026-12-01", 12), ("old", "2026-12-01", -10)]


def test_a_correction_beside_a_pushed_day_goes_on_that_day(tmp_path):
    world = succession_between_contracts(tmp_path)
    entered_for(world, "old")
    world.push_on("log-new", "2026-11-20")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("new", "2026-11-20", 12), ("old", "2026-11-20", -10)]
    assert {one.code for one in findings(plan)} <= {"reduction-is-credited"}
    assert line_of(plan, "old").moved == -10


def test_a_gap_of_work_365_stays_as_long_as_it_is(tmp_path):
    """The successor begins two days later: a day that is taken moves both by as much."""
    world = succession_between_contracts(tmp_path)
    with world.work365():
        world.row("license_change", "log-new")["effective_date"] = "2026-11-12"
    assert PlanFigures.of(world.plan()).adjusts == [
        ("new", "2026-11-12", 12),
        ("old", RENEWAL_DAY, -10),
    ]
    world.adjust("old", RENEWAL_DAY, 1)
    world.adjust("old", "2026-11-11", -1)
    assert PlanFigures.of(world.plan()).adjusts == [
        ("new", "2026-11-14", 12),
        ("old", "2026-11-12", -10),
    ]


@pytest.mark.parametrize("later", ["2026-11-15", "2026-12-05"])
def test_a_correction_goes_on_the_day_of_a_half_that_was_sent_before(tmp_path, later):
    """The run was closed between the halves, and Work 365 no longer has the change of the other."""
    world = succession_between_contracts(tmp_path)
    half_done(world, "closed", 1, "after")
    without(world, "license_change", "log-old")
    world.add_change("new", "2026-11-13", 3, "log-more")
    world.run(world.plan(later))
    world.decide("subscription", "old", "correct")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("old", RENEWAL_DAY, -10)]
    units = {"old": {"2026-11-09": 10, RENEWAL_DAY: 0}, "new": {RENEWAL_DAY: 12, "2026-11-13": 15}}
    world.apply(plan, units)


def test_a_correction_that_is_no_half_keeps_its_day(tmp_path):
    """Two seats of the successor were taken away by hand, after the renewal was billed."""
    world = succession_between_contracts(tmp_path)
    world.sync()
    world.adjust("new", "2026-11-12", -2)
    for units in (1, -1):  # days before the renewal are read
        world.add_change("old", "2026-11-05", units, f"log-{units}")
    world.decide("subscription", "new", "correct")
    assert PlanFigures.of(world.plan()).adjusts == [("new", "2026-11-15", 2)]


def test_a_correction_does_not_replace_an_end_that_is_held(tmp_path):
    """A unit too many is corrected while the end of the ten seats waits: twelve do not begin."""
    world = succession_between_contracts(tmp_path)
    provisioned(world, "log-old", AWAITING)
    world.sync()
    world.adjust("old", "2026-11-12", 1)
    world.edit("mappings/subscription.yaml", "difference: hold", "difference: correct")
    assert PlanFigures.of(world.plan()).adjusts == [("old", "2026-11-15", -1)]
