"""Fleets for tests: made by hand, on a database of their own."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from trueup.fleet.connection import Connection
from trueup.fleet.open_fleet import OpenFleet
from trueup.fleet.procrastinate_queue import ProcrastinateQueue
from trueup.model.finding import Place
from trueup.model.fleet import Fleet, FleetDatabase, RunPolicy, Schedule, Tenant
from trueup.model.overlay import Overrides

HERE = Place("fleet.yaml", 1, 1)
UTC = ZoneInfo("UTC")
NIGHTLY = Schedule("0 5 * * *", UTC, HERE)
EACH_MINUTE = Schedule("* * * * *", UTC, HERE)


def not_soon() -> Schedule:
    """A schedule whose instants are months away, whenever the tests run."""
    month = (datetime.now(UTC).month + 5) % 12 + 1
    return Schedule(f"0 5 1 {month} *", UTC, HERE)


def tenant(name: str, schedule: Schedule | None = NIGHTLY, **more: Any) -> Tenant:
    """A tenant that only plans, each night."""
    folder = Path("tenants", name).absolute()
    made = Tenant(
        name=name,
        project_folder=folder,
        folder=folder,
        overrides=Overrides(),
        secrets={},
        schedule=schedule,
        run=RunPolicy(),
        window=None,
        time_limit=timedelta(minutes=5),
        place=HERE,
    )
    return replace(made, **more)


def fleet(tenants: Iterable[Tenant], url: str = "") -> Fleet:
    """A fleet of these tenants."""
    by_name = {one.name: one for one in tenants}
    return Fleet(Path.cwd(), "Northgate", FleetDatabase(url, HERE), by_name)


def opened(url: str, tenants: Iterable[Tenant]) -> OpenFleet:
    """The same with its database."""
    made = fleet(tenants, url)
    digest = repr(made.tenants)
    return OpenFleet(made.root, digest, lambda: made, url, ProcrastinateQueue(url), lambda: None)


def rows(connection: Connection, query: str, *arguments: object) -> Sequence[tuple[Any, ...]]:
    """What a query gives."""
    return connection.execute(query.encode(), arguments).fetchall()


def set_back(connection: Connection, by: str, name: str = "") -> None:
    """Lets time pass for the schedules of all tenants, or of one."""
    connection.execute(
        """
        UPDATE trueup_fleet.tenants SET next_tick = next_tick - %s::interval
         WHERE %s IN (name, '')
        """,
        [by, name],
    )
