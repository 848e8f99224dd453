"""The plan of the demo: most of it goes through.

Every fault that a rule is about is found once or twice.
"""

import shutil
from collections import Counter
from decimal import Decimal

import pytest
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.render.text import plan_text

from tests.support.paths import ROOT

# Faults of trueup.yaml itself: with them, nothing of the demo would go through.
OF_SETTINGS = {
    "service-billing-code-resolves",
    "product-billing-code-resolves",
    "customer-owner-resolves",
    "service-manufacturer-needs-a-vendor-type",
    "product-manufacturer-needs-a-vendor-type",
    "setup-fee-has-a-billing-code",
    "setup-fee-billing-code-resolves",
}
# A country that is spelled out is understood, and all countries of the demo are in Autotask.
OF_COUNTRIES = {"customer-country-is-known", "customer-country-resolves"}
# Every subscription of the demo has a quantity.
OF_QUANTITIES = {"subscription-quantity-is-known"}
# Every e-mail field of the demo has one address.
OF_ADDRESSES = {"contact-email-is-one-address"}
# The same fault as on a service, which is in the demo.
ON_SERVICES = {"one-off-product-is-active", "product-vendor-resolves"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    for name in ("mappings", "rules", "examples"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "trueup.yaml", folder)
    project = load_project(folder)
    return project, plan(project)


def test_the_readme_shows_the_plan_as_it_is(demo):
    _, made = demo
    shown = (
        (ROOT / "README.md").read_text(encoding="utf-8").split("$ trueup plan --out plan.json\n")[1]
    )
    lines = {" ".join(line.split()) for line in plan_text(made).splitlines()}
    for line in shown.split("Saved to plan.json")[0].splitlines():
        assert line == "…" or " ".join(line.split()) in lines


def counted_codes(made):
    codes = Counter(finding.code for finding in made.findings)
    codes.update(finding.code for blocked in made.blocked for finding in blocked.findings)
    codes.update({left.code: len(left.names) for left in made.left_out})
    return codes


def test_every_fault_that_a_rule_is_about_is_there(demo):
    project, made = demo
    silent = {rule.name for rule in project.rules} - counted_codes(made).keys()
    assert silent == OF_SETTINGS | ON_SERVICES | OF_COUNTRIES | OF_QUANTITIES | OF_ADDRESSES


def test_a_country_that_is_spelled_out_is_understood(demo):
    _, made = demo
    created = next(one for one in made.changes if one.name == "Tamarack Legal Group LLP")
    assert (created.entity, created.values["countryID"]) == ("Companies", 237)


def test_each_fault_is_there_once_or_a_few_times(demo):
    project, made = demo
    codes = counted_codes(made)
    assert {rule.name: codes[rule.name] for rule in project.rules if codes[rule.name] > 5} == {}


def test_no_expression_fails_on_any_row(demo):
    _, made = demo
    assert counted_codes(made)["expression-failed"] == 0


def test_a_first_run_fits_the_shipped_limits(demo):
    _, made = demo
    assert made.exceeded == ()


def test_three_in_four_subscriptions_go_through(demo):
    _, made = demo
    stopped = {blocked.key for blocked in made.blocked if blocked.mapping == "subscription"}
    left = sum(len(one.names) for one in made.left_out if one.mapping == "subscription")
    assert len(stopped) + left < 180 / 4


def test_what_the_design_shows_is_in_the_plan(demo):
    _, made = demo
    change = next(
        one
        for one in made.changes
        if one.name == "Alpine Dental AG, Microsoft 365 Business Premium, yearly" and one.units
    )
    assert (change.units, change.monthly, str(change.values["effectiveDate"])) == (
        (12, 15),
        Decimal("50.4"),
        "2026-11-15",
    )
    line = next(
        one
        for one in made.ledger
        if one.name == "Dunmore Surveyors, Exchange Online (Plan 1), monthly"
    )
    assert (line.quantity, line.units, line.difference, line.monthly) == (20, 18, 2, Decimal("6.4"))
