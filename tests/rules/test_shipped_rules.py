"""Each shipped rule: the fault that it is about, what it says of it, and that nobody else says it."""

from functools import cache

import pytest

from engine.model.finding import Finding
from tests.rules.cases import CASES, Case
from tests.rules.small import Small, findings, shipped

NAMES = [f"{case.rule}: {case.text[:40]}" for case in CASES]


@cache
def of(case: Case, without: str) -> list[Finding]:
    """What the plan says where that fault is, perhaps without a rule."""
    small = Small()
    case.fault(small)
    return [*findings(small.plan(without=without))]


def said(case: Case, without: str = "") -> list[tuple[str, str]]:
    return [(str(one.severity), one.text) for one in of(case, without) if one.code == case.rule]


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
    assert (case.severity, case.text) in said(case)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_without_the_rule_nobody_says_so(case):
    texts = [one.text for one in of(case, case.rule)]
    assert said(case, case.rule) == []
    assert case.text not in texts


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_it_says_what_to_do(case):
    rule = next(rule for rule in shipped().rules if rule.name == case.rule)
    remedies = [one.remedy for one in of(case, "") if one.code == case.rule and one.severity != "skip"]
    assert rule.remedy.raw
    assert all(remedy and "{{" not in remedy and "None" not in remedy for remedy in remedies)
