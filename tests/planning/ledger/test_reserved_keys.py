"""A change whose key looks like one of the state's own moves no units, and changes no figure."""

from decimal import Decimal

import pytest
from trueup.model.pushed_keys import correction_day, correction_key

from tests.support.scene import actions, adjusts, codes, day, line_of, log, settled
from tests.support.small_project import decisions

OWN = [
    "correct:sub:2026-11-15",
    "correct:nothing",
    "move:sub:701:2026-11-15",
    "undo:a:2026-11-15",
    "license_change:correct:sub",
]


@pytest.mark.parametrize("key", OWN)
def test_a_change_with_a_key_of_our_own_is_not_sent(key: str):
    scene = settled()
    scene.add("license_change", log(key, day(11, 10), 2))
    scene.row("subscription")["quantity"] += Decimal(2)

    made = scene.plan()

    assert (actions(made), codes(made)) == ([], {(key, "key-reserved")})
    assert sum(held.units for held in line_of(made).held) == 2

    scene.files(decisions(f'{{mapping: license_change, key: "{key}", do: archive, reason: r}}'))

    assert actions(scene.plan()) == []


def test_a_change_of_a_row_that_is_left_out_is_left_out_whatever_its_key_is():
    scene = settled()
    scene.add("license_change", log("undo:a:2026-11-15", day(11, 10), 2))
    scene.row("subscription")["billable"] = False

    made = scene.plan()

    assert codes(made) == set()
    assert "refers-to-left-out" in {one.code for one in made.left_out}
    assert line_of(made).difference == -12


def test_a_change_whose_key_only_has_such_a_word_is_sent():
    scene = settled()
    scene.add("license_change", log("a:correct:sub", day(11, 10), 2))
    scene.row("subscription")["quantity"] += Decimal(2)

    assert adjusts(scene.plan()) == [(("a:correct:sub",), day(11, 10), 2)]


def test_a_key_that_an_earlier_version_sent_is_no_correction():
    assert correction_day("correct:nothing") is None
    assert correction_day(correction_key("sub", day(11, 15))) == day(11, 15)
