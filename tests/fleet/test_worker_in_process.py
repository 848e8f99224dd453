"""What a worker does about fleet.yaml as it changes; runs themselves are left out."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from trueup.errors import FleetDatabaseAway
from trueup.fleet import job_handler
from trueup.fleet import worker as workers
from trueup.fleet.child import ChildEnd
from trueup.fleet.event_log import EventLog
from trueup.fleet.open_fleet import open_fleet
from trueup.fleet.schedule import request_runs
from trueup.fleet.status import runs_of
from trueup.fleet.worker import Worker, WorkerOptions
from trueup.model.fleet_run import FleetRunStatus, RunKind

from tests.support.fleet import rows

BEFORE = "tenants:\n  acme: {project: acme}\n"
AFTER = f"{BEFORE}  birch: {{project: birch, run: {{do: apply-approved}}}}\n"


@pytest.fixture
def folder(tmp_path, postgres, monkeypatch):
    """A folder whose fleet.yaml a test writes; runs end at once, and nothing is done."""

    async def at_once(_context, order, *_):
        await asyncio.sleep(0)
        orders.append(order)
        return ChildEnd.BUSY

    orders = []
    monkeypatch.setattr(job_handler, "run_child", at_once)

    def write(tenants):
        (tmp_path / "fleet.yaml").write_text(f"fleet: All\ndatabase: {postgres}\n{tenants}")

    writer: Any = write
    writer.folder, writer.orders = tmp_path, orders
    write(BEFORE)
    return writer


def ask_for_birch(folder):
    """Queues a run of birch, as somebody whose fleet.yaml has it."""
    folder(AFTER)
    with open_fleet(folder.folder) as opened, opened.connect() as connection:
        opened.prepare(connection)
        request_runs(connection, opened.queue, ["birch"], RunKind.REQUESTED)


def drain(opened):
    """Lets a worker of this fleet run until nothing waits; returns its log."""
    log = []
    worker = Worker(opened, WorkerOptions(drain=True), EventLog(write=log.append))
    asyncio.run(worker.work(asyncio.Event()))
    return "\n".join(log)


def test_a_run_is_of_the_fleet_yaml_of_its_moment(folder):
    with open_fleet(folder.folder) as opened:
        assert list(opened.fleet.tenants) == ["acme"]
        ask_for_birch(folder)

        log = drain(opened)

    assert "fleet.yaml read" in log
    [order] = folder.orders
    assert order.fleet.tenants["birch"].run.do == "apply-approved"


def test_an_invalid_fleet_yaml_is_reported_once_and_the_former_one_is_used(folder):
    folder(AFTER)
    with open_fleet(folder.folder) as opened:
        assert list(opened.fleet.tenants) == ["acme", "birch"]
        with opened.connect() as connection:
            opened.prepare(connection)
            request_runs(connection, opened.queue, ["acme", "birch"], RunKind.REQUESTED)
        folder("tenants: [")

        log = drain(opened)

    assert log.count("fleet.yaml not read") == 1
    assert len(folder.orders) == 2


def test_a_tenant_that_only_another_machine_knows_is_tried_again(folder):
    ask_for_birch(folder)
    folder(BEFORE)

    with open_fleet(folder.folder) as opened:
        drain(opened)
        with opened.connect() as connection:
            [run] = runs_of(connection, "birch")
            query = "SELECT again_at > now() FROM trueup_fleet.tenants WHERE name = 'birch'"
            assert rows(connection, query) == [(True,)]

    assert folder.orders == []
    assert run.status is FleetRunStatus.FAILED
    assert "has no such tenant" in run.text


def test_a_worker_that_drains_takes_over_what_a_dead_one_had(folder):
    with open_fleet(folder.folder) as opened, opened.connect() as connection:
        opened.prepare(connection)
        request_runs(connection, opened.queue, ["acme"], RunKind.REQUESTED)
        connection.execute("SET search_path TO trueup_queue")  # for the triggers of its tables
        connection.execute(
            """
            WITH dead AS (
                INSERT INTO procrastinate_workers (last_heartbeat)
                VALUES (now() - interval '1 hour') RETURNING id
            )
            UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id
              FROM dead
            """
        )

        drain(opened)

    assert len(folder.orders) == 1


class Taking:
    """In place of the queue: jobs at work that take a moment to end."""

    def __init__(self, queue):
        self.queue, self.was_ready = queue, []
        self.worker = None

    def install(self, connection):
        self.queue.install(connection)

    async def serve(self, _handler, _serving, stop):
        await stop.wait()
        self.was_ready.append(self.worker.pulse.is_ready)


def test_a_worker_is_not_ready_as_soon_as_its_database_is_away(folder, monkeypatch):
    def away(*_):
        if taking.worker.pulse.is_ready:
            raise FleetDatabaseAway("away")
        return 0

    monkeypatch.setattr(workers, "enqueue_due", away)
    with open_fleet(folder.folder) as opened:
        taking = Taking(opened.queue)
        held = replace(opened, queue=taking)
        taking.worker = Worker(held, WorkerOptions(drain=True), EventLog(write=lambda _: None))

        with pytest.raises(FleetDatabaseAway):
            asyncio.run(taking.worker.work(asyncio.Event()))

    assert taking.was_ready == [False]
