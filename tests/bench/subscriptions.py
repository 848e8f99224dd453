"""Many sound, linked subscriptions in Work 365 and in Autotask, with one license change each.

Each hundred subscriptions share a contract. 1 % are changed, 0.5 % are new, 0.5 % are gone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from trueup.model.run import Link

PRODUCTS = 100
FIRST_SERVICE = 500
FIRST_COMPANY = 10_000
FIRST_CONTRACT = 500_000
FIRST_CONTRACT_SERVICE = 2_000_000


@dataclass
class Subscriptions:
    """Rows by table, records by entity, and the links between them."""

    tables: dict[str, list[Any]] = field(default_factory=dict)
    records: dict[str, list[Any]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)

    def link(self, mapping: str, key: str, entity: str, record: int) -> None:
        """Links a row to a record."""
        self.links.append(Link(mapping, key, entity, record, "given"))


def subscriptions(count: int) -> Subscriptions:
    """Returns so many subscriptions with their products, accounts and contracts."""
    made, contracts = surroundings(count), contracts_of(count)
    made.tables |= {name: [*rows] for name, rows in many_rows(count).items()}
    made.records["ContractServices"] = [contract_service(one, contracts) for one in range(count)]
    return made


def contracts_of(count: int) -> int:
    """Returns how many contracts so many subscriptions share."""
    return max(1, count // 100)


def many_rows(count: int) -> dict[str, Iterator[dict[str, Any]]]:
    """Returns the rows of the large tables one by one: subscriptions and their license changes."""
    contracts = contracts_of(count)
    return {
        "subscription": (
            subscription_row(number, contracts) for number in range(count) if number % 200 != 101
        ),
        "license_change": (license_change_row(number) for number in range(count)),
    }


def surroundings(count: int) -> Subscriptions:
    """Returns what so many subscriptions refer to, and all links."""
    contracts = contracts_of(count)
    made = Subscriptions()
    made.tables = {
        "account": [_account(number) for number in range(contracts)],
        "contact": [],
        "product": [_product(number) for number in range(PRODUCTS)],
        "billing_contract": [_contract(number) for number in range(contracts)],
    }
    made.records = {
        "Services": [_service(number) for number in range(PRODUCTS)],
        "Companies": [{"id": FIRST_COMPANY + number} for number in range(contracts)],
        "Contracts": [_contract_record(number) for number in range(contracts)],
    }

    for number in range(PRODUCTS):
        made.link("service", f"p{number}", "Services", FIRST_SERVICE + number)
    for number in range(contracts):
        made.link("customer", f"a{number}", "Companies", FIRST_COMPANY + number)
        made.link("contract", f"c{number}", "Contracts", FIRST_CONTRACT + number)
    for number in range(count):
        if number % 200 != 1:
            record = FIRST_CONTRACT_SERVICE + number
            made.link("subscription", _key(number), "ContractServices", record)
    return made


def _key(number: int) -> str:
    return f"s{number:08}"


def _contract_of(number: int, contracts: int) -> int:
    return (number // 100) % contracts


def _product(number: int) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "name": f"Product {number}",
        "part_number": f"P{number}",
        "billing_type": "License",
        "unit": "Monthly",
        "price": Decimal(10),
        "state": "Active",
        "structure": "Product",
    }


def _account(number: int) -> dict[str, Any]:
    return {
        "id": f"a{number}",
        "name": f"Account {number}",
        "number": f"A-{number}",
        "phone": "+44 20 7946 0958",
        "country": "GB",
        "state": "Active",
        "currency": "GBP",
    }


def _contract(number: int) -> dict[str, Any]:
    return {
        "id": f"c{number}",
        "name": f"Contract {number}",
        "number": f"BC-{number}",
        "customer": f"a{number}",
        "type": "Recurring",
        "billing_frequency": "Monthly",
        "start_date": date(2024, 1, 1),
        "end_date": date(2029, 1, 1),
        "currency": "GBP",
        "state": "Active",
    }


def subscription_row(number: int, contracts: int) -> dict[str, Any]:
    """Returns a row of Work 365 by its number; so many contracts share the rows."""
    contract = _contract_of(number, contracts)
    return {
        "id": _key(number),
        "name": f"Subscription {number}",
        "friendly_name": f"Subscription {number}",
        "customer": f"a{contract}",
        "contract": f"c{contract}",
        "product": f"p{number % PRODUCTS}",
        "type": "License",
        "quantity": Decimal(5),
        "billable": True,
        "is_trial": False,
        "effective_start": date(2024, 2, 1),
        "unit": "Monthly",
        "currency": "GBP",
        "state": "Active",
        "status": "Active",
        "psa_system_id": "1",
    }


def license_change_row(number: int) -> dict[str, Any]:
    return {
        "id": f"l{number:08}",
        "subscription": _key(number),
        "quantity": Decimal(5),
        "effective_date": date(2024, 2, 1),
        "status": "Archived",
        "unit": "Monthly",
    }


def _service(number: int) -> dict[str, Any]:
    return {
        "id": FIRST_SERVICE + number,
        "periodType": 2,
        "unitPrice": Decimal(10),
        "isActive": True,
    }


def _contract_record(number: int) -> dict[str, Any]:
    return {
        "id": FIRST_CONTRACT + number,
        "companyID": FIRST_COMPANY + number,
        "endDate": date(2029, 1, 1),
        "startDate": date(2024, 1, 1),
    }


def contract_service(number: int, contracts: int) -> dict[str, Any]:
    """Returns the record of Autotask that `subscription_row` of this number is linked to."""
    return {
        "id": FIRST_CONTRACT_SERVICE + number,
        "contractID": FIRST_CONTRACT + _contract_of(number, contracts),
        "serviceID": FIRST_SERVICE + number % PRODUCTS,
        "internalDescription": f"W365 {_key(number)}",
    }
