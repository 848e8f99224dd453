"""Autotask's side of the example: a seed for the sandbox with a part of the customers."""

import json

import autotask_tenant
from autotask_companies import companies, contacts
from autotask_contracts import adjustments, contract_services, contracts, posted_until
from autotask_services import one_off_products, services
from autotask_tenant import Record
from example import Example


def seed(example: Example) -> str:
    """Returns the seed as text, with one record in a line."""
    user = {
        "username": "api@demo.example",
        "secret": "demo",
        "integration_code": "DEMO",
        "level": "full",
    }
    records: dict[str, list[Record]] = {
        "Countries": [*autotask_tenant.countries()],
        "Currencies": [*autotask_tenant.currencies()],
        "Resources": autotask_tenant.resources(),
        "BillingCodes": autotask_tenant.billing_codes(),
        "Companies": [*companies(example)],
        "Contacts": [*contacts(example)],
        "Services": [*services(example)],
        "Products": one_off_products(example),
        "Contracts": [*contracts(example)],
        "ContractServices": [*contract_services(example)],
    }
    document = {
        "users": [user],
        "user_defined_fields": {
            "Companies": [{"name": "Work 365 Id"}],
            "Contracts": [{"name": "Work 365 Id"}],
        },
        "picklists": autotask_tenant.picklists(),
        "records": records,
        "adjustments": [*adjustments(example)],
        "posted_until": posted_until(example),
    }
    parts = [f"{json.dumps(name)}: {_block(value, 1)}" for name, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _block(value: object, depth: int) -> str:
    """Returns lists and nested objects with an element in a line, and the rest in one line."""
    indent, outdent = "  " * depth, "  " * (depth - 1)
    if isinstance(value, list):
        lines = [indent + json.dumps(element, ensure_ascii=False) for element in value]
        return "[\n" + ",\n".join(lines) + f"\n{outdent}]"
    if isinstance(value, dict) and any(isinstance(inner, list | dict) for inner in value.values()):
        lines = [
            f"{indent}{json.dumps(name)}: {_block(inner, depth + 1)}"
            for name, inner in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{outdent}}}"
    return json.dumps(value, ensure_ascii=False)
