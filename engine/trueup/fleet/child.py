"""Runs of tenants in processes of their own, each ended without touching another one.

A worker starts a process for each run, because a run may take too long, take too much memory or
end its process. The two are connected by a pipe. The worker asks through it for a gentle end; when
the worker dies, the pipe breaks, and the run ends as if it had been asked. It writes by itself how
it ended.
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
"""Seconds that a run gets to end gently: it waits for answers that it has asked for."""

_LEAVE = 5.0  # seconds to put things in order, for a process that did not end gently
_LOOK = 0.05  # seconds between looks at a process
_ENGINE = "trueup.fleet.run_process"  # with all that a run needs; a worker needs none of it


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """All that the process of a run is given."""

    fleet: Fleet  # with this tenant alone
    tenant: str
    database: str = field(repr=False)
    run: int
    kind: RunKind
    worker: str
    grace: float  # seconds that it gets to end gently when the worker is gone
    lease: float  # seconds after which another host may take the tenant's state from a dead one
    log: EventLog  # of what it reports by itself


class ChildEnd(StrEnum):
    """How the process of a run ended."""

    RECORDED = "recorded"  # the run is over, and recorded
    BUSY = "busy"  # another process held the tenant all the time
    TOO_LONG = "too long"
    STOPPED = "stopped"
    AWAY = "database away"
    CRASHED = "crashed"


def preload() -> multiprocessing.context.BaseContext:
    """How the processes are started: from one that has imported the engine, where there is such.

    Copies of the worker itself would share its connections.
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

    It is asked to end at the limit, and when `stop` is set; `patience` later it is ended.
    """
    ours, theirs = context.Pipe()
    process = context.Process(target=_main, args=(order, theirs), daemon=True)  # type: ignore[attr-defined]
    with ours:
        await asyncio.to_thread(process.start)
        theirs.close()
        reason = await _until_asked(process, limit, stop)
        if reason is not None:
            with contextlib.suppress(OSError):
                ours.send(reason.value)
            await _until_ended(process, patience)
            # Asked again, it leaves what it waits for; programs that it started end with it.
            for end in (process.terminate, process.kill):
                if process.is_alive():
                    end()
                    await _until_ended(process, _LEAVE)
        told = _told(ours)
    process.join(1)
    code = process.exitcode
    process.close()
    if told is not None:
        return told
    return reason or (ChildEnd.BUSY if code == 0 else ChildEnd.CRASHED)


async def _until_asked(
    process: multiprocessing.Process, limit: float, stop: asyncio.Event
) -> ChildEnd | None:
    end = monotonic() + limit
    while process.is_alive():
        if stop.is_set():
            return ChildEnd.STOPPED
        if monotonic() > end:
            return ChildEnd.TOO_LONG
        await asyncio.sleep(_LOOK)
    return None


async def _until_ended(process: multiprocessing.Process, limit: float) -> None:
    end = monotonic() + limit
    while process.is_alive() and monotonic() < end:  # noqa: ASYNC110 -- it sets no event
        await asyncio.sleep(_LOOK)


def _told(pipe: Pipe) -> ChildEnd | None:
    try:
        return ChildEnd(pipe.recv()) if pipe.poll() else None
    except (EOFError, OSError):
        return None


def _main(order: ChildOrder, pipe: Pipe) -> None:
    import_module(_ENGINE).carry_out(order, pipe)
