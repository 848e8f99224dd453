"""What the tests of a project reach: fields, rules, branches of expressions and policies."""

from decimal import Decimal

import pytest
from msgspec.structs import replace
from trueup.model.finding import Place
from trueup.model.mapping import PolicyOverride, PolicyPart, Value
from trueup.operations.testing.coverage import covered
from trueup.operations.testing.run import run_test

from tests.support.project_tests import read, seeded, shipped

BEGIN = "source: {account: [{id: alpine, city: York}]}\nexpect: {plan: {}}\n"


def coverage(folder, *texts, project=None):
    tests, _ = read(folder, "---\n".join(texts))
    own = project or shipped()
    return covered(own, [run_test(own, test, record=True, seeded=seeded()) for test in tests])


def unreached(coverage, kind):
    return {one.text for one in coverage.unreached if one.kind == kind}


def test_a_field_is_reached_where_a_plan_gives_it_a_value(tmp_path):
    fields = unreached(coverage(tmp_path, f"test: a\n{BEGIN}"), "field")

    assert "customer: no plan gives city a value" not in fields
    assert "customer: no plan gives address1 a value" in fields


def test_a_rule_is_reached_where_it_finds_something(tmp_path):
    finds = BEGIN.replace("city: York", "phone: null")
    before = unreached(coverage(tmp_path, f"test: a\n{BEGIN}"), "rule")
    after = unreached(coverage(tmp_path, f"test: a\n{BEGIN}", f"test: b\n{finds}"), "rule")

    assert before - after == {"rule customer-has-a-phone finds nothing"}


def test_a_branch_is_reached_where_it_is_evaluated(tmp_path):
    text = "an `if` is never true: {{ source.price if source.price and source.price > 0 else 0 }}"
    free = "source: {product: [{id: one, price: 0}]}\nexpect: {plan: {}}\n"
    priced = free.replace("price: 0", "price: 5")

    assert text in unreached(coverage(tmp_path, f"test: a\n{free}"), "branch")
    both = coverage(tmp_path, f"test: a\n{free}", f"test: b\n{priced}")
    assert text not in unreached(both, "branch")


def test_policies_are_reached_by_increases_decreases_and_rows(tmp_path):
    mapping = shipped().mappings["subscription"]
    override = PolicyOverride(
        {"customer": "granby"}, {PolicyPart.MINIMUM: Value(5, Place(""))}, Place("a.yaml", 7, 3)
    )
    policy = replace(mapping.policy, overrides=(override,))
    mappings = {**shipped().mappings, "subscription": replace(mapping, policy=policy)}
    project = replace(shipped(), mappings=mappings)

    def change(name, customer, units):
        return (
            f"test: {name}\nsource:\n  account: [{customer}]\n"
            f"  subscription: [{{id: mail, customer: {customer}, quantity: {10 + units}}}]\n"
            f"  license_change: [{{subscription: mail, quantity: {units}}}]\n"
            "target: {units: {mail: 10}}\nexpect: {plan: {}}\n"
        )

    assert unreached(coverage(tmp_path, change("a", "alpine", 2), project=project), "policy") == {
        "subscription: included changes the units of no row",
        "subscription: no plan has a decrease",
        "subscription: refund: no credit is owed",
        "subscription: the override for customer granby holds for no row",
    }
    both = coverage(tmp_path, change("a", "alpine", 2), change("b", "granby", -2), project=project)
    assert unreached(both, "policy") == {
        "subscription: included changes the units of no row",
        "subscription: refund: no credit is owed",
    }


@pytest.mark.parametrize(
    ("part", "value", "text", "quantity", "reaching"),
    [
        (PolicyPart.INCLUDED, 3, "included changes the units of no row", 0, 12),
        (PolicyPart.MINIMUM, 20, "minimum changes the units of no row", 21, 12),
        (PolicyPart.ROUNDING, "up", "rounding changes the units of no row", 12, Decimal("12.5")),
        (PolicyPart.CEILING, 15, "ceiling holds no change", 12, 16),
        (PolicyPart.INCREASE, "as_dated", "no plan has an increase", 8, 12),
        (PolicyPart.DECREASE, "as_dated", "no plan has a decrease", 12, 8),
    ],
)
def test_each_part_of_a_policy_is_reached_where_it_makes_a_difference(
    tmp_path, part, value, text, quantity, reaching
):
    mapping = shipped().mappings["subscription"]
    policy = replace(mapping.policy, parts={part: Value(value, Place("a.yaml", 5, 3))})
    mappings = {**shipped().mappings, "subscription": replace(mapping, policy=policy)}
    project = replace(shipped(), mappings=mappings)

    def change(name, quantity):
        return (
            f"test: {name}\nsource:\n  account: [alpine]\n"
            f"  subscription: [{{id: mail, customer: alpine, quantity: {quantity}}}]\n"
            f"  license_change: [{{subscription: mail, quantity: {quantity - 10}}}]\n"
            "target: {units: {mail: 10}}\nexpect: {plan: {}}\n"
        )

    without = coverage(tmp_path, change("a", quantity), project=project)
    both = coverage(tmp_path, change("a", quantity), change("b", reaching), project=project)

    assert unreached(without, "policy") == {f"subscription: {text}"}
    assert unreached(both, "policy") == set()


def test_a_product_for_refunds_is_reached_where_a_credit_is_owed(tmp_path):
    mapping = shipped().mappings["subscription"]
    policy = replace(
        mapping.policy, parts={PolicyPart.REFUND: Value("Licence credit", Place("a.yaml", 5, 3))}
    )
    mappings = {**shipped().mappings, "subscription": replace(mapping, policy=policy)}
    project = replace(shipped(), mappings=mappings)

    def less(more):
        return (
            "test: a\nas_of: 2026-11-15\nsource:\n  account: [alpine]\n"
            "  subscription: [{id: mail, customer: alpine, quantity: 8}]\n"
            "  license_change:\n"
            "    - {id: log, subscription: mail, quantity: -2, effective_date: 2026-10-20}\n"
            f"target: {{units: {{mail: 10}}, posted: 2026-10-31}}\n{more}expect: {{plan: {{}}}}\n"
        )

    pushed = "decisions: [{mapping: license_change, key: log, do: push, reason: agreed}]\n"
    never = coverage(tmp_path, less(""), project=project)
    owed = coverage(tmp_path, less(pushed), project=project)

    assert unreached(never, "policy") == {"subscription: refund: no credit is owed"}
    assert unreached(owed, "policy") == set()


def test_totals_count_what_there_is(tmp_path):
    found = coverage(tmp_path, f"test: a\n{BEGIN}")

    assert found.totals["rule"] == len(shipped().rules)
    assert found.reached("rule") == 0
    assert found.totals["policy"] == len(shipped().mappings["subscription"].policy.parts)
