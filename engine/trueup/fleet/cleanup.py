"""Puts the records in order: runs that have no job any more, and runs that are old.

A job gets lost where its worker could not write how its run ended, as the database was away. Its
run is ended, and the tenant is run again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from trueup.fleet.connection import Connection, translated
from trueup.fleet.queue import Queue
from trueup.fleet.records import end_run, holding
from trueup.model.fleet_run import Again, RunEnd, RunStatus

AFTER = 60
"""Seconds after which a run that is not over is looked at."""

KEPT = 400
"""Days for which the runs of a tenant are kept; its last one is kept longer."""

FORGOTTEN = 1000
"""Runs that are removed at once."""


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


def forget_old(connection: Connection) -> None:
    """Removes old runs, some at a time."""
    with translated():
        connection.execute(
            """
            DELETE FROM trueup_fleet.runs WHERE id IN (
                SELECT run.id FROM trueup_fleet.runs AS run
                 WHERE run.ended < now() - make_interval(days => %s)
                   AND NOT EXISTS (
                       SELECT 1 FROM trueup_fleet.tenants AS tenant WHERE tenant.last_run = run.id
                   )
                 ORDER BY run.ended LIMIT %s
            )
            """,
            [KEPT, FORGOTTEN],
        )
