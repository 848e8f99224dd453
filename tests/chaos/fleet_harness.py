"""A fleet under kills: workers on several hosts, a database of its own, a network for each host.

Whoever started a worker starts it again, as a supervisor would. Each tenant always has something
to do: once all of a round is applied, the next one begins, with a time of the schedule.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg
import yaml
from trueup.fleet.connection import connect
from trueup.fleet.open_fleet import open_fleet

from tests.chaos.fleet_figures import TAKEOVER, FleetFigures
from tests.chaos.fleet_tenant import ChaosTenant, base
from tests.chaos.fleet_worker import DEFECT, HOST, WRITES
from tests.chaos.network import Network
from tests.chaos.own_postgres import OwnPostgres
from tests.chaos.serving import FIRST_PORT, free_port
from tests.support.in_process import sandboxes_kept
from tests.support.paths import ROOT

PORT = "CHAOS_PORT"
LONGEST = 900.0
"""Seconds within which all must be settled; a machine may be very busy."""

_LOOK = 0.25  # seconds
_APPLY = {"do": "apply", "within": {"changes": 500, "monthly_effect": 5000, "one_off_effect": 5000}}
_DEFAULTS = {"schedule": {"cron": "0 5 1 1 *", "time_zone": "Europe/London"}, "run": _APPLY}
NAMES = ("acme", "birch", "cedar", "dogwood", "elder", "fir", "gorse", "hazel")


@dataclass
class Host:
    """A machine with a worker."""

    name: str
    network: Network
    folder: Path
    writes: Path
    defect: str
    process: "subprocess.Popen[bytes] | None" = None
    seen: list[psutil.Process] = field(default_factory=list)  # of workers that were killed

    def start(self) -> None:
        """Starts its worker."""
        about = {HOST: self.name, PORT: str(self.network.port), WRITES: str(self.writes)}
        path = os.pathsep.join([str(ROOT), str(ROOT / "engine")])
        command = [sys.executable, "-m", "tests.chaos.fleet_worker", "fleet", "worker", "--json"]
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--takeover-after", str(TAKEOVER)],
                cwd=self.folder,
                env={**os.environ, **about, DEFECT: self.defect, "PYTHONPATH": path},
                stdin=subprocess.PIPE,  # closed when this process ends, however it ends
                stdout=log,
                stderr=log,
            )

    def processes(self) -> list[psutil.Process]:
        """Its worker and all processes that it has started."""
        if self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(self.process.pid)
            found = [worker, *worker.children(recursive=True)]
            self.seen = [one for one in self.seen if one.is_running()] + found
            return found
        return []

    def runs(self) -> list[psutil.Process]:
        """The processes of its runs."""
        found = []
        for one in self.processes()[1:]:
            with suppress(psutil.NoSuchProcess):
                parent = one.parent()
                if parent and self.process and parent.pid != self.process.pid:
                    found.append(one)
        return found

    def kill(self, *, whole: bool) -> str:
        """Kills the worker, or all of its host; returns the name of the worker's process."""
        assert self.process
        pid, all_ = self.process.pid, self.processes()
        for one in all_ if whole else all_[:1]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.communicate()
        self.process = None
        return f"{self.name}:{pid}:"

    def close(self) -> None:
        """Ends its worker, and what those left behind that were killed."""
        self.processes()
        for one in self.seen:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        if self.process:
            self.process.communicate()
        self.network.close()


class FleetHarness:
    """A fleet, for one long scenario."""

    def __init__(
        self,
        folder: Path,
        server: OwnPostgres,
        *,
        seed: int,
        tenants: int = 4,
        hosts: int = 3,
        defect: str = "",
        longest: float = LONGEST,
    ) -> None:
        """Makes everything, and starts the workers."""
        self.random, self.figures, self.server = Random(seed), FleetFigures(), server
        self._longest = longest
        self.writes = folder / "writes.jsonl"
        self.writes.touch()
        self._ticks: list[tuple[str, Any]] = []
        self._connection: psycopg.Connection[Any] | None = None
        self._stack = ExitStack()
        self._stack.enter_context(sandboxes_kept())
        root = folder / "fleet"
        root.mkdir()
        start = base(folder / "base")
        names = NAMES[:tenants]
        self.tenants = {
            name: ChaosTenant(name, start, root, folder / "twins", seed) for name in names
        }
        self.hosts = [
            Host(f"host-{number + 1}", Network(server.socket, port), root, self.writes, defect)
            for number, port in zip(range(hosts), self._ports(), strict=False)
        ]
        try:
            self._write_fleet(root)
            for tenant in self.tenants.values():
                tenant.start()
            self._prepare(root)
            for host in self.hosts:
                host.start()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends all processes that are left."""
        for host in self.hosts:
            host.close()
        for tenant in self.tenants.values():
            tenant.sandbox.kill()
        self._disconnect()
        self._stack.close()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @staticmethod
    def _ports() -> Any:
        """Ports that nothing uses now; each is taken before the next one is asked for."""
        return (free_port() for _ in count(FIRST_PORT))

    def _write_fleet(self, root: Path) -> None:
        url = f"postgresql://postgres@127.0.0.1:{{{{ env.{PORT} }}}}/postgres"
        document = {
            "fleet": "Northgate",
            "database": url,
            "defaults": _DEFAULTS,
            "tenants": {name: {"project": name} for name in self.tenants},
        }
        text = yaml.safe_dump(document, sort_keys=False)
        (root / "fleet.yaml").write_text(text, encoding="utf-8")

    def _prepare(self, root: Path) -> None:
        os.environ[PORT] = str(self.hosts[0].network.port)
        with open_fleet(root) as opened, opened.connect() as connection:
            opened.prepare(connection)

    # What goes on

    def rows(self, query: str, *arguments: object) -> Sequence[tuple[Any, ...]]:
        """What a query gives, right from the database, which must be there."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.server.address, autocommit=True)
        return self._connection.execute(query.encode(), arguments).fetchall()

    def feed(self) -> None:
        """Gives each tenant that is through with its round the next one."""
        for name in self._idle():
            tenant = self.tenants[name]
            if tenant.rounds == 0 or self._is_through(name):
                if tenant.rounds:
                    tenant.go_on()
                tenant.rounds += 1
                self.figures.rounds += 1
            else:
                self.figures.again += 1
            self._tick(name)

    def _tick(self, name: str) -> None:
        """Lets the schedule of a tenant come up."""
        [(tick,)] = self.rows(
            """
            UPDATE trueup_fleet.tenants SET next_tick = clock_timestamp() WHERE name = %s
            RETURNING next_tick
            """,
            name,
        )
        self._ticks.append((name, tick))
        self.figures.ticks += 1

    def _idle(self) -> Sequence[str]:
        """Tenants that have no run, and wait for none but the next one of next year."""
        found = self.rows(
            """
            SELECT name FROM trueup_fleet.tenants
             WHERE run IS NULL AND again_at IS NULL AND next_tick > now() + interval '1 day'
            """
        )
        at_once = self.rows(
            "SELECT name FROM trueup_fleet.tenants WHERE last_run IS NULL AND run IS NULL"
        )
        ticked = {name for name, _ in self._ticks}
        return [
            *(str(name) for (name,) in found if name in ticked),
            *(str(name) for (name,) in at_once if name not in ticked),
        ]

    def _is_through(self, name: str) -> bool:
        """Whether the last run did all that there was to do."""
        return self._last_status(name) == "done"

    def _last_status(self, name: str) -> str:
        found = self.rows(
            """
            SELECT run.status FROM trueup_fleet.tenants AS tenant
              JOIN trueup_fleet.runs AS run ON run.id = tenant.last_run WHERE tenant.name = %s
            """,
            name,
        )
        return str(found[0][0]) if found else ""

    # Mishaps

    def mishap(self) -> None:
        """One of any kind, drawn at random."""
        kinds: Mapping[str, tuple[int, Callable[[], None]]] = {
            "worker": (30, lambda: self.kill_host(whole=False)),
            "host": (28, lambda: self.kill_host(whole=True)),
            "run": (10, self.kill_run),
            "database": (14, self.kill_database),
            "network": (18, self.cut_network),
        }
        [kind] = self.random.choices([*kinds], [weight for weight, _ in kinds.values()])
        kinds[kind][1]()

    def wait_for_work(self, seconds: float = 20) -> list[Host]:
        """Waits until a host has a run at work, and a moment more; returns those that have.

        Half of the time it waits until a write is on its way.
        """
        end, wants_write = time.monotonic() + seconds, self.random.random() < 0.5
        while time.monotonic() < end:
            self.feed()
            if wants_write and (found := self._writing()):
                return found
            if not wants_write and (found := [one for one in self.hosts if one.runs()]):
                self._idle_for(self.random.uniform(0, 3))
                return found
            time.sleep(_LOOK)
        return []

    def _writing(self) -> list[Host]:
        under_way = self.figures.read_writes(self.writes).under_way()
        return [host for host in self.hosts if {str(one.pid) for one in host.runs()} & under_way]

    def kill_host(self, *, whole: bool) -> None:
        """Kills a worker, alone or with all processes of its host; it is started again."""
        found = self.wait_for_work() or self.hosts
        host = self.random.choice(found)
        name = host.kill(whole=whole)
        self.figures.killed(name, time.time())
        self.figures.kills["a host" if whole else "a worker"] += 1
        self._idle_for(self.random.uniform(0, 2))
        host.start()

    def kill_run(self) -> None:
        """Kills the process of one run."""
        self.wait_for_work()
        runs = [run for host in self.hosts for run in host.runs()]
        if runs:
            with suppress(psutil.NoSuchProcess):
                self.random.choice(runs).kill()
                self.figures.kills["a run"] += 1

    def kill_database(self) -> None:
        """Kills the database, or ends it at once, and starts it again."""
        self.wait_for_work()
        at_once = self.random.random() < 0.7
        self.figures.disturbed(time.time())
        self._disconnect()
        self.server.end(at_once=at_once)
        self.figures.kills["the database" if at_once else "the database, immediate"] += 1
        time.sleep(self.random.uniform(0, 4))
        self.server.start()
        self.figures.disturbed(time.time())

    def cut_network(self) -> None:
        """Cuts the network of a host, or holds everything up in it, and restores it."""
        host = self.random.choice(self.wait_for_work() or self.hosts)
        is_held = self.random.random() < 0.35
        self.figures.disturbed(time.time())
        (host.network.hold if is_held else host.network.cut)()
        self.figures.kills["the network held up" if is_held else "the network cut"] += 1
        self._idle_for(self.random.uniform(0.2, 8))
        host.network.restore()
        self.figures.disturbed(time.time())

    def _idle_for(self, seconds: float) -> None:
        """Lets the fleet work."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.feed()
            time.sleep(min(_LOOK, max(0.0, end - time.monotonic())))

    # The end

    def settle(self) -> bool:
        """Waits until every tenant has done all, and a last plan of each is empty."""
        end = time.monotonic() + self._longest
        if not self._all_through(end):
            return False
        for name in self.tenants:
            self._tick(name)
        return self._all_through(end)

    def _all_through(self, end: float) -> bool:
        while True:
            idle = self._idle()
            left = [name for name in self.tenants if name not in idle]
            failed = [name for name in idle if not self._is_through(name)]
            for name in failed:  # it was given up, until the schedule says so again
                self.figures.again += 1
                self._tick(name)
            if not left and not failed:
                return True
            if time.monotonic() > end:
                about = "SELECT name, run, again_at, again_why FROM trueup_fleet.tenants"
                self.figures.problems.append(
                    f"left behind: {', '.join([*left, *failed])}: {self.rows(about)}"
                )
                return False
            time.sleep(_LOOK)

    def check(self) -> FleetFigures:
        """Compares everything with what was wanted; returns the figures."""
        figures = self.figures
        with connect(self.server.address) as connection:
            figures.check_log(connection, self._ticks)
        figures.check_writes(self.writes)
        for name, tenant in self.tenants.items():
            figures.check_tenant(name, tenant.wrong(self.server.address))
        return figures

    def stop(self) -> None:
        """Asks all workers to end, and waits until they have."""
        for host in self.hosts:
            if host.process:
                host.process.send_signal(signal.SIGTERM)
        for host in self.hosts:
            if host.process:
                try:
                    host.process.wait(self._longest)
                except subprocess.TimeoutExpired:
                    self.figures.problems.append(f"{host.name} does not end")
