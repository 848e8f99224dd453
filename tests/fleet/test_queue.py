"""The queue by itself: a stop that comes at a bad moment, jobs of workers that died."""

import asyncio
from contextlib import suppress

import psycopg
import pytest
from procrastinate.manager import JobManager
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.fleet.queue import RunJob, Serving

SERVING = Serving(concurrency=2, drain=False, takeover=2)


@pytest.fixture
def queue(connection, url):
    one = ProcrastinateQueue(url)
    with connection.transaction():
        one.enqueue(connection, [RunJob("acme", 1), RunJob("birch", 2)])
    return one


def serve(queue, handler, stop, serving=SERVING):
    return asyncio.wait_for(queue.serve(handler, serving, stop), 120)


async def stop_once(queue, begun):
    """Requests a stop once something has begun; returns when the worker has ended."""
    stop = asyncio.Event()

    async def handler(job):
        pass

    serving = asyncio.ensure_future(serve(queue, handler, stop))
    await begun.wait()
    stop.set()
    await serving


def test_each_job_is_given_out_once_and_then_gone(queue):
    given = []

    async def take():
        async def handler(job):
            given.append(job)

        await serve(queue, handler, asyncio.Event(), Serving(2, drain=True, takeover=2))

    asyncio.run(take())

    assert sorted(given, key=lambda job: job.run) == [RunJob("acme", 1), RunJob("birch", 2)]
    assert queue.alive() == set()


def test_a_job_of_a_worker_that_died_is_given_out_again(queue, connection):
    connection.execute(
        """
        INSERT INTO trueup_queue.procrastinate_workers (last_heartbeat)
        VALUES (now() - interval '1 minute')
        """
    )
    connection.execute("SET search_path TO trueup_queue")
    connection.execute("UPDATE procrastinate_jobs SET status = 'doing', worker_id = 1")
    given = set()

    async def take():
        stop = asyncio.Event()

        async def handler(job):
            given.add(job.run)
            if len(given) == 2:
                stop.set()

        await serve(queue, handler, stop)

    asyncio.run(take())

    assert given == {1, 2}


def test_a_stop_is_heard_by_a_worker_that_registers_while_the_driver_swallows_it(
    queue, monkeypatch
):
    """The driver loses a cancellation if the database's answer arrives at the same moment."""
    prune = JobManager.prune_stalled_workers
    registering = asyncio.Event()

    async def deaf(manager, seconds):
        registering.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.2)
        return await prune(manager, seconds)

    monkeypatch.setattr(JobManager, "prune_stalled_workers", deaf)

    asyncio.run(stop_once(queue, registering))


def test_a_stop_is_heard_although_the_driver_swallows_it(queue, monkeypatch):
    connect = psycopg.AsyncConnection.connect
    looked = asyncio.Event()

    async def deaf(address, **options):
        if "search_path" not in address:  # of the look for jobs of workers that died
            looked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.2)
        return await connect(address, **options)

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", deaf)

    asyncio.run(stop_once(queue, looked))
