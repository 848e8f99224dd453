"""Workers as processes: killed, stopped, beside tenants that are slow or broken."""

import os
import shutil
import signal
import sys
import time
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from trueup.fleet.connection import connect
from trueup.fleet.open_fleet import open_fleet, require_tenants
from trueup.fleet.schedule import request_runs
from trueup.fleet.status import fleet_status, runs_of
from trueup.model.fleet_run import FleetRunStatus, RunKind

from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support.fleet import rows
from tests.support.forked import fork, let_go
from tests.support.in_process import sandboxes_kept

TENANTS = ("acme", "birch")
LONGEST = 240  # seconds; a machine may be very busy
APPLY = {"do": "apply", "within": {"changes": 50, "monthly_effect": 500, "one_off_effect": 500}}
DEFAULTS = {
    "schedule": {"cron": "0 5 1 1 *", "time_zone": "Europe/London"},
    "run": APPLY,
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A project in which three seats are to be billed more."""
    folder = tmp_path_factory.mktemp("base") / "base"
    with sandboxes_kept():
        World(folder, Service(seats=13, changes={"2026-11-10": 3}))
    # The fleet keeps the state of its tenants.
    edit(folder / "trueup.yaml", "state:\n  connector: sqlite\n  path: state.sqlite\n", "")
    return folder


def begin_as_trueup():
    """What a process that was started with `python -m trueup` has, and nothing of this one."""
    let_go()
    sys.modules["__main__"] = import_module("trueup.__main__")


class Fleet:
    """A folder with fleet.yaml, and workers as processes."""

    def __init__(self, folder, url, base):
        self.folder, self.url, self.base = folder, url, base
        self.write({name: {} for name in TENANTS})

    def write(self, tenants):
        """Each tenant has a project of its own, because what is applied is marked in Work 365."""
        for name, options in tenants.items():
            if not (self.folder / options.setdefault("project", name)).exists():
                shutil.copytree(self.base, self.folder / name)
        document = {
            "fleet": "Northgate",
            "database": self.url,
            "defaults": DEFAULTS,
            "tenants": tenants,
        }
        file = self.folder / "fleet.yaml"
        file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def ask(self):
        """Queues a run of each tenant."""
        with open_fleet(self.folder) as opened, opened.connect() as connection:
            opened.prepare(connection)
            request_runs(
                connection, opened.queue, require_tenants(connection, ()), RunKind.REQUESTED
            )

    @contextmanager
    def worker(self, *arguments):
        """A worker; it starts the processes of its runs as one that was not forked does."""
        command = ["fleet", "worker", "--takeover-after", "3", *arguments]
        with Path(os.devnull).open("r+b") as null:
            streams = (null.fileno(), null.fileno(), 2)
            process = fork(self.folder, command, streams, at_start=begin_as_trueup)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def drain(self):
        """One worker until nothing waits."""
        with self.worker("--once") as process:
            assert process.wait(LONGEST) == 0

    def status(self):
        with connect(self.url) as connection:
            return {one.name: one for one in fleet_status(connection).tenants}


@pytest.fixture
def fleet(tmp_path, postgres, base):
    return Fleet(tmp_path, postgres, base)


def wait_until(holds):
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def at_work(connection):
    return rows(connection, "SELECT tenant FROM trueup_fleet.attempts WHERE left_at IS NULL")


def all_done(fleet, kind):
    """Whether the last run of each tenant is one of this kind, and none is at work."""
    found = fleet.status().values()
    return all(one.last and one.last.kind is kind and not one.current for one in found)


def test_runs_of_a_killed_worker_are_taken_over_and_each_tick_gives_one_run(fleet):
    fleet.ask()
    with connect(fleet.url) as connection:
        with fleet.worker() as killed:
            wait_until(lambda: at_work(connection))
            killed.kill()
        with fleet.worker() as second, fleet.worker() as third:
            wait_until(lambda: all_done(fleet, RunKind.REQUESTED))
            assert {one.last.status for one in fleet.status().values()} == {FleetRunStatus.DONE}
            begun = rows(connection, "SELECT count(*), max(begins) FROM trueup_fleet.runs")
            assert begun == [(len(TENANTS), 2)]

            connection.execute("UPDATE trueup_fleet.tenants SET next_tick = now()")
            wait_until(lambda: all_done(fleet, RunKind.SCHEDULED))
            for process in (second, third):
                process.send_signal(signal.SIGTERM)
                assert process.wait(LONGEST) == 0

        query = "SELECT tenant, begins FROM trueup_fleet.runs WHERE kind = 'scheduled' ORDER BY 1"
        assert rows(connection, query) == [(name, 1) for name in TENANTS]
        assert {one.last.figures.changes for one in fleet.status().values()} == {0}
        assert overlaps(connection) == []


def overlaps(connection):
    """Attempts of one tenant that began before an earlier one was over."""
    return rows(
        connection,
        """
        SELECT first.tenant FROM trueup_fleet.attempts AS first
          JOIN trueup_fleet.attempts AS second
            ON first.tenant = second.tenant AND first.id < second.id
         WHERE first.left_at > second.began
        """,
    )


def test_a_stopped_worker_leaves_its_runs_to_others(fleet):
    fleet.write({"acme": {}})
    fleet.ask()
    with connect(fleet.url) as connection:
        with fleet.worker() as stopped:
            wait_until(lambda: at_work(connection))
            stopped.send_signal(signal.SIGTERM)
            assert stopped.wait(LONGEST) == 0
        assert at_work(connection) == []

    fleet.drain()

    assert {one.last.status for one in fleet.status().values()} == {FleetRunStatus.DONE}


def needs(secret):
    """What makes a tenant's project read a secret."""
    return {"target": {"secret": f"{{{{ env.{secret} }}}}"}}


def test_a_tenant_that_is_broken_or_slow_delays_no_other(fleet):
    hangs = {"command": [sys.executable, "-c", "import time; time.sleep(3000)"], "timeout": 2000}
    slow = {"secrets": {"SLOW": hangs}, "set": needs("SLOW")}
    lost = {"secrets": {"LOST": {"environment": "NOBODY_SETS_THIS"}}, "set": needs("LOST")}
    fleet.write(
        {
            "slow": {**slow, "time_limit": 1500},
            "long": {**slow, "time_limit": 1},
            "secret": lost,
            "poisoned": {},
            "healthy": {},
        }
    )
    (fleet.folder / "poisoned" / "trueup.yaml").write_text("project: [")
    fleet.ask()

    with fleet.worker("--at-once", "3") as worker:
        wait_until(lambda: sum(1 for one in fleet.status().values() if one.last) == 4)
        found = fleet.status()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LONGEST) == 0

    assert found["slow"].current.status is FleetRunStatus.RUNNING
    assert found["healthy"].last.status is FleetRunStatus.DONE
    long = found["long"]
    assert (long.last.status, long.next_why) == (FleetRunStatus.TOO_LONG, "it took too long")
    for name in ("secret", "poisoned"):
        assert (found[name].last.status, found[name].next_why) == (
            FleetRunStatus.FAILED,
            "schedule",
        )
        assert name in found[name].last.text
    assert fleet.status()["slow"].last.status is FleetRunStatus.INTERRUPTED


def test_a_worker_waits_for_a_database_that_is_away(fleet, postgres_server):
    fleet.write({"acme": {"run": {"do": "plan"}}})
    fleet.ask()
    with (
        ExitStack() as stack,
        connect(postgres_server.address) as admin,
        fleet.worker() as worker,
    ):
        wait_until(lambda: all_done(fleet, RunKind.REQUESTED))
        name = fleet.url.partition("/trueup_")[2].partition("?")[0]
        admin.execute(f'ALTER DATABASE "trueup_{name}" ALLOW_CONNECTIONS false')
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [f"trueup_{name}"],
        )
        time.sleep(1)
        assert worker.poll() is None
        admin.execute(f'ALTER DATABASE "trueup_{name}" ALLOW_CONNECTIONS true')
        fleet.ask()
        connection = stack.enter_context(connect(fleet.url))
        wait_until(lambda: len(runs_of(connection, "acme")) == 2)
        wait_until(lambda: all_done(fleet, RunKind.REQUESTED))

        worker.send_signal(signal.SIGTERM)
        assert worker.wait(LONGEST) == 0
