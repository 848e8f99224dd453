"""A part of the plan: what was asked for, with all that it needs."""

from decimal import Decimal

import pytest

from engine.errors import EngineError
from tests.pipeline.files import decisions
from tests.pipeline.scene import Scene, account, actions, contract, day, log, product, settled, subscription
from tests.pipeline.stories import REPEATED, twins


def both() -> Scene:
    """Two customers, each with a subscription of its own service."""
    scene = Scene()
    scene.add("account", account("b", name="Brook Ltd", number="B-1"))
    scene.add("billing_contract", contract("bc", name="Brook CSP", number="BC-2", customer="b"))
    scene.add("product", product("ext", name="Extra"))
    scene.add("subscription", subscription("bs", 3, name="Extra", customer="b", contract="bc", product="ext"))
    scene.add("license_change", log("b first", day(11, 2), 3, subscription="bs"))
    return scene


def ids(made) -> set[str]:
    return {change.id for change in made.changes}


ALPINE = {"customer:acc", "service:pro", "contract:con", "subscription:sub", "subscription:sub:mark"}
BROOK = {
    "customer:b", "service:ext", "contract:bc", "subscription:bs", "subscription:bs:mark", "license_change:b first",
    "license_change:b first:mark",
}  # fmt: skip


def test_everything_is_kept_where_nothing_is_asked_for():
    assert both().plan().selection == ""


def test_a_target_takes_along_what_it_needs_and_says_so():
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
    assert ids(made) == {one.id for one in both().plan().changes} - (BROOK - {"customer:b", "service:ext"})
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
    scene.add("account", account("a", name="Grandchild", number="C-1", parent="b"),
              account("b", name="Child", number="C-2", parent="acc"))  # fmt: skip
    assert {"customer:acc", "customer:b", "customer:a"} <= ids(scene.plan(customer="acc"))


def test_a_correction_of_a_customers_subscription_is_under_the_customer():
    scene = settled()
    scene.row("subscription")["quantity"] = Decimal(15)
    scene.files(decisions("{mapping: subscription, key: sub, do: correct, reason: counted}"))
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
