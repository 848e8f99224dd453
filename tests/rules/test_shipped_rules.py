"""Each shipped rule finds its fault, gives its message, and is the only one that does."""

from functools import cache

import pytest
from trueup.model.finding import Finding

from tests.rules.cases import CASES, Case
from tests.rules.small_tenant import Small, findings, shipped

NAMES = [f"{case.rule}: {case.text[:40]}" for case in CASES]


@cache
def plan_findings(case: Case, without: str) -> list[Finding]:
    """Returns the findings of a plan with the fault, with the rule `without` switched off."""
    small = Small()
    case.fault(small)
    return [*findings(small.plan(without=without))]


def rule_messages(case: Case, without: str = "") -> list[tuple[str, str]]:
    """Returns the severity and text of each finding of the rule."""
    return [
        (str(finding.severity), finding.text)
        for finding in plan_findings(case, without)
        if finding.code == case.rule
    ]


def test_a_customer_without_faults_has_no_findings():
    made = Small().plan()
    assert [*findings(made)] == []
    assert [str(change.action) for change in made.changes if change.action == "adjust"] == [
        "adjust"
    ]


def test_a_new_customer_without_faults_has_no_findings():
    small = Small()
    small.new()
    made = small.plan()
    assert [*findings(made)] == []
    assert [change.units for change in made.changes if change.action == "adjust"] == [(0, 12)]


def test_every_shipped_rule_has_a_case():
    assert {rule.name for rule in shipped().rules} == {case.rule for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_a_rule_reports_its_fault_with_its_message(case):
    assert (case.severity, case.text) in rule_messages(case)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_no_other_rule_reports_the_fault(case):
    texts = [finding.text for finding in plan_findings(case, case.rule)]
    assert rule_messages(case, case.rule) == []
    assert case.text not in texts


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_each_finding_has_a_remedy(case):
    rule = next(rule for rule in shipped().rules if rule.name == case.rule)
    remedies = [
        finding.remedy
        for finding in plan_findings(case, "")
        if finding.code == case.rule and finding.severity != "skip"
    ]
    assert rule.remedy.raw
    assert all(remedy and "{{" not in remedy and "None" not in remedy for remedy in remedies)


def test_an_unknown_country_is_reported_once_and_not_as_bad_phones():
    small = Small()
    small.row("account")["country"] = "Swissland"
    small.row("contact")["phone"] = "044 668 18 02"
    codes = {finding.code for finding in findings(small.plan())}
    assert codes == {"customer-country-is-known", "depends-on-blocked"}


def test_a_decrease_that_is_credited_asks_for_no_other_credit():
    """Without its adjustment, the units of the change would stay billed, and hold later changes."""
    case = next(case for case in CASES if case.rule == "reduction-is-credited")
    [remedy] = {one.remedy for one in plan_findings(case, "") if one.code == case.rule}

    assert "archive" not in remedy
    assert remedy.endswith("for them: they would be credited twice.")
