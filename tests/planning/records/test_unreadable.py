"""A row that is there and cannot be read is blocked, and never taken for one that is gone."""

import json
from decimal import Decimal

import pytest
from trueup.model.plan import LedgerClass

from tests.support.real_adapters import real
from tests.support.scene import (
    LINE,
    Scene,
    account,
    actions,
    adjusts,
    codes,
    day,
    line_of,
    log,
    settled,
    statuses,
)
from tests.support.small_project import changed, decisions
from tests.support.starting_points import by_hand

CUSTOMER, SUBSCRIPTION = "mappings/customer.yaml", "mappings/subscription.yaml"
SWITCHED_OFF = changed(CUSTOMER, "when_missing: report", "when_missing: deactivate")
CORRECTED = changed(SUBSCRIPTION, "difference: hold", "difference: correct")


def brook() -> Scene:
    """A second customer, applied; a customer whose row is gone is switched off."""
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    scene.files(SWITCHED_OFF)
    return scene


def blocked(made, key):
    return next(one for one in made.blocked if one.key == key)


def test_an_unreadable_linked_row_is_blocked_with_the_findings_of_the_source_and_is_not_gone():
    scene = brook()
    scene.source.unread["account", "b"] = {"phone"}
    made = scene.plan()
    assert (actions(made), made.findings) == ([], ())
    row = blocked(made, "b")
    (finding,) = row.findings
    assert (row.name, finding.name, finding.code, finding.severity) == (
        "Brook Ltd",
        "Brook Ltd",
        "value-not-its-type",
        "error",
    )
    assert finding.text == 'cannot be read: account b, phone: "oops" cannot be read'
    assert (finding.remedy, str(finding.place)) == ("Correct it in Work 365.", "memory:7:1")
    assert (made.summary.blocked, made.summary.held) == (1, 0)


def test_a_row_that_is_gone_beside_one_that_cannot_be_read_is_switched_off():
    scene = brook()
    scene.source.unread["account", "acc"] = {"phone"}
    del scene.source.tables["account"]["b"]
    assert actions(scene.plan()) == [("deactivate", "customer")]


def test_what_refers_to_a_row_that_cannot_be_read_is_blocked_because_of_it():
    scene = settled()
    scene.row("subscription")["name"] = "Post"
    scene.source.unread["product", "pro"] = {"price"}
    made = scene.plan()
    assert actions(made) == []
    assert codes(made) == {("pro", "value-not-its-type"), ("sub", "depends-on-blocked")}
    assert blocked(made, "sub").because == (("service", "pro", "Mail"),)
    assert blocked(made, "pro").holds_back == {"subscription": 1}


def test_a_reference_to_an_unreadable_new_row_is_not_reported_as_missing():
    scene = Scene()
    scene.source.unread["billing_contract", "con"] = {"end_date"}
    made = scene.plan()
    assert codes(made, "sub") == {("sub", "depends-on-blocked")}
    assert blocked(made, "first").because == (
        ("subscription", "sub", "Alpine Dental, Mail"),
        ("contract", "con", "Alpine CSP"),
    )


def test_a_row_that_cannot_be_read_and_is_out_of_scope_as_far_as_it_can_be_read_is_out():
    scene = brook()
    scene.row("account", "b")["state"] = "Inactive"
    scene.source.unread["account", "b"] = {"phone"}
    made = scene.plan()
    assert (made.blocked, [one.code for one in made.findings]) == (
        (),
        ["value-not-its-type", "left-the-scope"],
    )
    scene.source.unread["account", "b"] = {"state"}
    assert codes(scene.plan()) == {("b", "value-not-its-type")}


def test_what_refers_to_such_a_row_that_is_out_is_left_out():
    scene = settled()
    scene.row("account")["state"] = "Inactive"
    scene.source.unread["account", "acc"] = {"phone"}
    assert {one.mapping for one in scene.plan().left_out} == {"contract", "subscription"}


def test_the_record_of_a_row_that_cannot_be_read_is_not_free_for_another():
    scene = settled()
    scene.source.unread["account", "acc"] = {"phone"}
    scene.add("account", account("twin"))  # the same number: the same record, if nobody had it
    made = scene.plan()
    assert "link" not in {str(change.action) for change in made.changes}
    assert codes(made, "twin") == set()
    assert ("create", "customer") in actions(made)


# Rows that nobody knows the key of


def test_where_a_row_has_no_key_no_row_of_its_table_is_gone():
    scene = brook()
    scene.source.without_key.add("account")
    del scene.source.tables["account"]["b"]
    made = scene.plan()
    assert actions(made) == []
    row = blocked(made, "b")
    assert (row.name, row.findings[0].code, row.findings[0].severity) == (
        "Brook Ltd",
        "may-be-unread",
        "hold",
    )
    assert row.findings[0].text == (
        "its row is not found, and may be the row of account that has no key "
        "(a row of account has no key): "
        "its record is left as it is"
    )
    assert [one.code for one in made.findings] == ["row-without-key"]
    scene.source.without_key.clear()
    assert actions(scene.plan()) == [("deactivate", "customer")]


def test_what_refers_to_a_row_that_may_be_the_one_without_a_key_waits_for_it():
    scene = settled()
    scene.source.without_key.add("product")
    del scene.source.tables["product"]["pro"]
    made = scene.plan()
    assert codes(made) == {("pro", "may-be-unread"), ("sub", "depends-on-blocked")}


def test_a_subscription_that_may_be_the_one_without_a_key_keeps_its_units():
    scene = settled()
    scene.files(CORRECTED)
    scene.source.without_key.add("subscription")
    scene.source.tables["subscription"].clear()
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.class_, line.difference) == ([], LedgerClass.UNKNOWN, None)
    assert line.text == "its quantity is not known: its row may be one that has no key"
    assert line.name == "Alpine CSP, Mail"


# The ledger


@pytest.mark.parametrize(
    "files", [{}, CORRECTED, decisions("{mapping: subscription, key: sub, do: correct, reason: r}")]
)
def test_the_units_of_a_subscription_that_cannot_be_read_stay_as_they_are(files):
    scene = settled()
    scene.files(files)
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.source.unread["subscription", "sub"] = {"quantity"}
    made = scene.plan()
    line = line_of(made)
    assert (actions(made), line.class_, line.quantity, line.difference) == (
        [],
        LedgerClass.UNKNOWN,
        None,
        None,
    )
    assert (line.units, line.monthly) == (12, None)
    assert line.text == "its quantity is not known: its row cannot be read"
    assert line.remedy == "Correct it in Work 365."
    assert codes(made) == {("sub", "value-not-its-type"), ("third", "depends-on-blocked")}
    assert blocked(made, "third").because == (("subscription", "sub", "Alpine Dental, Mail"),)
    scene.source.unread.clear()
    scene.row("subscription")["quantity"] = Decimal(15)
    assert adjusts(scene.plan()) == [(("third",), day(11, 25), 3)]


@pytest.mark.parametrize(
    ("quantity", "why"),
    [
        (None, "it is empty"),
        ("", "it is empty"),
        ("ten", "'ten' is not a number"),
        ("1_0", "'1_0' is not a number"),
        (True, "true is not a number"),
        (Decimal("NaN"), "NaN is not a number"),
        ([1], "a list is not a number"),
    ],
)
def test_a_quantity_that_cannot_be_evaluated_is_unknown_in_the_ledger(quantity: object, why: str):
    scene = settled()
    scene.row("subscription")["quantity"] = quantity
    line = line_of(scene.plan())
    assert (line.class_, line.difference) == (LedgerClass.UNKNOWN, None)
    assert line.text.startswith(f"its quantity cannot be evaluated: {why}")


def test_the_units_of_a_subscription_that_was_never_linked_and_cannot_be_read_are_no_orphans():
    scene = by_hand((day(1, 1), 7))
    scene.source.tables["license_change"].clear()
    scene.source.unread["subscription", "sub"] = {"quantity"}
    line = line_of(scene.plan())
    assert (line.class_, line.record, line.units) == (LedgerClass.UNKNOWN, LINE, 7)
    scene.source.unread["subscription", "sub"] = {"product"}
    line = line_of(scene.plan(), "")
    assert line.text == "no row is linked to it; the one that cannot be read may be its own"
    assert line.remedy.startswith("correct what cannot be read first; then ")


# Changes of units


@pytest.mark.parametrize("files", [{}, CORRECTED])
def test_a_change_that_cannot_be_read_holds_its_subscription(files):
    scene = settled()
    scene.files(files)
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.add("license_change", log("third", day(11, 25), 2), log("fourth", day(11, 26), 1))
    scene.source.unread["license_change", "third"] = {"quantity"}
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.class_, line.quantity, line.difference) == (
        [],
        LedgerClass.UNKNOWN,
        15,
        None,
    )
    assert line.text == "what is pending is not known: one of its changes cannot be read"
    assert codes(made) == {("third", "value-not-its-type"), ("fourth", "ledger-unknown")}
    scene.source.unread.clear()
    assert [units for _, _, units in adjusts(scene.plan())] == [2, 1]


def test_a_change_that_cannot_be_read_and_is_no_longer_pending_holds_nothing():
    scene = settled()
    scene.add("license_change", log("old", day(11, 2), 2, status="Archived"))
    for key in ("first", "old"):
        scene.source.unread["license_change", key] = {"quantity"}
    scene.row("license_change", "second")["status"] = "Active"
    scene.source.unread["license_change", "second"] = {"status"}  # pushed, as the state knows
    made = scene.plan()
    assert line_of(made).class_ == LedgerClass.MATCH
    assert codes(made) == {("second", "value-not-its-type")}


@pytest.mark.parametrize("verdict", ["ignore", "archive"])
def test_a_change_that_cannot_be_read_and_that_a_person_decided_on_holds_nothing(verdict):
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 2))
    scene.source.unread["license_change", "third"] = {"quantity"}
    scene.files(decisions(f"{{mapping: license_change, key: third, do: {verdict}, reason: r}}"))
    assert line_of(scene.plan()).class_ == LedgerClass.MATCH


@pytest.mark.parametrize("whose", ["no key", "no subscription"])
def test_while_a_change_of_an_unknown_row_cannot_be_read_nothing_is_corrected(whose):
    scene = settled()
    scene.files(CORRECTED)
    scene.row("subscription")["quantity"] = Decimal(15)
    if whose == "no key":
        scene.source.without_key.add("license_change")
    else:
        scene.add("license_change", log("third", day(11, 25), 2))
        scene.source.unread["license_change", "third"] = {"subscription"}
    made = scene.plan()
    line = line_of(made)
    assert (adjusts(made), line.class_, line.difference) == ([], LedgerClass.UNDER_BILLED, 3)
    assert line.text == "is not corrected: a change that cannot be read may explain it"
    assert line.remedy == "correct license_change in Work 365 first (memory:7:1)"


def test_what_cannot_be_read_belongs_to_its_customer_as_far_as_that_can_be_read():
    scene = brook()
    scene.add("license_change", log("third", day(11, 25), 2))
    scene.source.unread["license_change", "third"] = {"quantity"}
    assert codes(scene.plan(customer="acc")) == {("third", "value-not-its-type")}
    assert codes(scene.plan(customer="b")) == set()


# Joined rows


WITH_CONTACT = {
    CUSTOMER: changed(
        CUSTOMER,
        "source: {table: account, where",
        "source: {table: account, join: {contact: "
        "{table: contact, on: {id: primary_contact}, one: true}}, where",
    )[CUSTOMER].replace(
        'city: {value: "{{ source.city }}", manage: fill}',
        'city: {value: "{{ related.contact.phone }}", clear: true}',
    )
}


def joined() -> Scene:
    """A field of the customer is its contact's; a contact that is not there empties it."""
    scene = Scene()
    scene.files(WITH_CONTACT)
    scene.source.tables["contact"] = {}
    scene.add("contact", {"id": "ada", "last_name": "Ada", "phone": "5"})
    scene.row("account")["primary_contact"] = "ada"
    scene.sync()
    assert scene.target.only("Companies")["city"] == "5"
    return scene


def test_a_joined_row_that_cannot_be_read_is_not_taken_for_nothing():
    scene = joined()
    scene.source.unread["contact", "ada"] = {"phone"}
    made = scene.plan()
    assert actions(made) == []
    (finding,) = blocked(made, "acc").findings
    assert (finding.code, finding.text) == (
        "needs-unread",
        'needs contact ada, which cannot be read: contact ada, phone: "oops" cannot be read',
    )
    assert blocked(made, "acc").holds_back == {"contract": 1, "subscription": 1}


def test_a_joined_row_that_may_be_the_one_without_a_key_is_not_taken_for_nothing():
    scene = joined()
    scene.source.without_key.add("contact")
    assert actions(scene.plan()) == []
    assert codes(scene.plan()) == set()
    scene.source.tables["contact"].clear()
    assert ("acc", "needs-unread") in codes(scene.plan())
    scene.source.without_key.clear()
    assert actions(scene.plan()) == [("update", "customer")]


# Between plan and apply


def test_a_row_that_cannot_be_read_any_more_is_held():
    scene = brook()
    scene.row("account", "b")["phone"] = "2"
    made = scene.plan()
    scene.source.unread["account", "b"] = {"phone"}
    outcome = scene.apply(made)
    assert statuses(outcome) == {"customer:b": "held"}
    assert "can no longer be read in Work 365" in outcome.changes[0].text


@pytest.mark.parametrize("how", ["unread", "nameless"])
def test_a_row_that_is_back_and_cannot_be_read_is_not_switched_off(how):
    scene = brook()
    row = scene.source.tables["account"].pop("b")
    made = scene.plan()
    assert actions(made) == [("deactivate", "customer")]
    if how == "unread":
        scene.add("account", row)
        scene.source.unread["account", "b"] = {"phone"}
    else:
        scene.source.without_key.add("account")
    outcome = scene.apply(made)
    assert statuses(outcome) == {"customer:b": "held"}
    assert "may be there and cannot be read" in outcome.changes[0].text


# Files


SPOILT = {
    "a number": ("twelve", '"twelve" is not a number'),
    "a list": ([1, True], "[1, true] is not a number"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_number_in_a_file_that_is_none_takes_no_seats_away(tmp_path, what):
    value, fault = SPOILT[what]
    with real(tmp_path) as scene:
        scene.files(CORRECTED)
        scene.sync()
        scene.set("subscription", "sub", quantity=value)
        made = scene.plan()
        assert actions(made) == []
        assert line_of(made).class_ == LedgerClass.UNKNOWN
        (finding,) = blocked(made, "sub").findings
        assert finding.text == f"cannot be read: subscription sub, quantity: {fault}"
        assert str(finding.place) == "files/subscription.json:2:1"


def test_two_rows_of_one_key_in_a_file_take_no_seats_away(tmp_path):
    with real(tmp_path) as scene:
        scene.files(CORRECTED)
        scene.sync()
        row = scene.rows("subscription")["sub"]
        scene.write("subscription", [row, {**row, "quantity": 5}])
        made = scene.plan()
        assert actions(made) == []
        assert codes(made) == {("sub", "key-twice")}
        assert line_of(made).class_ == LedgerClass.UNKNOWN


def test_a_line_in_a_file_that_is_no_row_holds_what_is_not_found(tmp_path):
    with real(tmp_path) as scene:
        scene.files(CORRECTED)
        scene.sync()
        (tmp_path / "work365" / "subscription.json").write_text(json.dumps([7]))
        made = scene.plan()
        assert actions(made) == []
        assert codes(made) == {("sub", "may-be-unread")}
