"""One customer with one contract and one subscription, sound on both sides, against the shipped mappings and rules.

A test makes one fault in it and looks at what the plan says.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from engine.config.loader import load
from engine.model.finding import Finding, Severity
from engine.model.plan import Plan
from engine.model.project import Project
from engine.pipeline import plan
from engine.ports import World
from engine.sandbox.tenant import tailored
from tests.fakes import FakeClock, FakeSource, FakeState, FakeTarget

ROOT = Path(__file__).parents[2]
COMPANY, CONTRACT, SERVICE, LINE, VENDOR = 29683, 5001, 601, 70001, 29620

Row = dict[str, Any]


@cache
def shipped() -> Project:
    """The project as it ships."""
    return load(ROOT, shipped=ROOT / "schemas")


@cache
def entities() -> dict[str, Any]:
    """Entities with the picklists of the example's Autotask."""
    seed = json.loads((ROOT / "examples" / "autotask.json").read_text(encoding="utf-8"))
    return {
        name: tailored(entity, seed["picklists"].get(name, {}), [])
        for name, entity in shipped().catalogue.entities.items()
    }


@dataclass
class Small:
    """Both sides, to be bent by a test; `one` gives the only row of a table, or the one of that id."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {**_tables()})
    records: dict[str, list[Row]] = field(default_factory=lambda: {**_records()})
    settings: dict[str, Any] = field(default_factory=lambda: dict(shipped().settings))

    def one(self, table: str, id_: str = "") -> Row:
        """A row of Work 365."""
        return next(row for row in self.tables[table] if row["id"] == (id_ or row["id"]))

    def record(self, entity: str) -> Row:
        """The first record of an entity of Autotask."""
        return self.records[entity][0]

    def forget(self, *names: str) -> None:
        """Autotask has never heard of these."""
        for name in names:
            self.records[name] = []

    def new(self) -> None:
        """Autotask knows neither the customer nor anything of it, and the change log tells it all."""
        self.forget("Companies", "Contacts", "Contracts", "ContractServices", "ContractServiceUnits")
        self.records["Companies"] = [_vendor()]
        self.tables["license_change"] = [change("first", date(2026, 11, 2), 12)]

    def plan(self, *, without: str = "", **more: Any) -> Plan:
        """The plan, perhaps without one of the shipped rules, or with other parts of the project."""
        project = replace(
            shipped(),
            settings=self.settings,
            rules=tuple(rule for rule in shipped().rules if rule.name != without),
            **more,
        )
        clock = FakeClock()
        source = FakeSource(self.tables, project.catalogue.tables)
        return plan(project, World(source, FakeTarget(entities(), self.records), FakeState(clock), clock))


def findings(made: Plan) -> Iterator[Finding]:
    """Everything that a plan says of rows, wherever it says it."""
    yield from made.findings
    for blocked in made.blocked:
        yield from blocked.findings
    for left in made.left_out:
        yield Finding(left.code, Severity.SKIP, left.reason, mapping=left.mapping)


def change(id_: str, day: date, quantity: int | str, **more: Any) -> Row:
    """A License Change Log that is pending."""
    return {
        "id": id_,
        "name": "Microsoft 365 Business Premium",
        "subscription": "sub",
        "customer": "acc",
        "quantity": Decimal(quantity),
        "effective_date": day,
        "provisioning_status": "Provisioned",
        "unit": "Monthly",
        "is_audit": False,
        "status": "Active",
        "created_on": None,
        **more,
    }


def _tables() -> dict[str, list[Row]]:
    return {
        "account": [
            {
                "id": "acc",
                "name": "Alpine Dental AG",
                "number": "A-1007",
                "phone": "044 668 18 01",
                "website": "https://www.alpine-dental.example",
                "country": "CH",
                "currency": "CHF",
                "primary_contact": "con",
                "state": "Active",
            }
        ],
        "contact": [
            {
                "id": "con",
                "first_name": "Reto",
                "last_name": "Ammann",
                "email": "reto.ammann@alpine-dental.example",
                "phone": "044 668 18 01",
                "account": "acc",
                "state": "Active",
            }
        ],
        "product": [
            _product("pro", "Microsoft 365 Business Premium", "CFQ7TTC0LCHC:0002", "License"),
            _product("one-off", "Office LTSC Standard 2024", "DG7GMGF0PN5D:0002", "Non-Recurring"),
        ],
        "billing_contract": [
            {
                "id": "bil",
                "name": "Alpine Dental AG-CSP-Monthly",
                "number": "BC-1807",
                "customer": "acc",
                "type": "Recurring",
                "billing_frequency": "Monthly",
                "start_date": date(2026, 1, 1),
                "end_date": date(2028, 12, 31),
                "currency": "CHF",
                "state": "Active",
            }
        ],
        "subscription": [subscription("sub")],
        "license_change": [
            change("first", date(2026, 1, 1), 10, status="Archived"),
            change("second", date(2026, 11, 20), 2),
        ],
    }


def subscription(id_: str, **more: Any) -> Row:
    """A subscription that is sound."""
    return {
        "id": id_,
        "name": "Microsoft 365 Business Premium",
        "customer": "acc",
        "contract": "bil",
        "product": "pro",
        "type": "License",
        "quantity": Decimal(12),
        "billable": True,
        "is_trial": False,
        "effective_start": date(2026, 1, 1),
        "unit": "Monthly",
        "currency": "CHF",
        "state": "Active",
        "status": "Active",
        "psa_system_id": str(LINE),
        **more,
    }


def _product(id_: str, name: str, part: str, billing_type: str) -> Row:
    return {
        "id": id_,
        "name": name,
        "number": part,
        "part_number": part,
        "billing_type": billing_type,
        "unit": "Monthly",
        "price": Decimal("20.20"),
        "manufacturer": "Microsoft",
        "vendor": "Larkspur Cloud Distribution",
        "structure": "Product",
        "state": "Active",
    }


def _records() -> dict[str, list[Row]]:
    return {
        "Countries": [{"id": 207, "countryCode": "CH", "isActive": True}],
        "Currencies": [{"id": 2, "name": "CHF", "isActive": True}],
        "Resources": [{"id": 1, "email": "priya.raman@northgate-it.example", "isActive": True}],
        "BillingCodes": [
            {"id": 11, "name": "Cloud subscriptions", "isActive": True},
            {"id": 12, "name": "Software licences", "isActive": True},
        ],
        "Companies": [{"id": COMPANY, "companyName": "Alpine Dental AG", "companyNumber": "A-1007"}, _vendor()],
        "Contacts": [],
        "Services": [{"id": SERVICE, "externalID": "pro", "name": "M365 Business Premium", "periodType": 2}],
        "Products": [{"id": 801, "externalProductID": "one-off"}],
        "Contracts": [
            {
                "id": CONTRACT,
                "companyID": COMPANY,
                "contractNumber": "BC-1807",
                "contractName": "Alpine Dental AG-CSP-Monthly",
                "contractType": 7,
                "startDate": date(2026, 1, 1),
                "endDate": date(2028, 12, 31),
            }
        ],
        "ContractServices": [
            {
                "id": LINE,
                "contractID": CONTRACT,
                "serviceID": SERVICE,
                "internalCurrencyAdjustedPrice": Decimal("18.00"),
                "internalCurrencyUnitPrice": Decimal("20.20"),
            }
        ],
        "ContractServiceUnits": [
            _units(1, date(2026, 1, 1), date(2026, 10, 31), posted=date(2026, 10, 31)),
            _units(2, date(2026, 11, 1), date(2028, 12, 31)),
        ],
    }


def _vendor() -> Row:
    return {"id": VENDOR, "companyName": "Larkspur Cloud Distribution", "companyType": 6}


def _units(id_: int, start: date, end: date, *, posted: date | None = None) -> Row:
    return {
        "id": id_,
        "contractServiceID": LINE,
        "contractID": CONTRACT,
        "startDate": start,
        "endDate": end,
        "units": 10,
        "approveAndPostDate": posted,
    }
