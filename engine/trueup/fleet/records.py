"""The fleet's records of one run: its claim by a process, and its end.

The process that executes a run holds a session lock of the database for the tenant. The lock ends
with the connection, and so with the process. The queue gives out one run per tenant at a time; the
lock ensures this also if a live worker was taken for dead.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import Enum, auto

import psycopg
from psycopg.types.json import Jsonb

from trueup.fleet.connection import Connection, translated
from trueup.fleet.figures import figures_to_json
from trueup.model.fleet_run import Again, FleetRunStatus, RunEnd, RunKind, WaitingPlan, Waits

TENANTS = 0x7472
"""First number of the locks of tenants; the second one is made from the name."""

RETRY_AFTER = (60, 300, 900, 3600)
"""Seconds after which a failed run is tried again, by the number of failed tries."""

_DECISIVE = frozenset(
    {
        *(FleetRunStatus.PLANNED, FleetRunStatus.DONE, FleetRunStatus.WAITING),
        *(FleetRunStatus.PARTIAL, FleetRunStatus.IN_DOUBT),
    }
)
"""Ends that determine what a tenant waits for; after any other, and after a requested plan,
it waits for the same as before."""

LONGEST_TEXT = 4000
"""Characters of the reason of a run's end that are stored."""


class ClaimResult(Enum):
    """Whether a process may execute a run now."""

    CLAIMED = auto()
    BUSY = auto()  # another process holds the tenant
    ENDED = auto()  # it has ended already


@contextmanager
def claim_run(connection: Connection, tenant: str, run: int, worker: str) -> Iterator[ClaimResult]:
    """Claims a run: inside the block, no other process executes a run of this tenant."""
    with lock_tenant(connection, tenant) as is_held:
        if not is_held:
            yield ClaimResult.BUSY
            return
        with translated():
            result = _begin(connection, tenant, run, worker)
        yield result


@contextmanager
def lock_tenant(connection: Connection, tenant: str) -> Iterator[bool]:
    """Yields whether this connection holds the tenant's lock inside the block."""
    with translated():
        is_held = _lock(connection, tenant)
    try:
        yield is_held
    finally:
        if is_held:
            # A lost connection has lost its lock.
            with suppress(psycopg.OperationalError, psycopg.InterfaceError):
                query = "SELECT pg_advisory_unlock(%s, hashtext(%s))"
                connection.execute(query, [TENANTS, tenant])


def _lock(connection: Connection, tenant: str) -> bool:
    query = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
    row = connection.execute(query, [TENANTS, tenant]).fetchone()
    return bool(row and row[0])


def _begin(connection: Connection, tenant: str, run: int, worker: str) -> ClaimResult:
    with connection.transaction():
        begun = connection.execute(
            """
            UPDATE trueup_fleet.runs
               SET started = COALESCE(started, clock_timestamp()), begins = begins + 1,
                   worker = %s, status = %s
             WHERE id = %s AND ended IS NULL
            """,
            [worker, FleetRunStatus.RUNNING, run],
        )
        if not begun.rowcount:
            return ClaimResult.ENDED
        connection.execute(
            "INSERT INTO trueup_fleet.attempts (tenant, run, worker) VALUES (%s, %s, %s)",
            [tenant, run, worker],
        )
    return ClaimResult.CLAIMED


def leave_run(connection: Connection, run: int, worker: str) -> None:
    """Records that a process leaves a run before its end; another process will continue it."""
    with translated():
        _leave(connection, run, worker, "left")


def _leave(connection: Connection, run: int, worker: str, how: str) -> None:
    connection.execute(
        """
        UPDATE trueup_fleet.attempts SET left_at = clock_timestamp(), how = %s
         WHERE run = %s AND worker = %s AND left_at IS NULL
        """,
        [how, run, worker],
    )


def end_run(connection: Connection, run: int, worker: str, end: RunEnd) -> bool:
    """Writes how a run ended, and what follows from it. Returns whether it was written.

    Nothing is written if the run has ended already, or another worker has claimed it meanwhile.
    """
    with translated(), connection.transaction():
        row = connection.execute(
            """
            UPDATE trueup_fleet.runs
               SET ended = clock_timestamp(), status = %s, text = %s, figures = %s, outcomes = %s,
                   state_run = %s, calls = %s
             WHERE id = %s AND ended IS NULL AND worker IN (%s, '')
            RETURNING tenant, kind
            """,
            [
                end.status,
                storable(end.text)[:LONGEST_TEXT],
                Jsonb(figures_to_json(end.figures)) if end.figures else None,
                Jsonb(dict(end.outcomes)),
                end.state_run,
                end.calls,
                run,
                worker,
            ],
        ).fetchone()
        if row is None:
            return False
        tenant, kind = str(row[0]), RunKind(row[1])
        _leave(connection, run, worker, end.status)
        connection.execute(
            "UPDATE trueup_fleet.tenants SET run = NULL, last_run = %s WHERE name = %s",
            [run, tenant],
        )
        if kind is RunKind.PLAN:  # what the tenant waits for, and its next run, stay
            return True
        _schedule_next(connection, tenant, end)
        if end.status in _DECISIVE:
            is_refused = _store_plan(connection, tenant, run, end.plan, end.status)
            _write_wait(connection, tenant, end, Waits.REFUSED if is_refused else end.waits)
    return True


def storable(text: str) -> str:
    """Returns the text without what PostgreSQL cannot store: NUL and lone surrogates.

    A text that cannot be written would leave its run open.
    """
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def _schedule_next(connection: Connection, tenant: str, end: RunEnd) -> None:
    """Writes when the tenant is run again."""
    again, retries = _next_try(connection, tenant, end)
    connection.execute(
        """
        UPDATE trueup_fleet.tenants
           SET again_at = LEAST(again_at, %(at)s),
               again_why = CASE WHEN again_at IS NULL OR %(at)s < again_at THEN %(why)s
                                ELSE again_why END,
               retries = %(retries)s
         WHERE name = %(tenant)s
        """,
        {
            "tenant": tenant,
            "at": again.at if again else None,
            "why": again.why if again else "",
            "retries": retries,
        },
    )


def _write_wait(connection: Connection, tenant: str, end: RunEnd, waits: Waits) -> None:
    """Writes what the tenant waits for now, and its changes in doubt.

    It waits since the first run in a row that ended with the same.
    """
    doubt = end.doubt
    connection.execute(
        """
        UPDATE trueup_fleet.tenants
           SET waits_since = CASE WHEN %(waits)s = '' THEN NULL
                                  WHEN waits = %(waits)s THEN waits_since
                                  ELSE clock_timestamp() END,
               waits = %(waits)s,
               doubts = %(doubts)s, doubt_until = %(until)s,
               doubt_since = CASE WHEN %(doubts)s = 0 THEN NULL
                                  ELSE COALESCE(doubt_since, %(since)s, clock_timestamp()) END
         WHERE name = %(tenant)s
        """,
        {
            "tenant": tenant,
            "waits": waits,
            "doubts": doubt.changes if doubt else 0,
            "since": doubt.since if doubt else None,
            "until": doubt.until if doubt else None,
        },
    )


def _next_try(connection: Connection, tenant: str, end: RunEnd) -> tuple[Again | None, int]:
    """Returns when the tenant is run again, and how many tries have failed in a row."""
    row = connection.execute(
        "SELECT retries, clock_timestamp() FROM trueup_fleet.tenants WHERE name = %s FOR UPDATE",
        [tenant],
    ).fetchone()
    retries, now = (int(row[0]), row[1]) if row else (0, None)
    if end.again is None:
        return None, 0
    if not end.again.is_retry:
        return end.again, retries
    if now is None or retries >= len(RETRY_AFTER):
        return None, 0  # the schedule's next time
    return _delayed(end.again, now, retries), retries + 1


def _delayed(again: Again, now: datetime, retries: int) -> Again:
    return Again(max(again.at, now + timedelta(seconds=RETRY_AFTER[retries])), again.why)


def _store_plan(
    connection: Connection, tenant: str, run: int, plan: WaitingPlan | None, status: FleetRunStatus
) -> bool:
    """Stores the plan that waits; an answer to the same plan is kept.

    Returns whether that answer refuses the plan.
    """
    if plan is None:
        if status in {FleetRunStatus.PLANNED, FleetRunStatus.DONE, FleetRunStatus.PARTIAL}:
            connection.execute("DELETE FROM trueup_fleet.plans WHERE tenant = %s", [tenant])
        return False
    row = connection.execute(
        """
        INSERT INTO trueup_fleet.plans AS kept (tenant, run, digest, document, limits)
        VALUES (%(tenant)s, %(run)s, %(digest)s, %(document)s, %(limits)s)
        ON CONFLICT (tenant) DO UPDATE
           SET run = EXCLUDED.run, document = EXCLUDED.document, limits = EXCLUDED.limits,
               made = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.made ELSE now() END,
               answer = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.answer ELSE '' END,
               answered = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.answered END,
               who = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.who ELSE '' END,
               reason = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.reason ELSE '' END,
               over_limits = CASE WHEN kept.digest = EXCLUDED.digest THEN kept.over_limits
                                  ELSE '{}' END,
               digest = EXCLUDED.digest
        RETURNING kept.answer = 'no'
        """,
        {
            "tenant": tenant,
            "run": run,
            "digest": plan.digest,
            "document": zlib.compress(plan.document.encode()),
            "limits": list(plan.limits),
        },
    ).fetchone()
    return bool(row and row[0])
