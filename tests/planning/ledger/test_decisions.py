"""What a person decides of a change or a subscription, and what becomes of it."""

from decimal import Decimal

import pytest

from tests.support.scene import (
    LINE,
    Scene,
    actions,
    adjusts,
    change_of,
    day,
    line_of,
    settled,
    subscription,
)
from tests.support.small_project import changed, decisions
from tests.support.starting_points import by_hand


def test_archive_marks_the_log_and_sends_nothing():
    scene = by_hand((day(10, 5), 10))
    scene.files(
        decisions("{mapping: license_change, key: first, do: archive, reason: entered by hand}")
    )
    made = scene.sync()
    assert adjusts(made) == [(("second",), day(11, 20), 2)]
    assert scene.row("license_change", "first")["status"] == "Archived"
    mark = change_of(made, "license_change:first:mark")
    assert mark.notes == ("archived only, Autotask has it already: entered by hand",)
    assert actions(scene.plan()) == []


def test_a_log_that_was_archived_by_decision_is_never_pushed_later():
    scene = by_hand((day(10, 5), 10))
    scene.files(decisions("{mapping: license_change, key: first, do: archive, reason: r}"))
    scene.sync()
    scene.files()
    scene.row("license_change", "first")["status"] = "Active"
    assert actions(scene.plan()) == [("write back", "license_change")]


def test_push_sends_a_change_although_the_ledger_differs():
    scene = by_hand((day(1, 1), 5))
    entries = [
        f"{{mapping: license_change, key: {key}, do: push, reason: r}}"
        for key in ("first", "second")
    ]
    scene.files(decisions(*entries))
    made = scene.sync()
    assert adjusts(made) == [(("first",), day(10, 5), 10), (("second",), day(11, 20), 2)]
    line = line_of(made)
    # Five of twelve are billed now; after this plan five are billed too much.
    assert (line.class_, line.moved, line.unexplained) == ("under-billed", 12, -5)
    assert line.text == "pushed anyway, as decided"
    assert scene.units(day(11, 20)) == 17


def test_correct_adjusts_autotask_to_work_365_on_top_of_what_is_pending():
    scene = by_hand((day(1, 1), 3))
    scene.source.tables["license_change"].pop("first")
    scene.files(decisions(scene.correct()))
    made = scene.sync()
    (change,) = [one for one in made.changes if one.units]
    assert (change.keys, change.units) == (("second",), (3, 12))
    assert change.notes == ("2 changes of 2026-11-20 in one", "corrects the difference, as decided")
    assert scene.units(day(11, 20)) == 12
    assert actions(scene.plan()) == []


def test_a_row_that_a_person_linked_is_corrected_as_decided_too():
    scene = by_hand((day(1, 1), 3))
    scene.source.tables["license_change"].clear()
    link = f"{{mapping: subscription, key: sub, link: {LINE}}}"
    scene.files(decisions(link, scene.correct()))
    made = scene.sync()
    assert (change_of(made, "subscription:sub:link").how, adjusts(made)) == (
        "decision",
        [(("sub",), day(11, 15), 9)],
    )
    assert actions(scene.plan()) == []


def test_correct_without_anything_pending_adjusts_from_the_day_of_comparison_on():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    made = scene.sync()
    (change,) = made.changes
    assert (change.id, change.keys, change.units) == (
        "license_change:correct:sub",
        ("sub",),
        (12, 15),
    )
    assert change.notes == (
        "2026-11-20 has taken an adjustment already, and a day can take one: on 2026-11-21",
        "corrects the difference, as decided",
    )
    assert [scene.units(day(11, on)) for on in (19, 20, 21)] == [10, 12, 15]
    assert actions(scene.plan()) == []


def test_ignore_leaves_a_log_where_it_is_and_the_ledger_shows_what_differs():
    scene = Scene()
    scene.files(decisions("{mapping: license_change, key: second, do: ignore, reason: a mistake}"))
    made = scene.plan()
    assert [(left.code, left.reason) for left in made.left_out] == [
        ("ignored", "ignored: a mistake")
    ]
    assert (line_of(made).difference, adjusts(made)) == (2, [])


def test_a_decision_holds_to_its_last_day_and_no_longer():
    scene = Scene()
    scene.files(
        decisions(
            "{mapping: license_change, key: second, do: ignore, reason: r, until: 2026-11-14}"
        )
    )
    assert len(adjusts(scene.plan())) == 2
    scene.files(
        decisions(
            "{mapping: license_change, key: second, do: ignore, reason: r, until: 2026-11-15}"
        )
    )
    assert adjusts(scene.plan()) == []


def test_a_mapping_can_say_that_differences_are_only_reported():
    scene = by_hand((day(1, 1), 5))
    scene.files(changed("mappings/subscription.yaml", "difference: hold", "difference: report"))
    made = scene.plan()
    line = line_of(made)
    assert (line.class_, line.unexplained, len(adjusts(made))) == ("under-billed", -5, 2)


def test_a_mapping_can_say_that_differences_are_corrected():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(changed("mappings/subscription.yaml", "difference: hold", "difference: correct"))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 21), 3)]


# A decision to correct is about the difference that was seen


def corrected() -> Scene:
    """Three units were missing, and a run corrected that as decided. The decision stays."""
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    scene.sync()
    assert scene.units(day(12, 1)) == 15
    return scene


def test_a_difference_that_comes_after_the_correction_asks_again():
    scene = corrected()
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(11, 22), 5)
    made = scene.plan(as_of=day(12, 1))
    line = line_of(made)
    assert (adjusts(made), line.class_, line.difference) == ([], "over-billed", -5)
    run = scene.state.runs()[-1].id
    assert line.text == (
        f"nothing pending explains it; run {run} corrected the difference of 2026-11-20: "
        "this is another one"
    )
    scene.files(decisions(scene.correct(as_of=day(12, 1))))
    assert adjusts(scene.plan(as_of=day(12, 1))) == [(("sub",), day(12, 1), -5)]


def test_the_same_difference_on_the_same_day_takes_a_decision_of_its_own():
    scene = corrected()
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(11, 14), -3)
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.difference, line.day) == ([], 3, day(11, 21))
    scene.files(decisions(scene.correct()))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 22), 3)]
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(11, 13), -3)
    assert adjusts(scene.plan()) == []
    assert len({key for _, key in scene.state.pushed if key.startswith("correct:")}) == 2


def test_a_correction_that_was_decided_for_no_difference_asks_which():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
    made = scene.plan()
    assert (adjusts(made), line_of(made).difference) == ([], 3)
    assert line_of(made).text == (
        "nothing pending explains it; "
        "correct is decided, but not for which difference: decide it again"
    )
    assert "trueup decide subscription sub correct" in line_of(made).remedy


@pytest.mark.parametrize("quantity", [14, 16])
def test_a_correction_of_another_quantity_is_not_made(quantity: int):
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    scene.row("subscription")["quantity"] = Decimal(quantity)
    made = scene.plan()
    assert adjusts(made) == []
    assert "correct was decided for 12 units against 15 on 2026-11-20" in line_of(made).text


def test_a_correction_of_other_units_is_not_made():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    seen = scene.correct()
    assert "seen: {units: 12," in seen
    scene.files(decisions(seen.replace("units: 12,", "units: 13,")))
    made = scene.plan()
    assert adjusts(made) == []
    assert "correct was decided for 13 units against 15 on 2026-11-20" in line_of(made).text


# Decisions that are about no row


def warned(scene, *lines):
    scene.files(decisions(*lines))
    return [one for one in scene.plan().findings if one.code == "decision-without-row"]


def test_a_decision_without_a_row_is_reported_with_its_place_and_the_row_that_was_meant():
    scene = settled()
    scene.add(
        "subscription",
        subscription("9a44f7a3-one", name="Backup"),
        subscription("9a44f7a3-two", name="Desk"),
    )
    (finding,) = warned(scene, "{mapping: subscription, key: 9a44f7a3-onw, do: correct, reason: r}")
    assert (str(finding.severity), str(finding.place), finding.key) == (
        "warning",
        "mappings/decisions.yaml:2:5",
        "9a44f7a3-onw",
    )
    assert finding.text == (
        "correct is decided for subscription 9a44f7a3-onw, and no row has that key: "
        "it has no effect"
    )
    assert finding.remedy == (
        "did you mean 9a44f7a3-one (Backup)? Correct the key there, or remove the entry"
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        (
            "9a44",
            "did you mean 9a44f7a3-one (Backup) or 9a44f7a3-two (Desk)? Correct the key there",
        ),
        ("desk", "did you mean 9a44f7a3-two (Desk)? Correct the key there"),
        ("77777777-777", "correct the key there"),
    ],
)
def test_the_start_of_a_key_or_a_name_is_no_key_and_suggests_the_row(key, meant):
    scene = settled()
    scene.add(
        "subscription",
        subscription("9a44f7a3-one", name="Backup"),
        subscription("9a44f7a3-two", name="Desk"),
    )
    (finding,) = warned(scene, f"{{mapping: subscription, key: '{key}', do: ignore, reason: r}}")
    assert finding.remedy == f"{meant}, or remove the entry"


def test_a_decision_about_a_row_that_is_or_was_there_or_that_holds_no_longer_is_not_idle():
    scene = settled()
    del scene.source.tables["license_change"]["first"]
    del scene.source.tables["account"]["acc"]
    scene.source.unread["product", "yea"] = {"price"}
    lines = [
        "{mapping: license_change, key: first, do: archive, reason: r}",
        "{mapping: license_change, key: second, do: archive, reason: r}",
        "{mapping: customer, key: acc, do: ignore, reason: r}",
        "{mapping: service, key: yea, do: create, reason: r}",
        "{mapping: subscription, key: nobody, do: ignore, reason: r, until: 2026-11-14}",
    ]
    assert warned(scene, *lines) == []
    scene.source.without_key.add("subscription")
    (finding,) = warned(scene, lines[-1].replace("11-14", "11-15"))
    assert "no row that can be read has that key" in finding.text
