"""The law of the ledger: Autotask's units are not pushed twice, and differences are shown."""

from decimal import Decimal

import pytest

from tests.support.scene import (
    LINE,
    Scene,
    account,
    actions,
    adjusts,
    codes,
    contract,
    day,
    kept,
    line_of,
    log,
    settled,
    subscription,
)
from tests.support.small_project import FILES, changed, decisions
from tests.support.starting_points import by_hand


def test_on_day_one_seats_keyed_by_hand_for_years_are_not_pushed_again():
    scene = by_hand((day(1, 1), 8), (day(10, 5), 2), (day(11, 20), 2))
    made = scene.plan()
    assert adjusts(made) == []
    assert codes(made) == {("first", "ledger-differs"), ("second", "ledger-differs")}
    line = line_of(made)
    assert (line.quantity, line.units, line.pending, line.difference) == (12, 12, 12, -12)
    # What is billed is right. Only the changes that are held say otherwise.
    assert (line.class_, line.monthly) == ("match", 0)
    assert (line.moved, line.held_units, line.unexplained) == (0, 12, -12)
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
        "Autotask's units change by +5 on 2026-11-03 already, and not by trueup"
    )
    scene.files(
        decisions(
            "{mapping: license_change, key: first, do: push, reason: r}",
            "{mapping: license_change, key: second, do: push, reason: r}",
        )
    )
    assert [units for _, _, units in adjusts(scene.plan())] == [5, -5]


def test_on_day_one_seats_keyed_by_hand_from_the_next_period_on_are_not_pushed_again():
    scene = by_hand((day(1, 1), 10), (day(12, 1), 2))
    scene.add(
        "license_change",
        log("first", day(10, 5), 10, status="Archived"),
        log("second", day(11, 14), 2),
    )
    made = scene.plan()
    assert (adjusts(made), codes(made)) == ([], {("second", "keyed-already")})
    assert made.blocked[0].findings[0].text == (
        "Autotask's units change by +2 on 2026-12-01, later than any change, and not by trueup"
    )
    line = line_of(made)
    assert (line.class_, line.held_units, line.unexplained) == ("under-billed", 2, 0)
    scene.files(
        decisions("{mapping: license_change, key: second, do: push, reason: these are two more}")
    )
    scene.sync()
    assert (scene.units(day(11, 14)), scene.units(day(12, 1))) == (12, 14)


def test_a_change_of_trueup_that_is_dated_ahead_holds_nothing():
    scene = settled()
    scene.add("license_change", log("third", day(11, 17), 1))
    scene.row("subscription")["quantity"] = Decimal(13)
    assert adjusts(scene.sync()) == [(("third",), day(11, 17), 1)]


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


def test_a_log_that_state_remembers_is_never_pushed_again_whatever_the_source_has():
    scene = settled()
    scene.row("license_change", "first")["status"] = "Active"
    made = scene.sync()
    assert actions(made) == [("write back", "license_change")]
    assert scene.row("license_change", "first")["status"] == "Archived"
    assert len(scene.target.adjustments()) == 2


def test_without_a_write_back_the_state_alone_remembers():
    scene = Scene()
    scene.files(
        changed(
            "mappings/license_change.yaml",
            "write_back: {after: proof, set: {status: Archived}}",
            "",
        )
    )
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
    assert (actions(made), line_of(made).class_, line_of(made).difference) == (
        [],
        "over-billed",
        -3,
    )


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
    assert (line_of(made).class_, line_of(made).quantity, line_of(made).units) == (
        "over-billed",
        0,
        12,
    )


def test_a_subscription_that_was_never_linked_and_is_kept_out_is_in_the_ledger():
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
    assert line.name == "Alpine CSP, Mail"  # it has no name of its own: by what its references are
    assert [(finding.code, finding.name) for finding in made.findings] == [
        ("gone", "Alpine CSP, Mail")
    ]


def test_a_contract_service_with_units_and_no_subscription_is_an_orphan():
    scene = settled()
    contract = scene.target.only("Contracts")["id"]
    service = next(
        one for one in scene.target.records["Services"].values() if one["name"] == "Backup"
    )
    other = scene.target.create(
        "ContractServices", {"contractID": contract, "serviceID": service["id"]}
    )
    scene.target.by_hand(other, day(11, 1), 4)
    line = next(line for line in scene.plan().ledger if line.class_ == "orphan")
    assert (line.key, line.record, line.units, line.difference, line.monthly) == (
        "",
        other,
        4,
        -4,
        -40,
    )
    assert (line.name, line.quantity) == ("Alpine CSP, Backup", None)


def test_an_orphan_names_the_rows_that_it_may_be():
    scene = by_hand((day(1, 1), 7))
    scene.source.tables["license_change"].clear()
    scene.add("subscription", subscription("twin", 7), subscription("yearly", 7, product="yea"))
    scene.files({"rules/more.yaml": ONE_OF_A_KIND})
    made = scene.plan()
    line = line_of(made, "")
    # Two rows may be billed by it: what is billed for each of them is not known, nor is it 0.
    assert (line.class_, line.units, line.monthly) == ("unknown", 7, None)
    assert line.text == "several rows fit it, and none of them is linked to it"
    assert [(line_of(made, key).class_, line_of(made, key).units) for key in ("sub", "twin")] == [
        ("unknown", None),
        ("unknown", None),
    ]
    totals = made.summary.ledger
    assert (totals.unknown, totals.over.units, totals.under.units) == (3, 0, 7)
    assert line.remedy == (
        f"`trueup link subscription sub {LINE}` if it is Alpine Dental, Mail (sub), or "
        f"`trueup link subscription twin {LINE}` if it is Alpine Dental, Mail (twin), "
        "or set its units to 0 in Autotask"
    )
    scene.add("subscription", subscription("third", 7), subscription("fourth", 7))
    line = line_of(scene.plan(), "")
    assert line.remedy.startswith(
        f"`trueup link subscription KEY {LINE}` with the row that it belongs to"
    )


ONE_OF_A_KIND = """
rules:
  - rule: subscription-is-sound
    for: subscription
    assert: "{{ source.name != 'Mail' }}"
    severity: error
    message: "It is not sound."
"""


def test_an_orphan_of_a_contract_of_the_same_customer_names_the_row_as_well():
    scene = by_hand((day(1, 1), 7))
    scene.source.tables["license_change"].clear()
    scene.add("billing_contract", contract("new", name="Alpine CSP 2", number="BC-2"))
    scene.row("subscription").update(contract="new", name="Post")
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("of b", name="Brook CSP", number="BC-3", customer="b"))
    scene.add("subscription", subscription("of b", 7, contract="of b", customer="b"))
    scene.files({"rules/more.yaml": ONE_OF_A_KIND.replace("!= 'Mail'", "== 'Nobody'")})
    (line,) = [line for line in scene.plan().ledger if line.class_ == "orphan"]
    assert line.remedy == (
        f"`trueup link subscription sub {LINE}` if it is Alpine Dental, Post, "
        "or set its units to 0 in Autotask"
    )


def test_an_orphan_without_units_is_not_worth_a_line():
    scene = settled()
    contract = scene.target.only("Contracts")["id"]
    service = next(
        one for one in scene.target.records["Services"].values() if one["name"] == "Backup"
    )
    scene.target.create("ContractServices", {"contractID": contract, "serviceID": service["id"]})
    assert [line.class_ for line in scene.plan().ledger] == ["match"]


def test_a_subscription_that_should_be_billed_and_is_not_there_is_missing():
    scene = kept()
    create = "create: \"{{ 'auto' if source.state == 'Active' else 'never' }}\""
    scene.files(changed("mappings/subscription.yaml", create, "create: never"))
    scene.target.records["ContractServices"].clear()
    line = line_of(scene.plan())
    assert (line.class_, line.record, line.quantity, line.units) == (
        "missing",
        None,
        12,
        0,
    )


def test_a_subscription_that_a_person_ignores_is_no_orphan():
    scene = settled()
    scene.files(
        decisions("{mapping: subscription, key: sub, do: ignore, reason: billed elsewhere}")
    )
    made = scene.plan()
    assert [left.code for left in made.left_out] == ["ignored"]
    assert "orphan" not in {line.class_ for line in made.ledger}


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


BROKEN = {
    "day": (
        'effectiveDate: "{{ source.effective_date }}"',
        'effectiveDate: "{{ source.effective_date | days(source.name) }}"',
    ),
    "units": (
        'unitChange: "{{ source.quantity }}"',
        'unitChange: "{{ source.quantity + source.name }}"',
    ),
    "service": (
        'of: "{{ source.subscription }}"',
        'of: "{{ source.subscription + source.quantity }}"',
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_change_that_cannot_be_worked_out_is_a_finding_and_no_crash(what):
    scene = Scene()
    scene.files(changed("mappings/license_change.yaml", *BROKEN[what]))
    made = scene.plan()
    assert codes(made) >= {("first", "expression-failed"), ("second", "expression-failed")}
    assert adjusts(made) == []


def test_without_a_price_in_the_mapping_there_is_no_money():
    scene = Scene()
    text = FILES["mappings/subscription.yaml"]
    before, _, rest = text.partition("  price:\n")
    scene.files({"mappings/subscription.yaml": before + rest[rest.index("  difference") :]})
    made = scene.plan()
    assert (line_of(made).price, made.summary.monthly, made.summary.prices_unknown) == (None, 0, 2)


def test_a_subscription_that_only_seems_to_be_a_service_is_not_corrected_before_it_is_linked():
    scene = by_hand((day(1, 1), 7))
    scene.source.tables["license_change"].clear()
    scene.row("subscription").update(billable=False)
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
    made = scene.plan()
    assert adjusts(made) == []
    assert (line_of(made).class_, line_of(made).difference) == ("over-billed", -7)
    assert f"trueup link subscription sub {LINE}" in line_of(made).remedy


@pytest.mark.parametrize(("earlier", "later"), [(2, 10), (-10, -1), (-1, 10), (Decimal("9.0"), 10)])
def test_changes_are_in_the_order_of_the_values_of_a_column(earlier, later):
    scene = settled()
    scene.row("subscription")["quantity"] += earlier + later
    scene.add("license_change", log("a-later", day(11, 25), later, provisioning_status="Failed"))
    scene.add("license_change", log("z-earlier", day(11, 25), earlier))
    order = ("order: [effective_date, created_on, id]", "order: [effective_date, quantity]")
    scene.files(changed("mappings/license_change.yaml", *order))

    assert [keys for keys, _, _ in adjusts(scene.plan())] == [("z-earlier",)]
