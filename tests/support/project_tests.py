"""Tests of a project as YAML texts: read and run, in this process."""

from functools import cache
from pathlib import Path

from trueup.config.testing.loader import load_tests
from trueup.config.testing.test_file import TestFile
from trueup.model.finding import Finding
from trueup.model.project import Project
from trueup.model.testing import ProjectTest, ProjectTestResult
from trueup.operations.project import load_project
from trueup.operations.testing.run import run_test
from trueup.sandbox.autotask.local import SeededSandboxes

from tests.support.paths import ROOT

SHIPPED = ROOT / "tests" / "project"


@cache
def shipped() -> Project:
    """The project that ships."""
    return load_project(ROOT)


@cache
def seeded() -> SeededSandboxes:
    """What the targets of tests of the shipped catalogue begin with."""
    return SeededSandboxes(shipped().catalogue.entities)


def read(
    folder: Path, text: str, defaults: str | None = None
) -> tuple[list[ProjectTest], list[Finding]]:
    """The tests of one file; `defaults` are its defaults.yaml, the shipped ones if None."""
    file, beside = folder / "some.yaml", SHIPPED / "defaults.yaml"
    file.write_text(text, encoding="utf-8")
    if defaults is not None:
        beside = folder / "defaults.yaml"
        beside.write_text(defaults, encoding="utf-8")
    named = TestFile(beside, "tests/defaults.yaml")
    tests = TestFile(file, "tests/some.yaml", defaults=named)
    return load_tests(shipped(), [tests], ROOT / "schemas")


def run(folder: Path, text: str, project: Project | None = None) -> ProjectTestResult:
    """The result of the one test in a text."""
    [test], findings = read(folder, text)
    assert [finding.line() for finding in findings] == []
    own = project or shipped()
    shared = seeded() if own.catalogue is shipped().catalogue else None
    return run_test(own, test, seeded=shared)


def shown(result: ProjectTestResult) -> list[str]:
    """The differences of a result, each in one line."""
    return [
        f"{one.place.line}: {one.what}: {' | '.join(one.expected)} ≠ {' | '.join(one.actual)}"
        for one in result.differences
    ]
