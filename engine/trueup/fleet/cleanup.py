"""Ends runs whose job was lost, and deletes old runs.

A job is lost if its worker could not write how the run ended because the database was away. The run
is ended here, and the tenant is run again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from trueup.fleet.connection import Connection, translated
from trueup.fleet.queue import JobQueue
from trueup.fleet.records import end_run, lock_tenant
from trueup.model.fleet_run import Again, FleetRunStatus, RunEnd

LOST_AFTER = 60
"""Seconds after which a run that has not ended is checked."""

KEPT_DAYS = 400
"""Days for which the runs of a tenant are kept; its last one is kept longer."""

DELETED_AT_ONCE = 1000
"""Runs that one statement deletes."""


def end_lost_runs(connection: Connection, queue: JobQueue) -> Sequence[str]:
    """Ends runs without a job that no process executes; returns their tenants."""
    with translated():
        rows = connection.execute(
            """
            SELECT id, job, tenant, worker FROM trueup_fleet.runs
             WHERE ended IS NULL AND queued < now() - make_interval(secs => %s)
            """,
            [LOST_AFTER],
        ).fetchall()
    if not rows:
        return []
    alive = queue.alive()  # read after the runs: a job that ended meanwhile has ended its run
    found = []
    for run, job, tenant, worker in rows:
        if job in alive:
            continue
        with lock_tenant(connection, tenant) as is_held:
            again = Again(datetime.now(UTC), "its process was lost", is_retry=False)
            end = RunEnd(FleetRunStatus.INTERRUPTED, "its process was lost", again=again)
            if is_held and end_run(connection, run, worker, end):
                found.append(str(tenant))
    return found


def delete_old_runs(connection: Connection) -> None:
    """Deletes runs that ended more than `KEPT_DAYS` ago, `DELETED_AT_ONCE` at a time."""
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
            [KEPT_DAYS, DELETED_AT_ONCE],
        )
