"""When tenants are run: the schedules of fleet.yaml in the fleet's tables, and what is due.

Each worker looks for what is due. A tenant's row is locked while its run is queued, and moves on to
its next time in the same transaction. So each time of the schedule gives one run, however many
workers look. A tenant has one run at a time: all times that pass meanwhile give one run, after it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.config.cron import due_after
from trueup.config.file_names import FLEET
from trueup.fleet.connection import Connection, translated
from trueup.fleet.queue import JobQueue, RunJob
from trueup.model.finding import Place
from trueup.model.fleet import Fleet, Schedule, Tenant
from trueup.model.fleet_run import RunKind

BATCH = 500
"""Tenants that are queued in one transaction."""

_URGENT = frozenset({RunKind.REQUESTED, RunKind.APPROVED, RunKind.PLAN})
"""Kinds of runs that a person waits for."""

_COUNTED_SINGLY = 100
"""Missed times that are counted one by one."""


class DueRun(Struct, frozen=True):
    """A run that is to be queued."""

    tenant: str
    kind: RunKind
    due: datetime
    next_tick: datetime | None
    missed: int = 0


def sync(connection: Connection, fleet: Fleet, digest: str) -> None:
    """Writes the tenants of fleet.yaml, and when each is due next, to the fleet's tables.

    A tenant with an unchanged schedule keeps its next time, even one in the past: it was missed,
    and the tenant is run. `digest` is that of fleet.yaml.
    """
    with translated(), connection.transaction():
        connection.execute("LOCK TABLE trueup_fleet.fleet IN EXCLUSIVE MODE")
        rows = connection.execute("SELECT name, schedule, next_tick FROM trueup_fleet.tenants")
        known = {str(name): (str(schedule), tick) for name, schedule, tick in rows}
        now = _now(connection)
        ticks = [_next_tick(tenant, known.get(tenant.name), now) for tenant in _tenants(fleet)]
        names = [tenant.name for tenant in _tenants(fleet)]
        connection.execute(
            """
            INSERT INTO trueup_fleet.tenants AS kept (name, place, does, schedule, next_tick)
            SELECT * FROM unnest(
                %s::text[], %s::integer[], %s::text[], %s::text[], %s::timestamptz[]
            )
            ON CONFLICT (name) DO UPDATE
               SET place = EXCLUDED.place, does = EXCLUDED.does, schedule = EXCLUDED.schedule,
                   next_tick = EXCLUDED.next_tick, is_listed = true
             WHERE (kept.place, kept.does, kept.schedule, kept.next_tick, kept.is_listed)
                   IS DISTINCT FROM
                   (EXCLUDED.place, EXCLUDED.does, EXCLUDED.schedule, EXCLUDED.next_tick, true)
            """,
            [
                names,
                [*range(len(names))],
                [str(tenant.run.do) for tenant in _tenants(fleet)],
                [_text(tenant.schedule) for tenant in _tenants(fleet)],
                ticks,
            ],
        )
        connection.execute(
            """
            UPDATE trueup_fleet.tenants SET is_listed = false
             WHERE is_listed AND name <> ALL(%s::text[])
            """,
            [names],
        )
        connection.execute("DELETE FROM trueup_fleet.fleet")
        connection.execute(
            "INSERT INTO trueup_fleet.fleet (name, digest) VALUES (%s, %s)", [fleet.name, digest]
        )


def _tenants(fleet: Fleet) -> Collection[Tenant]:
    return fleet.tenants.values()


def _next_tick(
    tenant: Tenant, known: tuple[str, datetime | None] | None, now: datetime
) -> datetime | None:
    if known and known[0] == _text(tenant.schedule):
        return known[1]
    return due_after(tenant.schedule, now) if tenant.schedule else None


def _text(schedule: Schedule | None) -> str:
    return f"{schedule.cron} {schedule.zone.key}" if schedule else ""


def _schedule(text: str) -> Schedule | None:
    """Reads the schedule from its text in the tables.

    The tables count, because this worker's fleet.yaml may be older than another worker's.
    """
    cron, _, zone = text.rpartition(" ")
    return Schedule(cron, ZoneInfo(zone), Place(FLEET)) if text else None


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT now()").fetchone()
    if row is None:
        raise AssertionError("SELECT without a row")
    now: datetime = row[0]
    return now


def enqueue_due(connection: Connection, queue: JobQueue, fleet: Fleet) -> int:
    """Queues a run for each tenant that is due and has none; returns the number of runs."""
    queued = 0
    while True:
        with translated(), connection.transaction():
            found = _due(connection, fleet)
            queued += enqueue(connection, queue, found)
        if len(found) < BATCH:
            return queued


def _due(connection: Connection, fleet: Fleet) -> Sequence[DueRun]:
    """Returns the tenants that are due; their rows are locked."""
    rows = connection.execute(
        """
        SELECT name, schedule, next_tick, again_at, now() FROM trueup_fleet.tenants
         WHERE run IS NULL AND is_listed AND LEAST(next_tick, again_at) <= now()
         ORDER BY LEAST(next_tick, again_at), place LIMIT %s
           FOR UPDATE SKIP LOCKED
        """,
        [BATCH],
    ).fetchall()
    return [
        _due_run(name, _schedule(text), tick, again, now)
        for name, text, tick, again, now in rows
        if name in fleet.tenants
    ]


def _due_run(
    name: str,
    schedule: Schedule | None,
    tick: datetime | None,
    again: datetime | None,
    now: datetime,
) -> DueRun:
    if tick is None or tick > now:
        return DueRun(name, RunKind.AGAIN, again or now, tick)
    if schedule is None:
        return DueRun(name, RunKind.SCHEDULED, tick, None)
    due, missed = latest_tick(schedule, tick, now)
    return DueRun(name, RunKind.SCHEDULED, due, due_after(schedule, now), missed)


def latest_tick(schedule: Schedule, tick: datetime, now: datetime) -> tuple[datetime, int]:
    """Returns the latest time of a schedule up to `now`, from `tick` on, and how many it skips.

    Beyond `_COUNTED_SINGLY` skipped times the number is a lower bound.
    """
    missed = 0
    gap = timedelta()
    while (following := due_after(schedule, tick)) is not None and following <= now:
        missed, gap, tick = missed + 1, following - tick, following
        if missed == _COUNTED_SINGLY:
            nearer = due_after(schedule, max(tick, now - 2 * gap))
            tick = nearer if nearer is not None and nearer <= now else tick
        if missed > _COUNTED_SINGLY + 2:
            break
    return tick, missed


def enqueue(connection: Connection, queue: JobQueue, due: Iterable[DueRun]) -> int:
    """Queues these runs in the caller's transaction; returns how many were new."""
    by_name = {one.tenant: one for one in due}
    if not by_name:
        return 0
    runs = [*by_name.values()]
    rows = connection.execute(
        """
        INSERT INTO trueup_fleet.runs (tenant, kind, due, missed)
        SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::integer[])
        ON CONFLICT DO NOTHING
        RETURNING id, tenant
        """,
        [
            [one.tenant for one in runs],
            [str(one.kind) for one in runs],
            [one.due for one in runs],
            [one.missed for one in runs],
        ],
    ).fetchall()
    jobs = queue.enqueue(
        connection,
        [
            RunJob(str(tenant), int(run), by_name[str(tenant)].kind in _URGENT)
            for run, tenant in rows
        ],
    )
    queued = {str(tenant): int(run) for run, tenant in rows}
    connection.execute(
        """
        UPDATE trueup_fleet.runs SET job = made.job
          FROM unnest(%s::bigint[], %s::bigint[]) AS made (run, job) WHERE id = made.run
        """,
        [[run for run, _ in rows], list(jobs)],
    )
    connection.execute(
        """
        UPDATE trueup_fleet.tenants SET run = made.run, next_tick = made.tick,
               again_at = CASE WHEN made.run IS NULL OR made.kind = %(plan)s THEN again_at END,
               retries = CASE WHEN made.kind IN (%(plan)s, %(again)s) THEN retries ELSE 0 END
          FROM unnest(%(tenants)s::text[], %(runs)s::bigint[], %(ticks)s::timestamptz[],
                      %(kinds)s::text[]) AS made (tenant, run, tick, kind)
         WHERE name = made.tenant
        """,
        {
            "plan": RunKind.PLAN,  # writes nothing, and stands for no run that does
            "again": RunKind.AGAIN,
            "tenants": [one.tenant for one in runs],
            "runs": [queued.get(one.tenant) for one in runs],
            "ticks": [one.next_tick for one in runs],
            "kinds": [str(one.kind) for one in runs],
        },
    )
    return len(rows)


class RequestedRuns(Struct, frozen=True):
    """The result of a request to run tenants, by tenant."""

    queued: tuple[str, ...]
    after: tuple[str, ...]  # have an active or queued plan, and are run again after it
    already: tuple[str, ...]  # are queued or active already


def request_runs(
    connection: Connection, queue: JobQueue, names: Sequence[str], kind: RunKind
) -> RequestedRuns:
    """Queues a run of each of these tenants now.

    A run that is queued already is used, unless it only plans and the request is to apply.
    """
    with translated(), connection.transaction():
        rows = connection.execute(
            """
            SELECT tenant.name, tenant.next_tick, now(), run.started, run.id, run.kind
              FROM trueup_fleet.tenants AS tenant
              LEFT JOIN trueup_fleet.runs AS run ON run.id = tenant.run
             WHERE tenant.name = ANY(%s::text[]) ORDER BY tenant.place
               FOR UPDATE OF tenant
            """,
            [list(names)],
        ).fetchall()
        free = [row for row in rows if row[4] is None]
        after = [
            str(row[0])
            for row in rows
            if kind is not RunKind.PLAN and (row[3] is not None or row[5] == RunKind.PLAN)
        ]
        waiting = [str(row[0]) for row in rows if row[4] is not None and row[0] not in after]
        enqueue(
            connection, queue, [DueRun(str(name), kind, now, tick) for name, tick, now, *_ in free]
        )
        connection.execute(
            """
            UPDATE trueup_fleet.tenants SET again_at = now(), again_why = 'it was requested'
             WHERE name = ANY(%s::text[])
            """,
            [after],
        )
    return RequestedRuns(tuple(str(row[0]) for row in free), tuple(after), tuple(waiting))
