"""A fault stops its row and what depends on it, with the chain of reasons; the rest goes on."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.errors import ConfigError, PlanRefused

from tests.support.scene import (
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


def blocked(made, key):
    return next(one for one in made.blocked if one.key == key)


def test_a_row_at_fault_has_the_number_of_rows_that_it_holds_back():
    scene = Scene()
    scene.row("account")["phone"] = None
    made = scene.plan()
    assert blocked(made, "acc").holds_back == {
        "contract": 1,
        "license_change": 2,
        "subscription": 1,
    }
    assert blocked(made, "acc").because == ()
    assert actions(made) == [("create", "service"), ("create", "service")]


def test_a_message_quotes_only_the_beginning_of_an_absurd_value():
    scene = Scene()
    scene.row("license_change")["provisioning_status"] = "x" * 100_000
    texts = [finding.text for one in scene.plan().blocked for finding in one.findings]
    assert texts[0] == "The change is " + "x" * 1_985 + "…"
    assert max(map(len, texts)) < 2_100  # also of what waits for it


def test_a_row_that_is_held_back_names_the_chain_up_to_the_row_at_fault():
    scene = Scene()
    scene.row("account")["phone"] = None
    made = scene.plan()
    assert blocked(made, "first").because == (
        ("subscription", "sub", "Alpine Dental, Mail"),
        ("contract", "con", "Alpine CSP"),
        ("customer", "acc", "Alpine Dental"),
    )
    assert (
        blocked(made, "first").findings[0].text == "depends on subscription sub, which is blocked"
    )
    assert blocked(made, "sub").holds_back == {"license_change": 2}


def test_findings_carry_the_name_of_their_row_and_the_place_of_their_rule():
    scene = Scene()
    scene.row("account")["phone"] = None
    (finding,) = blocked(scene.plan(), "acc").findings
    assert (finding.name, finding.text, finding.remedy) == (
        "Alpine Dental",
        "It has no phone.",
        "Enter one.",
    )
    assert str(finding.place).startswith("rules/rules.yaml:")


def test_a_summary_counts_what_is_blocked_and_what_is_held_apart():
    scene = Scene()
    scene.row("account")["phone"] = None
    summary = scene.plan().summary
    assert (summary.blocked, summary.held) == (5, 0)
    scene = Scene()
    scene.row("license_change", "second")["provisioning_status"] = "Awaiting"
    summary = scene.plan().summary
    assert (summary.blocked, summary.held) == (0, 1)


@pytest.mark.parametrize(
    ("fee", "text"),
    [
        ("much", "udf.Setup fee is charged once, and 'much' is not a number"),
        ("1e99", "udf.Setup fee is charged once, and this number is out of all range"),
    ],
)
def test_a_row_whose_charge_is_no_amount_is_blocked(fee, text):
    scene = Scene()
    scene.files(charging("udf.Setup fee"))
    scene.row("account")["city"] = fee
    made = scene.plan()

    (finding,) = blocked(made, "acc").findings

    assert (finding.code, finding.text, finding.remedy) == (
        "value-does-not-fit",
        text,
        "correct the row in Work 365, or `charges` of the mapping",
    )
    assert made.summary.one_off.net == 0


def test_a_charge_in_a_user_defined_field_counts_as_money():
    scene = Scene()
    scene.files(charging("udf.Setup fee"))
    scene.row("account")["city"] = "12.50"

    assert scene.plan().summary.one_off.net == Decimal("12.50")


def charging(name):
    """The mapping of customers, with a field that is charged once: the city of the account."""
    line = 'parentCompanyID: {ref: customer, of: "{{ source.parent }}"}'
    fields, rest = FILES["mappings/customer.yaml"].split(line)
    charges = f"charges: [{name}]\nfields:\n"
    return {
        "mappings/customer.yaml": fields.replace("fields:\n", charges)
        + f'{line}\n  {name}: "{{{{ source.city }}}}"'
        + rest
    }


def test_other_rows_go_on():
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.row("account", "acc")["phone"] = None
    assert ("create", "customer") in actions(scene.plan())


def test_a_parent_that_is_blocked_blocks_its_daughters_and_theirs():
    scene = Scene()
    scene.add(
        "account",
        account("b", name="Brook Ltd", number="B-1", parent="acc"),
        account("a", name="Ash Ltd", number="A-0", parent="b"),
    )
    scene.row("account", "acc")["phone"] = None
    made = scene.plan()
    assert blocked(made, "a").because == (
        ("customer", "b", "Brook Ltd"),
        ("customer", "acc", "Alpine Dental"),
    )
    assert blocked(made, "acc").holds_back["customer"] == 2


ALPINE_IS_KEPT_BY_HAND = {
    "rules/more.yaml": """
rules:
  - rule: no-more-alpine
    for: customer
    on: record
    assert: "{{ after.companyName != 'Alpine Dental' }}"
    severity: skip
    message: "Alpine is kept by hand."
    remedy: "Ask."
"""
}


@pytest.mark.parametrize(
    ("left_out_by", "code", "why"),
    [
        (
            decisions("{mapping: customer, key: acc, do: ignore, reason: r}"),
            "ignored",
            "ignored: r",
        ),
        (ALPINE_IS_KEPT_BY_HAND, "no-more-alpine", "Alpine is kept by hand."),
    ],
    ids=["a decision", "a rule on the record"],
)
def test_a_parent_that_is_left_out_leaves_out_its_daughters_and_theirs(left_out_by, code, why):
    scene = Scene()
    scene.files(left_out_by)
    scene.add(
        "account",
        account("b", name="Brook Ltd", number="B-1", parent="acc"),
        account("a", name="Ash Ltd", number="A-0", parent="b"),
    )

    made = scene.plan()

    assert {left.names: left.reason for left in made.left_out if left.mapping == "customer"} == {
        ("Alpine Dental",): why,
        ("Brook Ltd",): f"its customer is left out: {why}",
        ("Ash Ltd",): f"its customer is left out: its customer is left out: {why}",
    }
    assert {(left.code, left.cause) for left in made.left_out if left.mapping != "service"} == {
        (code, ""),
        ("refers-to-left-out", code),
    }
    assert {change.mapping for change in made.changes} == {"service"}
    assert scene.apply(made).complete


def test_a_parent_that_is_set_on_create_only_leaves_out_no_row_that_is_there():
    scene = Scene()
    scene.files(
        changed(
            "mappings/customer.yaml",
            '{ref: customer, of: "{{ source.parent }}"}',
            '{ref: customer, of: "{{ source.parent }}", manage: create}',
        )
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1", parent="acc"))
    scene.sync()
    scene.row("account", "acc")["phone"] = None
    scene.row("account", "b")["phone"] = "2"

    made = scene.plan()

    assert ("update", "customer") in actions(made)


def test_parents_come_before_their_daughters():
    scene = Scene()
    scene.add("account", account("a", name="Ash Ltd", number="A-0", parent="acc"))
    made = scene.sync()
    companies = [change.id for change in made.changes if change.mapping == "customer"]
    assert companies == ["customer:acc", "customer:a"]
    records = scene.target.records["Companies"].values()
    ash = next(one for one in records if one["companyName"] == "Ash Ltd")
    assert ash["parentCompanyID"] == next(
        one["id"] for one in records if one["companyName"] == "Alpine Dental"
    )


def circle() -> Scene:
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1", parent="acc"))
    scene.row("account", "acc")["parent"] = "b"
    return scene


def test_parents_in_a_circle_are_named_with_their_path():
    made = circle().plan()
    findings = [
        finding for one in made.blocked for finding in one.findings if finding.code == "cycle"
    ]
    assert {finding.text for finding in findings} == {
        "these wait for each other: Alpine Dental → Brook Ltd → Alpine Dental"
    }


def test_everything_in_a_circle_and_behind_it_is_blocked_and_nothing_is_left_unsaid():
    made = circle().plan()
    assert {one.key for one in made.blocked} == {"acc", "b", "con", "sub", "first", "second"}
    assert {change.mapping for change in made.changes} == {"service"}
    assert blocked(made, "con").because[-1] == ("customer", "acc", "Alpine Dental")


def test_a_row_that_is_its_own_parent_is_a_circle_too():
    scene = Scene()
    scene.row("account")["parent"] = "acc"
    made = scene.plan()
    assert {change.mapping for change in made.changes} == {"service"}
    assert ("acc", "cycle") in codes(made)


@pytest.mark.parametrize(
    ("parents", "names", "left"),
    [
        ({"acc": "b", "b": "acc"}, "Alpine Dental → Brook Ltd → Alpine Dental", ["acc", "b"]),
        ({"acc": "acc"}, "Alpine Dental → Alpine Dental", ["acc"]),
        # The subsidiary is new, so only the company that is there keeps its field.
        ({"acc": "new", "new": "acc"}, "Alpine Dental → Cove Ltd → Alpine Dental", ["acc"]),
    ],
)
def test_a_circle_of_records_that_are_there_is_reported_and_not_written(parents, names, left):
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    if "new" in parents:
        scene.add("account", account("new", name="Cove Ltd", number="C-1"))
    for key, parent in parents.items():
        scene.row("account", key).update(parent=parent, phone="3")

    made = scene.plan()

    text = f"parentCompanyID would close a circle: {names}; it is left as it is"
    found = [(one.key, one.text) for one in made.findings if one.code == "cycle"]
    written = {change.keys[0]: change.values for change in made.changes}
    assert found == [(key, text) for key in left]
    assert [written[key] for key in left] == [{"phone": "3"} for _ in left]
    assert scene.apply(made).complete


def three_companies(parents):
    """A settled scene with the companies `acc`, `b` and `c`, and these parents."""
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("account", account("c", name="Cove Ltd", number="C-1"))
    for key, parent in parents.items():
        scene.row("account", key)["parent"] = parent
    scene.sync()
    return scene


def company(scene, name):
    return next(
        one for one in scene.target.records["Companies"].values() if one["companyName"] == name
    )


def circles(made):
    return [(one.key, one.text, one.remedy) for one in made.findings if one.code == "cycle"]


def closes(names, *records):
    """Text and remedy of a circle, with the companies whose parent is in Autotask only."""
    remedy = "remove one of the references in Work 365"
    if records:
        remedy += f", or change parentCompanyID of {' or '.join(records)} in Autotask"
    return f"parentCompanyID would close a circle: {names}; it is left as it is", remedy


def test_a_parent_that_was_removed_in_the_source_only_is_part_of_a_circle():
    scene = three_companies({"b": "acc"})
    scene.row("account", "b")["parent"] = None  # without `clear`, it stays in Autotask
    scene.row("account", "acc").update(parent="b", phone="3")

    made = scene.plan()

    texts = closes("Alpine Dental → Brook Ltd → Alpine Dental", "Brook Ltd")
    assert circles(made) == [("acc", *texts)]
    assert [change.values for change in made.changes] == [{"phone": "3"}]


def test_a_parent_that_the_plan_clears_is_part_of_no_circle():
    scene = three_companies({"b": "acc"})
    reference = 'parentCompanyID: {ref: customer, of: "{{ source.parent }}"'
    scene.files(changed("mappings/customer.yaml", reference, f"{reference}, clear: true"))
    scene.row("account", "b")["parent"] = None
    scene.row("account", "acc")["parent"] = "b"

    made = scene.plan()

    written = {change.keys[0]: change.values for change in made.changes}
    assert circles(made) == []
    assert written == {
        "acc": {"parentCompanyID": company(scene, "Brook Ltd")["id"]},
        "b": {"parentCompanyID": None},
    }


@pytest.mark.parametrize("has_row", [True, False])
def test_a_parent_that_a_person_set_in_the_target_is_part_of_a_circle(has_row):
    scene = three_companies({})
    cove = company(scene, "Cove Ltd")
    if not has_row:
        cove = {**cove, "id": 9001, "companyName": "By hand", "udf.Work 365 Id": None}
        cove["companyNumber"] = "H-1"
        scene.target.records["Companies"][9001] = cove
    cove["parentCompanyID"] = company(scene, "Alpine Dental")["id"]
    company(scene, "Brook Ltd")["parentCompanyID"] = cove["id"]
    scene.row("account", "acc")["parent"] = "b"

    made = scene.plan()

    name = cove["companyName"]
    names = f"Alpine Dental → Brook Ltd → {name} → Alpine Dental"
    assert circles(made) == [("acc", *closes(names, *sorted(["Brook Ltd", name])))]
    assert made.changes == ()


def test_a_parent_that_is_left_because_of_one_circle_may_close_another():
    scene = three_companies({"b": "c"})
    scene.row("account", "acc")["parent"] = "b"
    scene.row("account", "b")["parent"] = "acc"
    scene.row("account", "c")["parent"] = "b"

    made = scene.plan()

    first = closes("Alpine Dental → Brook Ltd → Alpine Dental")
    second = closes("Brook Ltd → Cove Ltd → Brook Ltd", "Brook Ltd")
    assert circles(made) == [("acc", *first), ("b", *first), ("c", *second)]
    assert made.changes == ()


def test_parents_that_lead_into_a_circle_are_written():
    scene = settled()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.sync()
    scene.row("account", "acc")["parent"] = "acc"
    scene.row("account", "b")["parent"] = "acc"

    assert [change.keys[0] for change in scene.plan().changes] == ["b"]


def test_a_row_left_out_leaves_out_what_refers_to_it_with_the_reason():
    scene = Scene()
    scene.row("subscription")["billable"] = False
    made = scene.plan()
    left_out = {(left.mapping, left.code): left for left in made.left_out}
    assert left_out["subscription", "subscription-is-billable"].names == ("Alpine Dental, Mail",)
    assert (
        left_out["license_change", "refers-to-left-out"].reason
        == "its subscription is left out: Not billable."
    )


def test_rows_left_out_for_one_reason_are_folded():
    scene = Scene()
    scene.add(
        "subscription", *[subscription(f"s{n}", 1, billable=False, name=f"N {n}") for n in range(5)]
    )
    (left,) = scene.plan().left_out
    assert len(left.names) == 5
    assert list(left.names) == sorted(left.names)


def test_a_required_field_that_nothing_fills_blocks_the_row():
    scene = Scene()
    scene.row("billing_contract")["end_date"] = None
    assert ("con", "required-empty") in codes(scene.plan())


def test_a_look_up_that_finds_nothing_blocks_the_row_in_words():
    scene = Scene()
    scene.target.records["BillingCodes"].clear()
    made = scene.plan()
    assert ("pro", "value-does-not-fit") in codes(made)
    assert "there is no BillingCodes with name 'Cloud'" in blocked(made, "pro").findings[0].text


def test_a_look_up_for_a_create_blocks_no_row_that_is_there_already():
    scene = settled()
    scene.target.records["BillingCodes"][11]["name"] = "Renamed"
    scene.target.records["Resources"][4]["isActive"] = False
    scene.row("product", "pro")["name"] = "Mail and more"
    scene.row("account", "acc")["phone"] = "2"
    made = scene.plan()
    assert made.blocked == ()
    assert sorted(actions(made)) == [("update", "customer"), ("update", "service")]
    scene = kept()
    scene.target.records["BillingCodes"][11]["name"] = "Renamed"
    assert ("link", "service") in actions(scene.plan())


def test_a_look_up_by_a_number_that_finds_nothing_shows_the_number():
    scene = Scene()
    billing = '{find: BillingCodes, where: {name: "{{ settings.billing_code }}"}, manage: create}'
    by_price = '{find: BillingCodes, where: {name: "{{ source.price }}"}, manage: create}'
    scene.files(changed("mappings/service.yaml", billing, by_price))
    (finding,) = blocked(scene.plan(), "pro").findings
    assert finding.text == "there is no BillingCodes with name 10"


def test_a_look_up_that_finds_an_inactive_one_blocks_the_row():
    scene = Scene()
    scene.target.only("Resources")["isActive"] = False
    assert "is inactive, and Autotask refuses" in blocked(scene.plan(), "acc").findings[0].text


def test_a_look_up_that_finds_two_blocks_the_row_and_shows_both():
    scene = Scene()
    scene.target.records["BillingCodes"][12] = {"id": 12, "name": "cloud", "isActive": True}
    assert (
        blocked(scene.plan(), "pro")
        .findings[0]
        .text.endswith("2 BillingCodes have name 'Cloud': 11, 12")
    )


def test_a_look_up_is_shown_by_what_it_is_looked_up_by():
    scene = Scene()
    scene.target.records["Resources"][5] = {
        "id": 5,
        "email": "ben@tenant.example",
        "isActive": False,
    }
    owner = (
        'ownerResourceID: {find: Resources, where: {email: "{{ settings.owner }}"}, manage: create}'
    )
    scene.files(changed("mappings/customer.yaml", owner, owner.replace(", manage: create", "")))
    made = scene.sync()
    (new,) = [
        one for change in made.changes for one in change.fields if one.field == "ownerResourceID"
    ]
    assert (new.shown_before, new.shown_after, new.after) == ("–", "ada@tenant.example (4)", 4)
    for now, shown in ((5, "ben@tenant.example (5)"), (6, "6")):
        scene.target.only("Companies")["ownerResourceID"] = now
        ((moved,),) = (change.fields for change in scene.plan().changes)
        assert (moved.shown_before, moved.shown_after) == (shown, "ada@tenant.example (4)")


def test_a_look_up_of_nothing_is_no_value():
    scene = Scene()
    scene.files(
        changed(
            "mappings/service.yaml",
            'where: {name: "{{ settings.billing_code }}"}, manage: create}',
            'where: {name: "{{ source.description }}"}, manage: create}',
        )
    )
    assert ("pro", "required-empty") in codes(scene.plan())


def test_a_value_that_does_not_fit_blocks_the_row():
    scene = Scene()
    scene.row("account")["phone"] = "0" * 26
    (finding,) = blocked(scene.plan(), "acc").findings
    assert (finding.code, finding.text) == (
        "value-does-not-fit",
        "phone takes 25 characters, this has 26",
    )


def test_an_expression_that_fails_on_a_row_blocks_that_row_alone():
    scene = Scene()
    scene.files(
        changed(
            "mappings/customer.yaml",
            'phone: "{{ source.phone }}"',
            'phone: "{{ source.phone + 1 }}"',
        )
    )
    scene.add("account", account("b", name="Brook Ltd", number="B-1", phone=None))
    made = scene.plan()
    assert {("acc", "expression-failed"), ("b", "customer-has-a-phone")} <= codes(made)


def test_a_rule_on_the_record_sees_before_and_after_and_blocks():
    rule = """
rules:
  - rule: names-do-not-change
    for: customer
    on: record
    when: "{{ before }}"
    assert: "{{ before.companyName == after.companyName }}"
    severity: error
    message: "{{ before.companyName }} would become {{ after.companyName }}."
    remedy: "Ask."
"""
    scene = settled()
    scene.files({"rules/more.yaml": rule})
    scene.row("account")["name"] = "Alpine"
    made = scene.plan()
    assert blocked(made, "acc").findings[0].text == "Alpine Dental would become Alpine."
    assert actions(made) == []


def test_rules_on_the_record_can_leave_out_and_warn():
    rule = """
rules:
  - rule: no-more-brook
    for: customer
    on: record
    assert: "{{ after.companyName != 'Brook Ltd' }}"
    severity: skip
    message: "Brook is kept by hand."
    remedy: "Ask."
  - rule: short-names
    for: customer
    on: record
    assert: "{{ after.companyName | length < 10 }}"
    severity: warning
    message: "A long name."
    remedy: "Ask."
"""
    scene = Scene()
    scene.files({"rules/more.yaml": rule})
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    made = scene.plan()
    assert [(left.code, left.names) for left in made.left_out] == [
        ("no-more-brook", ("Brook Ltd",))
    ]
    assert [(finding.code, finding.name) for finding in made.findings] == [
        ("short-names", "Alpine Dental")
    ]


def test_rules_on_the_ledger_and_on_the_plan_warn():
    rule = """
rules:
  - rule: little-difference
    for: subscription
    on: ledger
    assert: "{{ ledger.difference | abs < 2 }}"
    severity: warning
    message: >-
      {{ ledger.class }}: {{ ledger.quantity }} against {{ ledger.units }}, {{ ledger.held }} held.
    remedy: "Ask."
  - rule: few-creates
    on: plan
    assert: "{{ plan.creates < 3 and plan.adjusts < 3 and plan.monthly < 100 }}"
    severity: warning
    message: >-
      {{ plan.creates }} creates, {{ plan.adjusts }} adjusts, {{ plan.monthly }} a month,
      {{ plan.held }} held.
    remedy: "Ask."
"""
    scene = Scene()
    scene.files({"rules/more.yaml": rule})
    scene.row("subscription")["quantity"] = 20
    texts = {finding.code: finding.text for finding in scene.plan().findings}
    assert texts == {
        "little-difference": "under-billed: 20 against 0, 12 held.",
        "few-creates": "5 creates, 0 adjusts, 0 a month, 1 held.",
    }


def ledger_rule(severity: str, assertion: str = "ledger.quantity < 15") -> dict[str, str]:
    return {
        "rules/more.yaml": f"""
rules:
  - rule: not-so-many
    for: subscription
    on: ledger
    assert: "{{{{ {assertion} }}}}"
    severity: {severity}
    message: "{{{{ ledger.quantity }}}} are too many."
    remedy: "Ask."
"""
    }


@pytest.mark.parametrize("severity", ["error", "hold"])
def test_a_rule_on_the_ledger_holds_what_is_pending(severity):
    scene = settled()
    scene.files(ledger_rule(severity))
    scene.row("subscription")["quantity"] = Decimal(17)
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 26), 2))
    made = scene.plan()
    assert (actions(made), codes(made)) == (
        [],
        {("third", "not-so-many"), ("fourth", "not-so-many")},
    )
    (finding,) = blocked(made, "third").findings
    assert (finding.severity, finding.text, finding.remedy) == (
        severity,
        "17 are too many.",
        "Ask.",
    )
    assert str(finding.place) == "rules/more.yaml:3:5"
    line = line_of(made)
    assert (line.class_, line.moved, line.unexplained, made.findings) == ("under-billed", 0, 0, ())
    assert [(one.units, one.code, one.keys) for one in line.held] == [
        (3, "not-so-many", ("third",)),
        (2, "not-so-many", ("fourth",)),
    ]
    scene.row("subscription")["quantity"] = Decimal(14)
    scene.source.tables["license_change"].pop("third")
    assert adjusts(scene.sync()) == [(("fourth",), day(11, 26), 2)]


@pytest.mark.parametrize("severity", ["error", "hold"])
def test_a_rule_on_the_ledger_holds_a_correction(severity):
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(20)
    scene.files(ledger_rule(severity), decisions(scene.correct()))
    made = scene.plan()
    line = line_of(made)
    assert (actions(made), line.class_, line.difference) == ([], "under-billed", 8)
    assert (line.text, line.remedy) == ("is not corrected: 20 are too many.", "Ask.")
    assert [(one.code, one.severity, one.key) for one in made.findings] == [
        ("not-so-many", severity, "sub")
    ]


def test_a_rule_on_the_ledger_knows_what_rules_on_changes_hold():
    scene = settled()
    scene.files(ledger_rule("hold", "ledger.held == 0"))
    scene.row("subscription")["quantity"] = Decimal(1)
    scene.add("license_change", log("third", day(11, 25), 3), log("fourth", day(11, 26), -14))
    assert adjusts(scene.plan()) != []
    scene.row("subscription")["quantity"] = Decimal(-5)
    scene.row("license_change", "fourth")["quantity"] = Decimal(-20)
    made = scene.plan()
    assert (adjusts(made), codes(made)) == (
        [],
        {("third", "not-so-many"), ("fourth", "not-so-many")},
    )


def test_a_rule_on_the_ledger_that_cannot_be_worked_out_holds_as_well():
    scene = settled()
    scene.files(ledger_rule("warning", "1 / 0 < ledger.quantity"))
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.add("license_change", log("third", day(11, 25), 3))
    assert codes(scene.plan()) == {("third", "expression-failed")}


def plan_rule(severity: str, assertion: str = "plan.creates < 3") -> dict[str, str]:
    return {
        "rules/more.yaml": f"""
rules:
  - rule: few-creates
    on: plan
    assert: "{{{{ {assertion} }}}}"
    severity: {severity}
    message: "{{{{ plan.creates }}}} are many."
    remedy: "Ask."
"""
    }


def test_an_error_on_the_plan_is_a_limit_that_it_is_over():
    scene = Scene()
    scene.files(plan_rule("error"))
    made = scene.plan()
    assert [(one.limit, one.text) for one in made.exceeded] == [("rule:few-creates", "5 are many.")]
    assert [(one.code, one.severity, one.remedy) for one in made.findings] == [
        ("few-creates", "error", "Ask.")
    ]
    refused: Any
    with pytest.raises(PlanRefused) as refused:
        scene.apply(made)
    assert [(one.text, one.remedy) for one in refused.value.findings] == [
        ("5 are many.", "`trueup apply … --over rule:few-creates` allows it")
    ]
    with pytest.raises(PlanRefused):
        scene.apply(made, over=frozenset({"rule:others", "creates"}))
    assert scene.apply(made, over=frozenset({"rule:few-creates"})).complete
    assert scene.plan().exceeded == ()


def test_a_rule_on_the_plan_that_cannot_be_worked_out_stops_it_too():
    scene = Scene()
    scene.files(plan_rule("warning", "plan.creates < 1 / 0"))
    assert [one.limit for one in scene.plan().exceeded] == ["rule:few-creates"]
    scene.files(plan_rule("warning"))
    assert scene.plan().exceeded == ()


def test_a_write_back_that_cannot_be_evaluated_is_reported_and_stops_nothing():
    scene = Scene()
    scene.files(
        changed(
            "mappings/subscription.yaml",
            'when: "{{ not source.psa_system_id }}"',
            'when: "{{ source.quantity + source.name }}"',
        )
    )
    made = scene.plan()
    assert "expression-failed" in {finding.code for finding in made.findings}
    assert ("create", "subscription") in actions(made)


def test_a_label_that_cannot_be_worked_out_gives_way_to_the_title():
    scene = Scene()
    scene.files(
        changed(
            "mappings/subscription.yaml",
            'label: "{{ related.account.name }}, {{ source.name }}"',
            'label: "{{ source.quantity + source.name }}"',
        )
    )
    assert "Mail" in {change.name for change in scene.plan().changes}


def test_a_contract_on_which_nothing_refers_to_the_subscription_holds_only_its_own():
    scene = Scene()
    scene.add("billing_contract", contract("empty", number="BC-7", name="Empty", end_date=None))
    made = scene.plan()
    assert blocked(made, "empty").holds_back == {}
    assert ("create", "subscription") in actions(made)


REFS = """
rules:
  - rule: small-steps
    for: license_change
    on: change
    when: "{{ refs.contract.status == 'Active' and refs.service.periodType == 'Monthly' }}"
    assert: "{{ change.units < 5 or refs.customer.companyName != 'Alpine Dental' }}"
    severity: SEVERITY
    message: >-
      {{ change.units } } for {{ refs.customer.companyName }} on
      {{ refs.contract.contractName }}:SERVICE.
    remedy: "Ask."
""".replace("} }", "}}").replace("SERVICE", " {{ refs.service.name }}")


def kept_without_units() -> Scene:
    """Autotask keeps the customer already, and bills nothing."""
    return by_hand((day(1, 1), 0))


@pytest.mark.parametrize("make", [Scene, kept_without_units])
def test_a_rule_on_a_change_sees_what_it_refers_to_directly_and_through_others(make):
    scene = make()
    scene.files({"rules/more.yaml": REFS.replace("SEVERITY", "hold")})
    made = scene.plan()
    text = "10 for Alpine Dental on Alpine CSP: Mail."
    assert blocked(made, "first").findings[0].text == text
    assert (
        blocked(made, "second").findings[0].text
        == f"waits for an earlier change of the same service: {text}"
    )


def test_a_rule_on_a_change_can_speak_without_stopping_anything():
    scene = Scene()
    scene.files({"rules/more.yaml": REFS.replace("SEVERITY", "info")})
    made = scene.plan()
    assert [(finding.code, finding.key) for finding in made.findings] == [("small-steps", "first")]
    assert actions(made).count(("adjust", "license_change")) == 2


def test_without_a_valid_target_where_nothing_is_planned():
    scene = Scene()
    settings = {**scene.project.settings, "default_contract_type": "Barter"}
    scene.project = replace(scene.project, settings=settings)
    with pytest.raises(
        ConfigError,
        match=r"mappings/contract.yaml.*target.where: contractType cannot be evaluated",
    ):
        scene.plan()


def test_target_where_may_have_several_values():
    scene = kept()
    settings = {**scene.project.settings, "default_contract_type": ["Recurring Service", 7]}
    fields = dict(scene.project.mappings["contract"].fields)
    del fields["contractType"]
    mappings = {
        **scene.project.mappings,
        "contract": replace(scene.project.mappings["contract"], fields=fields),
    }
    scene.project = replace(scene.project, settings=settings, mappings=mappings)
    assert ("link", "contract") in actions(scene.plan())
