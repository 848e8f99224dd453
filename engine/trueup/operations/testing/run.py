"""Runs tests of a project, each in a temporary world of its own."""

import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from trueup import pipeline, wiring
from trueup.errors import EngineError
from trueup.expressions.recording import recording
from trueup.model import document
from trueup.model.finding import Place
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.testing import (
    Mismatch,
    ProjectTest,
    ProjectTestResult,
    Reached,
)
from trueup.operations.testing.compare import TestComparison
from trueup.operations.testing.coverage import reached_by
from trueup.operations.testing.fixture import ROWS, Fixture, TestClock, first_seed
from trueup.operations.testing.steps import at_step, go_on, known_records
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.planning.ledger.policy_effects import policy_effects
from trueup.ports.world import World
from trueup.sandbox.autotask.local import SeededSandboxes


def run_test(
    project: Project,
    test: ProjectTest,
    *,
    record: bool = False,
    made_by: Project | None = None,
    seeded: SeededSandboxes | None = None,
) -> ProjectTestResult:
    """Runs one test. An error that ends it is part of the result.

    With `record` the result has the parts of the project that the test's plan reached. The records
    of rows are those that `made_by` makes; by default the project itself. Tests that are run with
    one `seeded` share what their targets begin with.
    """
    started = time.perf_counter()
    differences: list[Mismatch] = []
    error, plan, reached = "", None, None
    with TemporaryDirectory(prefix="trueup-") as folder:
        try:
            own = _project_of(project, test)
            with _opened(own, test, Path(folder), seeded) as opened:
                fixture = Fixture(_project_of(made_by or project, test), test, opened)
                fixture.build()
                differences, plan, reached = _run(own, fixture, record=record)
        except EngineError as fault:
            error = str(fault)
    seconds = time.perf_counter() - started
    text = document.dumps(plan) if plan and (differences or error) else ""
    found = tuple(differences)
    return ProjectTestResult(test.name, test.place, found, error, seconds, text, reached)


def plan_test(project: Project, test: ProjectTest) -> tuple[Plan, TestComparison]:
    """Returns the plan of a test, and what compares it; its records are those of the fixture.

    Raises ConfigError for a row that can have no record, EngineError for what is refused.
    """
    own = _project_of(project, test)
    with (
        TemporaryDirectory(prefix="trueup-") as folder,
        _opened(own, test, Path(folder)) as opened,
    ):
        fixture = Fixture(own, test, opened)
        fixture.build()
        world = opened.world(ROWS)
        plan = pipeline.plan(own, world, PlanOptions(as_of=test.as_of))
        return plan, TestComparison(own, test, world, fixture.records)


def _opened(
    project: Project,
    test: ProjectTest,
    folder: Path,
    seeded: SeededSandboxes | None = None,
) -> AbstractContextManager[wiring.ThrowAway]:
    seeded = seeded or SeededSandboxes(project.catalogue.entities)
    clock = TestClock(test.as_of)
    return wiring.open_throw_away(project, folder, clock, seeded, first_seed(test))


def _run(
    project: Project, fixture: Fixture, *, record: bool
) -> tuple[list[Mismatch], Plan, Reached | None]:
    """Returns the differences, a plan, and with `record` what all plans reached.

    It is the plan of the first step that differs, else the first one. The second plan after an
    apply does not count: it is empty.
    """
    test, world = fixture.test, fixture.opened.world(ROWS)
    first, reached = _plan(project, world, record=record)
    differences = _compare(TestComparison(project, test, world, fixture.records), first)
    shown = first if differences else None
    for number, step in enumerate(test.then, 1):
        records = known_records(fixture, world)
        world = go_on(fixture, step, world, f"step {number}")
        then = replace(project, decisions=step.decisions, as_of=step.as_of)
        plan, more = _plan(then, world, record=record)
        found = _compare(TestComparison(then, at_step(test, step), world, records), plan)
        differences += [replace(one, what=f"step {number}: {one.what}") for one in found]
        shown = shown or (plan if found else None)
        reached = reached.and_also(more) if reached and more else reached
    return differences, shown or first, reached


def _plan(project: Project, world: World, *, record: bool) -> tuple[Plan, Reached | None]:
    """Returns a plan, and with `record` what it reached."""
    options = PlanOptions(as_of=project.as_of, explained=record)
    with recording() if record else nullcontext(set[tuple[str, int]]()) as expressions:
        planned = pipeline.plan_with_context(project, world, options)
    if not record:
        return planned.plan, None
    plan, context = planned.plan, planned.context
    policies = policy_effects(context, plan) if context else frozenset[Place]()
    return plan, reached_by(project, plan, frozenset(expressions), policies)


def _compare(comparison: TestComparison, plan: Plan) -> list[Mismatch]:
    """Returns what differs in a plan, and once it is applied where the test expects that."""
    differences, expected = comparison.plan(plan), comparison.test.expect.after_apply
    if expected:
        project, world = comparison.project, comparison.world
        over = frozenset(one.limit for one in plan.exceeded)
        apply = ApplyOptions(over=over, who="test")
        outcome = pipeline.apply(project, world, document.dumps(plan), apply)
        second = pipeline.plan(project, world, PlanOptions(as_of=comparison.test.as_of))
        differences += comparison.after_apply(expected, outcome, second)
    return differences


def _project_of(project: Project, test: ProjectTest) -> Project:
    """The project as the test has it: its settings, policies, guards, decisions and day.

    What a test applies needs no approval.
    """
    mappings = {
        name: replace(mapping, policy=test.policies.get(name, mapping.policy))
        for name, mapping in project.mappings.items()
    }
    return replace(
        project,
        settings={**project.settings, **test.settings},
        mappings=mappings if test.policies else project.mappings,
        guards=test.guards or project.guards,
        approval=None,
        decisions=test.decisions,
        as_of=test.as_of,
    )
