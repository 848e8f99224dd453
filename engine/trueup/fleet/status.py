"""The status of a fleet: each tenant's last run and next run, waits, and changes in doubt."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow, dict_row

from trueup.fleet.connection import Connection, translated
from trueup.fleet.figures import figures_from_json
from trueup.model.fleet_run import (
    FleetRun,
    FleetRunStatus,
    FleetStatus,
    RunKind,
    TenantDoubt,
    TenantStatus,
    Waits,
    WorkerStatus,
)

SEEN = 60
"""Seconds since its last report within which a worker is shown."""

_RUN = (
    *("id", "tenant", "kind", "due", "missed", "queued", "started", "ended", "begins", "worker"),
    *("status", "text", "figures", "outcomes", "state_run", "calls"),
)


def fleet_status(connection: Connection, names: Sequence[str] = ()) -> FleetStatus:
    """Returns the status of the fleet, or of these tenants, in the order of fleet.yaml."""
    last, current = (
        ", ".join(f"{table}.{column} AS {table}_{column}" for column in _RUN)
        for table in ("last", "current")
    )
    query = f"""
        SELECT tenant.*, {last}, {current}
          FROM trueup_fleet.tenants AS tenant
          LEFT JOIN trueup_fleet.runs AS last ON last.id = tenant.last_run
          LEFT JOIN trueup_fleet.runs AS current ON current.id = tenant.run
         WHERE tenant.is_listed AND (%(all)s OR tenant.name = ANY(%(names)s::text[]))
         ORDER BY tenant.place
    """  # noqa: S608 -- names of columns, which are constants
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute(query.encode(), {"all": not names, "names": list(names)})
        tenants = tuple(_tenant(row) for row in cursor)
        cursor.execute(
            """
            SELECT name, host, began, seen, running FROM trueup_fleet.workers
             WHERE seen > now() - make_interval(secs => %s) ORDER BY began
            """,
            [SEEN],
        )
        workers = tuple(WorkerStatus(**row) for row in cursor)
        cursor.execute("SELECT now() AS now, (SELECT name FROM trueup_fleet.fleet) AS name")
        row = cursor.fetchone() or {}
    return FleetStatus(row["name"] or "", row["now"], tenants, workers)


def runs_of(connection: Connection, tenant: str, most: int = 20) -> Sequence[FleetRun]:
    """Returns the latest runs of a tenant, newest first."""
    query = f"""
        SELECT {", ".join(_RUN)} FROM trueup_fleet.runs WHERE tenant = %s ORDER BY id DESC LIMIT %s
    """  # noqa: S608 -- names of columns, which are constants
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return [_run(row) for row in cursor.execute(query.encode(), [tenant, most])]


def run_of(connection: Connection, run: int) -> FleetRun | None:
    """Returns one run, or None if it was deleted."""
    query = f"SELECT {', '.join(_RUN)} FROM trueup_fleet.runs WHERE id = %s"  # noqa: S608 -- as above
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query.encode(), [run]).fetchone()
    return _run(row) if row else None


def _tenant(row: DictRow) -> TenantStatus:
    doubt = (
        TenantDoubt(row["doubts"], row["doubt_since"], row["doubt_until"])
        if row["doubts"]
        else None
    )
    next_, why = _next(row["next_tick"], row["again_at"], row["again_why"])
    return TenantStatus(
        name=row["name"],
        does=row["does"],
        last=_part(row, "last"),
        current=_part(row, "current"),
        next=next_,
        next_why=why,
        waits=Waits(row["waits"]),
        waits_since=row["waits_since"],
        doubt=doubt,
    )


def _next(tick: datetime | None, again: datetime | None, why: str) -> tuple[datetime | None, str]:
    if again is not None and (tick is None or again < tick):
        return again, why
    return tick, "schedule" if tick else ""


def _part(row: DictRow, prefix: str) -> FleetRun | None:
    if row[f"{prefix}_id"] is None:
        return None
    return _run({column: row[f"{prefix}_{column}"] for column in _RUN})


def _run(row: DictRow) -> FleetRun:
    figures = row["figures"]
    return FleetRun(
        **{
            **row,
            "kind": RunKind(row["kind"]),
            "status": FleetRunStatus(row["status"]),
            "figures": figures_from_json(figures) if figures else None,
        }
    )
