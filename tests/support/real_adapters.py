"""The small project against the real adapters: files, the sandbox over HTTP, SQLite."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from trueup.model.document import dumps
from trueup.model.outcome import Outcome
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.pipeline import ApplyOptions, PlanOptions, apply, plan, resume
from trueup.ports.source import Row
from trueup.ports.world import World
from trueup.sandbox.autotask.dump import dump_database
from trueup.sandbox.autotask.seed import seed
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.snapshots import snapshot
from trueup.sandbox.autotask.switches import Switches
from trueup.source.files.source import FileSource
from trueup.state.sqlite.store import SqliteState
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.limits import RunLimits

from tests.support.fakes import FakeClock
from tests.support.scene import work365
from tests.support.small_project import project as small

REFERENCE: dict[str, list[Row]] = {
    "Resources": [
        {
            "id": 4,
            "firstName": "Ada",
            "lastName": "Owner",
            "email": "ada@tenant.example",
            "userName": "ada",
            "isActive": True,
        }
    ],
    "BillingCodes": [
        {"id": 11, "name": "Cloud", "isActive": True, "useType": 4, "unitCost": 0, "unitPrice": 0}
    ],
    "Companies": [
        {
            "id": 0,
            "companyName": "Ourselves",
            "companyType": 1,
            "phone": "1",
            "ownerResourceID": 4,
            "isActive": True,
        }
    ],
}
BY_HAND: dict[str, list[Row]] = {
    **REFERENCE,
    "Companies": [
        *REFERENCE["Companies"],
        {
            "id": 101,
            "companyName": "Alpine Dental",
            "companyNumber": "A-1",
            "companyType": 1,
            "phone": "1",
            "ownerResourceID": 4,
            "isActive": True,
        },
    ],
    "Services": [
        {
            "id": 601,
            "name": "Mail",
            "externalID": "pro",
            "periodType": 2,
            "unitPrice": 10,
            "billingCodeID": 11,
            "isActive": True,
        },
    ],
    "Contracts": [
        {
            "id": 501,
            "companyID": 101,
            "contractNumber": "BC-1",
            "contractName": "Alpine CSP",
            "contractType": 7,
            "contractPeriodType": 2,
            "status": 1,
            "startDate": "2026-01-01",
            "endDate": "2028-12-31",
            "timeReportingRequiresStartAndStopTimes": 0,
        },
    ],
    "ContractServices": [
        {"id": 701, "contractID": 501, "serviceID": 601, "internalCurrencyAdjustedPrice": 9.5}
    ],
}
UDFS = {"Companies": [{"name": "Work 365 Id"}]}


@dataclass
class Real:
    """A project in a folder, opened for one command after the other, as the command line does."""

    folder: Path
    project: Project
    clock: FakeClock
    sandbox: Sandbox

    @contextmanager
    def world(self, max_calls: int | None = None) -> Iterator[World]:
        catalogue = self.project.catalogue
        with ExitStack() as stack:
            client = AutotaskClient(
                self.sandbox.url,
                Credentials("api@demo.example", "demo", "DEMO"),
                self.clock,
                RunLimits(workers=12, max_calls=max_calls),
            )
            target = HttpTarget(client, catalogue.entities, "sandbox", "sandbox in autotask.sqlite")
            stack.callback(target.close)
            state = stack.enter_context(SqliteState(self.folder / "state.sqlite", clock=self.clock))
            source = FileSource(
                self.folder / "work365", catalogue.tables, "files", zone=self.project.zone
            )
            yield World(source, target, state, self.clock)

    def plan(self, **options: Any) -> Plan:
        with self.world() as world:
            return plan(self.project, world, PlanOptions(**options))

    def apply(self, made: Plan, max_calls: int | None = None, **options: Any) -> Outcome:
        with self.world(max_calls) as world:
            return apply(self.project, world, dumps(made), ApplyOptions(**options))

    def resume(self, max_calls: int | None = None) -> Outcome:
        with self.world(max_calls) as world:
            return resume(self.project, world)

    def sync(self) -> Plan:
        """Plans and applies; everything must go through."""
        made = self.plan()
        outcome = self.apply(made)
        assert outcome.complete, [one for one in outcome.changes if one.text]
        return made

    def files(self, *changes: dict[str, str]) -> None:
        """The configuration, changed."""
        self.project = small(*changes)

    def rows(self, table: str) -> dict[str, Row]:
        """A table as its file has it now."""
        rows = json.loads((self.folder / "work365" / f"{table}.json").read_text(encoding="utf-8"))
        return {row["id"]: row for row in rows}

    def write(self, table: str, rows: Mapping[str, Row] | list[Row]) -> None:
        every = [*rows.values()] if isinstance(rows, Mapping) else rows
        text = json.dumps(
            [{name: _json(value) for name, value in row.items()} for row in every], indent=1
        )
        (self.folder / "work365" / f"{table}.json").write_text(text, encoding="utf-8")

    def set(self, table: str, key: str, **values: Any) -> None:
        """Somebody edits a row of Work 365."""
        rows = self.rows(table)
        rows[key] = {**rows[key], **values}
        self.write(table, rows)

    def add(self, table: str, *rows: Row) -> None:
        self.write(table, {**self.rows(table), **{row["id"]: row for row in rows}})

    def lose_state(self) -> None:
        for file in self.folder.glob("state.sqlite*"):
            file.unlink()

    def adjust(self, service: int, on: date, units: int) -> None:
        """Somebody adjusts in Autotask's own pages."""
        with self.world() as world:
            world.target.create(
                "ContractServiceAdjustments",
                {"contractServiceID": service, "effectiveDate": on, "unitChange": units},
            )

    def dump(self) -> Mapping[str, Any]:
        """All that is in the sandbox."""
        return dump_database(self.folder / "autotask.sqlite", self.project.catalogue.entities)

    def records(self, entity: str) -> list[dict[str, Any]]:
        return list(self.dump()["records"].get(entity, []))

    def adjustments(self) -> list[tuple[int, str, int]]:
        """Every adjustment ever."""
        return [
            (one["contractServiceID"], one["effectiveDate"][:10], one["unitChange"])
            for one in self.dump()["adjustments"]
        ]

    def units(self, service: int, on: date) -> int:
        """Units of a contract service on a day."""
        rows = [
            row
            for row in self.records("ContractServiceUnits")
            if row["contractServiceID"] == service
        ]
        return next(
            (
                row["units"]
                for row in rows
                if row["startDate"][:10] <= str(on) <= row["endDate"][:10]
            ),
            0,
        )

    def counted(self) -> Counter[str]:
        """Requests that the sandbox saw since the last time that this was asked, by entity."""
        seen = Counter(_entity(one["path"]) for one in self.sandbox.traffic.latest())
        self.sandbox.traffic.clear()
        return seen

    def copied(self, folder: Path) -> AbstractContextManager["Real"]:
        """Both systems and the state as they are now, in another folder, to be opened later."""
        shutil.copytree(self.folder / "work365", folder / "work365")
        snapshot(self.folder / "autotask.sqlite", folder / "autotask.sqlite")
        for file in self.folder.glob("state.sqlite*"):
            shutil.copy(file, folder)
        return _served(folder, self.project)


def _entity(path: str) -> str:
    parts = [part for part in path.split("/") if part]
    after = parts[parts.index("V1.0") + 1 :] if "V1.0" in parts else parts[-1:]
    if len(after) > 2 and after[1].lstrip("-").isdigit():
        return f"{after[0]}/{after[2]}"
    return after[0]


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


@contextmanager
def real(
    folder: Path,
    *changes: dict[str, str],
    tables: Mapping[str, list[Row]] | None = None,
    records: Mapping[str, list[Row]] | None = None,
    **more: Any,
) -> Iterator[Real]:
    """Both systems, filled. `more` goes into the sandbox's seed: adjustments, posted_until."""
    project = small(*changes)
    (folder / "work365").mkdir(parents=True)
    document = {"records": records or REFERENCE, "user_defined_fields": UDFS, **more}
    seed(folder / "autotask.sqlite", project.catalogue.entities, document)
    with _served(folder, project) as opened:
        for table, columns in project.catalogue.tables.items():
            every = dict.fromkeys(columns.columns)
            rows = (tables or work365()).get(table)
            if rows is not None:
                opened.write(table, [{**every, **row} for row in rows])
        yield opened


@contextmanager
def _served(folder: Path, project: Project) -> Iterator[Real]:
    database, switches = folder / "autotask.sqlite", Switches({"hourly_delays": "off"})
    with Sandbox(database, project.catalogue.entities, switches=switches) as sandbox:
        yield Real(folder, project, FakeClock(), sandbox)


__all__ = ["BY_HAND", "REFERENCE", "Real", "real", "replace"]
