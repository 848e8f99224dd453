"""An environment on this machine with a few rows, and sources that read it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.config.catalogues import load_tables
from engine.model.catalogue import Table
from engine.sandbox.dataverse.server import DataverseSandbox, Environment
from engine.source.dataverse.client import Access
from engine.source.dataverse.loading import Patience
from engine.source.dataverse.source import DataverseSource, Keeping
from engine.source.profile import Profile
from tests.fakes import FakeClock

Row = dict[str, Any]

TABLES: Mapping[str, Table] = load_tables(Path(__file__).parents[2] / "schemas" / "work365.yaml")
ZONE = ZoneInfo("Europe/Zurich")
SECRET = "not-to-be-told"  # noqa: S105 -- to be looked for in texts
LOG = "work365_licensechangelog"
COLUMNS = tuple(TABLES["license_change"].columns)


def key(number: int) -> str:
    return f"7f3a0000-0000-4000-8000-{number:012x}"


def log(number: int, **values: Any) -> Row:
    """A license change with that number in its key."""
    usual = {
        "id": key(number),
        "name": f"log {number}",
        "subscription": key(0xA1),
        "quantity": Decimal(number),
        "effective_date": date(2026, 3, 1 + number % 28),
        "event": "Update",
        "provisioning_status": "Provisioned",
        "unit": "Monthly",
        "is_audit": False,
        "status": "Active",
        "created_on": datetime(2026, 3, 1, 8, number % 60, tzinfo=UTC),
    }
    return {**dict.fromkeys(COLUMNS), **usual, **values}


def account(number: int, **values: Any) -> Row:
    """An account with that number in its key."""
    usual = {"id": key(number), "name": f"account {number}", "currency": "CHF", "state": "Active"}
    return {**dict.fromkeys(TABLES["account"].columns), **usual, **values}


@dataclass
class World:
    """One environment, and how it is read."""

    sandbox: DataverseSandbox
    folder: Path
    profile: Profile = field(default_factory=lambda: Profile(TABLES))
    zone: ZoneInfo = ZONE
    clock: FakeClock = field(default_factory=FakeClock)
    access: Mapping[str, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """What people call the environment."""
        return self.sandbox.url.removeprefix("http://")

    def fault(self, kind: str, **said: Any) -> int:
        """Sets a fault in the environment; its id."""
        return self.sandbox.faults.set({"kind": kind, **said})

    @contextmanager
    def source(self, *, kept: bool = True, **patience: Any) -> Iterator[DataverseSource]:
        """A source as one run opens it; `kept`: with the rows that earlier runs have kept."""
        environment = self.sandbox.environment
        access = Access(self.sandbox.url, environment.tenant, environment.client_id, SECRET, self.sandbox.url)
        keeping = Keeping(self.folder / "rows.sqlite" if kept else None, Patience(**patience))
        made = replace(access, **self.access)
        with DataverseSource(made, self.profile, self.zone, self.clock, keeping) as source:
            yield source

    def read(self, table: str = "license_change", columns: Sequence[str] = COLUMNS, **how: Any) -> list[Row]:
        """The rows, read in a run of their own."""
        with self.source(**how) as source:
            return list(source.read(table, columns).rows)

    def asked(self) -> Counter[str]:
        """What was asked of the API since the last time, without queries, keys and tokens."""
        paths = Counter(
            f"{request.verb} {request.path.removeprefix('/api/data/v9.2/').split('(')[0]}"
            for request in self.sandbox.requests
            if request.path.startswith("/api/")
        )
        self.sandbox.requests.clear()
        return paths


def environment(**more: Any) -> Environment:
    """The usual one, with a secret that must not be told."""
    return replace(Environment(client_secret=SECRET, zone=ZONE), **more)
