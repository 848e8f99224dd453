"""What a decision leads to, from the ledger's line: the same as the plans with and without it."""

import pytest
from msgspec.structs import replace
from trueup.model.verdict import Verdict
from trueup.operations.decision_entries import RequestedDecision
from trueup.operations.decision_outlook import outlooks, ways_of
from trueup.operations.plan import plan
from trueup.operations.project import load_project
from trueup.operations.propose import propose

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """One line differs, one differs and holds its change, one holds a change for another reason."""
    folder = tmp_path_factory.mktemp("outlook") / "work"
    waits = {"provisioning_status": "Awaiting Provisioning"}
    World(
        folder,
        Service("two", seats=10, billed=8),
        Service("both", seats=15, billed=8, changes={"2026-11-10": 4}),
        Service("held", seats=12, changes={"2026-11-12": 2}, log=waits),
        Service("late", seats=12, changes={"2026-10-10": 2}, posted="2026-10-31"),
        Service("more", seats=13, changes={"2026-11-10": 3}),
    )
    return load_project(folder)


@pytest.fixture(scope="module")
def made(project):
    return plan(project)


@pytest.fixture(scope="module")
def lines(made):
    return {line.key: line for line in made.ledger}


CASES = [
    ("two", Verdict.CORRECT),
    ("both", Verdict.CORRECT),
    ("both", Verdict.ARCHIVE),
    ("late", Verdict.PUSH),
]


@pytest.mark.parametrize(("key", "verdict"), CASES)
def test_units_and_money_are_those_of_the_plans_with_and_without_it(
    project, made, lines, key, verdict
):
    [shown] = [
        one for one in outlooks(project, ways_of(made), lines[key]) if one.verdict is verdict
    ]
    proposal = propose(project, [RequestedDecision(shown.mapping, shown.key, verdict, "a reason")])
    effect = proposal.effect

    assert shown.after - shown.before == effect.units
    assert shown.monthly == effect.monthly
    assert shown.before == lines[key].units + lines[key].moved
    assert shown.left == lines[key].quantity - shown.after


def test_what_the_decisions_are_is_what_the_remedies_name(project, made, lines):
    found = {
        key: [one.verdict for one in outlooks(project, ways_of(made), line)]
        for key, line in lines.items()
    }

    assert found == {
        "two": [Verdict.CORRECT],
        "both": [Verdict.CORRECT, Verdict.ARCHIVE],
        "held": [],
        "late": [Verdict.PUSH],
        "more": [],
    }


def test_a_line_that_is_not_known_has_none(project, lines):
    line = lines["two"]

    assert outlooks(project, {}, replace(line, units=None)) == ()
    assert outlooks(project, {}, replace(line, key="")) == ()
    assert outlooks(project, {}, replace(line, price=None))[0].monthly is None


def test_of_changes_that_are_held_together_no_single_one_is_offered(project, made, lines):
    line = lines["both"]
    several = (replace(line.held[0], keys=("log-both", "log-other")),)

    verdicts = [
        one.verdict for one in outlooks(project, ways_of(made), replace(line, held=several))
    ]
    assert verdicts == [Verdict.CORRECT]
