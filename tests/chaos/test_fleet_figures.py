"""Figures of the chaos of a fleet, from records that are made by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from trueup.fleet import schema
from trueup.fleet.connection import connect
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.fleet.schedule import request_runs, sync
from trueup.model.fleet_run import RunKind

from tests.chaos.fleet_figures import FleetFigures
from tests.support.fleet import opened, rows, tenant

KILLED = datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.fixture
def connection(postgres):
    with connect(postgres) as one:
        schema.prepare(one, ProcrastinateQueue(postgres))
        yield one


def test_only_what_a_killed_worker_had_at_work_was_taken_over_from_it(connection, postgres):
    fleet = opened(postgres, [tenant("acme"), tenant("birch")])
    sync(connection, fleet.fleet, fleet.digest)
    request_runs(connection, fleet.queue, ["acme", "birch"], RunKind.REQUESTED)
    earlier, at_work = (run for (run,) in rows(connection, "SELECT run FROM trueup_fleet.tenants"))
    attempts = [
        (earlier, "host:1", -60),  # its network was cut, and another worker took it over
        (earlier, "host:2", -50),
        (at_work, "host:1", -5),
        (at_work, "host:2", 7),
    ]
    insert = (
        "INSERT INTO trueup_fleet.attempts (tenant, run, worker, began) VALUES ('', %s, %s, %s)"
    )
    for run, worker, second in attempts:
        connection.execute(insert, [run, worker, KILLED + timedelta(seconds=second)])
    figures = FleetFigures()
    figures.killed("host:1", KILLED.timestamp())

    figures.check_log(connection, ())

    assert figures.takeovers == [7.0]
