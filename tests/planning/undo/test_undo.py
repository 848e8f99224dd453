"""A plan that undoes a run: the reverse as far as Autotask allows one, and the rest is named."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.errors import StateError
from trueup.model.change import Action
from trueup.model.document import dumps, loads
from trueup.model.finding import Severity
from trueup.stages.approval import moved_money
from trueup.stages.guard import over_money

from tests.support.scene import (
    LINE,
    Fault,
    Scene,
    account,
    actions,
    adjusts,
    change_of,
    codes,
    contract,
    day,
    kept,
    log,
    settled,
    statuses,
    subscription,
)
from tests.support.small_project import changed, decisions, settings
from tests.support.starting_points import REPEATED, said_again, twins


def seats_changed(*logs) -> Scene:
    """A settled scene after one more run, of these changes."""
    scene = settled()
    scene.add("license_change", *logs)
    scene.row("subscription")["quantity"] = Decimal(12) + sum(one["quantity"] for one in logs)
    scene.sync()
    return scene


def undo_of(scene: Scene, run: int = -1):
    return scene.plan(undo=scene.state.runs()[run].id)


def latest(scene: Scene) -> str:
    return scene.state.runs()[-1].id


def texts(made) -> list[str]:
    return [finding.text for finding in made.findings]


def with_periods(scene: Scene) -> Scene:
    """The scene with a mapping that names the billing periods."""
    scene.files(
        changed(
            "mappings/subscription.yaml",
            "  difference: hold",
            "  periods: {start: contract.startDate, end: contract.endDate}\n  difference: hold",
        )
    )
    return scene


def test_an_adjustment_is_taken_back_on_the_next_free_day_and_the_day_between_stays_billed():
    scene = with_periods(settled())
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    done = change_of(scene.sync(), "license_change:third")
    made = undo_of(scene)
    opposite = change_of(made, "undo:license_change:third")
    assert adjusts(made) == [(("third",), day(11, 26), -3)]
    assert (opposite.units, opposite.monthly) == ((15, 12), -30)
    # Of November's 30 days the run billed six, and the undo takes five of them back.
    assert done.invoice is not None
    assert opposite.invoice is not None
    assert (done.invoice.amount, opposite.invoice.amount) == (6, -5)
    # The sixth, the day that is taken, stays billed: the three together leave nothing of the run.
    assert (opposite.one_off, opposite.lost) == (None, -1)
    assert opposite.notes == (
        "takes back +3 of 2026-11-25; that day stays billed, prorated",
        "third waits for a new decision before it can be pushed again",
    )
    assert made.summary.monthly == -30
    assert (made.undo_of, made.selection) == (
        scene.state.runs()[-1].id,
        f"undoes run {scene.state.runs()[-1].id}",
    )


def test_an_undo_is_a_plan_like_any_other_and_writes_nothing_by_itself():
    scene = seats_changed(log("third", day(11, 25), 3))
    sent = len(scene.target.sent)
    made = undo_of(scene)
    assert len(scene.target.sent) == sent
    assert scene.apply(made).complete
    assert (scene.units(day(11, 25)), scene.units(day(11, 26))) == (15, 12)
    assert scene.state.runs()[-1].undo_of == made.undo_of


def test_the_next_free_day_is_one_that_neither_we_nor_anybody_else_took():
    scene = seats_changed(log("third", day(11, 25), 3), log("fourth", day(11, 26), 1))
    line = scene.target.only("ContractServices")["id"]
    scene.target.by_hand(line, day(11, 27), 2)
    made = undo_of(scene)
    assert sorted(adjusts(made)) == [(("fourth",), day(11, 28), -1), (("third",), day(11, 29), -3)]
    assert scene.apply(made).complete
    assert scene.units(day(12, 1)) == 14


def test_the_latest_is_taken_back_first_so_that_units_pass_no_day_that_they_never_passed():
    scene = seats_changed(log("third", day(11, 21), 3), log("fourth", day(11, 25), -2))
    made = undo_of(scene)
    assert sorted(adjusts(made)) == [(("fourth",), day(11, 26), 2), (("third",), day(11, 27), -3)]
    assert scene.apply(made).complete
    assert [scene.units(day(11, on)) for on in (20, 21, 25, 26, 27)] == [12, 15, 13, 15, 12]


def test_a_posted_period_is_jumped_and_the_days_that_stay_billed_are_counted():
    scene = with_periods(settled())
    scene.add("license_change", log("third", day(11, 18), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.sync()
    scene.target.post(scene.target.only("ContractServices")["id"], day(11, 30))
    made = undo_of(scene)
    assert adjusts(made) == [(("third",), day(12, 1), -3)]
    opposite = change_of(made, "undo:license_change:third")
    # The 13 days from the eighteenth on are posted: for them a credit is owed.
    assert (opposite.lost, made.summary.credit) == (-13, 13)
    assert opposite.invoice is not None
    assert (opposite.invoice.start, opposite.invoice.amount) == (day(12, 1), -30)
    assert scene.apply(made).complete


@pytest.mark.parametrize(
    ("logs", "credit", "lost"),
    [
        # In November a unit costs a third of a pound a day.
        ([("third", 25, 3)], "1.00", "0.00"),  # 3 on the 25th
        ([("third", 25, 3), ("fourth", 26, 1)], "3.33", "0.00"),  # 3 on 25, 26 and 27; 1 on 26
        # 3 from the 21st to the 26th, less the 2 that are billed again from the 26th on only
        ([("third", 21, 3), ("fourth", 25, -2)], "6.00", "0.67"),
        ([("third", 25, -3)], "0.00", "1.00"),
    ],
    ids=["an increase", "two in a row", "up and down", "a decrease"],
)
def test_the_days_that_an_undo_leaves_billed_are_owed_whether_posted_or_taken(logs, credit, lost):
    scene = with_periods(settled())
    scene.add("license_change", *(log(key, day(11, on), units) for key, on, units in logs))
    scene.row("subscription")["quantity"] += sum(units for *_, units in logs)
    scene.sync()

    made = undo_of(scene)

    # What is owed is what the units of each day come to that are not as before the run.
    assert scene.apply(made).complete
    unit_days = sum(scene.units(day(11, on)) - (10 if on < 20 else 12) for on in range(1, 31))
    owed, kept_back = made.summary.credit, made.summary.lost
    assert round(owed - kept_back, 6) == round(Decimal(unit_days) * 10 / 30, 6)
    assert (f"{owed:.2f}", f"{kept_back:.2f}") == (credit, lost)

    # Limits and approvals count it in both directions.
    once = sum(abs(one.invoice_amount or 0) for one in made.changes)
    assert moved_money(made.changes).once == once + owed + kept_back
    (exceeded,) = over_money(Decimal(1000), owed + kept_back - Decimal("0.01"), made.changes)
    assert f"{owed + kept_back:,.2f} of it lost, or owed as a credit" in exceeded.text


def test_without_an_open_day_there_is_a_finding():
    scene = seats_changed(log("third", day(11, 18), 3))
    scene.target.post(scene.target.only("ContractServices")["id"], day(12, 31, 2028))
    made = undo_of(scene)
    assert actions(made) == []
    assert texts(made) == [
        "no open day is left for -3 units: its periods are posted, or the contract has ended",
        "its mark in Work 365 (status) stays",
    ]


def test_undone_logs_are_active_again_and_wait_for_a_decision():
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.apply(undo_of(scene))
    assert scene.row("license_change", "third")["status"] == "Active"
    made = scene.plan()
    assert codes(made) == {("third", "undone")}
    (blocked,) = made.blocked
    assert (
        blocked.findings[0].text
        == f"was pushed, and run {latest(scene)} took it back: it waits for a new decision"
    )
    assert adjusts(made) == []


def test_after_a_decision_to_push_they_are_pushed_again_on_a_free_day():
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.apply(undo_of(scene))
    scene.files(said_again(scene, "push"))
    made = scene.sync()
    assert adjusts(made) == [(("third",), day(11, 27), 3)]
    assert (scene.units(day(11, 26)), scene.units(day(11, 27))) == (12, 15)
    assert not scene.state.pushed["license_change", "third"].undone
    assert actions(scene.plan()) == []


def test_after_a_decision_to_archive_they_are_only_marked():
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.apply(undo_of(scene))
    scene.row("subscription")["quantity"] = Decimal(12)
    scene.files(said_again(scene, "archive"))
    assert actions(scene.sync()) == [("write back", "license_change")]
    assert actions(scene.plan()) == []


@pytest.mark.parametrize("do", ["push", "archive"])
def test_what_was_decided_before_an_undo_does_not_count_after_it(do):
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.files(
        decisions(f"{{mapping: license_change, key: third, do: {do}, reason: it was right}}")
    )
    scene.apply(undo_of(scene))
    made = scene.plan()
    (found,) = made.blocked[0].findings
    assert actions(made) == []
    assert found.text == (
        f"was pushed, and run {latest(scene)} took it back: it waits for a new decision; "
        f"{do} was decided before that"
    )
    assert found.remedy == (
        "`trueup decide license_change third push --reason …`, or archive; "
        f"or add the line `after: '{latest(scene)}'` to mappings/decisions.yaml:2:5"
    )


def test_each_undo_asks_again_and_a_decision_counts_for_the_one_that_it_names():
    scene = seats_changed(log("third", day(11, 25), 3))
    for last in (day(11, 27), day(11, 29)):
        scene.apply(undo_of(scene))
        assert codes(scene.plan()) == {("third", "undone")}
        scene.files(said_again(scene, "push"))
        assert adjusts(scene.sync()) == [(("third",), last, 3)]
    scene.apply(undo_of(scene))
    assert codes(scene.plan()) == {("third", "undone")}
    assert actions(scene.plan()) == []


def test_an_undo_of_the_undo_counts_as_pushed_again_and_asks_for_no_decision():
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.apply(undo_of(scene))
    scene.apply(undo_of(scene))
    known = scene.state.pushed["license_change", "third"]
    assert (known.undone, known.run) == (False, latest(scene))
    assert actions(scene.plan()) == []


def test_changes_that_were_merged_are_taken_back_and_wait_together():
    scene = seats_changed(log("third", day(11, 25), 3), log("fourth", day(11, 25), 1))
    scene.apply(undo_of(scene))
    assert codes(scene.plan()) == {("third", "undone"), ("fourth", "undone")}
    assert {
        one.undone for key, one in scene.state.pushed.items() if key[1] in ("third", "fourth")
    } == {True}


def test_several_adjustments_of_one_service_are_taken_back_one_after_the_other():
    scene = settled()
    made = undo_of(scene)
    opposites = [change for change in made.changes if str(change.action) == "adjust"]
    assert opposites[1].needs == (opposites[0].id,)
    assert scene.apply(made).complete
    assert scene.units(day(12, 1)) == 0


def test_without_a_write_back_undone_logs_wait_anyway():
    scene = settled()
    scene.files(
        changed(
            "mappings/license_change.yaml",
            "write_back: {after: proof, set: {status: Archived}}",
            "",
        )
    )
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.sync()
    scene.apply(undo_of(scene))
    assert codes(scene.plan()) == {("third", "undone")}


def test_fields_go_back_to_what_they_were():
    scene = settled()
    scene.row("account").update(phone="2", name="Alpine")
    scene.sync()
    made = undo_of(scene)
    (change,) = made.changes
    assert {
        (field.field, field.before, field.after, str(field.reason)) for field in change.fields
    } == {
        ("companyName", "Alpine", "Alpine Dental", "undo"),
        ("phone", "2", "1", "undo"),
    }
    assert scene.apply(made).complete
    assert scene.target.only("Companies")["phone"] == "1"
    assert actions(scene.plan()) == [("update", "customer")]


def returns(made) -> list[tuple[str, str]]:
    """Key and text of findings about what the next plan does again."""
    return [(one.key, one.text) for one in made.findings if one.code == "comes-back"]


def test_an_undo_of_a_field_warns_that_the_next_plan_writes_it_again():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.sync()

    made = undo_of(scene)

    text = "the next plan writes it again while Work 365 holds what the run wrote"
    assert returns(made) == [("acc", text)]
    (finding,) = [one for one in made.findings if one.code == "comes-back"]
    assert finding.severity is Severity.WARNING
    assert finding.remedy == (
        "correct it in Work 365 or in the mapping first, "
        "or `trueup decide customer acc ignore --reason …`"
    )
    assert scene.apply(made).complete
    assert [str(one.fields[0].reason) for one in scene.plan().changes] == ["undone"]
    assert returns(undo_of(scene)) == []  # an undo of the undo does what Work 365 holds


def test_a_field_that_is_set_on_create_only_does_not_come_back_after_an_undo():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.sync()
    scene.files(
        changed("mappings/customer.yaml", '"{{ source.phone }}"', '{value: "1", manage: create}')
    )

    made = undo_of(scene)

    assert [one.action for one in made.changes] == [Action.UPDATE]
    assert returns(made) == []


def test_a_field_that_was_empty_is_emptied_again():
    scene = settled()
    scene.row("account")["city"] = "Bern"
    scene.sync()
    assert scene.apply(undo_of(scene)).complete
    assert scene.target.only("Companies")["city"] is None


@pytest.mark.parametrize("former", [None, ""])
def test_a_required_field_that_was_empty_stays_filled_and_is_named(former):
    scene = settled()
    scene.target.only("Companies")["phone"] = former
    scene.row("account")["city"] = "Bern"
    scene.sync()

    made = undo_of(scene)

    assert [change.values for change in made.changes] == [{"city": None}]
    assert "phone stays 1: it was empty before the run, and Autotask requires a value" in texts(
        made
    )


def test_what_was_edited_since_is_held_and_not_overwritten():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.sync()
    made = undo_of(scene)
    scene.target.only("Companies")["phone"] = "3"
    assert statuses(scene.apply(made)) == {"undo:customer:acc": "held"}


def test_created_records_are_switched_off_and_those_that_cannot_be_are_named():
    scene = Scene()
    scene.source.tables["license_change"].clear()
    scene.sync()
    made = undo_of(scene)
    assert set(actions(made)) == {("deactivate", "customer"), ("deactivate", "contract")}
    stays = (
        "its record in Services stays: Autotask deletes none, and the mapping has no `deactivate`"
    )
    assert [finding.name for finding in made.findings if finding.text == stays] == [
        "Backup",
        "Mail",
    ]
    (off,) = change_of(made, "undo:customer:acc").fields
    assert (off.field, off.shown_before, off.shown_after) == ("isActive", "yes", "no")
    assert scene.apply(made).complete
    assert scene.target.only("Companies")["isActive"] is False
    assert scene.target.only("Contracts")["status"] == 0


FEE = changed(
    "mappings/contract.yaml",
    "deactivate: {status",
    "  setupFee: {value: 500, manage: create}\ncharges: [setupFee]\ndeactivate: {status",
)


def moved_once(made) -> list[tuple[str, Decimal]]:
    """What changes of records state as charged once."""
    return [
        (change.id, change.one_off)
        for change in made.changes
        if change.action is not Action.ADJUST and change.one_off is not None
    ]


def test_a_fee_is_not_charged_again_by_an_undo_and_not_taken_back():
    scene = Scene()
    scene.files(FEE)
    done = scene.sync()

    made = undo_of(scene)

    adjusted = [change.invoice_amount or 0 for change in made.changes if change.adjustment]
    assert moved_once(done) == [("contract:con", 500)]
    assert moved_once(made) == []
    assert made.summary.invoice.net == sum(adjusted)
    assert change_of(made, "undo:contract:con").notes == (
        "created by the run that is undone",
        "its one-off amount of 500.00 GBP is not taken back",
    )


@pytest.mark.parametrize("depth", [2, 3])
def test_a_fee_is_in_no_undo_of_an_undo(depth):
    scene = Scene()
    scene.files(FEE)
    scene.sync()
    for _ in range(depth - 1):
        assert scene.apply(undo_of(scene)).complete

    made = undo_of(scene)

    assert (change_of(made, "undo:" * depth + "contract:con").notes, moved_once(made)) == ((), [])


def test_what_a_mark_states_is_opposed_by_its_undo(monkeypatch):
    scene = seats_changed(log("third", day(11, 25), 3))
    run = scene.state.runs()[-1]
    plan = loads(run.plan)
    marked = tuple(
        replace(change, monthly=Decimal(-30), lost=Decimal(7)) if change.marks_changes else change
        for change in plan.changes
    )
    runs = [*scene.state.runs()[:-1], replace(run, plan=dumps(replace(plan, changes=marked)))]
    monkeypatch.setattr(scene.state, "runs", lambda: runs)

    mark = change_of(undo_of(scene), "undo:license_change:third:mark")

    assert (mark.monthly, mark.lost, mark.one_off, mark.invoice) == (30, -7, None, None)


def test_what_needed_a_record_is_undone_before_it():
    made = undo_of(settled())
    place = {change.id: number for number, change in enumerate(made.changes)}
    assert place["undo:contract:con"] < place["undo:customer:acc"]


def test_a_record_that_was_switched_off_is_switched_on_again():
    scene = settled()
    scene.files(
        changed("mappings/customer.yaml", "when_missing: report", "when_missing: deactivate")
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    del scene.source.tables["account"]["b"]
    scene.sync()
    brook = next(
        one
        for one in scene.target.records["Companies"].values()
        if one["companyName"] == "Brook Ltd"
    )
    assert brook["isActive"] is False
    made = undo_of(scene)
    assert actions(made) == [("update", "customer")]
    assert returns(made) == [
        ("b", "the next plan switches it off again while its row is gone from Work 365")
    ]
    assert scene.apply(made).complete
    assert brook["isActive"] is True
    assert actions(scene.plan()) == [("deactivate", "customer")]


def test_links_stay_with_the_command_that_removes_them():
    scene = kept()
    scene.source.tables["license_change"].clear()
    scene.row("subscription")["quantity"] = Decimal(0)
    scene.sync()
    made = undo_of(scene)
    links = [finding for finding in made.findings if finding.code == "link-stays"]
    assert {(one.name, one.remedy) for one in links if one.mapping == "customer"} == {
        ("Alpine Dental", "`trueup state forget customer acc --reason …` removes it"),
    }
    assert {str(one.severity) for one in links} == {"info"}


def test_marks_that_have_no_adjustment_stay_and_are_named():
    scene = kept()
    scene.target.by_hand(LINE, day(10, 5), 10)
    scene.target.by_hand(LINE, day(11, 20), 2)
    entries = [
        f"{{mapping: license_change, key: {key}, do: archive, reason: r}}"
        for key in ("first", "second")
    ]
    scene.files(decisions(*entries))
    scene.sync()
    made = undo_of(scene)
    stays = [finding for finding in made.findings if "mark" in finding.text]
    assert {finding.key for finding in stays} == {"sub", "first", "second"}


def test_what_was_as_wanted_already_was_not_done_by_the_run_and_is_not_undone():
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    scene.target.only("Companies")["phone"] = "2"
    scene.apply(made)
    undo = undo_of(scene)
    assert actions(undo) == []


def test_what_failed_in_the_run_is_not_undone():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.row("product", "yea")["name"] = "Backup 2"
    scene.target.faults = [Fault("refused", "Companies")]
    scene.apply(scene.plan())
    assert actions(undo_of(scene)) == [("update", "service")]


def test_a_correction_is_taken_back():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    scene.sync()
    made = undo_of(scene)
    assert adjusts(made) == [(("sub",), day(11, 22), -3)]
    assert scene.apply(made).complete
    assert scene.units(day(12, 1)) == 12


def test_a_further_service_is_set_to_zero_units_with_a_note_that_it_stays():
    scene = twins(settled())
    scene.files(REPEATED)
    scene.sync()
    made = undo_of(scene)
    assert scene.apply(made).complete
    units = sorted(scene.units(day(12, 1), id_) for id_ in scene.target.records["ContractServices"])
    assert units == [0, 12]
    assert any("ContractServices" in text and "stays" in text for text in texts(made))
    assert codes(scene.plan()) >= {("of twin", "undone"), ("twin later", "undone")}


def test_an_undo_can_be_undone():
    scene = seats_changed(log("third", day(11, 25), 3))
    scene.apply(undo_of(scene))
    assert scene.units(day(12, 1)) == 12
    assert scene.apply(undo_of(scene)).complete
    assert scene.units(day(12, 1)) == 15
    assert scene.row("license_change", "third")["status"] == "Archived"
    assert actions(scene.plan()) == []


def test_an_undo_obeys_the_guards():
    scene = settled()
    scene.files(
        {
            "trueup.yaml": settings()["trueup.yaml"].replace(
                "monthly_effect: 100000", "monthly_effect: 50"
            )
        }
    )
    assert [one.limit for one in undo_of(scene).exceeded] == ["monthly_effect"]


def test_a_run_is_named_by_the_beginning_of_its_id():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = scene.state.runs()[-1].id
    assert scene.plan(undo=run[:8]).undo_of == run
    with pytest.raises(StateError, match="there is no run 'nothing'"):
        scene.plan(undo="nothing")


def test_a_beginning_that_fits_two_runs_is_refused():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.sync()
    first, second = scene.state.runs()
    scene.state.all_runs = {"abc1": _renamed(first, "abc1"), "abc2": _renamed(second, "abc2")}
    scene.state.entries = {
        "abc1": scene.state.entries[first.id],
        "abc2": scene.state.entries[second.id],
    }
    with pytest.raises(StateError, match="abc"):
        scene.plan(undo="abc")
    assert scene.plan(undo="abc2").undo_of == "abc2"


def _renamed(run, id_):
    return replace(run, id=id_)


def test_a_run_whose_mapping_no_longer_appends_cannot_be_undone():
    scene = seats_changed(log("third", day(11, 25), 3))
    run = scene.state.runs()[-1].id
    ledger = scene.project.mappings["subscription"]
    scene.project = replace(
        scene.project,
        mappings={**scene.project.mappings, "subscription": replace(ledger, ledger=None)},
    )
    with pytest.raises(StateError, match="no longer appends"):
        scene.plan(undo=run)


def test_a_reference_to_what_the_run_created_goes_back_too():
    scene = settled()
    scene.add("account", account("p", name="Parent AG", number="P-1"))
    scene.row("account", "acc")["parent"] = "p"
    scene.sync()
    made = undo_of(scene)
    update = change_of(made, "undo:customer:acc")
    assert update.values["parentCompanyID"] is None
    assert scene.apply(made).complete


def test_a_contract_that_was_extended_is_not_cut_again_without_a_word():
    scene = settled()
    scene.row("billing_contract")["end_date"] = day(12, 31, 2029)
    scene.sync()
    made = undo_of(scene)
    assert actions(made) == [("update", "contract")]
    assert change_of(made, "undo:contract:con").values == {"endDate": day(12, 31, 2028)}


def test_other_customers_are_left_alone():
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("bc", name="Brook CSP", number="BC-2", customer="b"))
    scene.sync()
    assert {change.keys[0] for change in undo_of(scene).changes} == {"b", "bc"}


def extended(posted_until) -> Scene:
    """A contract that a run extended by a year; periods were posted since."""
    scene = settled()
    scene.row("billing_contract")["end_date"] = day(12, 31, 2029)
    scene.row("account")["phone"] = "2"
    scene.sync()
    scene.target.post(scene.target.only("ContractServices")["id"], posted_until)
    return scene


def test_an_end_does_not_go_back_over_a_posted_period_and_is_reported():
    scene = extended(day(6, 30, 2029))
    made = undo_of(scene)
    assert actions(made) == [("update", "customer")]
    assert [text for text in texts(made) if text.startswith("endDate")] == [
        (
            "endDate stays 2029-12-31 and does not go back to 2028-12-31: "
            "its services are posted until 2029-06-30"
        )
    ]
    assert scene.apply(made).complete


def test_an_end_goes_back_where_what_is_posted_lies_before_it():
    assert ("update", "contract") in actions(undo_of(extended(day(12, 31, 2028))))


def test_what_an_undo_could_not_do_points_to_the_undo_and_not_to_the_mapping():
    scene = extended(day(12, 31, 2028))
    scene.target.faults = [Fault("refused", "Companies"), Fault("down", "Contracts")]
    run = scene.state.runs()[-1].id
    outcome = scene.apply(undo_of(scene))
    assert outcome.undo_of == run
    assert {one.remedy for one in outcome.changes if one.remedy} == {
        "plan the undo again: it then holds what is still to be undone, as far as Autotask allows"
    }
    assert len(undo_of(scene, -2).changes) == 2


SWITCHES_OFF_SERVICES = changed(
    "mappings/service.yaml",
    "  isActive: {value: true, manage: create}\n",
    "  isActive: {value: true, manage: create}\ndeactivate: {isActive: false}\n",
)


def first_run() -> Scene:
    """A run that created a customer, a contract with a service, and services without a use."""
    scene = Scene()
    scene.files(SWITCHES_OFF_SERVICES)
    scene.sync()
    return scene


def another_customer(scene: Scene) -> None:
    """Bills a new customer for the service of the first run."""
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("bc", name="Brook CSP", number="BC-2", customer="b"))
    scene.add("subscription", subscription("s2", 15, customer="b", contract="bc"))
    scene.add("license_change", log("third", day(11, 5), 15, subscription="s2"))


def another_service(scene: Scene) -> None:
    """Bills the other service on the contract of the first run."""
    scene.add("subscription", subscription("s2", 15, product="yea"))
    scene.add("license_change", log("third", day(11, 25), 15, subscription="s2"))


def more_units(scene: Scene) -> None:
    """Bills more units of the contract service of the first run."""
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)


def another_contract(scene: Scene) -> None:
    scene.add("billing_contract", contract("bc", name="Alpine II", number="BC-2"))


def a_subsidiary(scene: Scene) -> None:
    scene.add("account", account("b", name="Brook Ltd", number="B-1", parent="acc"))


USED = "still uses it"
CREATED = "the created company"


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (another_customer, {("service", "pro"): "Services stays on: subscription s2"}),
        (
            another_service,
            {
                ("service", "yea"): "Services stays on: subscription s2",
                ("contract", "con"): "Contracts stays on: subscription s2",
                ("customer", "acc"): "Companies stays on: contract con",
            },
        ),
        (
            more_units,
            {
                ("service", "pro"): "Services stays on: subscription sub",
                ("contract", "con"): "Contracts stays on: subscription sub",
                ("customer", "acc"): "Companies stays on: contract con",
            },
        ),
        (another_contract, {("customer", "acc"): "Companies stays on: contract bc"}),
        (a_subsidiary, {("customer", "acc"): "Companies stays on: customer b"}),
    ],
)
def test_what_a_later_run_uses_is_not_switched_off_and_is_reported(later, left):
    scene = first_run()
    later(scene)
    scene.sync()

    made = undo_of(scene, 0)

    reported = {(one.mapping, one.key): one.text for one in made.findings if USED in one.text}
    off = {(one.mapping, one.keys[0]) for one in made.changes if one.action is Action.DEACTIVATE}
    created = {("service", "pro"), ("service", "yea"), ("contract", "con"), ("customer", "acc")}
    assert reported == {row: f"its record in {text} {USED}" for row, text in left.items()}
    assert off == created - left.keys()
    assert scene.apply(made).complete


def test_what_a_later_run_used_is_switched_off_once_that_run_is_undone_too():
    scene = first_run()
    another_customer(scene)
    scene.sync()
    scene.apply(undo_of(scene))

    made = undo_of(scene, 0)

    assert ("deactivate", "service") in actions(made)
    assert [text for text in texts(made) if USED in text] == []


def test_what_people_put_on_a_created_record_keeps_it_on():
    scene = first_run()
    company = scene.target.only("Companies")["id"]
    contracts = [
        {"id": number, "companyID": company, "contractName": f"By hand {number}", "status": 1}
        for number in (8001, 8002, 8003, 8004, 8005)
    ]
    scene.target.records["Contracts"] |= {one["id"]: one for one in contracts}
    scene.target.records["Contracts"][8001]["status"] = 0  # inactive: it needs no company

    made = undo_of(scene)

    used = [text for text in texts(made) if "stays on" in text]
    assert ("deactivate", "customer") not in actions(made)
    others = "Contracts 8002, Contracts 8003, Contracts 8004 and 1 more"
    assert used == [f"its record in Companies stays on: {others} still use it"]


@pytest.mark.parametrize(
    ("entity", "record", "user"),
    [
        ("Contracts", {"companyID": 9001, "billToCompanyID": CREATED, "status": 1}, "Contracts"),
        ("Contracts", {"companyID": 9001, "billToCompanyID": CREATED, "status": 0}, None),
        ("Services", {"name": "Backup", "vendorCompanyID": CREATED, "isActive": True}, "Services"),
        ("Services", {"name": "Backup", "vendorCompanyID": CREATED, "isActive": False}, None),
    ],
)
def test_a_reference_that_no_mapping_writes_keeps_a_created_record_on(entity, record, user):
    scene = first_run()
    scene.target.records[entity][8001] = {
        name: scene.target.only("Companies")["id"] if value == CREATED else value
        for name, value in {"id": 8001, **record}.items()
    }

    made = undo_of(scene, 0)

    used = [text for text in texts(made) if "stays on" in text]
    assert used == ([f"its record in Companies stays on: {user} 8001 {USED}"] if user else [])
    assert (("deactivate", "customer") in actions(made)) is (user is None)


def test_a_field_that_refers_to_what_an_undo_switches_off_is_read_once(monkeypatch):
    scene = first_run()
    read, asked = scene.target.read, []

    def counted(entity, where, fields):
        asked.extend(one.field for one in where if entity == "Contracts" and one.field != "id")
        return read(entity, where, fields)

    monkeypatch.setattr(scene.target, "read", counted)
    undo_of(scene, 0)

    fields = ["billToCompanyID", "companyID", "exclusionContractID", "renewedContractID"]
    assert sorted(asked) == fields


def test_what_a_run_activated_is_not_switched_off_again_while_it_is_used():
    scene = settled()
    scene.target.only("Companies")["isActive"] = False
    scene.files(decisions("{mapping: customer, key: acc, do: activate, reason: they are back}"))
    scene.row("account")["phone"] = "2"
    scene.sync()

    made = undo_of(scene)

    assert change_of(made, "undo:customer:acc").values == {"phone": "1"}
    assert [text for text in texts(made) if USED in text] == [
        f"its record in Companies stays on: contract con {USED}"
    ]
