"""A state and an export of yesterday put back: what was pushed since is not pushed again."""

import pytest

from tests.support.scene import adjusts, codes, day, log
from tests.support.starting_points import by_hand


@pytest.mark.parametrize("moved_to", [10, 13])
def test_changes_that_cancel_are_not_pushed_again_though_one_was_moved(moved_to: int):
    # The run that the state forgot moved the decrease of 10 November to the first free day.
    scene = by_hand((day(1, 1), 12), (day(11, 3), 5), (day(11, moved_to), -5))
    scene.add("license_change", log("first", day(11, 3), 5), log("second", day(11, 10), -5))

    made = scene.plan()

    assert adjusts(made) == []
    assert {key for key, _ in codes(made)} == {"first", "second"}
    first = made.blocked[0].findings[0]
    assert first.code == "keyed-already"
    assert first.text == ("Autotask's units change by +5 on 2026-11-03 already, and not by trueup")


def test_a_step_before_a_change_is_not_taken_for_it():
    scene = by_hand((day(1, 1), 12), (day(11, 3), 5), (day(11, 5), -5))
    scene.add("license_change", log("first", day(11, 4), 5), log("second", day(11, 10), -5))

    assert adjusts(scene.plan()) == [(("first",), day(11, 4), 5), (("second",), day(11, 10), -5)]
