"""One customer with one contract and one subscription, without faults, for the shipped rules.

A test makes one fault in one of the two systems and looks at the findings of the plan.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec.structs import replace
from trueup.config.loader import load
from trueup.model.finding import Finding, Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.pipeline import plan
from trueup.ports.world import World
from trueup.sandbox.autotask.tenant import customized

from tests.support.fakes import FakeClock, FakeSource, FakeState, FakeTarget
from tests.support.paths import ROOT

COMPANY, CONTRACT, SERVICE, LINE, VENDOR = 29683, 5001, 601, 70001, 29620

Row = dict[str, Any]


@cache
def shipped() -> Project:
    """Returns the project as it ships."""
    return load(ROOT, shipped=ROOT / "schemas")


@cache
def entities() -> dict[str, Any]:
    """Returns the entities with the picklists of the example tenant."""
    seed = json.loads((ROOT / "examples" / "autotask.json").read_text(encoding="utf-8"))
    return {
        name: customized(entity, seed["picklists"].get(name, {}), [])
        for name, entity in shipped().catalogue.entities.items()
    }


@dataclass
class Small:
    """The rows of Work 365 and the records of Autotask, for a test to change."""

    tables: dict[str, list[Row]] = field(default_factory=lambda: {**_tables()})
    records: dict[str, list[Row]] = field(default_factory=lambda: {**_records()})
    settings: dict[str, Any] = field(default_factory=lambda: dict(shipped().settings))

    def row(self, table: str, id_: str = "") -> Row:
        """Returns the only row of a table, or the row with that id."""
        return next(row for row in self.tables[table] if row["id"] == (id_ or row["id"]))

    def record(self, entity: str) -> Row:
        """Returns the first record of an entity."""
        return self.records[entity][0]

    def forget(self, *names: str) -> None:
        """Removes all records of these entities."""
        for name in names:
            self.records[name] = []

    def new(self) -> None:
        """Makes the customer new to Autotask, with one license change for its whole quantity."""
        self.forget(
            "Companies", "Contacts", "Contracts", "ContractServices", "ContractServiceUnits"
        )
        self.records["Companies"] = [_vendor()]
        self.tables["license_change"] = [change("first", date(2026, 11, 2), 12)]

    def plan(self, *, without: str = "", **more: Any) -> Plan:
        """Returns the plan, without the rule `without`, and with other parts of the project."""
        project = replace(
            shipped(),
            settings=self.settings,
            rules=tuple(rule for rule in shipped().rules if rule.name != without),
            **more,
        )
        clock = FakeClock()
        source = FakeSource(self.tables, project.catalogue.tables)
        return plan(
            project, World(source, FakeTarget(entities(), self.records), FakeState(clock), clock)
        )


def findings(made: Plan) -> Iterator[Finding]:
    """Yields all findings of a plan on rows, also those of blocked and left out rows."""
    yield from made.findings
    for blocked in made.blocked:
        yield from blocked.findings
    for left in made.left_out:
        yield Finding(left.code, Severity.SKIP, left.reason, mapping=left.mapping)


def change(id_: str, day: date, quantity: int | str, **more: Any) -> Row:
    """Returns a pending license change."""
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
    """Returns a subscription without faults."""
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
            {"id": 11, "name": "Cloud subscriptions", "useType": 8, "isActive": True},
            {"id": 12, "name": "Software licences", "useType": 4, "isActive": True},
        ],
        "Companies": [
            {"id": COMPANY, "companyName": "Alpine Dental AG", "companyNumber": "A-1007"},
            _vendor(),
        ],
        "Contacts": [],
        "Services": [
            {"id": SERVICE, "externalID": "pro", "name": "M365 Business Premium", "periodType": 2}
        ],
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
