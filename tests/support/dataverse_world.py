"""A sandbox of Dataverse with a few rows, and sources that read it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from trueup.config.catalogues import load_tables
from trueup.model.catalogue import Table
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.dataverse.client import DataverseAccess
from trueup.source.dataverse.source import CacheSettings, DataverseSource
from trueup.source.dataverse.sync import LoadSettings
from trueup.source.profile import Profile

from tests.support.fakes import FakeClock
from tests.support.paths import SCHEMAS

Row = dict[str, Any]

TABLES: Mapping[str, Table] = load_tables(SCHEMAS / "work365.yaml")
ZONE = ZoneInfo("Europe/Zurich")
SECRET = "never-shown"  # noqa: S105 -- searched for in outputs
CHANGE_TABLE = "work365_licensechangelog"
COLUMNS = tuple(TABLES["license_change"].columns)


def key(number: int) -> str:
    return f"7f3a0000-0000-4000-8000-{number:012x}"


def license_change(number: int, **values: Any) -> Row:
    """Returns a license change with that number in its key."""
    defaults = {
        "id": key(number),
        "name": f"change {number}",
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
    return {**dict.fromkeys(COLUMNS), **defaults, **values}


def account(number: int, **values: Any) -> Row:
    """Returns an account with that number in its key."""
    defaults = {
        "id": key(number),
        "name": f"account {number}",
        "currency": "CHF",
        "state": "Active",
    }
    return {**dict.fromkeys(TABLES["account"].columns), **defaults, **values}


class DataverseWorld(Struct):
    """One environment, and the settings with which it is read."""

    sandbox: DataverseSandbox
    folder: Path
    profile: Profile = field(default_factory=lambda: Profile(TABLES))
    zone: ZoneInfo = ZONE
    clock: FakeClock = field(default_factory=FakeClock)
    access: Mapping[str, Any] = {}

    @property
    def host(self) -> str:
        """The environment's host, as messages show it."""
        return self.sandbox.url.removeprefix("http://")

    def fault(self, kind: str, **settings: Any) -> int:
        """Injects a fault into the environment, and returns its id."""
        return self.sandbox.faults.set({"kind": kind, **settings})

    @contextmanager
    def source(self, *, cached: bool = True, **load: Any) -> Iterator[DataverseSource]:
        """A source as one run opens it; `kept`: with the rows that earlier runs have kept."""
        environment = self.sandbox.environment
        access = DataverseAccess(
            self.sandbox.url, environment.tenant, environment.client_id, SECRET, self.sandbox.url
        )
        cache = CacheSettings(self.folder / "rows.sqlite" if cached else None, LoadSettings(**load))
        access_used = replace(access, **self.access)
        with DataverseSource(access_used, self.profile, self.zone, self.clock, cache) as source:
            yield source

    def read(
        self, table: str = "license_change", columns: Sequence[str] = COLUMNS, **options: Any
    ) -> list[Row]:
        """Reads the rows in a run of their own."""
        with self.source(**options) as source:
            return list(source.read(table, columns).rows)

    def request_counts(self) -> Counter[str]:
        """Requests to the API since the last call, without queries, keys and those for tokens."""
        paths = Counter(
            f"{request.verb} {request.path.removeprefix('/api/data/v9.2/').split('(')[0]}"
            for request in self.sandbox.requests
            if request.path.startswith("/api/")
        )
        self.sandbox.requests.clear()
        return paths


def environment(**more: Any) -> Environment:
    """The standard environment, with a secret that must not be shown."""
    return replace(Environment(client_secret=SECRET, zone=ZONE), **more)
