"""Starts the process of a run, and ends it without an effect on other runs.

A worker starts a process for each run, because a run may take too long, use too much memory or
crash. Worker and process are connected by a pipe. The worker sends a request to stop through it. If
the worker dies, the pipe breaks, and the run stops as if it had been requested. The process itself
records how the run ended.
"""

import asyncio
import contextlib
import multiprocessing
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from multiprocessing.connection import Connection as Pipe
from time import monotonic

from trueup.fleet.event_log import EventLog
from trueup.model.fleet import Fleet
from trueup.model.fleet_run import RunKind

GRACE = 30.0
"""Seconds for a run to stop: it waits for the answers to its requests."""

_TERMINATE_WAIT = 5.0  # seconds between terminate and kill, for a process that did not stop
_POLL = 0.05  # seconds between checks of a process
_ENGINE = "trueup.fleet.run_process"  # imports all that a run needs, and a worker does not


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """What the process of a run receives."""

    fleet: Fleet  # with this tenant alone
    tenant: str
    database: str = field(repr=False)
    run: int
    kind: RunKind
    worker: str
    grace: float  # seconds for it to stop when the worker is gone
    lease: float  # seconds after which another host may take the tenant's state from a dead one
    log: EventLog  # for its own events


class ChildEnd(StrEnum):
    """How the process of a run ended."""

    RECORDED = "recorded"  # the run is over, and recorded
    BUSY = "busy"  # another process held the tenant's lock all the time
    TOO_LONG = "too long"
    STOPPED = "stopped"
    AWAY = "database away"
    CRASHED = "crashed"


def preload() -> multiprocessing.context.BaseContext:
    """Returns the context in which processes are started.

    Where the system has a fork server, it imports the engine once for all processes. They are no
    copies of the worker, because these would share its connections.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, _ENGINE])
    return context


async def run_child(
    context: multiprocessing.context.BaseContext,
    order: ChildOrder,
    limit: float,
    patience: float,
    stop: asyncio.Event,
) -> ChildEnd:
    """Starts the process of a run and waits for its end. `limit` and `patience` are in seconds.

    A request to stop is sent at the limit, or when `stop` is set. If the process still runs
    `patience` seconds later, it is killed.
    """
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(order, theirs), daemon=True)  # type: ignore[attr-defined]
    with ours:
        await asyncio.to_thread(process.start)
        theirs.close()
        reason = await _wait_for_end_or_stop(process, limit, stop)
        if reason is not None:
            with contextlib.suppress(OSError):
                ours.send(reason.value)
            await _wait_for_end(process, patience)
            # A second signal ends it at once, with the programs that it started.
            for end in (process.terminate, process.kill):
                if process.is_alive():
                    end()
                    await _wait_for_end(process, _TERMINATE_WAIT)
        recorded = _received(ours)
    process.join(1)
    code = process.exitcode
    process.close()
    if recorded is not None:
        return recorded
    return reason or (ChildEnd.BUSY if code == 0 else ChildEnd.CRASHED)


async def _wait_for_end_or_stop(
    process: multiprocessing.Process, limit: float, stop: asyncio.Event
) -> ChildEnd | None:
    end = monotonic() + limit
    while process.is_alive():
        if stop.is_set():
            return ChildEnd.STOPPED
        if monotonic() > end:
            return ChildEnd.TOO_LONG
        await asyncio.sleep(_POLL)
    return None


async def _wait_for_end(process: multiprocessing.Process, limit: float) -> None:
    end = monotonic() + limit
    while process.is_alive() and monotonic() < end:  # noqa: ASYNC110 -- it sets no event
        await asyncio.sleep(_POLL)


def _received(pipe: Pipe) -> ChildEnd | None:
    try:
        return ChildEnd(pipe.recv()) if pipe.poll() else None
    except (EOFError, OSError):
        return None


def _main(order: ChildOrder, pipe: Pipe) -> None:
    import_module(_ENGINE).carry_out(order, pipe)
