"""What was taken back is not taken back again; what others did since is left alone and named."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.errors import ConfigError, StalePlan, StateError
from trueup.model.audit import LinkForgotten
from trueup.model.run import Effects, RunStatus

from tests.support.crashing import killed
from tests.support.scene import (
    Fault,
    Scene,
    account,
    actions,
    adjusts,
    change_of,
    codes,
    day,
    line_of,
    log,
    settled,
    statuses,
)
from tests.support.small_project import CUSTOMER, changed, decisions, project
from tests.support.starting_points import REPEATED, said_again, services, twins

UNMARKED = changed(
    "mappings/license_change.yaml", "write_back: {after: proof, set: {status: Archived}}", ""
)

BEGAN = "2026-11-15 09:00:00+00:00"
"""When each run begins, in the business time zone."""


def seats_changed(*logs, **more) -> Scene:
    """A settled scene after one more run, of these changes."""
    scene = settled(**more)
    scene.add("license_change", *logs)
    scene.row("subscription")["quantity"] = Decimal(12) + sum(one["quantity"] for one in logs)
    scene.sync()
    return scene


def phone_changed() -> Scene:
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.sync()
    return scene


def latest(scene: Scene) -> str:
    return scene.state.runs()[-1].id


def undo(scene: Scene, run: str = ""):
    """Plans it, applies it whole, and gives the plan."""
    made = scene.plan(undo=run or latest(scene))
    assert scene.apply(made).complete
    return made


def advice_of(made, code: str) -> list[tuple[str, str]]:
    return [(one.text, one.remedy) for one in made.findings if one.code == code]


# Once


def test_what_an_undo_took_back_is_not_taken_back_again_and_it_names_that_run():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    undo(scene, run)
    made = scene.plan(undo=run)
    assert actions(made) == []
    assert advice_of(made, "undone-already") == [
        (
            f"2 changes were taken back already, by run {latest(scene)} of {BEGAN}",
            f"`trueup plan --undo {latest(scene)}` does it again",
        )
    ]
    assert scene.apply(made).complete
    assert scene.units(day(12, 1)) == 12


def test_what_an_undo_left_undone_can_be_planned_again_and_only_that():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.row("product", "yea")["name"] = "Backup 2"
    scene.sync()
    run = latest(scene)
    scene.target.faults = [Fault("refused", "Companies")]
    scene.apply(scene.plan(undo=run))
    made = undo(scene, run)
    assert actions(made) == [("update", "customer")]
    assert len(advice_of(made, "undone-already")) == 1
    assert scene.target.only("Companies")["phone"] == "1"
    assert actions(scene.plan(undo=run)) == []


def test_a_mark_that_an_undo_could_not_take_back_is_taken_back_by_the_next():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    made = scene.plan(undo=run)
    scene.row("license_change", "third")["status"] = "Cancelled"
    assert statuses(scene.apply(made)) == {
        "undo:license_change:third": "applied",
        "undo:license_change:third:mark": "held",
    }
    scene.row("license_change", "third")["status"] = "Archived"
    again = undo(scene, run)
    assert actions(again) == [("write back", "license_change")]
    assert scene.row("license_change", "third")["status"] == "Active"
    assert scene.units(day(12, 1)) == 12


def test_a_plan_made_before_another_undo_of_the_run_was_applied_is_refused():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    first, second = scene.plan(undo=run), scene.plan(undo=run, as_of=day(11, 16))
    assert scene.apply(first).complete
    with pytest.raises(StalePlan, match="the state has moved on since this plan was made"):
        scene.apply(second)
    with pytest.raises(StalePlan, match="this plan was applied already"):
        scene.apply(first)
    assert scene.units(day(12, 1)) == 12


def test_while_a_run_is_open_an_undo_is_refused_with_a_remedy():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    made = scene.plan(undo=run)
    assert killed(scene, lambda: scene.apply(made), nth=2, after=True)
    assert scene.state.load().open_runs
    for one in (run, latest(scene)):
        with pytest.raises(
            StateError, match=f"run {latest(scene)} of .* is not finished: `trueup apply --resume`"
        ):
            scene.plan(undo=one)
    scene.wait(301)
    scene.resume()
    assert actions(scene.plan(undo=run)) == []


def test_a_run_that_was_stopped_and_is_resumed_is_undone_whole():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.row("product", "yea")["name"] = "Backup 2"
    made = scene.plan()
    scene.target.faults = [Fault("used up", "Companies")]
    scene.apply(made)
    assert scene.state.runs()[-1].status is RunStatus.INTERRUPTED
    scene.resume()
    assert sorted(actions(undo(scene))) == [("update", "customer"), ("update", "service")]


# There and back


def test_an_undo_of_an_undo_does_it_again_once():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    undo(scene, run)
    back = latest(scene)
    undo(scene, back)
    assert [scene.units(day(11, on)) for on in (25, 26, 27)] == [15, 12, 15]
    for one in (run, back):
        made = scene.plan(undo=one)
        assert actions(made) == []
        ((_, remedy),) = advice_of(made, "undone-already")
        assert f"`trueup plan --undo {latest(scene)}`" in remedy
    ((text, _),) = advice_of(scene.plan(undo=run), "undone-already")
    assert text == (
        f"2 changes were taken back by run {back} of {BEGAN}, "
        f"and done again by run {latest(scene)} of {BEGAN}"
    )
    undo(scene, latest(scene))
    assert scene.units(day(12, 1)) == 12
    assert codes(scene.plan()) == {("third", "undone")}


@pytest.mark.parametrize("files", [{}, UNMARKED], ids=["marked", "unmarked"])
def test_logs_that_an_undone_undo_gave_back_count_as_pushed_again(files):
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.files(files)
    undo(scene)
    made = undo(scene)
    assert (
        change_of(made, "undo:undo:license_change:third").notes[1] == "third counts as pushed again"
    )
    assert not scene.state.pushed["license_change", "third"].undone
    again = scene.plan()
    assert (actions(again), codes(again)) == ([], set())
    assert (line_of(again).difference, line_of(again).units) == (0, 15)


def test_what_was_pushed_again_since_is_not_done_once_more_by_the_undo_of_the_undo():
    scene = seats_changed(log("third", day(11, 25), 3))
    undo(scene)
    back = latest(scene)
    scene.files(said_again(scene, "push"))
    scene.sync()
    made = scene.plan(undo=back)
    assert adjusts(made) == []
    assert advice_of(made, "cannot-be-undone") == [
        (f"was pushed again since, by run {latest(scene)}: it is not done again", "")
    ]
    assert scene.apply(made).complete
    assert scene.units(day(12, 1)) == 15


def test_a_correction_that_the_project_made_again_is_not_made_a_third_time():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(changed("mappings/subscription.yaml", "difference: hold", "difference: correct"))
    scene.sync()
    made = undo(scene)
    back = latest(scene)
    (change,) = made.changes
    assert (
        change.notes[1]
        == "the project corrects differences: the next plan makes the correction again"
    )
    scene.sync()
    assert scene.units(day(12, 1)) == 15
    assert adjusts(scene.plan(undo=back)) == []


def test_a_correction_that_was_decided_and_taken_back_takes_another_decision():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    run = scene.sync() and latest(scene)
    undo(scene)
    back = latest(scene)
    made = scene.plan()
    assert (adjusts(made), line_of(made).difference) == ([], 3)
    assert f"run {run} corrected the difference of 2026-11-20" in line_of(made).text
    scene.files(decisions(scene.correct()))
    scene.sync()
    assert scene.units(day(12, 1)) == 15
    assert adjusts(scene.plan(undo=back)) == []


def test_records_that_an_undo_switched_off_are_switched_on_by_its_undo():
    scene = Scene()
    scene.sync()
    undo(scene)
    assert scene.target.only("Companies")["isActive"] is False
    made = undo(scene)
    place = {change.id: number for number, change in enumerate(made.changes)}
    assert (
        place["undo:undo:customer:acc"]
        < place["undo:undo:contract:con"]
        < place["undo:undo:license_change:first"]
    )
    assert (
        scene.target.only("Companies")["isActive"],
        scene.target.only("Contracts")["status"],
    ) == (True, 1)
    assert scene.units(day(12, 1)) == 12
    assert actions(scene.plan()) == []


def test_a_contract_is_switched_off_after_its_units_are_gone_be_what_is_between_left_as_it_is():
    scene = Scene()
    scene.sync()
    made = scene.plan(undo=latest(scene))
    assert change_of(made, "undo:license_change:second").needs == ()
    assert change_of(made, "undo:license_change:first").needs == ("undo:license_change:second",)
    assert "undo:license_change:first" in change_of(made, "undo:contract:con").needs
    assert "undo:contract:con" in change_of(made, "undo:customer:acc").needs


def test_a_further_service_is_set_to_nothing_and_back():
    scene = twins(settled())
    scene.files(REPEATED)
    scene.sync()
    assert services(scene) == [5, 12]
    run = latest(scene)
    undo(scene, run)
    assert services(scene) == [0, 12]
    assert actions(scene.plan(undo=run)) == []
    undo(scene, latest(scene))
    assert services(scene) == [5, 12]
    assert (actions(scene.plan()), codes(scene.plan())) == ([], set())


# What others did since


def test_a_field_that_was_changed_since_stays_and_the_others_go_back():
    scene = settled()
    scene.row("account").update(phone="2", name="Alpine")
    scene.sync()
    scene.target.only("Companies")["phone"] = "3"
    made = undo(scene)
    (change,) = made.changes
    assert change.values == {"companyName": "Alpine Dental"}
    assert advice_of(made, "cannot-be-undone") == [
        ("phone is 3 now, and the run left it as 2: it was changed since and stays", "")
    ]
    assert scene.target.only("Companies")["phone"] == "3"


def test_a_field_that_a_later_run_changed_stays_and_its_last_values_are_remembered():
    scene = phone_changed()
    first = latest(scene)
    scene.row("account").update(name="Alpine")
    scene.sync()
    undo(scene, first)
    assert scene.state.applied["customer", "acc"]["companyName"] == "Alpine"
    assert [
        (one.field, str(one.reason)) for change in scene.plan().changes for one in change.fields
    ] == [("phone", "undone")]


def test_what_is_as_before_already_needs_nothing():
    scene = phone_changed()
    scene.target.only("Companies")["phone"] = "1"
    made = scene.plan(undo=latest(scene))
    assert (actions(made), advice_of(made, "as-before")) == (
        [],
        [("is as before the run already", "")],
    )


def test_a_record_that_does_not_come_back_is_named():
    scene = phone_changed()
    scene.target.hidden.add(("Companies", scene.target.only("Companies")["id"]))
    made = scene.plan(undo=latest(scene))
    assert actions(made) == []
    assert [text for text, _ in advice_of(made, "cannot-be-undone")] == [
        (
            f"Autotask no longer returns Companies {scene.target.only('Companies')['id']}: "
            "it was deleted, or permissions hide it"
        )
    ]


def test_seats_that_a_later_run_or_a_person_moved_stay_moved_and_are_named():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = latest(scene)
    scene.add("license_change", log("fourth", day(11, 28), -2))
    scene.row("subscription")["quantity"] = Decimal(13)
    scene.sync()
    later = latest(scene)
    scene.target.by_hand(scene.target.only("ContractServices")["id"], day(12, 1), 4)
    made = undo(scene, run)
    assert change_of(made, "undo:license_change:third").notes[-1] == (
        f"its units change by -2 on 2026-11-28 (run {later}), +4 on 2026-12-01 (not by trueup) "
        "besides, which stays"
    )
    assert [
        scene.units(day(month, on)) for month, on in ((11, 25), (11, 29), (11, 30), (12, 1))
    ] == [15, 10, 10, 14]


def test_where_less_than_no_seats_would_be_left_nothing_of_the_service_is_taken_back():
    scene = seats_changed(log("third", day(11, 25), 3), log("fourth", day(11, 26), -1))
    line = scene.target.only("ContractServices")["id"]
    scene.target.by_hand(line, day(12, 1), -13)
    made = scene.plan(undo=latest(scene))
    assert actions(made) == []
    ((text, remedy),) = advice_of(made, "cannot-be-undone")
    assert text == (
        "-3 would leave -1 units from 2026-12-01; "
        "its units change by -13 on 2026-12-01 (not by trueup) besides, "
        "which stays: what the run changed is left as it is"
    )
    assert (
        remedy == "`trueup decide subscription sub correct --reason …` adjusts Autotask to Work 365"
    )


def test_the_units_of_each_step_are_those_that_the_step_before_leaves():
    scene = seats_changed(log("third", day(11, 21), 3), log("fourth", day(11, 25), -2))
    made = scene.plan(undo=latest(scene))
    assert {change.id: change.units for change in made.changes if change.units} == {
        "undo:license_change:fourth": (13, 15),
        "undo:license_change:third": (15, 12),
    }


def test_what_was_taken_away_stays_away_for_the_days_between():
    scene = seats_changed(log("third", day(11, 25), -2))
    made = scene.plan(undo=latest(scene))
    assert change_of(made, "undo:license_change:third").notes[0] == (
        "takes back -2 of 2026-11-25; that day stays billed without them, prorated"
    )


def test_a_posted_day_is_named_with_the_next_open_one():
    scene = seats_changed(log("third", day(11, 18), 3))
    scene.target.post(scene.target.only("ContractServices")["id"], day(11, 30))
    assert change_of(scene.plan(undo=latest(scene)), "undo:license_change:third").notes[0] == (
        "takes back +3 of 2026-11-18; 2026-11-18 is posted, 2026-12-01 is the next open day; "
        "the 13 days from then to 2026-12-01 stay billed, prorated"
    )


def test_after_an_undo_the_ledger_is_weighed_on_a_day_on_which_the_units_are_back():
    scene = seats_changed(log("third", day(11, 25), 3))
    undo(scene)
    line = line_of(scene.plan())
    assert (line.day, line.units, line.pending, line.difference) == (day(11, 26), 12, 3, 0)


def test_a_contract_that_goes_back_to_an_earlier_end_warns_of_deleted_periods():
    scene = settled()
    scene.row("billing_contract")["end_date"] = day(12, 31, 2029)
    scene.sync()
    assert change_of(scene.plan(undo=latest(scene)), "undo:contract:con").notes == (
        "endDate goes back to an earlier day: Autotask deletes the periods after it for good",
    )


def test_the_link_of_a_row_may_be_forgotten_meanwhile():
    scene = phone_changed()
    lease = scene.state.acquire("anna")
    forgotten = LinkForgotten("customer", "acc")
    scene.state.edit(lease, forgotten, Effects(unlink=(("customer", "acc"),)), reason="mistaken")
    scene.state.release(lease)
    assert undo(scene).changes[0].values == {"phone": "1"}
    assert scene.target.only("Companies")["phone"] == "1"


# The configuration since


def test_what_would_switch_a_record_off_and_cannot_be_worked_out_is_an_error_with_its_place():
    scene = Scene()
    scene.sync()
    contracts = scene.target.entities["Contracts"]
    named = replace(contracts.fields["status"], picklist=())
    scene.target.entities["Contracts"] = replace(
        contracts, fields={**contracts.fields, "status": named}
    )
    with pytest.raises(
        ConfigError, match="deactivate cannot be evaluated: 'Inactive' is not in the picklist"
    ):
        scene.plan(undo=latest(scene))


def test_a_mapping_that_was_renamed_or_taken_out_is_named():
    scene = phone_changed()
    mappings = {name: spec for name, spec in scene.project.mappings.items() if name != "customer"}
    scene.project = replace(scene.project, mappings=mappings)
    with pytest.raises(
        StateError,
        match="wrote by the mapping customer, and the project no longer has one of that name",
    ):
        scene.plan(undo=latest(scene))


def test_a_run_that_did_nothing_has_nothing_to_undo():
    scene = settled()
    scene.sync()
    made = scene.plan(undo=latest(scene))
    assert (actions(made), len(advice_of(made, "nothing-to-undo"))) == ([], 1)


def test_the_run_after_which_a_customer_was_switched_off_by_hand_needs_no_more():
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    brook = next(
        one
        for one in scene.target.records["Companies"].values()
        if one["companyName"] == "Brook Ltd"
    )
    brook["isActive"] = False
    assert advice_of(scene.plan(undo=latest(scene)), "as-before") == [
        ("is switched off already", "")
    ]


def test_a_mapping_may_not_be_called_undo():
    with pytest.raises(ConfigError, match="and not undo"):
        project({"mappings/undo.yaml": CUSTOMER.replace("mapping: customer", "mapping: undo")})


# The next plan


def test_the_next_plan_names_the_run_that_was_undone_for_fields_that_went_back():
    scene = phone_changed()
    run = latest(scene)
    undo(scene, run)
    made = scene.plan()
    assert [(one.field, str(one.reason)) for one in made.changes[0].fields] == [("phone", "undone")]
    assert advice_of(made, "undone-before") == [
        (
            f"run {run} was undone, and Work 365 still holds what it wrote",
            "`trueup decide customer acc ignore --reason …` keeps it undone",
        )
    ]
    scene.sync()
    scene.row("account")["phone"] = "4"
    made = scene.plan()
    assert [str(one.reason) for one in made.changes[0].fields] == ["source"]
    assert advice_of(made, "undone-before") == []


def test_an_edit_after_the_undo_is_an_edit():
    scene = phone_changed()
    undo(scene)
    scene.target.only("Companies")["phone"] = "9"
    (change,) = scene.plan().changes
    assert [str(one.reason) for one in change.fields] == ["both"]
