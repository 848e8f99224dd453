"""A worker: queues runs that are due, and executes runs, each in a process of its own.

Any number of workers may run for one fleet, on any machines, and all are equal: each queues what is
due, takes over jobs of dead workers, and waits while the database is away.
"""

import asyncio
import contextlib
import os
import socket
from secrets import token_hex

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet.cleanup import delete_old_runs, end_lost_runs
from trueup.fleet.connection import Connection, require_clock, translated
from trueup.fleet.current_fleet import CurrentFleet
from trueup.fleet.event_log import EventLog
from trueup.fleet.health import Pulse
from trueup.fleet.job_handler import JobHandler
from trueup.fleet.metrics import WorkerMetrics
from trueup.fleet.open_fleet import OpenFleet
from trueup.fleet.queue import Serving
from trueup.fleet.schedule import enqueue_due
from trueup.fleet.status import fleet_status
from trueup.model.fleet_run import FleetStatus

TAKEOVER = 30.0
"""Seconds without a heartbeat after which a worker counts as dead."""

REMOVED_AFTER = 600
"""Seconds without a report after which a worker is removed from the table of workers."""

_ROUND = 1.0  # seconds between looks for due runs
_RECONNECT = 5.0  # seconds between tries to reach a database that is away
_REPORT_ROUNDS = 5  # rounds between reports in the table of workers
_CHECK_ROUNDS = 30  # rounds between checks of the clock, of fleet.yaml, and of runs without a job


class WorkerOptions(Struct, frozen=True):
    """The options of a worker."""

    concurrency: int = 2
    drain: bool = False  # ends when nothing is due and no job waits
    takeover: float = TAKEOVER


class Worker:
    """One worker of a fleet."""

    def __init__(self, opened: OpenFleet, options: WorkerOptions, log: EventLog) -> None:
        self._options = options
        self.name = f"{socket.gethostname()}:{os.getpid()}:{token_hex(2)}"
        self._log = replace(log, about={"worker": self.name})
        self.pulse = Pulse()
        self.metrics = WorkerMetrics(self._status)
        self._fleet = CurrentFleet(opened, self._log)
        self._jobs = JobHandler(self._fleet, self.name, options.takeover, self._log, self.metrics)
        self._queued = 0  # runs, by this worker
        self._is_away = False
        self._stop = asyncio.Event()

    async def work(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, or, with `drain`, until nothing is left to do.

        Raises EngineError if the database cannot be used and waiting does not help.
        """
        self._stop = self._jobs.stop = stop
        self._emit("worker began", takes=self._options.concurrency)
        is_ready = False
        while not stop.is_set():
            try:
                await asyncio.to_thread(self._prepare)
                is_ready = True
                before = self._queued
                await self._session()
                await asyncio.to_thread(self._look_once)
                if self._options.drain and self._queued == before:
                    break  # it queued runs after it last looked for jobs
            except FleetDatabaseAway as away:
                if self._options.drain:
                    raise
                self._is_away = True
                self.pulse.beat(is_ready=False)
                self._emit("database away", text=str(away))
                await self._pause()
            except EngineError as error:
                if self._options.drain or not is_ready:
                    raise
                self.pulse.beat(is_ready=False)
                self._emit("worker waits", text=str(error))
                await self._pause()
        await asyncio.to_thread(self._leave)
        self._emit("worker ended")

    def _prepare(self) -> None:
        """Raises EngineError if the database or this machine's clock are not usable."""
        if self._is_away:
            self._fleet.opened.revive()
        with self._fleet.opened.connect() as connection:
            self._fleet.opened.prepare(connection)
            require_clock(connection)
        self._is_away = False

    async def _session(self) -> None:
        """Works as long as the database is available, and the clocks agree.

        Waits for jobs that were started. Raises the error that ended the session.
        """
        ending = asyncio.Event()
        options = self._options
        serving = Serving(options.concurrency, drain=options.drain, takeover=options.takeover)
        connection = await asyncio.to_thread(self._fleet.opened.connect)
        looking = asyncio.ensure_future(self._look_on(connection))
        taking = asyncio.ensure_future(
            self._fleet.opened.queue.serve(self._jobs.handle, serving, ending)
        )
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({looking, taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        self.pulse.beat(is_ready=False)  # no job is taken from here on, and active ones take time
        ending.set()
        looking.cancel()
        stopping.cancel()
        results = await asyncio.gather(taking, looking, return_exceptions=True)
        connection.close()
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _look_on(self, connection: Connection) -> None:
        """Looks for what is due, once per `_ROUND`. Raises EngineError if it cannot continue."""
        rounds = 0
        while True:
            await asyncio.to_thread(self._look, connection)
            self.pulse.beat(is_ready=True)
            rounds += 1
            if rounds % _REPORT_ROUNDS == 1:
                await asyncio.to_thread(self._report, connection)
            if rounds % _CHECK_ROUNDS == 0:
                await asyncio.to_thread(self._check, connection)
            await asyncio.sleep(_ROUND)

    def _look_once(self) -> None:
        with self._fleet.opened.connect() as connection:
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        """Queues the runs that are due."""
        queued = enqueue_due(connection, self._fleet.opened.queue, self._fleet.opened.fleet)
        self._queued += queued
        if queued:
            self._emit("queued", runs=queued)

    def _report(self, connection: Connection) -> None:
        """Writes that this worker is alive."""
        with translated():
            connection.execute(
                """
                INSERT INTO trueup_fleet.workers (name, host, running) VALUES (%s, %s, %s)
                ON CONFLICT (name) DO UPDATE SET seen = now(), running = EXCLUDED.running
                """,
                [self.name, socket.gethostname(), self._jobs.running],
            )
            connection.execute(
                "DELETE FROM trueup_fleet.workers WHERE seen < now() - make_interval(secs => %s)",
                [REMOVED_AFTER],
            )

    def _leave(self) -> None:
        # If the database is away, another worker removes the row later.
        with contextlib.suppress(FleetDatabaseAway), self._fleet.opened.connect() as connection:
            connection.execute("DELETE FROM trueup_fleet.workers WHERE name = %s", [self.name])

    def _check(self, connection: Connection) -> None:
        """Ends lost runs, deletes old ones, and reads fleet.yaml again if it has changed.

        Raises EngineError if the clocks differ.
        """
        require_clock(connection)
        for tenant in end_lost_runs(connection, self._fleet.opened.queue):
            self._emit("run lost", tenant=tenant)
        delete_old_runs(connection)
        self._fleet.read_again()

    def _status(self) -> FleetStatus | None:
        """Returns the status of the fleet; None while its database is away."""
        try:
            with self._fleet.opened.connect() as connection:
                return fleet_status(connection)
        except FleetDatabaseAway:
            return None

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), _RECONNECT)

    def _emit(self, event: str, **about: object) -> None:
        self._log.emit(event, **about)
