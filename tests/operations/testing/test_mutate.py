"""Mutants of a project: what is changed, and which changes tests notice."""

import pytest
from msgspec.structs import replace
from trueup.errors import EngineError
from trueup.model.testing import Reached
from trueup.operations.listener import Listener
from trueup.operations.testing.mutants import mutants
from trueup.operations.testing.mutate import run_mutants

from tests.support.project_tests import SHIPPED, shipped

RULE = "product-is-active"
LEFT_OUT = (
    "test: left out\nsource: {product: [{id: old, state: Retired}]}\nexpect: {plan: nothing}\n"
)
CREATED = (
    "test: created\nsource: {product: [{id: new, cost: 3}]}\n"
    "expect: {plan: {create: [{service: new, unitCost: 3}]}}\n"
)


@pytest.fixture(scope="module")
def project():
    """The shipped project with one rule."""
    rules = tuple(rule for rule in shipped().rules if rule.name == RULE)
    return replace(shipped(), rules=rules)


@pytest.fixture(scope="module")
def tests(tmp_path_factory):
    """Writes tests; returns their folder."""

    def write(*texts):
        tmp_path = tmp_path_factory.mktemp("tests")
        (tmp_path / "some.yaml").write_text("---\n".join(texts), encoding="utf-8")
        defaults = (SHIPPED / "defaults.yaml").read_text(encoding="utf-8")
        (tmp_path / "defaults.yaml").write_text(defaults, encoding="utf-8")
        return [tmp_path]

    return write


@pytest.fixture(scope="module")
def of_created(project, tests):
    """The mutants with one test, and the progress that was reported."""
    seen = []
    return run_mutants(project, tests(CREATED), 1, Listener(progress=seen.append)), seen


def texts(mutation, mapping="service"):
    return {one.text for one in mutation.survivors if mapping in one.text or RULE in one.text}


def test_each_mutant_differs_from_the_project_in_one_part(project):
    found = [*mutants(project)]

    assert len({(one.place, one.text) for one in found}) > 100
    for mutant in found:
        other = mutant.project
        differing = [
            name for name, mapping in project.mappings.items() if other.mappings[name] != mapping
        ]
        assert (differing == []) != (other.rules == project.rules), mutant.text
        assert len(differing) <= 1


def test_a_rule_has_mutants_of_its_severity_and_its_conditions(project):
    assert [one.text for one in mutants(project) if RULE in one.text] == [
        f"rule {RULE} is removed",
        f"rule {RULE}: skip → error",
        f"rule {RULE}: == → !=",
    ]


def test_a_mutant_is_reached_by_tests_that_reach_its_part(project):
    removed = next(mutants(project))

    assert removed.is_reached(Reached(frozenset(), frozenset(), frozenset({RULE}), frozenset()))
    assert not removed.is_reached(Reached(frozenset(), frozenset(), frozenset(), frozenset()))


def test_a_change_that_a_test_notices_does_not_survive(project, tests):
    mutation = run_mutants(project, tests(LEFT_OUT, CREATED), jobs=2)

    survivors = texts(mutation)
    assert f"rule {RULE} is removed" not in survivors
    assert f"rule {RULE}: == → !=" not in survivors
    assert f"rule {RULE}: skip → error" in survivors, "no test names the severity"
    assert "service: unitCost has no value" not in survivors
    assert "service: sku has no value" in survivors, "no test names the part number"


def test_a_survivor_shows_how_many_tests_reach_it(of_created):
    mutation, _ = of_created

    reach = {one.text: one.tests for one in mutation.survivors}
    assert reach[f"rule {RULE} is removed"] == 0
    assert reach["service: sku has no value"] == 1


def test_progress_is_reported_for_each_mutant(of_created):
    mutation, seen = of_created

    assert [one.done for one in seen] == [*range(1, mutation.total + 1)]


def test_tests_that_fail_without_a_change_are_an_error(project, tests):
    with pytest.raises(EngineError, match="'created' fails without any change"):
        run_mutants(project, tests(CREATED.replace("unitCost: 3", "unitCost: 4")), jobs=1)
