"""Rows that move to another contract, and are renewed to a third one before their move is done."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.chains import Link, begins, ends
from tests.scenarios.expected import PlanFigures, adjusting, assert_sums
from tests.scenarios.made_once import made_once
from tests.scenarios.test_chained_halves import all_units
from tests.scenarios.test_succession_later import AWAITING, provisioned
from tests.scenarios.world import World


@made_once
def moved_and_renewed(folder, day: str, posted: str = "") -> World:
    """Ten seats that are on `con` in Autotask moved to `con-2`; twelve on `con-3` follow them.

    All three contracts are there, so they are posted alike.
    """
    own = Service("old", contract="con", product="pro")
    others = [Service(f"o{n}", 1, 1, contract=f"con-{n}", product=f"pro-{n}") for n in (2, 3)]
    world = World(folder, own, *others)
    world.sync()
    with world.work365():
        world.row("subscription", "old")["contract"] = "con-2"
    ends(world, "old", day)
    begins(world, Link("new", "con-3", 12, day))
    world.succeed("new", "old")
    if posted:
        world.post(posted)
        for key in ("end-old", "log-new"):
            world.decide("license_change", key, "push")
    return world


@pytest.mark.parametrize(
    ("day", "posted", "first"),
    [
        ("2026-11-10", "", "2026-11-10"),  # before the move: the units end where they are
        ("2026-11-14", "", "2026-11-14"),
        ("2026-11-15", "", "2026-11-15"),  # on the day of the move
        ("2026-11-20", "", "2026-11-20"),  # after it: they end where they moved to
        ("2026-11-20", "2026-11-30", "2026-12-01"),  # the move waits for an open day
    ],
)
def test_both_halves_of_the_renewal_go_in_one_plan(tmp_path, day, posted, first):
    world = moved_and_renewed(tmp_path, day, posted)
    plan = world.plan()
    sent = {(one.adjustment.day.isoformat(), one.unit_change) for one in adjusting(plan)}
    assert (first, 12) in sent
    assert sum(units for _, units in sent) == 2
    assert_sums(plan)
    world.apply(plan, {"new": {first: 12}})
    until = "2026-11-09" if day == "2026-11-10" else "2026-11-13"
    assert all_units(world, until, first, "2026-12-31") == [12, 14, 14]  # two are of others


def test_a_renewal_that_goes_later_with_its_other_half_loses_what_the_days_cost(tmp_path):
    world = moved_and_renewed(tmp_path, "2026-11-20", "2026-11-30")
    figures = PlanFigures.of(world.plan())
    assert figures.adjusts == [("new", "2026-12-01", 12), ("old", "2026-12-01", -10)]
    # 12 x £10 x 11 of 30 days are not billed on `con-3`, and ten too many on `con`.
    assert (figures.lost, figures.credit) == ("44.00", "36.67")


def test_a_half_of_a_row_that_moves_goes_on_the_day_of_the_other_half(tmp_path):
    """The day of the renewal is taken on the third contract: the end goes later as well."""
    world = moved_and_renewed(tmp_path, "2026-11-20")
    provisioned(world, "log-new", AWAITING)
    world.sync()  # the successor's service is there, and nothing is sent yet
    provisioned(world, "log-new", "Provisioned")
    world.adjust("new", "2026-11-19", 1)
    world.adjust("new", "2026-11-20", -1)
    assert {*PlanFigures.of(world.plan()).adjusts} == {
        ("old", "2026-11-15", 10),
        ("old", "2026-11-15", -10),
        ("new", "2026-11-21", 12),
        ("old", "2026-11-21", -10),
    }


def test_an_end_before_the_move_follows_its_other_half_to_the_new_contract(tmp_path):
    """It was to end where the units are; on the later day they have moved already."""
    world = moved_and_renewed(tmp_path, "2026-11-10")
    for key in ("end-old", "log-new"):
        world.push_on(key, "2026-11-18")
    plan = world.plan()
    assert {*PlanFigures.of(plan).adjusts} == {
        ("old", "2026-11-15", 10),
        ("old", "2026-11-15", -10),
        ("new", "2026-11-18", 12),
        ("old", "2026-11-18", -10),
    }
    world.apply(plan, {"new": {"2026-11-17": 0, "2026-11-18": 12}})
    assert all_units(world, "2026-11-14", "2026-11-17", "2026-11-18") == [12, 12, 14]
