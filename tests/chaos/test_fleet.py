"""The short form of `make chaos-fleet`: a fleet survives kills of its workers, and more."""

import pytest

from tests.chaos.fleet_harness import FleetHarness
from tests.chaos.own_postgres import own_postgres

pytestmark = pytest.mark.chaos


def test_a_fleet_survives_kills_of_a_host_its_database_and_its_network(tmp_path):
    with own_postgres() as server:
        harness = FleetHarness(tmp_path, server, seed=7, tenants=2, hosts=2)
        try:
            harness.kill_host(whole=True)
            harness.kill_database()
            harness.cut_network()
            assert harness.settle(), harness.figures.text()
            figures = harness.check()
        finally:
            harness.close()

    assert figures.clean, figures.text()
    assert figures.kills.total() == 3
    assert figures.rounds >= 2
