"""Halves of a succession that are pushed again after an undo: each day is billed once."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.chains import Link, chain
from tests.scenarios.expected import PlanFigures, adjusting
from tests.scenarios.world import World

DAYS = ("04", "05", "13", "14", "15", "16", "30")


def billed(world: World, key: str) -> list[int]:
    return [world.units(key, f"2026-11-{day}") for day in DAYS]


def test_halves_that_are_pushed_again_begin_where_the_undo_took_them_back(tmp_path):
    """The successor has another change, so that its days are taken back later than they began."""
    other = Service("other", 1, 1, contract="con-2", product="pro-2")
    world = chain(tmp_path, Link("new", "con-2", 12, "2026-11-05"), others=[other])
    world.add_change("new", "2026-11-12", 3, "log-more")
    world.succeed("new", "old")
    outcome = world.run(world.plan())
    assert outcome.complete
    assert world.run(world.plan(undo=outcome.run)).complete
    assert billed(world, "old") == [10, 0, 0, 10, 10, 10, 10]
    assert billed(world, "new") == [0, 12, 12, 0, 0, 0, 0]
    for key in ("end-old", "log-new", "log-more"):
        world.decide("license_change", key, "push")
    plan = world.plan()
    figures = PlanFigures.of(plan)
    assert figures.adjusts == [("new", "2026-11-15", 15), ("old", "2026-11-15", -10)]
    # Nobody is billed for 12 seats on the 14th and 3 on two days; ten too many are on the 14th.
    assert (figures.lost, figures.credit) == ("6.00", "3.33")
    assert figures.findings == set()
    assert "policy" not in " ".join(note for one in adjusting(plan) for note in one.notes)
    world.apply(plan, {"old": {"2026-11-14": 10, "2026-11-15": 0}, "new": {"2026-11-15": 15}})


@pytest.mark.parametrize(
    ("day", "units", "credit"),
    [
        # 1 seat from the 5th on: 14, 11 and 9 too many are billed until the 7th.
        ("2026-11-05", -14, "11.33"),
        # 1 seat from the 3rd on, 4 from the 5th on: 11, 11, 11, 8 and 6 too many.
        ("2026-11-03", -11, "15.67"),
    ],
)
def test_a_decrease_that_waits_for_an_undone_increase_is_owed_from_its_own_day(
    tmp_path, day, units, credit
):
    """Until the undo the increase was billed, and so the decrease was due."""
    changes = {"2026-11-02": 2, "2026-11-05": 3}
    world = World(tmp_path, Service("sub", seats=15, changes=changes))
    outcome = world.run(world.plan())
    assert world.run(world.plan(undo=outcome.run)).complete
    billed = [world.units("sub", f"2026-11-0{day}") for day in range(2, 8)]
    assert billed == [12, 12, 12, 15, 12, 10]
    world.add_change("sub", day, units, "less")
    for key in ("log-sub", "log-sub-2"):
        world.decide("license_change", key, "push")
    plan = world.plan()
    seats = 15 + units
    assert PlanFigures.of(plan).adjusts == [("sub", "2026-11-08", seats - 10)]
    assert (PlanFigures.of(plan).lost, PlanFigures.of(plan).credit) == ("0.00", credit)
    world.apply(plan, {"sub": {"2026-11-07": 10, "2026-11-08": seats}})


def test_steps_down_that_were_undone_owe_each_day_since_they_were_taken_back(tmp_path):
    """All of them end with the last one: until the undo, each was billed on its own days."""
    changes = {"2026-10-17": -4, "2026-10-24": -1, "2026-10-29": -5}
    world = World(tmp_path, Service("sub", seats=0, changes=changes))
    outcome = world.run(world.plan())
    assert world.run(world.plan(undo=outcome.run)).complete
    days = ("2026-10-29", "2026-10-30", "2026-10-31", "2026-11-01")
    assert [world.units("sub", day) for day in days] == [0, 5, 6, 10]
    for key in ("log-sub", "log-sub-2", "log-sub-3"):
        world.decide("license_change", key, "push")
    figures = PlanFigures.of(world.plan())
    assert figures.adjusts == [("sub", "2026-11-02", -10)]
    # 5 and 6 seats too many on two days of 31, and 10 on one of 30: £3.55 and £3.33.
    assert (figures.lost, figures.credit) == ("0.00", "6.88")
