"""A worker: queues runs that are due, and executes runs, each in a process of its own.

Any number of workers may run for one fleet, on any machines, and all are equal: each queues what is
due, takes over jobs of dead workers, and waits while the database is away.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from threading import Lock
from typing import TypeVar

from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet.abnormal_end import abnormal_end
from trueup.fleet.child import GRACE, ChildEnd, ChildOrder, preload, run_child
from trueup.fleet.cleanup import delete_old_runs, end_lost_runs
from trueup.fleet.connection import Connection, require_clock, translated
from trueup.fleet.event_log import EventLog
from trueup.fleet.faults import fault_text
from trueup.fleet.health import Pulse
from trueup.fleet.metrics import WorkerMetrics
from trueup.fleet.open_fleet import OpenFleet
from trueup.fleet.queue import RunJob, Serving
from trueup.fleet.records import end_run
from trueup.fleet.schedule import enqueue_due
from trueup.fleet.status import fleet_status, run_of
from trueup.model.fleet_run import Again, FleetStatus, RunEnd, RunKind, RunStatus

T = TypeVar("T")

TAKEOVER = 30.0
"""Seconds without a heartbeat after which a worker counts as dead."""

REMOVED_AFTER = 600
"""Seconds without a report after which a worker is removed from the table of workers."""

_ROUND = 1.0  # seconds between looks for due runs
_RECONNECT = 5.0  # seconds between tries to reach a database that is away
_REPORT_ROUNDS = 5  # rounds between reports in the table of workers
_LEASE_BOUNDS = (10.0, 60.0)  # shortest and longest lease of a tenant's state, in seconds
_RECORD_PAUSES = (0.5, 1, 1, 2, 2, 3)  # seconds between tries to write how a run ended
_CHECK_ROUNDS = 30  # rounds between checks of the clock, of fleet.yaml, and of runs without a job


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The options of a worker."""

    concurrency: int = 2
    drain: bool = False  # ends when nothing is due and no job waits
    takeover: float = TAKEOVER


class Worker:
    """One worker of a fleet."""

    def __init__(self, opened: OpenFleet, options: WorkerOptions, log: EventLog) -> None:
        self._open, self._options = opened, options
        self.name = f"{socket.gethostname()}:{os.getpid()}:{token_hex(2)}"
        self._log = replace(log, about={"worker": self.name})
        self.pulse = Pulse()
        self.metrics = WorkerMetrics(self._status)
        self._context = preload()
        self._running = 0
        self._queued = 0  # runs, by this worker
        self._is_away = False
        self._stop = asyncio.Event()
        self._reading = Lock()  # of fleet.yaml: before each run, and from time to time
        self._unread = ""  # why fleet.yaml was not read again, as reported last

    async def work(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set, or, with `drain`, until nothing is left to do.

        Raises EngineError if the database cannot be used and waiting does not help.
        """
        self._stop = stop
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
            self._open.revive()
        with self._open.connect() as connection:
            self._open.prepare(connection)
            require_clock(connection)
        self._is_away = False

    async def _session(self) -> None:
        """Works as long as the database is available, and the clocks agree.

        Waits for jobs that were started. Raises the error that ended the session.
        """
        ending = asyncio.Event()
        options = self._options
        serving = Serving(options.concurrency, drain=options.drain, takeover=options.takeover)
        connection = await asyncio.to_thread(self._open.connect)
        looking = asyncio.ensure_future(self._look_on(connection))
        taking = asyncio.ensure_future(self._open.queue.serve(self._handle, serving, ending))
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
        with self._open.connect() as connection:
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        """Queues the runs that are due."""
        queued = enqueue_due(connection, self._open.queue, self._open.fleet)
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
                [self.name, socket.gethostname(), self._running],
            )
            connection.execute(
                "DELETE FROM trueup_fleet.workers WHERE seen < now() - make_interval(secs => %s)",
                [REMOVED_AFTER],
            )

    def _leave(self) -> None:
        # If the database is away, another worker removes the row later.
        with contextlib.suppress(FleetDatabaseAway), self._open.connect() as connection:
            connection.execute("DELETE FROM trueup_fleet.workers WHERE name = %s", [self.name])

    def _check(self, connection: Connection) -> None:
        """Ends lost runs, deletes old ones, and reads fleet.yaml again if it has changed.

        Raises EngineError if the clocks differ.
        """
        require_clock(connection)
        for tenant in end_lost_runs(connection, self._open.queue):
            self._emit("run lost", tenant=tenant)
        delete_old_runs(connection)
        self._read_again()

    def _read_again(self) -> None:
        """Reads fleet.yaml again if it has changed; an invalid file is reported once."""
        with self._reading:
            try:
                read = self._open.read_again()
            except EngineError as error:
                if str(error) != self._unread:
                    self._unread = str(error)
                    self._emit("fleet.yaml not read", text=self._unread)
                return
            self._unread = ""
            if read is self._open:
                return
            with read.connect() as connection:
                read.prepare(connection)
            self._open = read
            self._emit("fleet.yaml read", tenants=len(read.fleet.tenants))

    # One run

    async def _handle(self, job: RunJob) -> None:
        try:
            await self._carry_out(job)
        except FleetDatabaseAway as away:
            self._emit("run not recorded", tenant=job.tenant, run=job.run, text=str(away))
            raise
        except Exception as error:
            self._emit("fault", tenant=job.tenant, run=job.run, text=fault_text(error))
            raise

    async def _carry_out(self, job: RunJob) -> None:
        kind = await self._patiently(self._kind_of, job)
        if kind is None:
            return  # a worker that was taken for dead has ended it
        # The file may have changed just before the run was requested.
        await asyncio.to_thread(self._read_again)
        tenant = self._open.fleet.tenants.get(job.tenant)
        if tenant is None:
            await self._patiently(self._end, job, _unknown_here())
            return
        self._running += 1
        self.metrics.began()
        self._emit("run began", tenant=job.tenant, run=job.run, kind=str(kind))
        try:
            end = await run_child(
                self._context,
                self._order(job, kind),
                tenant.time_limit.total_seconds(),
                min(GRACE, self._options.takeover),
                self._stop,
            )
        finally:
            self._running -= 1
            self.metrics.left()
        if missing := abnormal_end(end, tenant):
            await self._patiently(self._end, job, missing)
        await self._patiently(self._observe_end, job, end)

    async def _patiently(self, act: Callable[..., T], *given: object) -> T:
        """Calls a function, and tries again for some seconds while the database is away.

        A job whose end is not recorded stays lost until `cleanup` finds it.
        """
        for pause in _RECORD_PAUSES:
            with contextlib.suppress(FleetDatabaseAway):
                return await asyncio.to_thread(act, *given)
            if self._stop.is_set():
                break
            await asyncio.sleep(pause)
        return await asyncio.to_thread(act, *given)

    def _observe_end(self, job: RunJob, end: ChildEnd) -> None:
        """Logs and counts how a run ended, or that another worker will continue it."""
        with self._open.connect() as connection:
            run = run_of(connection, job.run)
        if run is None or run.ended is None:
            self._emit("run left", tenant=job.tenant, run=job.run, how=str(end))
            return
        self.metrics.ended(run)
        counts = {f"changes_{name}": number for name, number in run.outcomes.items()}
        seconds = (run.ended - run.started).total_seconds() if run.started else 0
        self._emit(
            "run ended",
            tenant=job.tenant,
            run=job.run,
            status=str(run.status),
            seconds=round(seconds, 1),
            planned=run.figures.changes if run.figures else 0,
            calls=run.calls,
            state_run=run.state_run,
            **counts,
        )

    def _status(self) -> FleetStatus | None:
        """Returns the status of the fleet; None while its database is away."""
        try:
            with self._open.connect() as connection:
                return fleet_status(connection)
        except FleetDatabaseAway:
            return None

    def _order(self, job: RunJob, kind: RunKind) -> ChildOrder:
        fleet = self._open.fleet
        alone = replace(fleet, tenants={job.tenant: fleet.tenants[job.tenant]})
        grace = min(GRACE, self._options.takeover / 2)
        log = replace(self._log, about={**self._log.about, "tenant": job.tenant, "run": job.run})
        lease = min(max(_LEASE_BOUNDS[0], self._options.takeover), _LEASE_BOUNDS[1])
        url = self._open.url
        return ChildOrder(alone, job.tenant, url, job.run, kind, self.name, grace, lease, log)

    def _kind_of(self, job: RunJob) -> RunKind | None:
        """Returns why a run was queued; None if it has ended."""
        with translated(), self._open.connect() as connection:
            row = connection.execute(
                "SELECT kind FROM trueup_fleet.runs WHERE id = %s AND ended IS NULL", [job.run]
            ).fetchone()
        return RunKind(row[0]) if row else None

    def _end(self, job: RunJob, end: RunEnd) -> None:
        with self._open.connect() as connection:
            end_run(connection, job.run, self.name, end)

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), _RECONNECT)

    def _emit(self, event: str, **about: object) -> None:
        self._log.emit(event, **about)


def _unknown_here() -> RunEnd:
    """The end of a run whose tenant is not in this machine's fleet.yaml."""
    text = (
        f"fleet.yaml on {socket.gethostname()} has no such tenant: it must be the same everywhere"
    )
    again = Again(datetime.now(UTC), "another worker may know it")
    return RunEnd(RunStatus.FAILED, text, again=again)
