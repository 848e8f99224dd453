"""Runs that are not over and have no job any more: they are ended, and begin again.

A job gets lost where its worker could not write how its run ended, as the database was away.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from trueup.fleet.connection import Connection, translated
from trueup.fleet.queue import Queue
from trueup.fleet.records import end_run, holding
from trueup.model.fleet_run import Again, RunEnd, RunStatus

AFTER = 60
"""Seconds after which a run that is not over is looked at."""


def heal(connection: Connection, queue: Queue) -> Sequence[str]:
    """Ends runs without a job that no process carries out; returns their tenants."""
    with translated():
        rows = connection.execute(
            """
            SELECT id, job, tenant, worker FROM trueup_fleet.runs
             WHERE ended IS NULL AND queued < now() - make_interval(secs => %s)
            """,
            [AFTER],
        ).fetchall()
    if not rows:
        return []
    alive = queue.alive()  # asked after the runs: a job that ended meanwhile has ended its run
    found = []
    for run, job, tenant, worker in rows:
        if job in alive:
            continue
        with holding(connection, tenant) as is_held:
            again = Again(datetime.now(UTC), "its process was lost", is_retry=False)
            end = RunEnd(RunStatus.INTERRUPTED, "its process was lost", again=again)
            if is_held and end_run(connection, run, worker, end):
                found.append(str(tenant))
    return found
