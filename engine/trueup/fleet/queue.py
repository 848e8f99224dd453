"""The interface of a fleet's queue: one job per tenant at a time, given to live workers.

`procrastinate_queue` implements it. When a tenant is due, what a run does and what follows from it
are in the fleet's records (`trueup.fleet.records`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from msgspec import Struct

from trueup.fleet.connection import Connection


class RunJob(Struct, frozen=True):
    """One run of one tenant that waits for a worker."""

    tenant: str
    run: int  # of the fleet's records
    is_urgent: bool = False  # requested by a person: it runs before scheduled ones


Handler = Callable[[RunJob], Awaitable[None]]
"""Executes a job. Its error is logged; the job is given to another worker later."""


class Serving(Struct, frozen=True):
    """How a worker takes jobs. Times are in seconds."""

    concurrency: int
    drain: bool  # ends when no job waits any more
    takeover: float  # without a heartbeat, after which a worker counts as dead


class JobQueue(Protocol):
    """A queue in the fleet's database."""

    def install(self, connection: Connection) -> None:
        """Creates or migrates the queue's tables. The caller holds the lock of migrations."""
        ...

    def enqueue(self, connection: Connection, jobs: Sequence[RunJob]) -> Sequence[int]:
        """Queues jobs in the caller's transaction; returns their ids.

        At most one job per tenant is given to a worker at a time.
        """
        ...

    def alive(self) -> Collection[int]:
        """Returns the ids of the jobs that wait or are running."""
        ...

    async def serve(self, handler: Handler, serving: Serving, stop: asyncio.Event) -> None:
        """Takes jobs until `stop` is set, then waits for those that are running.

        Jobs of workers without a heartbeat are released to other workers. Raises FleetDatabaseAway
        if the database goes away; the running jobs are released later.
        """
        ...
