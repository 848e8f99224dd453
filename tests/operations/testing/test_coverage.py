"""What the tests of a project reach: fields, rules, branches of expressions and policies."""

from dataclasses import replace

from trueup.model.finding import Place
from trueup.model.project import PolicyOverride, PolicyPart, Value
from trueup.operations.testing.coverage import covered
from trueup.operations.testing.run import run_test

from tests.support.project_tests import read, shipped

BEGIN = "source: {account: [{id: alpine, city: York}]}\nexpect: {plan: {}}\n"


def coverage(folder, *texts, project=None):
    tests, defaults, _ = read(folder, "---\n".join(texts))
    own = project or shipped()
    return covered(own, [run_test(own, test, defaults, record=True) for test in tests])


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
        "subscription: no plan has a decrease",
        "subscription: the override for customer granby holds for no row",
    }
    both = coverage(tmp_path, change("a", "alpine", 2), change("b", "granby", -2), project=project)
    assert unreached(both, "policy") == set()


def test_totals_count_what_there_is(tmp_path):
    found = coverage(tmp_path, f"test: a\n{BEGIN}")

    assert found.totals["rule"] == len(shipped().rules)
    assert found.reached("rule") == 0
    assert found.totals["policy"] == 2
