"""Runs the tests of a project against its mutants, and names those that no test notices."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from msgspec import Struct

from trueup import operating_system
from trueup.errors import EngineError
from trueup.model.project import Project
from trueup.model.testing import (
    Mutation,
    ProjectTest,
    ProjectTestResult,
    SurvivingMutant,
)
from trueup.operations.listener import SILENT, Listener, Progress
from trueup.operations.testing.mutants import Mutant, mutants
from trueup.operations.testing.run import run_test
from trueup.operations.testing.suite import TIME_LIMIT, checked_tests, run_all
from trueup.sandbox.autotask.local import SeededSandboxes


def run_mutants(
    project: Project,
    named: Sequence[Path] = (),
    jobs: int | None = None,
    listener: Listener = SILENT,
    seconds: float | None = TIME_LIMIT,
) -> Mutation:
    """Changes one rule, field, expression or policy at a time and runs the tests that reach it.

    `seconds` is the limit of each test without a change. Raises ConfigError with all that is wrong
    with the files, and EngineError if a test fails without any change.
    """
    tests = checked_tests(project, named)
    listener.step("running the tests")
    results = [*run_all(project, tests, jobs, record=True, seconds=seconds)]
    failing = [result.name for result in results if not result.passed]
    if failing:
        raise EngineError(f"{failing[0]!r} fails without any change: run `trueup test` first")
    all_mutants = [*mutants(project)]
    seeded = SeededSandboxes(project.catalogue.entities)
    trial = _Trial(project, all_mutants, tests, results, seeded)
    survivors = []
    workers = jobs or os.cpu_count() or 1
    context = operating_system.process_context()
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_begin, initargs=(trial,)
    ) as pool:
        for number, survives in enumerate(pool.map(_survives, range(len(all_mutants)))):
            mutant = all_mutants[number]
            listener.progress(Progress(number + 1, len(all_mutants), mutant.text))
            if survives is not None:
                survivors.append(SurvivingMutant(mutant.place, mutant.text, survives))
    survivors.sort(key=lambda one: (one.place, one.text))
    return Mutation(len(all_mutants), tuple(survivors))


class _Trial(Struct, frozen=True):
    """The data that the processes of a pool need."""

    project: Project
    mutants: Sequence[Mutant]
    tests: Sequence[ProjectTest]
    results: Sequence[ProjectTestResult]
    seeded: SeededSandboxes

    def survives(self, mutant: Mutant) -> int | None:
        """How many tests reach the mutant and pass all the same; None if one notices it."""
        reaching = [
            (len(result.reached.expressions), number)
            for number, result in enumerate(self.results)
            if result.reached and mutant.is_reached(result.reached)
        ]
        for _, number in sorted(reaching):  # the small tests first: they are about less
            test = self.tests[number]
            result = run_test(mutant.project, test, made_by=self.project, seeded=self.seeded)
            if not result.passed:
                return None
        return len(reaching)


_RUNNING: list[_Trial] = []
"""What a process of the pool runs; set once, when it starts."""


def _begin(trial: _Trial) -> None:
    _RUNNING[:] = [trial]


def _survives(number: int) -> int | None:
    """Calls `survives` for the mutant with this number, in a process of the pool."""
    trial = _RUNNING[0]
    return trial.survives(trial.mutants[number])
