"""The process that executes one run of one tenant, from its start to its end."""

import contextlib
import os
import signal
import sys
from multiprocessing.connection import Connection as Pipe
from threading import Event, Thread
from time import sleep

import psycopg
from msgspec.structs import replace

from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet import tracing
from trueup.fleet.abnormal_end import abnormal_end
from trueup.fleet.child import ChildEnd, ChildOrder
from trueup.fleet.connection import Connection, connect
from trueup.fleet.faults import fault_text
from trueup.fleet.records import ClaimResult, claim_run, end_run, leave_run
from trueup.fleet.run_tenant import RunTask, TenantRun
from trueup.fleet.stored_plans import read_approved_plan
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model.fleet_run import FleetRunStatus, RunEnd, RunKind
from trueup.operations.redaction import scrubbed

_LOCK_CHECK = 3.0  # seconds between checks of the connection that holds the tenant, at most
_LOCK_LOST = 2.0  # seconds, at most, until a process without the tenant's lock ends
_BUSY_TRIES = 20  # one second each, while another process holds the tenant's lock


def carry_out(order: ChildOrder, pipe: Pipe) -> None:
    """Executes the run, records its end, and reports it to the worker."""
    stop = Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the worker decides
    signal.signal(signal.SIGTERM, lambda *_: _stop_or_leave(stop))
    worker = _Worker(pipe, stop, order.grace)
    try:
        with connect(order.database) as connection:
            end = _claim_and_run(connection, order, stop, worker)
    except FleetDatabaseAway:
        end = ChildEnd.AWAY
    worker.send(end)


def _stop_or_leave(stop: Event) -> None:
    """Requests a stop on the first signal; ends the process on the second."""
    if stop.is_set():
        sys.exit(1)
    stop.set()


class _Worker:
    """The worker at the other end of the pipe."""

    def __init__(self, pipe: Pipe, stop: Event, grace: float) -> None:
        self._pipe, self._stop, self._grace = pipe, stop, grace
        self.is_gone = False
        self.stop_reason: ChildEnd | None = None  # why it requested a stop, if it did
        Thread(target=self._listen, daemon=True).start()

    def send(self, end: ChildEnd) -> None:
        """Sends how the process ends."""
        with contextlib.suppress(OSError):  # the worker has gone
            self._pipe.send(end.value)

    def _listen(self) -> None:
        """Sets `stop` on the worker's request, or when it is gone; then the process ends soon."""
        try:
            self.stop_reason = ChildEnd(self._pipe.recv())
            self._stop.set()
            self._pipe.recv()
        except (EOFError, OSError):
            self.is_gone = True
            self._stop.set()
            _end_within(self._grace)


def _end_within(grace: float) -> None:
    sleep(grace)
    os._exit(1)  # what was in flight is in the journal; another worker settles it


def _watch(connection: Connection, over: Event, stop: Event, worker: _Worker, grace: float) -> None:
    """Ends the process soon after it lost the connection that holds the tenant's lock.

    That time and the time after which the driver notices a broken line (`connection.ALIVE`) are
    together shorter than the time after which a worker without a heartbeat counts as dead. So no
    other process can claim the tenant before.
    """
    try:
        while not over.wait(min(_LOCK_CHECK, grace / 4)):
            connection.execute("SELECT 1")
    except psycopg.Error:
        if over.is_set():
            return
        stop.set()
        sleep(min(_LOCK_LOST, grace / 4))
        worker.send(ChildEnd.AWAY)  # its end is no failure of the tenant's run
        os._exit(1)


def _claim_and_run(
    connection: Connection, order: ChildOrder, stop: Event, worker: _Worker
) -> ChildEnd:
    for _ in range(_BUSY_TRIES):
        with claim_run(connection, order.tenant, order.run, order.worker) as result:
            match result:
                case ClaimResult.ENDED:
                    return ChildEnd.RECORDED
                case ClaimResult.CLAIMED:
                    over = Event()
                    watched = (connection, over, stop, worker, order.grace)
                    Thread(target=_watch, args=watched, daemon=True).start()
                    end = _run_traced(connection, order, stop)
                    _record(connection, order, end, worker)
                    over.set()
                    return ChildEnd.RECORDED
                case ClaimResult.BUSY:
                    pass
        if stop.wait(1):
            break
    return ChildEnd.BUSY


def _record(connection: Connection, order: ChildOrder, end: RunEnd, worker: _Worker) -> None:
    """Writes how the run ended; a run that stops because its worker died stays open for another."""
    if worker.is_gone and end.status is FleetRunStatus.INTERRUPTED:
        leave_run(connection, order.run, order.worker)
        return
    if end.status is FleetRunStatus.INTERRUPTED and worker.stop_reason:
        why = abnormal_end(worker.stop_reason, order.fleet.tenants[order.tenant])
        end = replace(end, status=why.status, text=why.text, again=why.again) if why else end
    end_run(connection, order.run, order.worker, end)


def _run_traced(connection: Connection, order: ChildOrder, stop: Event) -> RunEnd:
    """Executes the run, and records it as a trace if a receiver is configured."""
    with tracing.recording(), tracing.span("run", tenant=order.tenant) as set_values:
        set_values(run=order.run, kind=str(order.kind))
        end = _run(connection, order, stop)
        end = replace(end, text=scrubbed(end.text))  # pages and files show it to every user
        set_values(status=str(end.status), waits=str(end.waits), calls=end.calls)
        set_values(doubts=end.doubt.changes if end.doubt else 0)
        set_values(**{f"changes_{name}": number for name, number in end.outcomes.items()})
        if figures := end.figures:
            set_values(planned=figures.changes, held=figures.held, blocked=figures.blocked)
            set_values(more=str(figures.more), less=str(figures.less))
            set_values(one_off=str(figures.one_off), currency=figures.currency)
        return end


def _run(connection: Connection, order: ChildOrder, stop: Event) -> RunEnd:
    tenant = order.fleet.tenants[order.tenant]
    try:
        project = load_tenant_project(
            order.fleet, tenant, database=order.database, lease=order.lease
        )
        approved = (
            None if order.kind is RunKind.PLAN else read_approved_plan(connection, order.tenant)
        )
        work = RunTask(order.kind, order.worker, approved)
        return TenantRun(project, tenant, work, stop, order.log).run()
    except EngineError as error:
        return RunEnd(FleetRunStatus.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 -- a defect, or an unforeseen file
        return RunEnd(FleetRunStatus.FAILED, fault_text(error))
