"""How the two systems begin in a scenario: one customer with its contracts and services.

Unless a scenario says otherwise there is one product at £10 a month, on a contract from 2026-01-01
on, ten seats of it in Work 365 and ten units in Autotask; today is 2026-11-15.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from trueup.operations.project import load_project

from tests.support.paths import ROOT

Row = dict[str, Any]

CUSTOMER = 101
PERIODS = {"Monthly": (2, 1), "Quarterly": (3, 3), "Semi-Annual": (4, 6), "Annual": (5, 12)}
"""Work 365's name of a period: its number in Autotask, and its months."""

_RECURRING = 8  # use type of a billing code
_IDENTITIES = ("udf.Work 365 Id", "contractNumber", "internalDescription")


@dataclass
class Service:
    """A subscription of Work 365 and the contract service that bills it."""

    key: str = "sub"  # of the subscription
    seats: int | str = 10  # its quantity in Work 365
    billed: int | None = 10  # units in Autotask from the contract's start on; None: no service
    keyed: Mapping[str, int] = field(default_factory=dict)  # day → units keyed in by hand
    changes: Mapping[str, int | str] = field(default_factory=dict)  # by day
    """Pending changes; an archived one gives the rest of the seats."""

    price: str = "10"  # of one unit and period
    unit: str = "Monthly"
    start: str = "2026-01-01"  # of the contract
    end: str = "2028-12-31"
    end_in_work365: str = ""  # where it is another one there
    posted: str = ""  # the last day that is approved and posted
    contract: str = ""  # key of the contract, where services share one
    product: str = ""  # key of the product, where services share one
    in_autotask: bool = True  # the contract and the product; else Autotask has neither
    row: Mapping[str, Any] = field(default_factory=dict)  # other columns of the subscription
    log: Mapping[str, Any] = field(default_factory=dict)  # other columns of the changes

    @property
    def contract_key(self) -> str:
        return self.contract or f"con-{self.key}"

    @property
    def product_key(self) -> str:
        return self.product or f"pro-{self.key}"

    @property
    def log_keys(self) -> list[str]:
        """Keys of the pending changes: log-sub, log-sub-2, …"""
        names = [f"log-{self.key}", *(f"log-{self.key}-{n}" for n in range(2, 99))]
        return names[: len(self.changes)]


@dataclass
class Beginning:
    """What else there is when a scenario begins."""

    as_of: str = "2026-11-15"
    account: Mapping[str, Any] = field(default_factory=dict)  # other columns of the customer
    company: Mapping[str, Any] = field(default_factory=dict)  # and other fields in Autotask
    identities: bool = True  # Autotask's records carry the keys of their rows
    edits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """File of the project → text in it → what stands in its place."""

    more: Mapping[str, Iterable[Row]] = field(default_factory=dict)  # further records, by entity
    seed: Mapping[str, Any] = field(default_factory=dict)  # what else is in the sandbox's seed


@dataclass
class AutotaskRecords:
    """The records, adjustments and posted marks of a seed."""

    beginning: Beginning
    ids: dict[str, int] = field(default_factory=dict)  # key of a row → record
    records: dict[str, dict[str, Row]] = field(default_factory=dict)  # entity → key → record
    adjustments: list[Row] = field(default_factory=list)
    posted: dict[str, str] = field(default_factory=dict)  # contract → last day

    def add(self, service: Service, number: int) -> None:
        """Adds the product, the contract and the contract service of a subscription."""
        if not service.in_autotask:
            return
        self._add_product(service, 600 + number)
        self._add_contract(service, 500 + number)
        if service.billed is not None:
            self._add_contract_service(service, 700 + number)

    def _add_product(self, service: Service, record: int) -> None:
        key = service.product_key
        self.records.setdefault("Services", {})[key] = {
            "id": self.ids.setdefault(key, record),
            "name": f"Mail {key}",
            "externalID": key,
            "periodType": PERIODS[service.unit][0],
            "unitPrice": float(service.price),
            "billingCodeID": _recurring_code(),
            "isActive": True,
        }

    def _add_contract(self, service: Service, record: int) -> None:
        key = service.contract_key
        contract = {
            "id": self.ids.setdefault(key, record),
            "companyID": CUSTOMER,
            "contractName": key,
            "contractNumber": key,
            "contractType": 7,
            "contractPeriodType": PERIODS[service.unit][0],
            "status": 1,
            "startDate": service.start,
            "endDate": service.end,
            "setupFee": 0,
            "billingPreference": 2,
            "timeReportingRequiresStartAndStopTimes": 0,
            "udf.Work 365 Id": key,
        }
        self.records.setdefault("Contracts", {}).setdefault(key, contract)
        if service.posted:
            self.posted[str(contract["id"])] = service.posted

    def _add_contract_service(self, service: Service, record: int) -> None:
        price = float(service.price)
        self.ids[service.key] = record
        self.records.setdefault("ContractServices", {})[service.key] = {
            "id": record,
            "contractID": self.ids[service.contract_key],
            "serviceID": self.ids[service.product_key],
            "unitPrice": price,
            "internalCurrencyUnitPrice": price,
            "internalCurrencyAdjustedPrice": price,
            "internalDescription": f"W365 {service.key}",
        }
        first = {service.start: service.billed} if service.billed else {}
        self.adjustments += [
            {"contractServiceID": record, "effectiveDate": day, "unitChange": units}
            for day, units in {**first, **service.keyed}.items()
        ]

    def document(self) -> dict[str, Any]:
        """The seed of the sandbox."""
        reference = _reference()
        records: dict[str, list[Row]] = dict(reference["records"])
        company = {**_company(), **self.beginning.company}
        records["Companies"] = [*records["Companies"], company]
        records["Contacts"] = [_contact()]
        records |= {entity: [*rows.values()] for entity, rows in self.records.items()}
        if not self.beginning.identities:
            for record in (record for rows in records.values() for record in rows):
                for name in _IDENTITIES:
                    record.pop(name, None)
        for entity, rows in self.beginning.more.items():
            records[entity] = [*records.get(entity, []), *rows]
        return {
            **reference,
            "records": records,
            "adjustments": self.adjustments,
            "posted_until": self.posted,
            "switches": {"hourly_delays": "off"},
            "clock": clock(self.beginning.as_of),
            **self.beginning.seed,
        }


def _company() -> Row:
    return {
        "id": CUSTOMER,
        "companyName": "Alpine Dental",
        "companyNumber": "A-1",
        "companyType": 1,
        "phone": "+44 20 7946 0123",
        "ownerResourceID": _reference()["records"]["Resources"][0]["id"],
        "countryID": 225,
        "currencyID": 1,
        "isActive": True,
        "udf.Work 365 Id": "acc",
    }


def _contact() -> Row:
    return {
        "id": 401,
        "companyID": CUSTOMER,
        "externalID": "con",
        "firstName": "Front",
        "lastName": "Desk",
        "emailAddress": "desk@alpine-dental.example",
        "isActive": 1,
        "primaryContact": True,
    }


def _recurring_code() -> int:
    codes = _reference()["records"]["BillingCodes"]
    return next(int(code["id"]) for code in codes if code["useType"] == _RECURRING)


def clock(day: str) -> dict[str, str]:
    """The sandbox's clock, standing on a day."""
    return {"stands": f"{day}T09:00:00+00:00"}


def work365(services: Iterable[Service], account: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The tables of Work 365."""
    tables: dict[str, dict[str, Row]] = {
        "account": {"acc": {**_account(), **account}},
        "contact": {"con": _primary_contact()},
        "product": {},
        "billing_contract": {},
        "subscription": {},
        "license_change": {},
    }
    for service in services:
        tables["product"][service.product_key] = _product(service)
        tables["billing_contract"].setdefault(service.contract_key, _contract(service))
        tables["subscription"][service.key] = _subscription(service)
        tables["license_change"] |= {row["id"]: row for row in _changes(service)}
    return {name: [*rows.values()] for name, rows in tables.items()}


def _account() -> Row:
    return {
        "id": "acc",
        "name": "Alpine Dental",
        "number": "A-1",
        "phone": "020 7946 0123",
        "country": "GB",
        "primary_contact": "con",
        "currency": "GBP",
        "state": "Active",
    }


def _primary_contact() -> Row:
    return {
        "id": "con",
        "first_name": "Front",
        "last_name": "Desk",
        "account": "acc",
        "email": "desk@alpine-dental.example",
        "state": "Active",
    }


def _product(service: Service) -> Row:
    return {
        "id": service.product_key,
        "name": f"Mail {service.product_key}",
        "billing_type": "License",
        "unit": service.unit,
        "price": service.price,
        "structure": "Product",
        "state": "Active",
    }


def _contract(service: Service) -> Row:
    return {
        "id": service.contract_key,
        "name": service.contract_key,
        "number": service.contract_key,
        "customer": "acc",
        "type": "Recurring",
        "billing_frequency": service.unit,
        "start_date": service.start,
        "end_date": service.end_in_work365 or service.end,
        "currency": "GBP",
        "state": "Active",
    }


def _subscription(service: Service) -> Row:
    return {
        "id": service.key,
        "name": f"Mail {service.key}",
        "customer": "acc",
        "contract": service.contract_key,
        "product": service.product_key,
        "type": "License",
        "quantity": service.seats,
        "included_quantity": 0,
        "billable": True,
        "is_trial": False,
        "effective_start": service.start,
        "unit": service.unit,
        "currency": "GBP",
        "state": "Active",
        "status": "Active",
        "psa_system_id": "700",
        **service.row,
    }


def _changes(service: Service) -> Iterable[Row]:
    """The pending changes, and an archived one that gives the rest of the seats."""
    rest = Decimal(service.seats) - sum(Decimal(units) for units in service.changes.values())
    first, archived = f"first-{service.key}", {"status": "Archived"}
    yield license_change(service.key, service.unit, first, service.start, str(rest), archived)
    for id_, (day, units) in zip(service.log_keys, service.changes.items(), strict=True):
        yield license_change(service.key, service.unit, id_, day, units, service.log)


def license_change(
    subscription: str, unit: str, id_: str, day: str, units: int | str, more: Mapping[str, Any]
) -> Row:
    """A License Change Log; it is pending unless `more` says otherwise."""
    return {
        "id": id_,
        "name": f"Mail {subscription}",
        "subscription": subscription,
        "customer": "acc",
        "quantity": units,
        "effective_date": day,
        "provisioning_status": "Provisioned",
        "unit": unit,
        "is_audit": False,
        "status": "Active",
        "created_on": f"{day}T09:00:00Z",
        **more,
    }


@cache
def catalogue() -> dict[str, list[str]]:
    """The columns of each table: an export has them all."""
    tables = load_project(ROOT).catalogue.tables
    return {name: [*table.columns] for name, table in tables.items()}


@cache
def _reference() -> dict[str, Any]:
    """What every tenant has: the reference data of the example."""
    example = json.loads((ROOT / "examples" / "autotask.json").read_text(encoding="utf-8"))
    kept = {name: example[name] for name in ("users", "user_defined_fields", "picklists")}
    names = ("Countries", "Currencies", "Resources", "BillingCodes")
    records = {name: example["records"][name] for name in names}
    records["Companies"] = example["records"]["Companies"][:1]
    return {**kept, "records": records}


def write_project(folder: Path, edits: Mapping[str, Mapping[str, str]]) -> None:
    """The project that ships, with the two systems of the scenario, and edited."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mappings", "rules"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "trueup.yaml", folder)
    own = {
        "path: examples/work365": "path: work365",
        "database: .trueup/autotask.sqlite": "database: autotask.sqlite",
        "seed: examples/autotask.json": "seed: autotask.json",
        "path: .trueup/state.sqlite": "path: state.sqlite",
    }
    for file, changes in {"trueup.yaml": own, **edits}.items():
        for old, new in {**(own if file == "trueup.yaml" else {}), **changes}.items():
            edit(folder / file, old, new)


def edit(file: Path, old: str, new: str) -> None:
    """Puts another text in the place of one that the file has."""
    text = file.read_text(encoding="utf-8")
    assert old in text, f"{file.name} does not have {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")
