"""Each shipped rule: the fault that it is about, what it says of it, and that nobody else says it."""

import pytest

from tests.rules.cases import CASES
from tests.rules.small import Small, findings, shipped

NAMES = [f"{case.rule}: {case.text[:40]}" for case in CASES]


def said(small: Small, rule: str, *, without: str = "") -> list[tuple[str, str]]:
    return [(str(one.severity), one.text) for one in findings(small.plan(without=without)) if one.code == rule]


def test_a_sound_customer_gives_no_finding():
    made = Small().plan()
    assert [*findings(made)] == []
    assert [str(change.action) for change in made.changes if change.action == "adjust"] == ["adjust"]


def test_a_sound_customer_that_is_new_gives_no_finding():
    small = Small()
    small.new()
    made = small.plan()
    assert [*findings(made)] == []
    assert [change.units for change in made.changes if change.action == "adjust"] == [(0, 12)]


def test_every_shipped_rule_has_a_case():
    assert {rule.name for rule in shipped().rules} == {case.rule for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_fault_is_found_in_these_words(case):
    small = Small()
    case.fault(small)
    assert (case.severity, case.text) in said(small, case.rule)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_without_the_rule_nobody_says_so(case):
    small = Small()
    case.fault(small)
    texts = [one.text for one in findings(small.plan(without=case.rule))]
    assert said(small, case.rule, without=case.rule) == []
    assert case.text not in texts


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_says_what_to_do(case):
    small = Small()
    case.fault(small)
    rule = next(rule for rule in shipped().rules if rule.name == case.rule)
    remedies = [one.remedy for one in findings(small.plan()) if one.code == case.rule and one.severity != "skip"]
    assert rule.remedy.raw
    assert all(remedy and "{{" not in remedy and "None" not in remedy for remedy in remedies)
