"""The tests of the shipped project: they pass, and each mapping and each rule has one."""

import pytest
from trueup.operations.testing.suite import checked_tests, run_all

from tests.support.project_tests import SHIPPED, shipped


@pytest.fixture(scope="module")
def tests():
    return checked_tests(shipped(), [SHIPPED])


def test_the_tests_of_the_shipped_project_pass(tests):
    results = [*run_all(shipped(), tests, jobs=1, seconds=None)]

    assert [one.name for one in results] == [one.name for one in tests]
    assert [one for one in results if not one.passed] == []


def test_each_rule_of_the_shipped_project_has_a_test(tests):
    expected = {one.code for test in tests for one in test.expect.findings or ()}

    assert {rule.name for rule in shipped().rules} - expected == set()


def test_each_mapping_of_the_shipped_project_has_a_test_of_its_records(tests):
    rows = {
        (str(action), change.mapping)
        for test in tests
        if test.expect.plan
        for action, changes in test.expect.plan.changes.items()
        for change in changes
    }

    created = {mapping for action, mapping in rows if action == "create"}
    appended = {mapping for action, mapping in rows if action == "write back"}
    assert created | appended == {*shipped().mappings}
