"""The short form of `python -m tests.chaos --state postgres`: two hosts never write twice."""

import pytest
from trueup.operations.project import load_project
from trueup.pipeline import plan
from trueup.wiring import open_world

from tests.chaos.two_hosts import TwoHosts
from tests.chaos.victim import Kill

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def hosts(tmp_path_factory, postgres_of_module):
    """A harness whose processes run on two hosts; a plan is made first, as forks inherit it."""
    harness = TwoHosts(tmp_path_factory.mktemp("hosts"), 7, postgres_of_module)
    try:
        project = load_project(harness.work)
        with open_world(project) as world:
            plan(project, world)
        yield harness
    finally:
        harness.close()


@pytest.fixture(autouse=True)
def own_figures(hosts):
    """Gives each test figures of its own."""
    hosts.figures = type(hosts.figures)()


def test_two_hosts_of_which_one_is_killed_end_as_if_undisturbed(hosts):
    kills = [
        Kill("journal", 2, "after"),
        Kill("adjustment", 1, "after"),
        0.3,
    ]

    assert hosts.run_on_both(kills), hosts.figures.text()
    assert hosts.figures.kills.total() >= 2


@pytest.mark.parametrize("kill", [Kill("announced", 1, "after"), Kill("end", 1, "before")])
def test_a_host_that_freezes_and_wakes_up_after_another_took_over_writes_nothing(hosts, kill):
    assert hosts.run_with_freeze(kill), hosts.figures.text()
    assert hosts.figures.clean, hosts.figures.text()
    assert hosts.figures.faults["a host freezes and wakes up"] == 1


def test_a_run_whose_connections_to_the_database_are_cut_ends_as_if_undisturbed(hosts):
    assert hosts.run_with_cuts(3), hosts.figures.text()
    assert hosts.figures.faults["connections cut"]


def test_the_harness_detects_a_host_that_does_not_announce_its_writes(hosts):
    """Without the entry of a write that is about to be sent, its adjustment is unknown later."""
    same = hosts.run_with_kills([Kill("adjustment", 1, "after")], defect="journal")

    assert hosts.figures.kills.total() == 1
    assert not same
