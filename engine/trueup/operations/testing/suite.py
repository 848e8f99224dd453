"""All tests of a project, several at a time, each in another process and within a time limit."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from trueup.errors import ConfigError, EngineError
from trueup.model.finding import Severity
from trueup.model.project import Project
from trueup.model.testing import Coverage, ProjectTest, ProjectTestResult
from trueup.operations.testing.coverage import covered
from trueup.operations.testing.files import read_tests
from trueup.operations.testing.run import run_test
from trueup.operations.testing.workers import Lost, run_numbered
from trueup.sandbox.autotask.local import SeededSandboxes

TIME_LIMIT = 60.0
"""The time limit of one test in seconds; it takes a fraction of one."""


class SuiteResult(Struct, frozen=True):
    """How the tests of a project ended, in the order of their files."""

    results: tuple[ProjectTestResult, ...]
    coverage: Coverage | None = None  # where it was asked for

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return sum(not result.passed for result in self.results)


def run_suite(
    project: Project,
    named: Sequence[Path] = (),
    only: str = "",
    jobs: int | None = None,
    *,
    coverage: bool = False,
    seconds: float | None = TIME_LIMIT,
) -> SuiteResult:
    """Runs the tests of a project, or those of the named files and folders.

    `only` keeps tests whose name contains it, whatever its case. `jobs` is the number of processes;
    by default that of the processors. `coverage` asks for what no test reached. `seconds` is the
    limit of each test; None is none. Raises ConfigError with all that is wrong with the files, and
    EngineError if there is no test.
    """
    tests = checked_tests(project, named)
    chosen = [test for test in tests if only.casefold() in test.name.casefold()]
    if not chosen:
        raise EngineError(f"no test has {only!r} in its name" if only else "there is no test")
    results = tuple(run_all(project, chosen, jobs, record=coverage, seconds=seconds))
    return SuiteResult(results, covered(project, results) if coverage else None)


def checked_tests(project: Project, named: Sequence[Path] = ()) -> list[ProjectTest]:
    """The tests. Raises ConfigError with all that is wrong with their files."""
    tests, findings = read_tests(project, named)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors)
    return tests


def run_all(
    project: Project,
    tests: Sequence[ProjectTest],
    jobs: int | None = None,
    *,
    record: bool = False,
    seconds: float | None = TIME_LIMIT,
) -> Iterator[ProjectTestResult]:
    """Yields the results in the order of the tests; with `record`, each with what it reached.

    `seconds` is the limit of each test; None is none. Tests run in this process only where one at a
    time runs without a limit.
    """
    workers = min(jobs or os.cpu_count() or 1, len(tests))
    state = _Suite(project, tests, record, SeededSandboxes(project.catalogue.entities))
    if workers == 1 and seconds is None:
        yield from (_run_number(state, number) for number in range(len(tests)))
        return
    results = run_numbered(_run_number, state, len(tests), workers, seconds)
    for test, result in zip(tests, results, strict=True):
        yield result if isinstance(result, ProjectTestResult) else _lost(test, result, seconds)


def _lost(test: ProjectTest, lost: Lost, seconds: float | None) -> ProjectTestResult:
    """The result of a test that did not end by itself."""
    match lost:
        case Lost.TIMED_OUT:
            text = f"did not end within {seconds:g} seconds; `--timeout SECONDS` gives it more"
        case Lost.DIED:
            text = "its process ended: it may have used up the memory"
        case _:
            assert_never(lost)
    return ProjectTestResult(
        test.name, test.place, error=f"{test.place}: {text}", seconds=seconds or 0.0
    )


class _Suite(Struct, frozen=True):
    """The data that the processes need."""

    project: Project
    tests: Sequence[ProjectTest]
    record: bool
    seeded: SeededSandboxes


def _run_number(suite: _Suite, number: int) -> ProjectTestResult:
    test = suite.tests[number]
    return run_test(suite.project, test, record=suite.record, seeded=suite.seeded)
