"""Runs tests of a project, each in a throw-away world of its own."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from trueup import pipeline, wiring
from trueup.config.testing.loader import DEFAULTS, TestFile, load_tests
from trueup.errors import EngineError
from trueup.expressions.recording import recording
from trueup.local_files import is_absent
from trueup.model import document
from trueup.model.finding import Finding, Place
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.testing import Difference, ProjectTest, ProjectTestResult, Reached, RowDefaults
from trueup.operations.project_folder import TESTS, shipped_folder, shipped_tests
from trueup.operations.testing.compare import Comparison
from trueup.operations.testing.coverage import reached_by
from trueup.operations.testing.fixture import ROWS, Fixture, TestClock
from trueup.operations.testing.steps import at_step, go_on, known_records
from trueup.pipeline import ApplyOptions, PlanOptions
from trueup.planning.ledger.policy_effects import policy_effects
from trueup.ports import World


def find_tests(project: Project, named: Sequence[Path] = ()) -> tuple[list[TestFile], TestFile]:
    """Returns the files with tests, and the file with defaults that is used with them.

    `named` are files or folders; by default the project's `tests`. Raises EngineError where there
    is no such file, or none with tests.
    """
    root = Path(project.root)
    files: list[TestFile] = []
    for path in named or [root / TESTS]:
        if path.is_dir():
            found = sorted(file for file in path.glob("*.yaml") if file.name != DEFAULTS)
            files += [TestFile(file, _name(file, root)) for file in found]
        elif not is_absent(path):  # a pipe, or a link to nowhere, is refused when it is read
            files.append(TestFile(path, _name(path, root)))
        elif named:
            raise EngineError(f"there is no file or folder {path}")
    if not files:
        where = ", ".join(map(str, named)) or str(root / TESTS)
        raise EngineError(f"there are no tests in {where}: write tests/NAME.yaml")
    return files, _defaults_beside(files[0], root)


def _defaults_beside(file: TestFile, root: Path) -> TestFile:
    """The defaults in the folder of a file with tests, else those of the project or of trueup."""
    folders = (file.path.parent, root / TESTS)
    own = next((one / DEFAULTS for one in folders if not is_absent(one / DEFAULTS)), None)
    if own:
        return TestFile(own, _name(own, root))
    return TestFile(shipped_tests() / DEFAULTS, f"trueup's own {DEFAULTS}")


def _name(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return str(file)


def read_tests(
    project: Project, named: Sequence[Path] = ()
) -> tuple[list[ProjectTest], RowDefaults, list[Finding]]:
    """Returns the tests of a project, the defaults, and all that is wrong with their files."""
    files, defaults = find_tests(project, named)
    return load_tests(project, files, defaults, shipped_folder() / "schemas")


def check_tests(project: Project) -> tuple[int, list[Finding]]:
    """Returns how many tests the project has, and all that is wrong with their files.

    A project without tests has none, and nothing is wrong with them.
    """
    folder = Path(project.root) / TESTS
    if not any(folder.glob("*.yaml")):
        return 0, []
    if any(file.name != DEFAULTS for file in folder.glob("*.yaml")):
        tests, _, findings = read_tests(project)
        return len(tests), findings
    defaults = TestFile(folder / DEFAULTS, _name(folder / DEFAULTS, Path(project.root)))
    return 0, load_tests(project, [], defaults, shipped_folder() / "schemas")[2]


def load_files(
    project: Project, files: Sequence[TestFile]
) -> tuple[list[ProjectTest], RowDefaults, list[Finding]]:
    """As `read_tests`, of files that may not be written yet."""
    defaults = _defaults_beside(files[0], Path(project.root))
    return load_tests(project, files, defaults, shipped_folder() / "schemas")


def usual_defaults(project: Project) -> RowDefaults:
    """The defaults of the project's tests, else those that ship."""
    root = Path(project.root)
    file = _defaults_beside(TestFile(root / TESTS / "none.yaml", ""), root)
    return load_tests(project, [], file, shipped_folder() / "schemas")[1]


def run_test(
    project: Project,
    test: ProjectTest,
    defaults: RowDefaults,
    *,
    record: bool = False,
    made_by: Project | None = None,
) -> ProjectTestResult:
    """Runs one test. An error that ends it is part of the result.

    With `record` the result has the parts of the project that the test's plan reached. The records
    of rows are those that `made_by` makes; by default the project itself.
    """
    started = time.perf_counter()
    differences: list[Difference] = []
    error, plan, reached = "", None, None
    with TemporaryDirectory(prefix="trueup-") as folder:
        try:
            own = _project_of(project, test)
            with wiring.open_throw_away(own, Path(folder), TestClock(test.as_of)) as opened:
                fixture = Fixture(_project_of(made_by or project, test), test, defaults, opened)
                fixture.build()
                differences, plan, reached = _run(own, fixture, record=record)
        except EngineError as fault:
            error = str(fault)
    seconds = time.perf_counter() - started
    text = document.dumps(plan) if plan and (differences or error) else ""
    found = tuple(differences)
    return ProjectTestResult(test.name, test.place, found, error, seconds, text, reached)


def plan_test(
    project: Project, test: ProjectTest, defaults: RowDefaults
) -> tuple[Plan, Comparison]:
    """Returns the plan of a test, and what compares it; its records are those of the fixture.

    Raises ConfigError for a row that can have no record, EngineError for what is refused.
    """
    own = _project_of(project, test)
    with (
        TemporaryDirectory(prefix="trueup-") as folder,
        wiring.open_throw_away(own, Path(folder), TestClock(test.as_of)) as opened,
    ):
        fixture = Fixture(own, test, defaults, opened)
        fixture.build()
        world = opened.world(ROWS)
        plan = pipeline.plan(own, world, PlanOptions(as_of=test.as_of))
        return plan, Comparison(own, test, world, fixture.records)


def _run(
    project: Project, fixture: Fixture, *, record: bool
) -> tuple[list[Difference], Plan, Reached | None]:
    """Returns the differences, the first plan, and with `record` what all plans reached.

    The second plan after an apply does not count: it is empty.
    """
    test, world = fixture.test, fixture.opened.world(ROWS)
    first, reached = _plan(project, world, record=record)
    differences = _compare(Comparison(project, test, world, fixture.records), first)
    for number, step in enumerate(test.then, 1):
        records = known_records(fixture, world)
        world = go_on(fixture, step, world, f"step {number}")
        then = replace(project, decisions=step.decisions, as_of=step.as_of)
        plan, more = _plan(then, world, record=record)
        differences += _compare(Comparison(then, at_step(test, step), world, records), plan)
        reached = reached.and_also(more) if reached and more else reached
    return differences, first, reached


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


def _compare(comparison: Comparison, plan: Plan) -> list[Difference]:
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
    """The project as the test has it: its settings, policies, guards, decisions and day."""
    mappings = {
        name: replace(mapping, policy=test.policies.get(name, mapping.policy))
        for name, mapping in project.mappings.items()
    }
    return replace(
        project,
        settings={**project.settings, **test.settings},
        mappings=mappings if test.policies else project.mappings,
        guards=test.guards or project.guards,
        decisions=test.decisions,
        as_of=test.as_of,
    )
