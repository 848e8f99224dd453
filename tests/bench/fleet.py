"""Measures a fleet: `make bench-fleet`, or `python -m tests.bench.fleet [TENANTS]`, 500 by default.

Each tenant has a sandbox of its own with one customer. The workers are processes of
`trueup fleet worker`; the peer is one process that makes the same plans one after another, without
a queue, a database or a process for each.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from trueup.fleet import schema
from trueup.fleet.connection import Connection, connect
from trueup.fleet.open_fleet import OpenFleet, open_fleet
from trueup.fleet.schedule import request_runs, sync
from trueup.fleet.status import fleet_status
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model.fleet_run import RunKind
from trueup.operations.plan import plan
from trueup.render.fleet import status_text

from tests.bench.measuring import seconds
from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support import fleet as by_hand
from tests.support import postgres
from tests.support.paths import ROOT

TENANTS = 500
MANY = 5_000
WORKERS = 2
AT_ONCE = 1  # runs of each worker: as many as there are cores, over both
SAMPLE = 20  # tenants that the peer plans; all are alike
PAUSE = 0.25  # seconds between two looks at the memory
LONGEST = 3600  # seconds

FLEET = """\
fleet: benchmark
database: {url}
defaults:
  project: base
  schedule: {{cron: "0 5 1 1 *", time_zone: UTC}}
tenants:
"""
TENANT = "  {name}: {{}}\n"

ONCE = """
SELECT tenant, due, count(*), sum(begins), min(status), max(status)
  FROM trueup_fleet.runs GROUP BY tenant, due
"""
OVERLAPS = """
SELECT count(*) FROM trueup_fleet.attempts AS one
  JOIN trueup_fleet.attempts AS other
    ON other.tenant = one.tenant AND other.id > one.id AND other.began < one.left_at
"""


def main(tenants: int = TENANTS) -> None:
    """Prints the figures."""
    with postgres.running() as server:
        with server.database() as url:
            _print_many(url)
        with server.database() as url, TemporaryDirectory(prefix="trueup-bench-") as folder:
            _print_runs(url, Path(folder), tenants)


def _print_many(url: str) -> None:
    """What 5,000 tenants cost that do nothing."""
    opened = by_hand.opened(url, [by_hand.tenant(f"tenant-{n:05}") for n in range(MANY)])
    with connect(url) as connection:
        schema.prepare(connection, opened.queue)
        names = list(opened.fleet.tenants)
        kept, _ = seconds(lambda: sync(connection, opened.fleet, opened.digest))
        enqueued, found = seconds(
            lambda: request_runs(connection, opened.queue, names, RunKind.REQUESTED)
        )
        assert len(found.queued) == MANY
        inserted = _insert(connection, names)
        read, status = seconds(lambda: fleet_status(connection))
        shown, _ = seconds(lambda: status_text(status))
        selected, _ = seconds(
            lambda: connection.execute("SELECT * FROM trueup_fleet.tenants").fetchall()
        )
    sys.stdout.write(f"\nfleet: {MANY:,} tenants\n")
    _print_line("fleet.yaml to the database", f"{kept:>11.2f} s")
    ratio = f"{enqueued / inserted:.1f} times as many INSERTs"
    _print_line("enqueueing all", f"{enqueued:>11.2f} s", f"{ratio}; goal: under 10 s")
    total = read + shown
    ratio = f"{total / selected:.1f} times their SELECT"
    _print_line("`fleet status`, in its process", f"{total:>11.2f} s", f"{ratio}; goal: under 1 s")


def _insert(connection: Connection, names: list[str]) -> float:
    """The seconds that as many rows take, each inserted by a statement of its own."""
    connection.execute("CREATE TABLE peer (id bigserial PRIMARY KEY, tenant text)")

    def insert() -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany("INSERT INTO peer (tenant) VALUES (%s)", [(one,) for one in names])

    spent, _ = seconds(insert)
    return spent


def _print_runs(url: str, folder: Path, tenants: int) -> None:
    """What the plans of many tenants cost with two workers, and without any."""
    write(folder, url, tenants)
    with open_fleet(folder) as opened, opened.connect() as connection:
        opened.prepare(connection)
        alone = _plans_alone(opened)
        connection.execute("UPDATE trueup_fleet.tenants SET next_tick = now()")
        spent, memory = _work(folder)
        once = _runs_once(connection, tenants)
        [(overlaps,)] = connection.execute(OVERLAPS).fetchall()
    each = spent / tenants
    sys.stdout.write(f"\nfleet: {tenants:,} tenants planned by {WORKERS} workers\n")
    _print_line("all tenants", f"{spent:>11.1f} s")
    _print_line("planned exactly once", f"{once:>11,}", f"of {tenants:,}; goal: all")
    _print_line("runs of a tenant that overlap", f"{overlaps:>11,}", "goal: none")
    _print_line("a tenant", f"{each * 1000:>11.0f} ms")
    ratio = each / (alone / WORKERS)
    _print_line("its time / a plan's alone", f"{ratio:>11.2f}", f"on {WORKERS} cores at best 1")
    _print_line("a worker's memory", f"{memory['worker']:>11.0f} MB", "goal: under 150")
    _print_line("with the processes of its runs", f"{memory['all']:>11.0f} MB")


def write(folder: Path, url: str, tenants: int) -> None:
    """Writes a fleet of so many tenants that share a project."""
    World(folder / "base", Service(seats=13, changes={"2026-11-10": 3}))
    edit(folder / "base" / "trueup.yaml", "state:\n  connector: sqlite\n  path: state.sqlite\n", "")
    lines = [TENANT.format(name=f"tenant-{number:04}") for number in range(tenants)]
    text = FLEET.format(url=json.dumps(url)) + "".join(lines)
    (folder / "fleet.yaml").write_text(text, encoding="utf-8")


def _plans_alone(opened: OpenFleet) -> float:
    """Seconds that the plan of one tenant takes in this process, when it is warm."""
    tenants = list(opened.fleet.tenants.values())[: SAMPLE + 1]

    def plan_one(number: int) -> int:
        project = load_tenant_project(opened.fleet, tenants[number], database=opened.url)
        return len(plan(project).changes)

    assert plan_one(0)
    spent, _ = seconds(lambda: [plan_one(number) for number in range(1, len(tenants))])
    return spent / (len(tenants) - 1)


def _work(folder: Path) -> tuple[float, Mapping[str, float]]:
    """Seconds until the workers have done all that is due, and their peak memory in MB."""
    command = [sys.executable, "-m", "trueup", "fleet", "worker", "--once", "--at-once"]
    peaks = {"worker": 0.0, "all": 0.0}
    start = time.perf_counter()
    with _processes([*command, str(AT_ONCE)], folder) as workers:
        while any(one.poll() is None for one in workers):
            if time.perf_counter() - start > LONGEST:
                raise SystemExit(f"the workers did not end in {LONGEST} s")
            for one in workers:
                _measure(one.pid, peaks)
            time.sleep(PAUSE)
    return time.perf_counter() - start, peaks


@contextmanager
def _processes(command: list[str], folder: Path) -> "Iterator[list[subprocess.Popen[bytes]]]":
    environment = {"PYTHONPATH": f"{ROOT / 'engine'}", "PATH": "/usr/bin:/bin"}
    workers = [
        subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL, env=environment)
        for _ in range(WORKERS)
    ]
    try:
        yield workers
    finally:
        for one in workers:
            one.kill()
            one.wait()


def _measure(pid: int, peaks: dict[str, float]) -> None:
    """Takes the memory of a worker alone, and with the processes below it, where it is more."""
    try:
        process = psutil.Process(pid)
        own = process.memory_info().rss / 1e6
        # Pages that processes share are counted once: what is unique to each below it.
        below = sum(one.memory_full_info().uss for one in process.children(recursive=True)) / 1e6
    except psutil.Error:
        return  # one of them has just ended
    peaks["worker"] = max(peaks["worker"], own)
    peaks["all"] = max(peaks["all"], own + below)


def _runs_once(connection: Connection, tenants: int) -> int:
    """How many tenants were planned exactly once for their tick."""
    rows = connection.execute(ONCE).fetchall()
    assert len({name for name, *_ in rows}) <= tenants
    return sum(1 for _, _, *counts in rows if counts == [1, 1, "planned", "planned"])


def _print_line(name: str, figure: str, note: str = "") -> None:
    sys.stdout.write(f"  {name:<34}{figure}" + (f"  ({note})" if note else "") + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
