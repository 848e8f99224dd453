"""The scenarios that are written in the language of `trueup test`: the files *.yaml beside this."""

import re
from functools import cache
from pathlib import Path

import pytest
from trueup.model.testing import ProjectTest
from trueup.operations.testing.files import read_tests
from trueup.operations.testing.run import run_test

from tests.support.project_tests import seeded, shipped, shown

HERE = Path(__file__).parent
NAMES = [
    pytest.param(file.name, name, id=f"{file.stem}: {name}")
    for file in sorted(HERE.glob("*.yaml"))
    for name in re.findall("^test: (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
]


@cache
def scenarios_in(file: str) -> dict[str, ProjectTest]:
    """The tests of a file by name; there is nothing wrong with them."""
    tests, findings = read_tests(shipped(), [HERE / file])
    assert [finding.line() for finding in findings] == []
    return {test.name: test for test in tests}


@pytest.mark.parametrize(("file", "name"), NAMES)
def test_the_scenario_holds(file, name):
    result = run_test(shipped(), scenarios_in(file)[name], seeded=seeded())
    assert (result.error, shown(result)) == ("", [])
