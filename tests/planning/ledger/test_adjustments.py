"""Changes become adjustments: merged by day, in turn, on days that are free and open."""

from decimal import Decimal

import pytest

from tests.support.scene import (
    LINE,
    Scene,
    actions,
    adjusts,
    change_of,
    codes,
    day,
    line_of,
    log,
    settled,
)
from tests.support.small_project import decisions
from tests.support.starting_points import by_hand


def test_changes_of_one_day_become_one_adjustment():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -1))
    scene.row("subscription")["quantity"] = Decimal(14)
    made = scene.sync()
    assert adjusts(made) == [(("fourth", "third"), day(11, 25), 2)]
    assert change_of(made, "license_change:fourth").notes == ("2 changes of 2026-11-25 in one",)
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {
        "Archived"
    }


def test_changes_that_cancel_out_send_nothing_and_are_archived():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -3))
    made = scene.sync()
    assert actions(made) == [("write back", "license_change")]
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {
        "Archived"
    }
    assert actions(scene.plan()) == []


def test_a_late_change_of_a_taken_day_goes_to_the_next_free_day_with_a_note():
    scene = settled()
    scene.add("license_change", log("third", day(11, 20), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.sync()
    assert adjusts(made) == [(("third",), day(11, 21), 3)]
    assert change_of(made, "license_change:third").notes == (
        "2026-11-20 has taken an adjustment already, and a day can take one: on 2026-11-21",
    )
    assert actions(scene.plan()) == []


def test_a_late_change_of_a_day_with_a_manual_adjustment_goes_to_the_next_free_day():
    scene = by_hand((day(1, 1), 4), (day(10, 5), 6))
    scene.add(
        "license_change",
        log("first", day(10, 5), 10, status="Archived"),
        log("second", day(10, 5), 2),
    )
    made = scene.sync()
    assert adjusts(made) == [(("second",), day(10, 6), 2)]


def test_changes_of_one_service_follow_each_other_by_date():
    made = Scene().plan()
    assert change_of(made, "license_change:second").needs == ("license_change:first",)
    assert "subscription:sub" in change_of(made, "license_change:first").needs


@pytest.mark.parametrize("held", ["first", "second"])
def test_a_change_that_a_rule_holds_holds_those_after_it_and_none_before(held):
    scene = Scene()
    scene.row("license_change", held)["provisioning_status"] = "Awaiting Provisioning"
    made = scene.plan()
    later = {("second", "waits-its-turn")} if held == "first" else set()
    assert codes(made) == {(held, "change-is-provisioned"), *later}
    assert [keys for keys, _, _ in adjusts(made)] == ([] if held == "first" else [("first",)])
    line = line_of(made)
    units = 12 if held == "first" else 2
    assert (line.class_, line.moved, line.held_units) == ("under-billed", 12 - units, units)
    assert [one.code for one in line.held] == ["change-is-provisioned"]
    assert line.unexplained == 0


def test_a_posted_period_holds_the_change_and_names_the_first_open_day():
    scene = by_hand((day(1, 1), 10))
    scene.target.post(LINE, day(10, 31))
    scene.add(
        "license_change",
        log("first", day(10, 5), 0, status="Archived"),
        log("second", day(10, 20), 2),
    )
    made = scene.plan()
    (blocked,) = made.blocked
    assert (blocked.key, blocked.findings[0].code) == ("second", "change-is-in-an-open-period")
    assert "The first open day is 2026-11-01" in blocked.findings[0].text


def test_push_moves_a_change_of_a_posted_period_to_the_first_open_day():
    scene = by_hand((day(1, 1), 10))
    scene.target.post(LINE, day(10, 31))
    scene.add(
        "license_change",
        log("first", day(10, 5), 0, status="Archived"),
        log("second", day(10, 20), 2),
    )
    scene.files(decisions("{mapping: license_change, key: second, do: push, reason: r}"))
    made = scene.sync()
    assert adjusts(made) == [(("second",), day(11, 1), 2)]
    assert change_of(made, "license_change:second").notes == (
        "2026-10-20 is posted: pushed on 2026-11-01, the first open day, as decided",
    )
    assert (scene.units(day(10, 31)), scene.units(day(11, 1))) == (10, 12)


def test_a_change_that_would_leave_less_than_nothing_is_held():
    scene = settled()
    scene.add("license_change", log("third", day(11, 18), -11), log("fourth", day(11, 25), 11))
    made = scene.plan()
    assert codes(made) == {
        ("third", "change-leaves-no-negative-units"),
        ("fourth", "waits-its-turn"),
    }
