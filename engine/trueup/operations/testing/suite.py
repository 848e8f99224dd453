"""All tests of a project, several at a time: each test runs in a process of a pool."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trueup import operating_system
from trueup.errors import ConfigError, EngineError
from trueup.model.finding import Severity
from trueup.model.project import Project
from trueup.model.testing import Coverage, ProjectTest, ProjectTestResult, RowDefaults
from trueup.operations.testing.coverage import covered
from trueup.operations.testing.run import read_tests, run_test

_ALONE = 3
"""Up to so many tests run in this process: a pool would take longer."""


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """How the tests of a project ended, in the order of their files."""

    results: tuple[ProjectTestResult, ...]
    coverage: Coverage | None = None  # where it was asked for

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return sum(not one.passed for one in self.results)


def run_suite(
    project: Project,
    named: Sequence[Path] = (),
    only: str = "",
    jobs: int | None = None,
    *,
    coverage: bool = False,
) -> SuiteResult:
    """Runs the tests of a project, or those of the named files and folders.

    `only` keeps tests whose name contains it, whatever its case. `jobs` is the number of processes;
    by default that of the processors. `coverage` asks for what no test reached. Raises ConfigError
    with all that is wrong with the files, and EngineError where there is no test.
    """
    tests, defaults = checked_tests(project, named)
    chosen = [test for test in tests if only.casefold() in test.name.casefold()]
    if not chosen:
        raise EngineError(f"no test has {only!r} in its name" if only else "there is no test")
    results = tuple(run_all(project, chosen, defaults, jobs, record=coverage))
    return SuiteResult(results, covered(project, results) if coverage else None)


def checked_tests(
    project: Project, named: Sequence[Path] = ()
) -> tuple[list[ProjectTest], RowDefaults]:
    """The tests and defaults. Raises ConfigError with all that is wrong with their files."""
    tests, defaults, findings = read_tests(project, named)
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors)
    return tests, defaults


def run_all(
    project: Project,
    tests: Sequence[ProjectTest],
    defaults: RowDefaults,
    jobs: int | None = None,
    *,
    record: bool = False,
) -> Iterator[ProjectTestResult]:
    """Yields the results in the order of the tests; with `record`, each with what it reached."""
    workers = min(jobs or os.cpu_count() or 1, len(tests))
    if workers < 2 or len(tests) <= _ALONE:  # noqa: PLR2004 -- one worker is this process
        yield from (run_test(project, test, defaults, record=record) for test in tests)
        return
    context = operating_system.process_context()
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(project, tests, defaults)
    ) as pool:
        try:
            yield from pool.map(partial(_run_number, record=record), range(len(tests)))
        except BrokenProcessPool as error:
            raise EngineError("a process that ran tests has ended: try --jobs 1") from error


_RUNNING: list[tuple[Project, Sequence[ProjectTest], RowDefaults]] = []
"""What a process of the pool runs; set once, when it starts."""


def _begin(project: Project, tests: Sequence[ProjectTest], defaults: RowDefaults) -> None:
    _RUNNING[:] = [(project, tests, defaults)]


def _run_number(number: int, *, record: bool) -> ProjectTestResult:
    project, tests, defaults = _RUNNING[0]
    return run_test(project, tests[number], defaults, record=record)
