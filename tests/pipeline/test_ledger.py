"""The law of the ledger: nothing is pushed that Autotask already bills, and what differs is shown in money."""

from datetime import date
from decimal import Decimal

import pytest

from tests.pipeline.files import changed, decisions, settings
from tests.pipeline.scene import (
    LINE,
    YEARLY,
    Scene,
    actions,
    adjusts,
    change_of,
    codes,
    day,
    kept,
    line_of,
    log,
    settled,
    statuses,
    subscription,
)


def by_hand(*steps: tuple[date, int]) -> Scene:
    """People keep the seats in Autotask: day and change of each."""
    scene = kept()
    for on, units in steps:
        scene.target.by_hand(LINE, on, units)
    return scene


# Nothing that Autotask already bills


def test_on_day_one_seats_keyed_by_hand_for_years_are_not_pushed_again():
    scene = by_hand((day(1, 1), 8), (day(10, 5), 2), (day(11, 20), 2))
    made = scene.plan()
    assert adjusts(made) == []
    assert codes(made) == {("first", "ledger-differs"), ("second", "ledger-differs")}
    line = line_of(made)
    assert (line.quantity, line.units, line.pending, line.difference, line.class_) == (12, 12, 12, -12, "held")
    scene.apply(made)
    assert scene.target.adjustments() == []
    assert scene.units(day(12, 1)) == 12


def test_on_day_one_what_autotask_lacks_is_pushed_and_what_it_has_is_not():
    scene = by_hand((day(1, 1), 10))
    scene.add("license_change", log("first", day(10, 5), 10, status="Archived"))
    made = scene.sync()
    assert adjusts(made) == [(("second",), day(11, 20), 2)]
    assert (scene.units(day(11, 19)), scene.units(day(11, 20))) == (10, 12)
    assert actions(scene.plan()) == []


def test_on_day_one_ups_and_downs_that_were_keyed_by_hand_are_not_pushed_again():
    scene = by_hand((day(1, 1), 12), (day(11, 3), 5), (day(11, 10), -5))
    scene.add("license_change", log("first", day(11, 3), 5), log("second", day(11, 10), -5))
    made = scene.plan()
    assert adjusts(made) == []
    assert {key for key, _ in codes(made)} == {"first", "second"}
    assert made.blocked[0].findings[0].text == (
        "Autotask's units change by +5 on 2026-11-03 already, and by no run of ours"
    )
    scene.files(decisions("{mapping: license_change, key: first, do: push, reason: r}",
                          "{mapping: license_change, key: second, do: push, reason: r}"))  # fmt: skip
    assert [units for _, _, units in adjusts(scene.plan())] == [5, -5]


def test_after_a_hand_edit_nothing_is_pushed_on_top_of_it():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    line = scene.target.only("ContractServices")["id"]
    scene.target.by_hand(line, day(11, 24), 3)
    made = scene.plan()
    assert (adjusts(made), codes(made)) == ([], {("third", "ledger-differs")})
    assert line_of(made).difference == -3


def test_with_the_state_lost_nothing_is_pushed_again_and_the_links_are_found_again():
    scene = settled()
    for key in ("first", "second"):
        scene.row("license_change", key)["status"] = "Active"
    scene.lose_state()
    made = scene.plan()
    assert adjusts(made) == []
    assert codes(made) == {("first", "ledger-differs"), ("second", "ledger-differs")}
    assert {(change.mapping, change.how) for change in made.changes} == {
        (name, "identity") for name in ("customer", "service", "contract", "subscription")
    }
    scene.apply(made)
    assert scene.target.adjustments() == scene.target.adjustments()[:2]
    assert actions(scene.plan()) == []


def test_a_log_that_state_remembers_is_never_pushed_again_whatever_the_source_says():
    scene = settled()
    scene.row("license_change", "first")["status"] = "Active"
    made = scene.sync()
    assert actions(made) == [("write back", "license_change")]
    assert scene.row("license_change", "first")["status"] == "Archived"
    assert len(scene.target.adjustments()) == 2


def test_without_a_write_back_the_state_alone_remembers():
    scene = Scene()
    scene.files(changed("mappings/license_change.yaml", "write_back: {after: proof, set: {status: Archived}}", ""))
    scene.sync()
    assert scene.row("license_change", "first")["status"] == "Active"
    assert actions(scene.plan()) == []


# What differs, and its class


def test_units_lower_than_the_quantity_with_nothing_pending_are_under_billed():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(14)
    line = line_of(scene.plan())
    assert (line.class_, line.difference, line.monthly, line.price) == ("under-billed", 2, 20, 10)
    assert "correct" in line.remedy


def test_logs_that_are_born_archived_show_as_over_billed():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(9)
    scene.add("license_change", log("third", day(11, 15), -3, status="Archived"))
    made = scene.plan()
    assert (actions(made), line_of(made).class_, line_of(made).difference) == ([], "over-billed", -3)


def test_an_ended_subscription_that_still_has_units_is_over_billed():
    scene = settled()
    scene.row("subscription").update(state="Inactive")
    line = line_of(scene.plan())
    assert (line.class_, line.quantity, line.units, line.difference) == ("over-billed", 0, 12, -12)


def test_a_subscription_that_is_no_longer_billable_and_still_has_units_is_over_billed():
    scene = settled()
    scene.row("subscription").update(billable=False)
    made = scene.plan()
    assert [left.code for left in made.left_out] == ["subscription-is-billable"]
    assert (line_of(made).class_, line_of(made).quantity, line_of(made).units) == ("over-billed", 0, 12)


def test_a_subscription_that_was_never_linked_and_is_kept_out_is_in_the_ledger_if_its_units_are_billed():
    scene = by_hand((day(1, 1), 7))
    scene.source.tables["license_change"].clear()
    scene.row("subscription").update(billable=False)
    line = line_of(scene.plan())
    assert (line.class_, line.record, line.units) == ("over-billed", LINE, 7)


def test_a_subscription_that_is_gone_and_still_has_units_is_over_billed():
    scene = settled()
    scene.source.tables["subscription"].clear()
    made = scene.plan()
    line = line_of(made)
    assert (line.class_, line.quantity, line.units) == ("over-billed", 0, 12)
    assert [finding.code for finding in made.findings] == ["gone"]


def test_a_contract_service_with_units_and_no_subscription_is_an_orphan():
    scene = settled()
    contract = scene.target.only("Contracts")["id"]
    service = next(one for one in scene.target.records["Services"].values() if one["name"] == "Backup")
    other = scene.target.create("ContractServices", {"contractID": contract, "serviceID": service["id"]})
    scene.target.by_hand(other, day(11, 1), 4)
    line = next(line for line in scene.plan().ledger if line.class_ == "orphan in Autotask")
    assert (line.key, line.record, line.units, line.difference, line.monthly) == ("", other, 4, -4, -40)
    assert (line.name, line.quantity) == ("Alpine CSP, Backup", None)


def test_an_orphan_without_units_is_not_worth_a_line():
    scene = settled()
    contract = scene.target.only("Contracts")["id"]
    service = next(one for one in scene.target.records["Services"].values() if one["name"] == "Backup")
    scene.target.create("ContractServices", {"contractID": contract, "serviceID": service["id"]})
    assert [line.class_ for line in scene.plan().ledger] == ["match"]


def test_a_subscription_that_should_be_billed_and_is_not_there_is_missing():
    scene = kept()
    create = "create: \"{{ 'auto' if source.state == 'Active' else 'never' }}\""
    scene.files(changed("mappings/subscription.yaml", create, "create: never"))
    scene.target.records["ContractServices"].clear()
    line = line_of(scene.plan())
    assert (line.class_, line.record, line.quantity, line.units) == ("missing in Autotask", None, 12, 0)


def test_a_subscription_that_a_person_ignores_is_no_orphan():
    scene = settled()
    scene.files(decisions("{mapping: subscription, key: sub, do: ignore, reason: billed elsewhere}"))
    made = scene.plan()
    assert [left.code for left in made.left_out] == ["ignored"]
    assert "orphan in Autotask" not in {line.class_ for line in made.ledger}


def test_the_day_of_comparison_is_the_later_of_as_of_and_the_last_pending_day():
    assert line_of(Scene().plan()).day == day(11, 20)
    early = Scene()
    early.source.tables["license_change"].pop("second")
    assert line_of(early.plan()).day == day(11, 15)


def test_a_change_that_is_dated_ahead_and_was_pushed_leaves_no_difference_until_its_day():
    scene = settled()
    line = line_of(scene.plan())
    assert (line.class_, line.day, line.units) == ("match", day(11, 20), 12)


def test_a_quantity_that_cannot_be_worked_out_holds_the_changes_of_its_subscription():
    scene = settled()
    scene.row("subscription")["quantity"] = None
    scene.add("license_change", log("third", day(11, 25), 3))
    made = scene.plan()
    assert adjusts(made) == []
    assert {key for key, _ in codes(made)} == {"third"}
    assert "expression-failed" in {finding.code for finding in made.findings}


def test_a_quantity_that_is_not_whole_is_neither_pushed_nor_corrected():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal("12.5")
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: r}"))
    made = scene.plan()
    assert adjusts(made) == []
    assert (line_of(made).difference, line_of(made).class_) == (Decimal("0.5"), "under-billed")


def test_a_change_that_is_not_whole_is_a_finding_and_holds_those_after_it():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), "1.5"), log("fourth", day(11, 26), "0.5"))
    scene.row("subscription")["quantity"] = Decimal(14)
    made = scene.plan()
    assert adjusts(made) == []
    assert {key for key, _ in codes(made)} == {"third", "fourth"}


def test_a_change_without_a_day_is_a_finding_and_no_crash():
    scene = settled()
    scene.add("license_change", log("third", None, 2), log("fourth", day(11, 26), 1))
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.plan()
    assert ("third", "expression-failed") in codes(made)
    assert [key for keys, _, _ in adjusts(made) for key in keys] in ([], ["fourth"])


def test_a_change_without_a_quantity_is_a_finding_and_no_crash():
    scene = settled()
    scene.add("license_change", {**log("third", day(11, 26), 2), "quantity": None})
    made = scene.plan()
    assert adjusts(made) == []


def test_a_change_of_a_subscription_that_is_not_there_is_a_finding():
    scene = settled()
    scene.add("license_change", log("third", day(11, 26), 2, subscription="nobody"))
    made = scene.plan()
    assert codes(made) == {("third", "reference-missing")}


# Money


def test_money_is_counted_at_the_adjusted_price_first():
    scene = by_hand((day(10, 5), 10))
    scene.add("license_change", log("first", day(10, 5), 10, status="Archived"))
    made = scene.plan()
    assert change_of(made, "license_change:second").monthly == 19
    assert (made.summary.monthly, made.summary.prices_unknown, made.summary.prices_zero) == (19, 0, 0)


def test_money_of_a_yearly_service_is_a_twelfth_a_month():
    scene = Scene()
    scene.row("subscription")["product"] = "yea"
    made = scene.plan()
    assert [change.monthly for change in made.changes if change.units] == [100, 20]
    assert line_of(made).price == 10


def test_money_of_a_service_that_is_to_be_created_is_its_price_to_be():
    assert [change.monthly for change in Scene().plan().changes if change.units] == [100, 20]


def test_an_unknown_price_is_counted_and_not_guessed():
    scene = by_hand()
    scene.target.only("ContractServices").update(internalCurrencyAdjustedPrice=None, internalCurrencyUnitPrice=None)
    scene.target.records["Services"][601]["unitPrice"] = None
    made = scene.plan()
    assert [change.monthly for change in made.changes if change.units] == [None, None]
    assert (made.summary.monthly, made.summary.prices_unknown) == (0, 2)
    assert (line_of(made).price, line_of(made).monthly) == (None, None)


def test_a_price_of_zero_is_counted_beside_the_unknown_ones():
    scene = by_hand()
    scene.target.only("ContractServices").update(internalCurrencyAdjustedPrice=Decimal(0))
    made = scene.plan()
    assert (made.summary.prices_unknown, made.summary.prices_zero) == (0, 2)


def test_a_back_dated_change_shows_its_one_off_amount_as_an_estimate():
    scene = Scene()
    first, second = (change_of(scene.plan(), f"license_change:{key}") for key in ("first", "second"))
    assert first.one_off == Decimal(100) * 41 / (Decimal(365) / 12)
    assert second.one_off is None


def test_a_yearly_service_keeps_its_own_price_where_the_contract_has_one():
    scene = kept()
    scene.target.only("ContractServices").update(serviceID=YEARLY, internalCurrencyAdjustedPrice=Decimal(60))
    scene.row("subscription")["product"] = "yea"
    assert line_of(scene.plan()).price == 5


# Adjustments: merged, in turn, on free and open days


def test_changes_of_one_day_become_one_adjustment():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -1))
    scene.row("subscription")["quantity"] = Decimal(14)
    made = scene.sync()
    assert adjusts(made) == [(("fourth", "third"), day(11, 25), 2)]
    assert change_of(made, "license_change:fourth").notes == ("2 changes of 2026-11-25 in one",)
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {"Archived"}


def test_changes_that_cancel_out_send_nothing_and_are_archived():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 25), -3))
    made = scene.sync()
    assert actions(made) == [("write back", "license_change")]
    assert {scene.row("license_change", key)["status"] for key in ("third", "fourth")} == {"Archived"}
    assert actions(scene.plan()) == []


def test_a_late_change_of_a_taken_day_goes_to_the_next_free_day_and_says_so():
    scene = settled()
    scene.add("license_change", log("third", day(11, 20), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    made = scene.sync()
    assert adjusts(made) == [(("third",), day(11, 21), 3)]
    assert change_of(made, "license_change:third").notes == (
        "2026-11-20 has taken an adjustment already, and a day can take one: on 2026-11-21",
    )
    assert actions(scene.plan()) == []


def test_a_late_change_of_a_day_that_somebody_took_by_hand_goes_to_the_next_free_day():
    scene = by_hand((day(1, 1), 4), (day(10, 5), 6))
    scene.add("license_change", log("first", day(10, 5), 10, status="Archived"), log("second", day(10, 5), 2))
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
    assert line_of(made).class_ == "held"


def test_a_posted_period_holds_the_change_and_names_the_first_open_day():
    scene = by_hand((day(1, 1), 10))
    scene.target.post(LINE, day(10, 31))
    scene.add("license_change", log("first", day(10, 5), 0, status="Archived"), log("second", day(10, 20), 2))
    made = scene.plan()
    (blocked,) = made.blocked
    assert (blocked.key, blocked.findings[0].code) == ("second", "change-is-in-an-open-period")
    assert "The first open day is 2026-11-01" in blocked.findings[0].text


def test_push_moves_a_change_of_a_posted_period_to_the_first_open_day():
    scene = by_hand((day(1, 1), 10))
    scene.target.post(LINE, day(10, 31))
    scene.add("license_change", log("first", day(10, 5), 0, status="Archived"), log("second", day(10, 20), 2))
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
    assert codes(made) == {("third", "change-leaves-no-less-than-nothing"), ("fourth", "waits-its-turn")}


# Decisions


def test_archive_marks_the_log_and_sends_nothing():
    scene = by_hand((day(10, 5), 10))
    scene.files(decisions("{mapping: license_change, key: first, do: archive, reason: entered by hand}"))
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
    said = [f"{{mapping: license_change, key: {key}, do: push, reason: r}}" for key in ("first", "second")]
    scene.files(decisions(*said))
    made = scene.sync()
    assert adjusts(made) == [(("first",), day(10, 5), 10), (("second",), day(11, 20), 2)]
    assert (line_of(made).class_, line_of(made).text) == ("over-billed", "pushed all the same, as decided")
    assert scene.units(day(11, 20)) == 17


def test_correct_adjusts_autotask_to_work_365_on_top_of_what_is_pending():
    scene = by_hand((day(1, 1), 3))
    scene.source.tables["license_change"].pop("first")
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
    made = scene.sync()
    (change,) = [one for one in made.changes if one.units]
    assert (change.keys, change.units) == (("second",), (3, 12))
    assert change.notes == ("2 changes of 2026-11-20 in one", "corrects the difference, as decided")
    assert scene.units(day(11, 20)) == 12
    assert actions(scene.plan()) == []


def test_correct_without_anything_pending_adjusts_from_as_of_on():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
    made = scene.sync()
    (change,) = made.changes
    assert (change.id, change.keys, change.units) == ("license_change:correct:sub", ("sub",), (10, 13))
    assert change.notes == ("corrects the difference, as decided",)
    assert (scene.units(day(11, 14)), scene.units(day(11, 15)), scene.units(day(11, 20))) == (10, 13, 15)
    assert actions(scene.plan()) == []


def test_ignore_leaves_a_log_where_it_is_and_the_ledger_shows_what_differs():
    scene = Scene()
    scene.files(decisions("{mapping: license_change, key: second, do: ignore, reason: a mistake}"))
    made = scene.plan()
    assert [(left.code, left.reason) for left in made.left_out] == [("ignored", "ignored: a mistake")]
    assert (line_of(made).difference, adjusts(made)) == (2, [])


def test_a_decision_holds_to_its_last_day_and_no_longer():
    scene = Scene()
    scene.files(decisions("{mapping: license_change, key: second, do: ignore, reason: r, until: 2026-11-14}"))
    assert len(adjusts(scene.plan())) == 2
    scene.files(decisions("{mapping: license_change, key: second, do: ignore, reason: r, until: 2026-11-15}"))
    assert adjusts(scene.plan()) == []


def test_a_mapping_can_say_that_differences_are_only_reported():
    scene = by_hand((day(1, 1), 5))
    scene.files(changed("mappings/subscription.yaml", "difference: hold", "difference: report"))
    made = scene.plan()
    assert (line_of(made).class_, len(adjusts(made))) == ("over-billed", 2)


def test_a_mapping_can_say_that_differences_are_corrected():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(changed("mappings/subscription.yaml", "difference: hold", "difference: correct"))
    assert adjusts(scene.sync()) == [(("sub",), day(11, 15), 3)]


# A second service of one kind on one contract


REPEATED = settings(allow_duplicated_services="true")


def twins(scene: Scene) -> Scene:
    scene.add("subscription", subscription("twin", 5, name="Mail (reception)"))
    scene.add("license_change", log("of twin", day(11, 2), 4, subscription="twin"),
              log("twin later", day(11, 12), 1, subscription="twin"))  # fmt: skip
    return scene


def services(scene: Scene) -> list[int]:
    """Units of each contract service after everything."""
    return sorted(scene.units(day(12, 1), id_) for id_ in scene.target.records["ContractServices"])


def test_a_second_subscription_of_one_service_gets_its_own_contract_service_by_an_adjustment():
    scene = settled()
    scene.files(REPEATED)
    made = twins(scene).sync()
    making = change_of(made, "subscription:twin")
    assert (making.action, making.entity, making.makes) == (
        "adjust", "ContractServiceAdjustments", ("subscription", "twin", "ContractServices"),
    )  # fmt: skip
    assert making.values["allowRepeatService"] is True
    assert "adds a further service of its kind to the contract" in making.notes
    assert services(scene) == [5, 12]
    assert scene.row("subscription", "twin")["psa_system_id"] != scene.row("subscription", "sub")["psa_system_id"]
    assert scene.state.pushed["license_change", "of twin"].proof
    assert actions(scene.plan()) == []


def test_two_of_one_kind_on_a_new_contract_are_both_made_one_after_the_other():
    scene = twins(Scene())
    scene.files(REPEATED)
    made = scene.plan()
    making = change_of(made, "subscription:twin")
    assert "subscription:sub" in making.needs
    assert scene.apply(made).complete
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []


def test_three_of_one_kind_are_made_one_after_the_other():
    scene = twins(Scene())
    scene.files(REPEATED)
    scene.add("subscription", subscription("third", 2, name="Mail (kitchen)"))
    scene.add("license_change", log("of third", day(11, 2), 2, subscription="third"))
    scene.sync()
    assert services(scene) == [2, 5, 12]
    assert actions(scene.plan()) == []


def test_without_the_setting_a_second_one_is_refused_by_autotask_and_nothing_else_fails():
    scene = twins(settled())
    outcome = scene.apply(scene.plan())
    assert statuses(outcome)["subscription:twin"] == "failed"
    assert services(scene) == [12]


def test_a_second_one_without_a_change_waits_for_one_or_for_a_correction():
    scene = settled()
    scene.files(REPEATED)
    scene.add("subscription", subscription("twin", 5, name="Mail (reception)"))
    made = scene.plan()
    assert actions(made) == []
    assert line_of(made, "twin").class_ == "under-billed"
    scene.files(REPEATED, decisions("{mapping: subscription, key: twin, do: correct, reason: counted}"))
    scene.sync()
    assert services(scene) == [5, 12]
    assert actions(scene.plan()) == []
