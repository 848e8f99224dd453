"""Halves of a succession that are pushed again after an undo: each day is billed once."""

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
