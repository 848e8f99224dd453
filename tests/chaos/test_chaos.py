"""The short form of `make chaos`: disturbed runs end in the same state as the undisturbed one."""

import pytest
from trueup.operations.project import load_project
from trueup.pipeline import plan
from trueup.wiring import open_world

from tests.chaos.faults import LOG_INS, SOURCE_KINDS, source_fault, target_fault
from tests.chaos.figures import Figures
from tests.chaos.mishaps import MishapHarness
from tests.chaos.planted import PLANTED, notices_absence
from tests.chaos.victim import Kill

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """A harness for all scenarios with Work 365 in files."""
    yield from opened(tmp_path_factory.mktemp("chaos"), served=False)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A harness for all scenarios with Work 365 in a Dataverse sandbox."""
    yield from opened(tmp_path_factory.mktemp("served"), served=True)


def opened(folder, *, served):
    """Opens a harness.

    A plan is made in this process first: the processes that are forked from it inherit what that
    has read and compiled.
    """
    harness = MishapHarness(folder, seed=7, served=served)
    try:
        project = load_project(harness.work)
        with open_world(project) as world:
            plan(project, world)
        yield harness
    finally:
        harness.close()


@pytest.fixture(autouse=True)
def own_figures(request):
    """Gives each test figures of its own."""
    for name in {"harness", "served"} & {*request.fixturenames}:
        harness = request.getfixturevalue(name)
        harness.figures = type(harness.figures)()


@pytest.mark.parametrize("point", ["journal", "request", "adjustment", "file"])
def test_a_run_killed_at_many_points_ends_as_if_undisturbed(harness, point):
    last = harness.calls[point]
    kills = [Kill(point, nth, when) for nth in (1, last // 3) for when in ("before", "after")]

    assert harness.run_with_kills(kills), harness.figures.text()
    assert harness.figures.kills.total() >= 2


def test_a_run_killed_at_any_time_ends_as_if_undisturbed(harness):
    kills = [harness.random.uniform(0.05, 0.4) for _ in range(3)]

    assert harness.run_with_kills(kills), harness.figures.text()


def test_a_run_survives_faults_of_every_kind(harness):
    faults = [target_fault(harness.random) for _ in range(12)]

    assert harness.run_with_faults(faults), harness.figures.text()


def test_a_run_survives_a_kill_of_the_sandbox(harness):
    assert harness.run_with_restart(0.4), harness.figures.text()


def test_a_run_killed_between_adjustment_and_archiving_ends_as_if_undisturbed(served):
    kills = [Kill("adjustment", 1, "after"), Kill("journal", 3, "before")]

    assert served.run_with_kills(kills), served.figures.text()


def test_a_run_survives_every_kind_of_fault_on_writes_to_the_source(served):
    kinds = [kind for kind in SOURCE_KINDS if kind not in ("page", "expired", *LOG_INS)]
    faults = [
        {**source_fault(kind, served.random, nth=1 + 2 * position), "verb": "PATCH"}
        for position, kind in enumerate(kinds)
    ]

    assert served.run_with_faults(faults, source=True), served.figures.text()
    hit = {name.partition(" ")[0] for name in served.figures.faults}
    assert hit >= {kind.partition(" ")[0] for kind in kinds}


def test_a_run_survives_faults_of_the_source_between_two_kills(served):
    """The token and the change token expire, a row has another tag, and a limit is reached."""
    faults = [
        {"kind": "unauthorized", "verb": "PATCH", "nth": 2},
        {"kind": "lost", "verb": "PATCH", "nth": 3},
        {"kind": "busy", "verb": "PATCH", "nth": 4, "seconds": 1},
        {"kind": "expired", "query": "deltatoken", "nth": 2},
    ]
    kills = [Kill("adjustment", 2, "after"), Kill("journal", 5, "after")]

    assert served.run_with_faults(faults, kills, source=True)
    assert {*served.figures.faults} == {"unauthorized", "lost", "busy", "expired"}


def test_a_run_survives_a_kill_of_the_source(served):
    assert served.run_with_restart(0.5, source=True), served.figures.text()


def test_the_harness_detects_a_journal_that_misses_an_entry(harness):
    """Without the entry of a write that is about to be sent, its adjustment is unknown later."""
    same = harness.run_with_kills([Kill("adjustment", 1, "after")], defect="journal")

    assert harness.figures.kills.total() == 1
    assert not same
    assert harness.figures.losses


@pytest.mark.parametrize("name", [name for name, planted in PLANTED.items() if planted.short])
def test_a_planted_fault_does_no_harm(name, request):
    planted = PLANTED[name]
    harness = request.getfixturevalue("served" if planted.served else "harness")
    harness.figures = Figures()

    assert planted.run(harness, ""), harness.figures.text()
    assert harness.figures.clean
    assert harness.figures.faults


@pytest.mark.parametrize(
    "name",
    [
        "an adjustment is delivered twice",
        "updates have no effect",
        "changes that cancel, and state and export are put back",
    ],
)
def test_a_planted_fault_does_harm_without_its_remedy(name, harness):
    """`make chaos` does this for every planted fault."""
    assert notices_absence(harness, PLANTED[name])
