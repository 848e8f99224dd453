"""Corrections bring Autotask's units to the quantity of Work 365.

They take changes into account that are pending, held or dated ahead.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from tests.support.fakes import UNITS
from tests.support.scene import (
    LINE,
    Fault,
    Scene,
    actions,
    adjusts,
    change_of,
    codes,
    day,
    line_of,
    log,
    settled,
    subscription,
)
from tests.support.small_project import changed, decisions
from tests.support.starting_points import REPEATED, by_hand, disturbed

ALWAYS = changed("mappings/subscription.yaml", "difference: hold", "difference: correct")


def decide(scene: Scene, as_of: date | None = None) -> None:
    """A person decides to correct the difference that the plan of that day shows."""
    scene.files(decisions(scene.correct(as_of=as_of)))


def always(scene: Scene, as_of: date | None = None) -> None:
    """The project corrects differences without a decision."""
    scene.files(ALWAYS)


BOTH = pytest.mark.parametrize("corrects", [decide, always], ids=["decided", "by the project"])
Corrects = Callable[..., None]


def dated_ahead(quantity: int = 12) -> Scene:
    """Ten seats, and two more keyed by hand from the first of December on; nothing is pending."""
    scene = by_hand((day(1, 1), 10), (day(12, 1), 2))
    scene.source.tables["license_change"].clear()
    scene.row("subscription")["quantity"] = Decimal(quantity)
    scene.files()
    scene.sync()
    return scene


@pytest.mark.parametrize("quantity", [15, 16])
def test_a_decision_about_another_difference_does_not_date_the_project_s_correction_back(
    quantity: int,
):
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    decision = scene.correct()
    scene.files(ALWAYS, decisions(decision))
    scene.sync()
    line = scene.target.only("ContractServices")["id"]
    scene.target.by_hand(line, day(12, 5), -3)
    scene.row("subscription")["quantity"] = Decimal(quantity)
    made = scene.plan(as_of=day(12, 10))
    assert adjusts(made) == [(("sub",), day(12, 10), quantity - 12)]


def test_a_correction_on_a_later_day_is_not_made_twice():
    scene = by_hand((day(1, 1), 10), (day(11, 15), 1))  # the day of the plan is taken
    scene.source.tables["license_change"].clear()
    always(scene)
    assert adjusts(scene.sync()) == [(("sub",), day(11, 16), 1)]
    assert actions(scene.plan()) == []
    assert (line_of(scene.plan()).day, line_of(scene.plan()).class_) == (day(11, 16), "match")


def test_a_correction_on_the_day_of_a_change_that_was_archived_is_not_made_twice():
    scene = by_hand((day(1, 1), 10))
    scene.source.tables["license_change"].clear()
    scene.add("license_change", log("ahead", day(11, 18), 1))
    archive = "{mapping: license_change, key: ahead, do: archive, reason: r}"
    scene.files(ALWAYS, decisions(archive))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 18), 2)]
    assert (actions(scene.plan()), scene.units(day(12, 1))) == ([], 12)


# Units that change later, by hand


@BOTH
def test_a_difference_is_not_corrected_while_units_change_later_and_not_by_trueup(
    corrects: Corrects,
):
    scene = dated_ahead()
    corrects(scene)
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.class_, line.difference, line.day) == (
        [],
        "under-billed",
        2,
        day(11, 15),
    )
    assert line.text == (
        "is not corrected: Autotask's units change by +2 on 2026-12-01, "
        "later than any change, and not by trueup"
    )
    assert line.remedy.startswith(
        "`trueup plan --as-of 2026-12-01` compares both on that day, with it; or "
    )
    later = scene.plan(as_of=day(12, 1))
    assert (adjusts(later), line_of(later).class_) == ([], "match")


@BOTH
def test_once_the_day_is_reached_what_is_left_is_corrected(corrects: Corrects):
    scene = dated_ahead(15)
    corrects(scene)
    assert adjusts(scene.plan()) == []
    corrects(scene, day(12, 1))
    made = scene.plan(as_of=day(12, 1))
    assert adjusts(made) == [(("sub",), day(12, 2), 3)]  # the first has taken an adjustment already


def test_a_decision_from_before_the_units_changed_is_about_another_difference():
    scene = dated_ahead(15)
    decide(scene)
    made = scene.plan(as_of=day(12, 1))
    assert (adjusts(made), line_of(made).difference) == ([], 3)
    assert line_of(made).text == (
        "nothing pending explains it; correct was decided for 10 units against 15 on 2026-11-15: "
        "this is another difference"
    )


def test_an_undecided_difference_has_a_note_that_units_change_later():
    line = line_of(dated_ahead().plan())
    assert line.text == (
        "nothing pending explains it; "
        "Autotask's units change by +2 on 2026-12-01, later than any change, and not by trueup"
    )
    assert "--as-of 2026-12-01" in line.remedy


def test_pending_changes_wait_with_the_correction():
    scene = dated_ahead(15)
    scene.add("license_change", log("third", day(11, 20), 1))
    scene.files(ALWAYS)
    made = scene.plan()
    assert (adjusts(made), codes(made)) == ([], {("third", "ledger-differs")})


def test_our_own_changes_dated_ahead_hold_no_correction():
    scene = settled()
    scene.add("license_change", log("third", day(12, 1), 1))
    scene.row("subscription")["quantity"] = Decimal(13)
    scene.sync()
    scene.row("subscription")["quantity"] = Decimal(14)
    scene.files(ALWAYS)
    # It was measured on the day of the last change, and takes effect on the next free day.
    assert adjusts(scene.sync()) == [(("sub",), day(12, 2), 1)]
    assert [scene.units(on) for on in (day(11, 20), day(12, 1), day(12, 2))] == [12, 13, 14]
    assert actions(scene.plan()) == []


def cut(scene: Scene, *pieces: tuple[object, object, int]) -> None:
    """The unit rows of the only service, as these pieces: first and last day, units."""
    rows = scene.target.records[UNITS]
    first = {**next(iter(rows.values()))}
    rows.clear()
    for number, (start, end, units) in enumerate(pieces):
        rows[9000 + number] = {
            **first,
            "id": 9000 + number,
            "startDate": start,
            "endDate": end,
            "units": units,
        }


@pytest.mark.parametrize(
    "pieces",
    [
        [(day(1, 1), day(11, 30), 10)],
        [(day(1, 1), day(11, 30), 10), (day(12, 1), day(12, 31), 10)],
        [(day(1, 1), day(11, 30), 10), (day(1, 1, 2027), day(12, 31, 2027), 10)],
    ],
    ids=["the rows end", "a new period", "a gap"],
)
def test_the_end_of_unit_rows_is_no_step_of_another_user(pieces):
    scene = dated_ahead()
    cut(scene, *pieces)
    scene.files(decisions(scene.correct()))
    assert adjusts(scene.plan()) == [(("sub",), day(11, 15), 2)]


def test_a_step_by_hand_over_a_gap_is_one():
    scene = dated_ahead()
    cut(scene, (day(1, 1), day(11, 30), 10), (day(1, 1, 2027), day(12, 31, 2027), 12))
    decide(scene)
    made = scene.plan()
    assert adjusts(made) == []
    assert line_of(made).text.startswith("is not corrected: Autotask's units change by +2 on 2027")


# What is held is pending all the same


def waiting(quantity: int = 12, units: int = -2) -> Scene:
    """Twelve seats in Autotask, and a change that waits to be provisioned."""
    scene = settled()
    scene.add(
        "license_change",
        log("third", day(11, 25), units, provisioning_status="Awaiting Provisioning"),
    )
    scene.row("subscription")["quantity"] = Decimal(quantity)
    return scene


@BOTH
def test_nothing_is_sent_that_a_held_change_would_take_back(corrects: Corrects):
    scene = waiting()
    corrects(scene)
    sent = scene.target.adjustments()
    made = scene.plan()
    line = line_of(made)
    assert (actions(made), line.difference) == ([], 2)
    # What is billed now is right; once the held change lands, it is not.
    assert (line.class_, line.held_units, line.unexplained) == ("match", -2, 2)
    assert line.text == "a correction by +2 waits for what is held: -2 would take it back"
    assert line.remedy == (
        "wait for it, or `trueup decide license_change third archive --reason …` "
        "if it is not to be sent"
    )
    scene.row("license_change", "third")["provisioning_status"] = "Provisioned"
    made = scene.sync()
    whose = ", as decided," if corrects is decide else " (difference: correct)"
    assert (adjusts(made), [change.notes for change in made.changes]) == (
        [], [(f"the correction{whose} cancels it: nothing is sent",)],
    )  # fmt: skip
    assert (scene.row("license_change", "third")["status"], scene.target.adjustments()) == (
        "Archived",
        sent,
    )
    assert {scene.units(day(11, number)) for number in range(20, 30)} == {12}
    assert actions(scene.plan()) == []


def test_with_the_held_change_archived_there_is_nothing_to_correct():
    scene = waiting()
    archive = "{mapping: license_change, key: third, do: archive, reason: r}"
    scene.files(decisions(scene.correct(), archive))
    made = scene.sync()
    assert (adjusts(made), line_of(made).class_) == ([], "match")


@BOTH
def test_as_much_is_corrected_as_no_held_change_takes_back(corrects: Corrects):
    scene = waiting(15)
    corrects(scene)
    made = scene.sync()
    assert adjusts(made) == [(("sub",), day(11, 25), 3)]
    assert line_of(made).text == (
        "is corrected by +3 in this plan; +2 more wait for what is held: -2 would take them back"
    )
    assert actions(scene.plan()) == []
    scene.row("license_change", "third")["provisioning_status"] = "Provisioned"
    corrects(scene)  # a decision holds for one run: what is left takes another one
    assert adjusts(scene.sync()) == []
    assert scene.row("license_change", "third")["status"] == "Archived"
    assert (scene.units(day(11, 20)), scene.units(day(12, 1))) == (12, 15)
    assert line_of(scene.plan()).class_ == "match"


def test_a_held_change_that_goes_the_same_way_is_sent_besides():
    scene = waiting(17, 2)
    decide(scene)
    assert adjusts(scene.sync()) == [(("sub",), day(11, 25), 3)]
    scene.row("license_change", "third")["provisioning_status"] = "Provisioned"
    assert adjusts(scene.sync()) == [(("third",), day(11, 26), 2)]  # the 25th is taken
    assert scene.units(day(12, 1)) == 17


@BOTH
def test_a_change_of_the_past_is_not_sent_only_to_be_corrected(corrects: Corrects):
    scene = settled()
    scene.add("license_change", log("third", day(11, 10), -3), log("fourth", day(11, 12), -2))
    scene.row("subscription")["quantity"] = Decimal(9)
    corrects(scene)
    assert adjusts(scene.sync()) == [(("third",), day(11, 10), -3)]
    assert (scene.row("license_change", "fourth")["status"], scene.units(day(12, 1))) == (
        "Archived",
        9,
    )


def test_a_correction_waits_for_a_change_that_a_posted_period_holds():
    scene = settled()
    scene.target.post(scene.target.only("ContractServices")["id"], day(10, 31))
    scene.add("license_change", log("third", day(10, 10), 1))
    scene.row("subscription")["quantity"] = Decimal(15)
    decision = scene.correct()
    scene.files(decisions(decision))
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), codes(made)) == ([], {("third", "change-is-in-an-open-period")})
    assert (line.difference, line.text) == (
        2,
        "is corrected after an earlier change that is held, see there",
    )
    push = "{mapping: license_change, key: third, do: push, reason: r}"
    scene.files(decisions(decision, push))
    assert sum(units for _, _, units in adjusts(scene.sync())) == 3
    assert scene.units(day(12, 1)) == 15


# Rows that are kept out: a decision about the very row counts, the project's setting does not


KEPT_OUT = {
    "rules/kept.yaml": """
rules:
  - rule: subscription-is-right
    for: subscription
    assert: "{{ source.name != 'Wrong' }}"
    severity: error
    message: "It is wrong."
    remedy: "Correct it."
"""
}
LINK = f"{{mapping: subscription, key: sub, link: {LINE}}}"


def wrong(scene: Scene) -> None:
    scene.row("subscription")["name"] = "Wrong"


def under_a_wrong_customer(scene: Scene) -> None:
    scene.row("account")["phone"] = None


def not_billable(scene: Scene) -> None:
    scene.row("subscription")["billable"] = False


def keyed(bend) -> Scene:
    """Nine seats in Autotask, twelve in Work 365, nothing pending; the row is kept out."""
    scene = by_hand((day(1, 1), 9))
    scene.source.tables["license_change"].clear()
    scene.files(KEPT_OUT)
    bend(scene)
    return scene


@pytest.mark.parametrize(
    ("bend", "units", "left"),
    [(wrong, 3, []), (not_billable, -9, ["subscription-is-billable"])],
    ids=["blocked", "left out"],
)
def test_the_way_out_of_a_difference_of_a_row_that_is_kept_out_leads_to_its_end(bend, units, left):
    scene = keyed(bend)
    line = line_of(scene.plan())
    assert (line.difference, line.text) == (
        units,
        "nothing pending explains it; its service is not linked yet",
    )
    assert line.remedy == (
        f"`trueup link subscription sub {LINE}` and "
        "`trueup decide subscription sub correct --reason …` adjust Autotask to Work 365"
    )
    scene.files(KEPT_OUT, decisions(LINK, scene.correct()))
    made = scene.sync()
    assert [one for one in actions(made) if one[1] in ("subscription", "license_change")] == [
        ("link", "subscription"), ("adjust", "license_change"),
    ]  # fmt: skip
    assert adjusts(made) == [(("sub",), day(11, 15), units)]
    assert line_of(made).text == "is corrected by this plan"
    assert scene.units(day(12, 1)) == 9 + units
    again = scene.plan()
    assert (actions(again), line_of(again).class_) == ([], "match")
    assert [one.code for one in again.left_out] == left


@pytest.mark.parametrize("links_first", [True, False], ids=["link first", "correct first"])
def test_each_of_the_two_decisions_asks_for_the_other(*, links_first: bool):
    scene = keyed(wrong)
    counted = scene.correct()
    first, second = (LINK, counted) if links_first else (counted, LINK)
    scene.files(KEPT_OUT, decisions(first))
    scene.sync()
    remedy = line_of(scene.plan()).remedy
    assert ("trueup link" in remedy, "trueup decide" in remedy) == (not links_first, links_first)
    scene.files(KEPT_OUT, decisions(first, second))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 15), 3)]


def test_a_link_of_a_row_that_is_kept_out_writes_nothing_else_of_it():
    scene = keyed(wrong)
    scene.files(KEPT_OUT, decisions(LINK))
    made = scene.sync()
    (link,) = [change for change in made.changes if change.mapping == "subscription"]
    assert (link.action, link.record, link.how, link.values) == ("link", LINE, "decision", {})
    assert codes(made) == {("sub", "subscription-is-right")}
    assert scene.state.links["subscription", "sub"].record == LINE
    scene.row("subscription")["name"] = "Mail"
    assert [change.action for change in scene.sync().changes] == ["write back"]


def test_a_row_whose_customer_is_blocked_is_linked_and_corrected_as_decided():
    scene = keyed(lambda _: None)
    scene.sync()
    scene.state.links.pop(("subscription", "sub"))
    under_a_wrong_customer(scene)
    scene.files(KEPT_OUT, decisions(LINK, scene.correct()))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 15), 3)]
    assert scene.state.links["subscription", "sub"].record == LINE
    assert actions(scene.plan()) == []


def test_a_record_that_another_row_has_is_not_given_to_one_that_is_kept_out():
    scene = keyed(lambda _: None)
    scene.add("subscription", subscription("other", 5, billable=False))
    scene.sync()
    scene.files(KEPT_OUT, decisions(f"{{mapping: subscription, key: other, link: {LINE}}}"))
    made = scene.plan()
    assert (actions(made), codes(made), made.left_out) == ([], {("other", "claimed-twice")}, ())
    scene.files(KEPT_OUT, decisions("{mapping: subscription, key: other, link: 4711}"))
    assert codes(scene.plan()) == {("other", "linked-record-missing")}


def test_what_a_person_gave_to_a_row_that_is_kept_out_is_not_found_for_another():
    scene = keyed(not_billable)
    scene.add("subscription", subscription("other", 5))
    scene.files(KEPT_OUT, decisions(LINK))
    made = scene.plan()
    assert {
        (change.keys[0], change.action)
        for change in made.changes
        if change.mapping == "subscription"
    } == {("sub", "link")}
    (finding,) = next(one for one in made.blocked if one.key == "other").findings
    # A contract has a service once: without the setting for repeated ones there is no second.
    assert finding.code == "service-taken"
    assert finding.text == (
        f"its references are those of ContractServices {LINE}, which is Alpine Dental, Mail (sub)'s"
    )
    scene.add("license_change", log("of other", day(11, 10), 5, subscription="other"))
    scene.files(KEPT_OUT, REPEATED, decisions(LINK))
    made = scene.plan()
    assert change_of(made, "subscription:other").makes is not None
    assert line_of(made, "other").record is None


def test_a_row_of_which_a_run_left_something_in_doubt_is_not_linked_elsewhere():
    scene = disturbed(Fault("lost", "ContractServices"))
    scene.apply(scene.plan())
    wrong(scene)
    scene.target.records["ContractServices"][LINE] = {"id": LINE, "contractID": 1, "serviceID": 1}
    scene.files(KEPT_OUT, decisions(LINK))
    assert ("link", "subscription") not in actions(scene.plan())


@pytest.mark.parametrize("bend", [wrong, under_a_wrong_customer])
def test_the_project_corrects_nothing_of_a_row_that_is_blocked_and_a_person_may(bend):
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(20)
    bend(scene)
    scene.files(KEPT_OUT, ALWAYS)
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.class_, line.difference) == ([], "under-billed", 8)
    assert line.text == "is not corrected: its row is blocked, see there"
    assert (
        line.remedy
        == "`trueup decide subscription sub correct --reason …` adjusts Autotask to Work 365"
    )
    scene.files(KEPT_OUT, ALWAYS, decisions(scene.correct()))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 21), 8)]  # the 20th is taken
    assert actions(scene.plan()) == []


def test_the_project_corrects_a_row_that_is_left_out_on_purpose():
    scene = settled()
    not_billable(scene)
    scene.files(ALWAYS)
    assert adjusts(scene.sync()) == [(("sub",), day(11, 21), -12)]  # the 20th is taken


def test_a_negative_quantity_is_not_corrected_by_any_decision():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(-3)
    decide(scene)
    made = scene.plan()
    assert (adjusts(made), line_of(made).text) == (
        [],
        "is not corrected: its quantity is negative",
    )
