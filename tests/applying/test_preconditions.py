"""Just before a batch is written, what has moved since the plan is held and named.

The rest goes on.
"""

from datetime import date
from decimal import Decimal

import pytest
from trueup.errors import TargetRejected

from tests.support.scene import (
    LINE,
    Fault,
    Scene,
    account,
    actions,
    adjusts,
    codes,
    contract,
    day,
    kept,
    log,
    outcome_of,
    product,
    settled,
    statuses,
    subscription,
)
from tests.support.small_project import changed, decisions, settings


def kept_at_zero() -> Scene:
    """The contract service is there with no units, and Autotask has written the row of that."""
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 0)
    return scene


def test_a_row_that_moved_is_held_and_named_and_the_rest_goes_on():
    scene = Scene()
    made = scene.plan()
    scene.row("product", "yea")["name"] = "Backup 2"
    outcome = scene.apply(made)
    held = outcome_of(outcome, "service:yea")
    assert (held.status, held.text) == (
        "held",
        "its row Product Backup 2 (yea) has changed in Work 365 since the plan was made",
    )
    assert {one.status for one in outcome.changes if one.change != "service:yea"} == {"applied"}
    assert actions(scene.plan()) == [("create", "service")]


def test_a_row_that_is_gone_is_held():
    scene = Scene()
    made = scene.plan()
    del scene.source.tables["product"]["yea"]
    assert outcome_of(scene.apply(made), "service:yea").text.endswith(
        "is gone in Work 365 since the plan was made"
    )


def test_what_depends_on_a_held_change_is_skipped_with_its_cause():
    scene = Scene()
    made = scene.plan()
    scene.row("billing_contract")["name"] = "Another"
    outcome = scene.apply(made)
    assert statuses(outcome)["contract:con"] == "held"
    assert {one.change for one in outcome.changes if one.status == "skipped"} == {
        "subscription:sub",
        "subscription:sub:mark",
        "license_change:first",
        "license_change:first:mark",
        "license_change:second",
        "license_change:second:mark",
    }
    assert outcome_of(outcome, "subscription:sub").because == "Alpine CSP"
    assert outcome_of(outcome, "license_change:second").because == "Alpine Dental, Mail"
    assert scene.state.runs()[-1].status == "applied in part"


@pytest.mark.parametrize(("now", "shown"), [("3", "'3'"), (None, "nothing")])
def test_a_record_that_moved_is_held_with_what_it_was_and_is(now, shown):
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    company = scene.target.only("Companies")
    company["phone"] = now
    outcome = scene.apply(made)
    assert outcome_of(outcome, "customer:acc").text == (
        f"phone of Companies {company['id']} was '1' in Autotask when the plan was made, "
        f"and is {shown} now"
    )
    assert company["phone"] == now


def test_another_field_of_the_record_may_move():
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    scene.target.only("Companies")["city"] = "Bern"
    assert scene.apply(made).complete


def test_a_record_that_is_as_wanted_already_counts_as_done():
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    scene.target.only("Companies")["phone"] = "2"
    sent = len(scene.target.sent)
    outcome = scene.apply(made)
    assert (outcome.complete, outcome_of(outcome, "customer:acc").status) == (True, "already")
    assert len(scene.target.sent) == sent
    assert actions(scene.plan()) == []


def test_a_record_that_does_not_come_back_is_held():
    scene = settled()
    scene.row("account")["phone"] = "2"
    made = scene.plan()
    company = scene.target.only("Companies")["id"]
    scene.target.hidden.add(("Companies", company))
    assert outcome_of(scene.apply(made), "customer:acc").text == (
        f"Autotask no longer returns it (Companies {company})"
    )


def test_a_create_whose_identity_appeared_is_held():
    scene = Scene()
    made = scene.plan()
    scene.target.create("Services", {"name": "Mail", "externalID": "pro"})
    outcome = scene.apply(made)
    assert outcome_of(outcome, "service:pro").status == "held"
    assert (
        "has this row's identity now: another user created it"
        in outcome_of(outcome, "service:pro").text
    )
    assert len(scene.target.records["Services"]) == 2


def test_an_identity_is_compared_as_autotask_does_without_case():
    scene = Scene()
    made = scene.plan()
    scene.target.create("Contracts", {"contractNumber": "bc-1"})
    assert outcome_of(scene.apply(made), "contract:con").status == "held"


def test_units_that_moved_hold_their_adjustment():
    scene = kept()
    scene.target.by_hand(LINE, day(10, 1), 1)
    scene.row("subscription")["quantity"] = Decimal(13)
    made = scene.plan()
    scene.target.by_hand(LINE, day(10, 3), 1)
    outcome = scene.apply(made)
    assert outcome_of(outcome, "license_change:first").text == (
        f"its units in Autotask (service {LINE}) have changed since the plan was made"
    )
    assert statuses(outcome)["license_change:second"] == "skipped"
    assert scene.target.adjustments() == []


def test_units_that_another_user_moved_as_planned_are_never_pushed_twice():
    scene = kept_at_zero()
    made = scene.plan()
    scene.target.by_hand(LINE, day(10, 5), 10)
    outcome = scene.apply(made)
    assert outcome_of(outcome, "license_change:first").status == "held"
    assert scene.target.adjustments() == []
    assert adjusts(scene.plan()) == []


def test_a_period_that_was_posted_meanwhile_holds_its_adjustment():
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 3)
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.plan()
    scene.target.post(LINE, day(10, 31))
    outcome = scene.apply(made)
    assert (
        outcome_of(outcome, "license_change:first").text
        == "2026-10-05 was posted since the plan was made"
    )


def test_a_contract_that_was_extended_meanwhile_moves_no_units():
    scene = kept()
    scene.target.by_hand(LINE, day(1, 1), 3)
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.plan()
    scene.target.update("Contracts", 501, {"endDate": date(2030, 12, 31)})
    assert scene.apply(made).complete


def test_what_the_run_itself_wrote_never_counts_as_moved():
    scene = settled()
    for number in range(4):
        scene.add("license_change", log(f"n{number}", day(12, 1 + number), 1))
    scene.row("subscription")["quantity"] = Decimal(16)
    scene.row("billing_contract")["end_date"] = date(2030, 12, 31)
    scene.row("account")["phone"] = "2"
    scene.sync()
    assert scene.units(day(12, 4)) == 16
    assert actions(scene.plan()) == []


def test_batches_as_small_as_one_change_come_to_the_same():
    one = Scene()
    one.files({"trueup.yaml": settings()["trueup.yaml"].replace("batch: 50", "batch: 1")})
    one.sync()
    assert one.picture() == settled().picture()


def test_a_link_is_only_remembered_and_costs_no_write():
    scene = kept()
    scene.source.tables["license_change"].clear()
    scene.row("subscription").update(quantity=Decimal(0), psa_system_id=str(LINE))
    scene.target.only("Companies")["udf.Work 365 Id"] = "acc"
    scene.target.records["Services"][601]["name"] = "Mail"
    scene.sync()
    assert scene.target.sent == []
    assert {link.how for link in scene.state.links.values()} == {"identity", "match"}


def test_a_link_whose_record_is_gone_meanwhile_is_reported_by_the_next_plan():
    scene = kept()
    made = scene.plan()
    scene.target.hidden.add(("Services", 601))
    scene.apply(made)
    assert ("pro", "linked-record-missing") in codes(scene.plan())


def test_a_link_whose_row_moved_meanwhile_is_held_with_what_depends_on_it():
    scene = kept_at_zero()
    made = scene.plan()
    scene.row("product", "pro")["name"] = "Mail 2"
    outcome = scene.apply(made)
    assert statuses(outcome)["service:pro:link"] == "held"
    assert statuses(outcome)["license_change:first"] == "skipped"


def test_logs_that_no_longer_cancel_out_are_not_archived():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -3))
    made = scene.plan()
    scene.row("license_change", "fourth")["quantity"] = Decimal(-1)
    outcome = scene.apply(made)
    assert {one.status for one in outcome.changes} == {"held"}
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {"Active"}


def test_a_log_that_is_only_to_be_archived_is_held_once_it_has_changed():
    scene = Scene()
    scene.files(decisions("{mapping: license_change, key: first, do: archive, reason: r}"))
    made = scene.plan()
    scene.row("license_change", "first")["quantity"] = Decimal(11)
    scene.apply(made)
    assert scene.row("license_change", "first")["status"] == "Active"


def test_a_record_whose_row_is_back_is_not_switched_off():
    scene = settled()
    scene.files(
        changed("mappings/customer.yaml", "when_missing: report", "when_missing: deactivate")
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    gone = scene.source.tables["account"].pop("b")
    made = scene.plan()
    scene.add("account", gone)
    (outcome,) = scene.apply(made).changes
    assert (outcome.status, outcome.text) == (
        "held",
        ("its row Account Brook Ltd (b) is back in Work 365 since the plan was made"),
    )
    assert all(company["isActive"] for company in scene.target.records["Companies"].values())


# One failure stops what depends on it and nothing else


def two_customers() -> Scene:
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("bc", name="Brook CSP", number="BC-2", customer="b"))
    scene.add("product", product("ext", name="Extra"))
    scene.add("subscription", subscription("bs", 3, name="Mail", customer="b", contract="bc"))
    scene.add("license_change", log("b first", day(11, 2), 3, subscription="bs"))
    return scene


def test_a_refusal_stops_what_depends_on_it_and_nothing_else():
    scene = two_customers()
    scene.target.faults = [
        Fault("refused", "Contracts", fits=lambda values: values["contractNumber"] == "BC-2")
    ]
    outcome = scene.apply(scene.plan())
    failed = outcome_of(outcome, "contract:bc")
    assert failed.status == "failed"
    assert failed.text == "Autotask refused Contracts: This is not how it is done"
    assert "mappings/contract.yaml" in failed.remedy
    assert "plan again" in failed.remedy
    assert {one.change for one in outcome.changes if one.status == "skipped"} == {
        "subscription:bs",
        "subscription:bs:mark",
        "license_change:b first",
        "license_change:b first:mark",
    }
    assert not outcome.complete
    assert scene.units(day(12, 1), next(iter(scene.target.records["ContractServices"]))) == 12


def test_a_refusal_for_want_of_rights_names_the_command_that_lists_them():
    words = "The logged in Resource does not have the adequate permissions to create Contracts."
    scene = Scene()
    made = scene.plan()

    def refused(_verb, entity, _values):
        if entity == "Contracts":
            raise TargetRejected("refused", errors=[words], lacks_rights=True)

    scene.target.on_write = refused
    failed = outcome_of(scene.apply(made), "contract:con")
    assert failed.text == f"Autotask refused Contracts: {words}"
    assert (
        failed.remedy == "`trueup doctor` names the rights that the API user lacks; then plan again"
    )


def test_the_next_plan_holds_exactly_what_is_left():
    scene = two_customers()
    scene.target.faults = [
        Fault("refused", "Contracts", fits=lambda values: values["contractNumber"] == "BC-2")
    ]
    first = scene.plan()
    outcome = scene.apply(first)
    left = {one.change for one in outcome.changes if one.status in ("failed", "skipped")}
    second = scene.plan()
    assert {change.id for change in second.changes} == left
    assert scene.apply(second).complete
    assert scene.picture() == _undisturbed(two_customers())


def _undisturbed(scene):
    scene.sync()
    return scene.picture()


def test_an_adjustment_that_is_refused_leaves_its_log_pending():
    scene = Scene()
    scene.target.faults = [Fault("refused", "ContractServiceAdjustments")]
    outcome = scene.apply(scene.plan())
    assert statuses(outcome)["license_change:first"] == "failed"
    assert scene.row("license_change", "first")["status"] == "Active"
    assert adjusts(scene.plan()) == [(("first",), day(10, 5), 10), (("second",), day(11, 20), 2)]


def test_an_update_that_is_refused_is_planned_again():
    scene = settled()
    scene.row("account")["phone"] = "2"
    scene.target.faults = [Fault("refused", "Companies")]
    company = scene.target.only("Companies")["id"]
    assert outcome_of(scene.apply(scene.plan()), "customer:acc").text.startswith(
        f"Autotask refused Companies {company}:"
    )
    assert actions(scene.plan()) == [("update", "customer")]


def test_a_service_that_cannot_be_reached_is_a_failure_that_did_not_take_effect():
    scene = Scene()
    scene.target.faults = [Fault("down", "Contracts")]
    outcome = scene.apply(scene.plan())
    assert (statuses(outcome)["contract:con"], outcome_of(outcome, "contract:con").text) == (
        "failed",
        "no connection",
    )
    assert not scene.state.load().open_runs
    scene.sync()
    assert scene.units(day(12, 1)) == 12


def test_a_mark_that_the_source_refuses_is_repeated_by_the_next_plan_and_nothing_is_pushed_again():
    scene = Scene()
    made = scene.plan()
    write = scene.source.write
    scene.source.write = lambda table, updates: (
        scene.row("license_change", "first").update(status="Paused"),
        write(table, updates),
    )[1]
    outcome = scene.apply(made)
    assert statuses(outcome)["license_change:first:mark"] == "held"
    assert "has changed" in outcome_of(outcome, "license_change:first:mark").text
    scene.source.write = write
    scene.row("license_change", "first")["status"] = "Active"
    assert actions(scene.sync()) == [("write back", "license_change")]
    assert len(scene.target.adjustments()) == 2


def test_a_row_to_mark_that_is_gone_is_a_failure_and_no_more():
    scene = Scene()
    made = scene.plan()
    write = scene.source.write
    scene.source.write = lambda table, updates: (
        scene.source.tables[table].pop("first", None),
        write(table, updates),
    )[1]
    outcome = scene.apply(made)
    assert statuses(outcome)["license_change:first:mark"] == "failed"
    assert statuses(outcome)["license_change:second:mark"] == "applied"
