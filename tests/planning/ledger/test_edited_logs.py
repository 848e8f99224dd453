"""Logs that somebody edits in Work 365 after they were pushed and before they are marked.

They are never archived unseen.
"""

from decimal import Decimal

import pytest
from msgspec.structs import force_setattr
from trueup.source.files.source import FileSource

from tests.support.crashing import Killed
from tests.support.real_adapters import real
from tests.support.scene import (
    Scene,
    actions,
    adjusts,
    change_of,
    codes,
    day,
    log,
    settled,
    statuses,
)
from tests.support.small_project import decisions

REFUSED = "third: has changed: what was sent before stands, and it is not marked"


def pushed_not_marked(*logs) -> Scene:
    """The adjustments of these logs are proven; the run was killed before it marked any of them."""
    scene = settled()
    scene.add("license_change", *logs)
    scene.row("subscription")["quantity"] = Decimal(12) + sum(one["quantity"] for one in logs)
    made, write = scene.plan(), scene.source.write
    scene.source.write = _dies
    with pytest.raises(Killed):
        scene.apply(made)
    scene.source.write = write
    scene.state.lease = None
    scene.wait(301)
    return scene


def _dies(*_):
    raise Killed


def edited() -> Scene:
    """One of them was -2 when it was pushed, says +5 now, and the run is taken up again."""
    scene = pushed_not_marked(log("third", day(11, 25), -2))
    scene.row("license_change", "third")["quantity"] = Decimal(5)
    outcome = scene.resume()
    assert statuses(outcome)["license_change:third:mark"] == "held"
    assert next(one.text for one in outcome.changes if one.status == "held") == REFUSED
    return scene


def test_a_log_that_is_as_it_was_is_marked_by_the_run_that_is_resumed():
    scene = pushed_not_marked(log("third", day(11, 25), -2))
    assert scene.resume().complete
    assert scene.row("license_change", "third")["status"] == "Archived"


def test_a_log_edited_between_its_adjustment_and_its_mark_stays_and_the_next_plan_reports_it():
    scene = edited()
    run = scene.state.runs()[-1].id
    assert scene.row("license_change", "third")["status"] == "Active"
    made = scene.plan()
    (found,) = made.blocked[0].findings
    assert (actions(made), codes(made)) == ([], {("third", "edited-since")})
    assert (
        found.text == f"run {run} took it as quantity -2, which is 5 now: "
        "what was sent stands, and it is not marked"
    )
    assert found.remedy == (
        "restore it in Work 365; or `trueup decide license_change third archive --reason …` "
        "marks it as it is, and `trueup decide subscription sub correct --reason …` "
        "adjusts Autotask where the ledger differs"
    )
    assert scene.units(day(12, 1)) == 10


def test_put_back_it_is_marked():
    scene = edited()
    scene.row("license_change", "third")["quantity"] = Decimal(-2)
    assert actions(scene.sync()) == [("write back", "license_change")]
    assert actions(scene.plan()) == []


def test_archived_by_decision_it_is_marked_as_it_is_and_the_ledger_corrects_the_rest():
    scene = edited()
    scene.row("subscription")["quantity"] = Decimal(17)
    scene.files(
        decisions(
            "{mapping: license_change, key: third, do: archive, reason: a new one would do}",
            scene.correct(),
        )
    )
    made = scene.sync()
    assert change_of(made, "license_change:third:mark").notes == (
        "pushed before and edited since; marked as it is, as decided: a new one would do",
    )
    assert scene.units(day(12, 1)) == 17
    assert scene.row("license_change", "third")["status"] == "Archived"
    assert (actions(scene.plan()), codes(scene.plan())) == ([], set())


def test_of_changes_that_were_merged_only_the_edited_one_is_left():
    scene = pushed_not_marked(log("third", day(11, 25), -2), log("fourth", day(11, 25), 3))
    scene.row("license_change", "third")["quantity"] = Decimal(5)
    assert not scene.resume().complete
    assert scene.row("license_change", "fourth")["status"] == "Archived"
    assert codes(scene.plan()) == {("third", "edited-since")}


def test_another_day_is_an_edit_too_and_another_name_is_none():
    scene = pushed_not_marked(log("third", day(11, 25), -2), log("fourth", day(11, 26), 3))
    scene.row("license_change", "third")["effective_date"] = day(11, 24)
    scene.row("license_change", "fourth")["name"] = "Mail, renamed"
    scene.resume()
    made = scene.plan()
    assert codes(made) == {("third", "edited-since")}
    assert "effective_date 2026-11-25, which is 2026-11-24 now" in made.blocked[0].findings[0].text
    assert scene.row("license_change", "fourth")["status"] == "Archived"


def test_one_that_is_made_active_again_and_edited_is_not_archived_once_more_without_a_word():
    scene = settled()
    scene.row("license_change", "second").update(status="Active", quantity=Decimal(5))
    made = scene.plan()
    assert (adjusts(made), codes(made)) == ([], {("second", "edited-since")})


def test_an_unreadable_plan_of_a_run_does_not_prevent_planning():
    scene = edited()
    run = scene.state.runs()[-1]
    force_setattr(run, "plan", "of a version to come")
    assert actions(scene.plan()) == [("write back", "license_change")]


def test_in_files_a_log_edited_before_its_mark_is_left_and_reported(tmp_path, monkeypatch):
    with real(tmp_path / "w") as work:
        write = FileSource.write

        def edits(source, table, updates):
            if table == "license_change":
                work.set(table, "first", quantity=4)
            return write(source, table, updates)

        made = work.plan()
        monkeypatch.setattr(FileSource, "write", edits)
        outcome = work.apply(made)
        monkeypatch.undo()
        held = next(one for one in outcome.changes if one.status == "held")
        assert held.text == (
            "first: quantity is 4 now and was 10 when the plan was made: "
            "what was sent before stands, and it is not marked"
        )
        rows = work.rows("license_change")
        assert (rows["first"]["status"], rows["first"]["quantity"]) == ("Active", 4)
        assert rows["second"]["status"] == "Archived"
        made = work.plan()
        assert (adjusts(made), codes(made, "first")) == ([], {("first", "edited-since")})
