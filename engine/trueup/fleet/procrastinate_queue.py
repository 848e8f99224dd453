"""The queue on procrastinate: the only module that imports this library.

Its tables are in a schema of their own. Only public parts of the library are used: `App`, its
connectors, `Worker`, `JobManager` and `SchemaManager`. A worker is stopped, not cancelled: a
cancellation is lost if the driver's answer, or its error, arrives at the same moment.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.worker import Worker

from trueup.errors import EngineError, FleetDatabaseAway
from trueup.fleet.connection import Connection, address, translated
from trueup.fleet.queue import Handler, RunJob, Serving

SCHEMA = "trueup_queue"
QUEUE = "tenants"
TASK = "run_tenant"

_RESCUE = 0x74727565_00000002
"""Number of the lock under which one worker at a time releases the jobs of dead workers."""

_MIGRATION = re.compile(r"\d\d\.\d\d\.\d\d_\d\d_\w+\.sql")
for _name in ("procrastinate", "psycopg"):  # the worker's own log reports the same
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False

NO_ANSWER = "the fleet's database cannot be used: it does not answer"

_POLL = 3.0
"""Seconds between looks for jobs without a notification, and for dead workers."""


class ProcrastinateQueue:
    """The queue in one database."""

    def __init__(self, url: str) -> None:
        self._url = url

    def install(self, connection: Connection) -> None:
        """Creates or migrates the queue's tables. The caller holds the lock of migrations.

        Raises EngineError if a newer trueup has migrated them.
        """
        files = sorted(one.name for one in migrations().iterdir() if _MIGRATION.match(one.name))
        with translated():
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {SCHEMA}.installed (migration text NOT NULL)"
            )
            row = connection.execute(f"SELECT migration FROM {SCHEMA}.installed").fetchone()  # noqa: S608 -- a constant
            known = str(row[0]) if row else ""
            if known == files[-1]:
                return
            if known > files[-1]:
                raise EngineError(
                    f"the fleet's queue was migrated by a newer trueup (to {known}, and this one "
                    f"knows {files[-1]}): update trueup on this machine"
                )
            texts = [
                migrations().joinpath(file).read_text("utf-8") for file in files if file > known
            ]
            if not known:
                texts = [App(connector=SyncPsycopgConnector()).schema_manager.get_schema()]
            connection.execute(f"SET LOCAL search_path TO {SCHEMA}")
            for text in texts:
                connection.execute(text)
            connection.execute(f"DELETE FROM {SCHEMA}.installed")  # noqa: S608
            insert = f"INSERT INTO {SCHEMA}.installed VALUES (%s)"  # noqa: S608
            connection.execute(insert, [files[-1]])
            connection.execute("SET LOCAL search_path TO DEFAULT")

    def enqueue(self, connection: Connection, jobs: Sequence[RunJob]) -> Sequence[int]:
        """Queues jobs in the caller's transaction; returns their ids."""
        if not jobs:
            return []
        app = App(connector=SyncPsycopgConnector())  # without a pool
        with _translated():
            connection.execute(f"SET LOCAL search_path TO {SCHEMA}")
            deferred = app.job_manager.batch_defer_jobs([_queued(job) for job in jobs], connection)
            connection.execute("SET LOCAL search_path TO DEFAULT")
        return [one.id for one in deferred if one.id is not None]

    def alive(self) -> Collection[int]:
        """Returns the ids of the jobs that wait or are running."""
        app = App(connector=SyncPsycopgConnector(**self._pool(1)))
        with _translated(), app.open():
            return {job.id for job in app.job_manager.list_jobs(queue=QUEUE) if job.id is not None}

    async def serve(self, handler: Handler, serving: Serving, stop: asyncio.Event) -> None:
        """Takes jobs until `stop` is set, then waits for those that are running."""
        asyncio.get_running_loop().set_exception_handler(_on_exception)
        async with self._opened(serving) as app:

            @app.task(name=TASK, queue=QUEUE)
            async def run_tenant(tenant: str, run: int) -> None:
                await handler(RunJob(tenant, run))

            with _translated():  # a worker that drains may be gone before the rescuer's first look
                await self._rescue_once(app, serving.takeover)
            worker = Worker(
                app,
                queues=[QUEUE],
                name=QUEUE,
                concurrency=serving.concurrency,
                wait=not serving.drain,
                fetch_job_polling_interval=min(_POLL, serving.takeover),
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=serving.takeover / 3,
                stalled_worker_timeout=serving.takeover,
            )
            working = asyncio.ensure_future(worker.run())  # type: ignore[no-untyped-call]
            ending = asyncio.Event()
            rescuing = asyncio.ensure_future(self._rescue(app, serving.takeover, ending))
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait(
                    {working, rescuing, stopping}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                ending.set()
                worker.stop()  # type: ignore[no-untyped-call] # it waits for its jobs
                for task in (rescuing, stopping):
                    task.cancel()
                await _ended(working, rescuing)
            if not (serving.drain or stop.is_set()):
                raise FleetDatabaseAway("the fleet's database went away while jobs were taken")

    @asynccontextmanager
    async def _opened(self, serving: Serving) -> AsyncIterator[App]:
        # One connection for each job that ends, one to fetch, one for the heartbeat. Notifications
        # have one of their own.
        app = App(connector=PsycopgConnector(**self._pool(serving.concurrency + 2)))
        with _translated():
            async with app.open_async():
                yield app

    async def _rescue(self, app: App, takeover: float, ending: asyncio.Event) -> None:
        """Releases jobs of dead workers, again and again, until it is cancelled, or must end."""
        while not ending.is_set():
            await asyncio.sleep(min(_POLL, takeover / 3))
            with _translated():
                await self._rescue_once(app, takeover)

    async def _rescue_once(self, app: App, takeover: float) -> None:
        """Releases jobs of dead workers, unless another worker is doing that now.

        Two workers that did it at the same time could release a job that a third one has started.
        """
        async with await psycopg.AsyncConnection.connect(address(self._url)) as connection:
            taken = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", [_RESCUE])
            row = await taken.fetchone()
            if not (row and row[0]):
                return
            stalled = await app.job_manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=takeover
            )
            for job in stalled:
                with contextlib.suppress(ConnectorException):  # the job has ended meanwhile
                    await app.job_manager.retry_job(job=job, retry_at=datetime.now(UTC))

    def _pool(self, most: int) -> Mapping[str, Any]:
        conninfo = address(self._url, f"-c search_path={SCHEMA}")
        return {"conninfo": conninfo, "min_size": 1, "max_size": most, "timeout": 10.0}


def migrations() -> Path:
    """Returns the folder with procrastinate's migrations; their names sort in their order."""
    return Path(App(connector=SyncPsycopgConnector()).schema_manager.get_migrations_path())


def _queued(job: RunJob) -> Job:
    return Job(
        id=None,
        queue=QUEUE,
        lock=f"tenant:{job.tenant}",
        queueing_lock=None,
        priority=1 if job.is_urgent else 0,
        task_name=TASK,
        task_kwargs={"tenant": job.tenant, "run": job.run},
    )


def _on_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignores errors of jobs whose end could not be written: they are released again."""
    if not isinstance(context.get("exception"), ConnectorException):
        loop.default_exception_handler(context)


async def _ended(working: "asyncio.Future[None]", rescuing: "asyncio.Future[None]") -> None:
    """Waits for the end of a worker that is stopping, and of its rescuer.

    Raises FleetDatabaseAway if one of them ended because of the database.
    """
    results = await asyncio.gather(working, rescuing, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            with _translated():
                raise result


@contextmanager
def _translated() -> Iterator[None]:
    """As `connection.translated`, also for procrastinate's errors about connections."""
    try:
        with translated():
            yield
    except ConnectorException as error:
        with translated():
            if isinstance(error.__cause__, psycopg.Error):
                raise error.__cause__ from None
        raise FleetDatabaseAway(NO_ANSWER) from error
