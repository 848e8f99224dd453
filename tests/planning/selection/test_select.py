"""A part of the plan: what was asked for, with all that it needs."""

from decimal import Decimal

import pytest
from trueup.errors import EngineError
from trueup.model.plan import LedgerClass, Outside

from tests.support.scene import (
    Scene,
    account,
    actions,
    contract,
    day,
    log,
    product,
    settled,
    subscription,
)
from tests.support.small_project import changed, decisions
from tests.support.starting_points import REPEATED, twins


def both() -> Scene:
    """Two customers, each with a subscription of its own service."""
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("bc", name="Brook CSP", number="BC-2", customer="b"))
    scene.add("product", product("ext", name="Extra"))
    scene.add(
        "subscription",
        subscription("bs", 3, name="Extra", customer="b", contract="bc", product="ext"),
    )
    scene.add("license_change", log("b first", day(11, 2), 3, subscription="bs"))
    return scene


def ids(made) -> set[str]:
    return {change.id for change in made.changes}


def shown_rows(made) -> dict[str, set[str]]:
    """The keys of all that a plan shows besides changes."""
    return {
        "blocked": {one.key for one in made.blocked},
        "findings": {one.key for one in made.findings},
        "ledger": {line.key or str(line.record) for line in made.ledger},
        "left": {name for group in made.left_out for name in group.names},
    }


def troubled() -> Scene:
    """Two customers, each with a blocked contract, a held change, a row left out and a warning."""
    scene = both()
    scene.sync()
    for id_, of in (("acc", "sub"), ("b", "bs")):
        scene.add(
            "billing_contract", contract(f"{id_} new", number=None, name=f"New {id_}", customer=id_)
        )
        scene.add(
            "subscription",
            subscription(f"{id_} free", 1, customer=id_, billable=False, contract=f"{id_} new"),
        )
        scene.add(
            "license_change",
            log(f"{id_} late", day(11, 25), 1, subscription=of, provisioning_status="Failed"),
        )
        scene.row("subscription", of)["quantity"] += 1
    scene.files({"rules/more.yaml": WARNING})
    return scene


WARNING = """
rules:
  - rule: has-a-number
    for: customer
    assert: "{{ source.number == 'none' }}"
    severity: warning
    message: "Its number is {{ source.number }}."
    remedy: "Look."
  - rule: figures
    on: plan
    assert: "{{ plan.blocked == 0 }}"
    severity: warning
    message: "{{ plan.blocked }} blocked, {{ plan.held }} held, {{ plan.creates }} new."
    remedy: "Look."
"""


ALPINE = {
    "customer:acc",
    "service:pro",
    "contract:con",
    "subscription:sub",
    "subscription:sub:mark",
}
BROOK = {
    "customer:b",
    "service:ext",
    "contract:bc",
    "subscription:bs",
    "subscription:bs:mark",
    "license_change:b first",
    "license_change:b first:mark",
}


def test_everything_is_kept_where_nothing_is_requested():
    assert both().plan().selection == ""


def test_a_target_includes_what_it_needs_and_shows_it():
    made = both().plan(targets=("subscription:sub",))
    assert ids(made) == ALPINE
    assert made.selection == "only subscription:sub, with 3 that they need"


def test_a_whole_mapping_can_be_the_target():
    made = both().plan(targets=("customer",))
    assert (ids(made), made.selection) == ({"customer:acc", "customer:b"}, "only customer")


def test_several_targets_are_joined():
    assert ids(both().plan(targets=("customer:b", "service:ext"))) == {"customer:b", "service:ext"}


def test_a_change_that_is_targeted_takes_along_everything_before_it():
    made = both().plan(targets=("license_change:b first",))
    assert ids(made) == BROOK - {"subscription:bs:mark"}


def test_what_is_excluded_is_left_with_all_that_needs_it():
    made = both().plan(exclude=("contract:bc",))
    assert ids(made) == {one.id for one in both().plan().changes} - (
        BROOK - {"customer:b", "service:ext"}
    )
    assert made.selection == "without contract:bc"


def test_what_a_target_needs_can_be_excluded_and_then_nothing_is_left():
    assert ids(both().plan(targets=("subscription:sub",), exclude=("contract",))) == set()


@pytest.mark.parametrize("name", ["b", "Brook Ltd"])
def test_a_customer_is_everything_under_it_by_key_or_by_name(name):
    made = both().plan(customer=name)
    assert ids(made) == BROOK
    assert made.selection == f"only customer {name}, with 1 that they need"


def test_a_customer_takes_along_its_daughters_however_deep():
    scene = Scene()
    scene.add(
        "account",
        account("a", name="Grandchild", number="C-1", parent="b"),
        account("b", name="Child", number="C-2", parent="acc"),
    )
    assert {"customer:acc", "customer:b", "customer:a"} <= ids(scene.plan(customer="acc"))


def test_a_correction_of_a_customers_subscription_is_under_the_customer():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions(scene.correct()))
    assert ids(scene.plan(customer="acc")) == {"license_change:correct:sub"}
    assert ids(scene.plan(targets=("subscription:sub",))) == {"license_change:correct:sub"}


def test_a_mark_that_is_repeated_is_under_its_customer():
    scene = settled()
    scene.row("license_change", "first")["status"] = "Active"
    assert ids(scene.plan(customer="acc")) == {"license_change:first:mark"}


def test_a_further_service_is_under_its_customer_and_its_subscription():
    scene = twins(settled())
    scene.files(REPEATED)
    assert "subscription:twin" in ids(scene.plan(customer="acc"))
    assert "subscription:twin" in ids(scene.plan(targets=("subscription:twin",)))


@pytest.mark.parametrize("option", ["targets", "exclude"])
def test_a_mapping_that_is_not_there_is_refused_with_those_that_are(option):
    for scene in (Scene(), settled()):
        with pytest.raises(EngineError, match="no mapping 'custmer': the project has customer"):
            scene.plan(**{option: ("custmer:acc",)})


def test_a_customer_that_is_not_there_is_refused():
    with pytest.raises(EngineError, match="there is no row 'Nobody'"):
        Scene().plan(customer="Nobody")


def test_a_part_is_applied_and_the_rest_is_planned_next():
    scene = both()
    assert scene.apply(scene.plan(customer="b")).complete
    assert ids(scene.plan()) == {one.id for one in both().plan().changes} - BROOK
    scene.sync()
    assert actions(scene.plan()) == []


def test_money_and_calls_are_those_of_the_part():
    whole, part = both().plan().summary, both().plan(customer="b").summary
    assert (whole.monthly, part.monthly) == (150, 30)
    assert part.apply_calls < whole.apply_calls


# What is shown besides changes


def test_a_query_for_a_customer_shows_that_customer_only():
    scene = troubled()
    whole, part = scene.plan(), scene.plan(customer="b")
    assert shown_rows(whole)["blocked"] == {"acc new", "b new", "acc late", "b late"}
    assert shown_rows(part) == {
        "blocked": {"b new", "b late"},
        "findings": {"b", ""},
        "ledger": {"bs"},
        "left": {"Brook Ltd, Mail"},
    }
    assert ids(part) == set()
    assert (part.summary.blocked, part.summary.held) == (1, 1)
    assert (whole.summary.blocked, whole.summary.held) == (2, 2)


def test_a_part_shows_how_much_is_outside_of_it():
    scene = troubled()
    scene.row("account", "acc")["phone"] = "2"
    made = scene.plan(customer="b")
    assert made.selection == "only customer b"
    assert made.outside == Outside(rows=9, changes=1, blocked=1, held=1)


def test_rules_on_the_plan_look_at_the_part():
    scene = troubled()
    text = next(one.text for one in scene.plan().findings if one.code == "figures")
    assert text == "4 blocked, 2 held, 0 new."
    text = next(one.text for one in scene.plan(customer="b").findings if one.code == "figures")
    assert text == "2 blocked, 1 held, 0 new."


def test_a_target_shows_the_rows_that_it_names_and_those_that_they_need():
    scene = troubled()
    part = scene.plan(targets=("license_change:b late",))
    assert shown_rows(part) == {
        "blocked": {"b late"},
        "findings": {"b", ""},
        "ledger": {"bs"},
        "left": set(),
    }
    part = scene.plan(targets=("contract",))
    assert shown_rows(part)["blocked"] == {"acc new", "b new"}
    assert shown_rows(part)["ledger"] == set()


def test_a_row_that_blocks_others_of_the_part_is_shown_with_those_alone():
    scene = both()
    scene.row("product", "pro")["unit"] = "Weekly"
    scene.add("subscription", subscription("also", 2, name="More", customer="b", contract="bc"))
    made = scene.plan(customer="b")
    fault = next(one for one in made.blocked if one.key == "pro")
    assert shown_rows(made)["blocked"] == {"pro", "also"}
    assert fault.holds_back == {"subscription": 1}
    assert next(one for one in scene.plan().blocked if one.key == "pro").holds_back == {
        "license_change": 2,
        "subscription": 2,
    }


def test_what_is_excluded_by_its_key_is_gone_with_all_that_refers_to_it():
    scene = troubled()
    part = scene.plan(exclude=("customer:acc",))
    assert shown_rows(part) == {
        "blocked": {"b new", "b late"},
        "findings": {"b", ""},
        "ledger": {"bs"},
        "left": {"Brook Ltd, Mail"},
    }


def test_adjustments_of_an_excluded_customer_are_not_pushed_though_it_is_long_linked():
    scene = settled()
    scene.add("license_change", log("third", day(11, 25), 3))
    scene.row("subscription")["quantity"] = Decimal(15)
    assert ids(scene.plan(exclude=("customer:acc",))) == set()
    assert "license_change:third" in ids(scene.plan(exclude=("customer",)))


def test_rows_that_wait_for_an_excluded_mapping_are_not_shown():
    scene = both()
    scene.row("account", "acc")["phone"] = None
    assert shown_rows(scene.plan(exclude=("customer",)))["blocked"] == set()
    assert shown_rows(scene.plan(exclude=("contract",)))["blocked"] == {"acc"}


def test_a_contract_service_without_a_row_belongs_to_the_customer_of_its_contract():
    scene = both()
    scene.sync()
    services = scene.target.records["ContractServices"]
    brook = next(id_ for id_, one in services.items() if scene.units(day(11, 15), id_) == 3)
    orphan = {**services[brook], "id": 9000, "internalDescription": "by hand"}
    services[9000] = orphan
    scene.target.by_hand(9000, day(11, 1), 4)
    assert [line.record for line in scene.plan().ledger if line.class_ is LedgerClass.ORPHAN] == [
        9000
    ]
    for options, shown in (
        ({"customer": "b"}, True),
        ({"customer": "acc"}, False),
        ({"targets": ("subscription",)}, True),
        ({"targets": ("subscription:bs",)}, False),
        ({"exclude": ("subscription",)}, False),
        ({"exclude": ("customer:b",)}, False),
        ({"exclude": ("customer:acc",)}, True),
    ):
        assert ("9000" in shown_rows(scene.plan(**options))["ledger"]) is shown, options


def test_a_row_that_is_gone_belongs_to_the_customer_that_its_record_is_of():
    scene = both()
    scene.sync()
    del scene.source.tables["subscription"]["bs"]
    made = scene.plan(customer="b")
    assert "bs" in shown_rows(made)["ledger"]
    assert ("gone", "bs") in {(one.code, one.key) for one in made.findings}
    assert "bs" not in shown_rows(scene.plan(customer="acc"))["ledger"]


def test_a_blocked_row_without_its_reference_is_found_by_the_customer_that_it_is_joined_to():
    scene = both()
    scene.files({"rules/more.yaml": ON_A_CONTRACT})
    scene.add("subscription", subscription("loose", 1, name="Loose", customer="b", contract=None))
    assert "loose" in shown_rows(scene.plan(customer="b"))["blocked"]
    assert "loose" not in shown_rows(scene.plan(customer="acc"))["blocked"]


def test_a_reference_that_cannot_be_worked_out_leads_to_no_customer():
    scene = both()
    broken = (
        '  companyID: {ref: customer, of: "{{ source.start_date + source.name }}"}\n  contractName'
    )
    scene.files(
        changed(
            "mappings/contract.yaml", broken.replace("start_date + source.name", "customer"), broken
        )
    )
    scene.add("billing_contract", contract("alone", number="BC-9", name="Alone", customer="b"))
    made = scene.plan(customer="b")
    assert ids(made) == {"customer:b"}
    assert shown_rows(made)["blocked"] == {
        "b first",
        "bs",
        "bc",
    }  # a subscription is joined to its account, and waits


ON_A_CONTRACT = """
rules:
  - rule: on-a-contract
    for: subscription
    assert: "{{ source.contract }}"
    severity: error
    message: "It is on no contract."
    remedy: "Choose one."
"""


# Which row is meant


def test_a_row_is_meant_by_its_name_or_the_start_of_its_key_as_well():
    scene = both()
    scene.add("account", account("0123abcd-77", name="Cedar Ltd", number="C-1"))
    for name in ("Cedar Ltd", "cedar ltd", "0123abcd", "Cedar…", "0123abcd-77"):
        assert ids(scene.plan(targets=(f"customer:{name}",))) == {"customer:0123abcd-77"}
        assert ids(scene.plan(customer=name)) == {"customer:0123abcd-77"}
        assert "customer:0123abcd-77" not in ids(scene.plan(exclude=(f"customer:{name}",)))
    assert ids(scene.plan(customer="customer:Cedar Ltd")) == {"customer:0123abcd-77"}


@pytest.mark.parametrize("option", ["targets", "exclude"])
def test_a_row_that_is_not_there_is_refused_with_the_nearest_one(option):
    scene = both()
    for wrong, text in (
        (
            "customer:ZZZ",
            "there is no row 'ZZZ' of customer: give its key, or its name as the plan shows it$",
        ),
        (
            "customer:Brok Ltd",
            "there is no row 'Brok Ltd' of customer: .*; did you mean 'Brook Ltd'",
        ),
        (
            "license_change:b frst",
            "there is no row 'b frst' of license_change: .*; did you mean 'b first'",
        ),
        ("contract:", "there is no row '' of contract"),
        ("contracts", "; did you mean 'contract'"),
    ):
        with pytest.raises(EngineError, match=text):
            scene.plan(**{option: (wrong,)})


def test_a_customer_that_is_not_there_is_refused_with_the_nearest_one():
    with pytest.raises(
        EngineError, match=r"there is no row 'Brok': give its key, .*; did you mean 'Brook Ltd'"
    ):
        both().plan(customer="Brok")


def test_a_name_that_several_rows_have_is_refused_and_they_are_shown():
    scene = both()
    scene.add("account", account("c", name="Brook Ltd", number="C-1"))
    text = (
        r"'Brook Ltd' may be any of 2 rows.*: "
        r"customer:b \(Brook Ltd\); customer:c \(Brook Ltd\); give the key"
    )
    for options in (
        {"customer": "Brook Ltd"},
        {"targets": ("customer:Brook Ltd",)},
        {"exclude": ("customer:Brook Ltd",)},
    ):
        with pytest.raises(EngineError, match=text):
            scene.plan(**options)


def test_of_a_customer_and_its_contract_of_one_name_the_customer_is_meant():
    scene = both()
    scene.row("billing_contract", "bc")["name"] = "Brook Ltd"
    assert ids(scene.plan(customer="Brook Ltd")) == BROOK


def test_a_customer_and_a_service_of_one_name_are_distinguished_by_their_mapping():
    scene = both()
    scene.row("product", "yea")["name"] = "Brook Ltd"
    with pytest.raises(EngineError, match=r"may be any of 2 rows: customer:b .*service:yea"):
        scene.plan(customer="Brook Ltd")
    assert ids(scene.plan(customer="customer:Brook Ltd")) == BROOK


def test_a_row_in_scope_is_meant_before_one_of_the_same_name_that_is_not():
    scene = both()
    scene.add("account", account("old", name="Brook Ltd", number="O-1", state="Inactive"))
    assert ids(scene.plan(customer="Brook Ltd")) == BROOK
    scene.add("account", account("gone", name="Past Ltd", number="P-1", state="Inactive"))
    assert ids(scene.plan(customer="Past Ltd")) == set()
