"""What a worker does about a run whose end it cannot write at once."""

import asyncio

import pytest
from trueup.errors import FleetDatabaseAway
from trueup.fleet import job_handler
from trueup.fleet.child import ChildEnd
from trueup.fleet.event_log import EventLog
from trueup.fleet.open_fleet import OpenFleet
from trueup.fleet.queue import RunJob
from trueup.fleet.schedule import request_runs, sync
from trueup.fleet.status import runs_of
from trueup.fleet.worker import Worker, WorkerOptions
from trueup.model.fleet_run import FleetRunStatus, RunKind

from tests.support.fleet import opened, tenant


@pytest.fixture
def one(url, connection):
    """A fleet of one tenant that has a run in the queue."""
    fleet = opened(url, [tenant("acme")])
    sync(connection, fleet.fleet, fleet.digest)
    request_runs(connection, fleet.queue, ["acme"], RunKind.REQUESTED)
    return fleet


@pytest.fixture
def away(monkeypatch):
    """How many more times the database cannot be reached."""
    left, connect = [], OpenFleet.connect

    def try_to(of):
        if left:
            left.pop()
            raise FleetDatabaseAway("it does not answer")
        return connect(of)

    monkeypatch.setattr(OpenFleet, "connect", try_to)
    monkeypatch.setattr(job_handler, "_RECORD_PAUSES", (0, 0, 0))
    return left


def carry_out(one, connection, monkeypatch, at_end):
    async def run_child(*_):
        at_end()
        return ChildEnd.AWAY

    monkeypatch.setattr(job_handler, "run_child", run_child)
    [run] = runs_of(connection, "acme")
    works = Worker(one, WorkerOptions(), EventLog())
    asyncio.run(works._jobs.handle(RunJob("acme", run.id)))


def test_the_end_of_a_run_is_written_once_the_database_is_back(one, connection, monkeypatch, away):
    away.extend([1, 1])

    carry_out(one, connection, monkeypatch, lambda: away.extend([1, 1, 1]))

    [run] = runs_of(connection, "acme")
    assert run.status is FleetRunStatus.INTERRUPTED


def test_a_database_that_stays_away_ends_the_job(one, connection, monkeypatch, away):
    with pytest.raises(FleetDatabaseAway):
        carry_out(one, connection, monkeypatch, lambda: away.extend([1] * 9))
