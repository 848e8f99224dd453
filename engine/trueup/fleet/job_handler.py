"""What a worker does with a job: executes its run in a process of its own, and records its end."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from trueup.errors import FleetDatabaseAway
from trueup.fleet.abnormal_end import abnormal_end
from trueup.fleet.child import GRACE, ChildEnd, ChildOrder, preload, run_child
from trueup.fleet.connection import translated
from trueup.fleet.current_fleet import CurrentFleet
from trueup.fleet.event_log import EventLog
from trueup.fleet.faults import fault_text
from trueup.fleet.metrics import WorkerMetrics
from trueup.fleet.queue import RunJob
from trueup.fleet.records import end_run
from trueup.fleet.status import run_of
from trueup.model.fleet_run import Again, FleetRunStatus, RunEnd, RunKind

T = TypeVar("T")

_LEASE_BOUNDS = (10.0, 60.0)  # shortest and longest lease of a tenant's state, in seconds
_RECORD_PAUSES = (0.5, 1, 1, 2, 2, 3)  # seconds between tries to write how a run ended


class JobHandler:
    """Carries out the jobs of one worker, several at once."""

    def __init__(
        self,
        fleet: CurrentFleet,
        worker: str,
        takeover: float,
        log: EventLog,
        metrics: WorkerMetrics,
    ) -> None:
        """`worker` is its name; after `takeover` seconds without a heartbeat it counts as dead."""
        self._fleet, self._worker, self._takeover = fleet, worker, takeover
        self._log, self._metrics = log, metrics
        self._context = preload()
        self.running = 0
        self.stop = asyncio.Event()
        """Set once the worker is to end: runs are interrupted then."""

    async def handle(self, job: RunJob) -> None:
        """Carries out the run of a job; an error is logged and raised."""
        try:
            await self._carry_out(job)
        except FleetDatabaseAway as away:
            self._log.emit("run not recorded", tenant=job.tenant, run=job.run, text=str(away))
            raise
        except Exception as error:
            self._log.emit("fault", tenant=job.tenant, run=job.run, text=fault_text(error))
            raise

    async def _carry_out(self, job: RunJob) -> None:
        kind = await self._patiently(self._kind_of, job)
        if kind is None:
            return  # a worker that was taken for dead has ended it
        # The file may have changed just before the run was requested.
        await asyncio.to_thread(self._fleet.read_again)
        tenant = self._fleet.opened.fleet.tenants.get(job.tenant)
        if tenant is None:
            await self._patiently(self._end, job, _unknown_here())
            return
        self.running += 1
        self._metrics.began()
        self._log.emit("run began", tenant=job.tenant, run=job.run, kind=str(kind))
        try:
            end = await run_child(
                self._context,
                self._order(job, kind),
                tenant.time_limit.total_seconds(),
                min(GRACE, self._takeover),
                self.stop,
            )
        finally:
            self.running -= 1
            self._metrics.left()
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
            if self.stop.is_set():
                break
            await asyncio.sleep(pause)
        return await asyncio.to_thread(act, *given)

    def _observe_end(self, job: RunJob, end: ChildEnd) -> None:
        """Logs and counts how a run ended, or that another worker will continue it."""
        with self._fleet.opened.connect() as connection:
            run = run_of(connection, job.run)
        if run is None or run.ended is None:
            self._log.emit("run left", tenant=job.tenant, run=job.run, how=str(end))
            return
        self._metrics.ended(run)
        counts = {f"changes_{name}": number for name, number in run.outcomes.items()}
        seconds = (run.ended - run.started).total_seconds() if run.started else 0
        self._log.emit(
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

    def _order(self, job: RunJob, kind: RunKind) -> ChildOrder:
        fleet = self._fleet.opened.fleet
        alone = replace(fleet, tenants={job.tenant: fleet.tenants[job.tenant]})
        grace = min(GRACE, self._takeover / 2)
        log = replace(self._log, about={**self._log.about, "tenant": job.tenant, "run": job.run})
        lease = min(max(_LEASE_BOUNDS[0], self._takeover), _LEASE_BOUNDS[1])
        url = self._fleet.opened.url
        return ChildOrder(alone, job.tenant, url, job.run, kind, self._worker, grace, lease, log)

    def _kind_of(self, job: RunJob) -> RunKind | None:
        """Returns why a run was queued; None if it has ended."""
        with translated(), self._fleet.opened.connect() as connection:
            row = connection.execute(
                "SELECT kind FROM trueup_fleet.runs WHERE id = %s AND ended IS NULL", [job.run]
            ).fetchone()
        return RunKind(row[0]) if row else None

    def _end(self, job: RunJob, end: RunEnd) -> None:
        with self._fleet.opened.connect() as connection:
            end_run(connection, job.run, self._worker, end)


def _unknown_here() -> RunEnd:
    """The end of a run whose tenant is not in this machine's fleet.yaml."""
    text = (
        f"fleet.yaml on {socket.gethostname()} has no such tenant: it must be the same everywhere"
    )
    again = Again(datetime.now(UTC), "another worker may know it")
    return RunEnd(FleetRunStatus.FAILED, text, again=again)
