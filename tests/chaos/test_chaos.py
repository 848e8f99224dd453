"""The short form of `make chaos`: real processes, killed and broken, and the same end as undisturbed."""

import pytest

from engine.pipeline import plan
from engine.wiring import load_project, open_world
from tests.chaos.dataverse import KINDS, fault
from tests.chaos.harness import Harness
from tests.chaos.victim import Kill

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    """One sandbox process for all stories."""
    yield from opened(tmp_path_factory.mktemp("chaos"), served=False)


def opened(folder, *, served):
    """A harness; a plan is made here first: what that reads and compiles is known to all processes forked from this."""
    made = Harness(folder, seed=7, served=served)
    try:
        project = load_project(made.work)
        with open_world(project) as world:
            plan(project, world)
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def clean_figures(request):
    """Each story tells its own."""
    for name in {"harness", "served"} & {*request.fixturenames}:
        harness = request.getfixturevalue(name)
        harness.figures = type(harness.figures)()


@pytest.mark.parametrize("what", ["journal", "request", "adjustment", "file"])
def test_a_run_killed_at_many_places_ends_as_if_undisturbed(harness, what):
    last = harness.calls[what]
    places = [Kill(what, nth, when) for nth in sorted({1, 2, last // 3}) if nth for when in ("before", "after")]

    assert harness.killed(places), harness.figures.text()
    assert sum(harness.figures.kills.values()) >= 2


def test_a_run_killed_at_any_time_ends_as_if_undisturbed(harness):
    assert harness.killed([harness.random.uniform(0.05, 0.4) for _ in range(5)]), harness.figures.text()


def test_a_run_survives_faults_of_every_kind(harness):
    faults = [harness.some_fault() for _ in range(12)]

    assert harness.broken(faults), harness.figures.text()


def test_a_run_survives_a_sandbox_that_is_killed(harness):
    assert harness.restarted(0.4), harness.figures.text()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The same, with Work 365 in a Dataverse that is a process of its own."""
    yield from opened(tmp_path_factory.mktemp("served"), served=True)


def test_a_run_killed_between_adjustment_and_archive_ends_as_if_undisturbed_in_dataverse(served):
    assert served.killed([Kill("adjustment", 1, "after"), Kill("journal", 3, "before")]), served.figures.text()


def test_a_run_survives_faults_of_the_source_of_every_kind_on_writes(served):
    kinds = [kind for kind in KINDS if kind not in ("page", "expired")]
    faults = [{**fault(kind, served.random, nth=1 + 2 * place), "verb": "PATCH"} for place, kind in enumerate(kinds)]

    assert served.broken(faults, source=True), served.figures.text()
    assert {name.partition(" ")[0] for name in served.figures.faults} >= {kind.partition(" ")[0] for kind in kinds}


def test_a_run_survives_faults_of_the_source_between_two_kills(served):
    """The token expires half-way, the row has another tag, a limit is met, the change token has expired."""
    faults = [
        {"kind": "unauthorized", "verb": "PATCH", "nth": 2},
        {"kind": "lost", "verb": "PATCH", "nth": 3},
        {"kind": "busy", "verb": "PATCH", "nth": 4, "seconds": 1},
        {"kind": "expired", "query": "deltatoken", "nth": 2},
    ]

    assert served.broken(faults, [Kill("adjustment", 2, "after"), Kill("journal", 5, "after")], source=True)
    assert {*served.figures.faults} == {"unauthorized", "lost", "busy", "expired"}


def test_a_run_survives_a_source_that_is_killed(served):
    assert served.restarted(0.5, source=True), served.figures.text()


def test_a_journal_with_one_line_removed_makes_the_harness_fail(harness):
    """What is about to be sent is not written down: nobody knows of the adjustment that landed."""
    same = harness.killed([Kill("adjustment", 1, "after")], broken=True)

    assert sum(harness.figures.kills.values()) == 1
    assert not same
    assert harness.figures.losses
