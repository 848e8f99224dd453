"""Work 365's side of the example: one export for each table.

The exports are JSON as Dataverse's Web API sends it; products are a CSV file as a person makes it.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from example import AS_OF, CURRENCIES, Change, Example, Subscription, email, key
from roster import COLLEAGUES, CUSTOMERS, Customer, Product

CATALOGUE = Path(__file__).parent.parent / "schemas" / "work365.yaml"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
ORGANISATION = "https://northgate-it.crm11.dynamics.com/api/data/v9.2"
NAMED_ROWS = frozenset({"unit", "currency"})
"""Columns that are text in trueup, but references to rows with a name in Dataverse."""

TERM_SUFFIXES = {"Monthly": "M", "Quarterly": "Q", "Annual": "A", "Triennial": "3Y"}
_TERMS = {
    "Monthly": "by the month",
    "Annual": "by the year",
    "Quarterly": "by the quarter",
    "Triennial": "for three years",
}
_SUBSCRIPTION_TYPES = {
    "License": "License",
    "Services": "Service",
    "Non-Recurring": "License",
    "Usage": "Usage",
}
_CONTRACT_SUFFIXES = {"I": " (items)", "N": " (new)", "E": " (2023)"}
_PARENTS = {"A-1029": "A-1026", "A-1037": "A-1034"}
_CHANGE_SOURCES = ("Provider", "User", "Portal")

Row = dict[str, Any]


def files(example: Example) -> dict[str, str]:
    """Returns the texts of the exports by file name."""
    tables = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["tables"]
    rows = {
        "account": [_account(customer) for customer in example.customers],
        "contact": [*_contacts()],
        "billing_contract": [*_contracts(example)],
        "subscription": [_subscription(subscription) for subscription in example.subscriptions],
        "license_change": [*_changes(example)],
    }
    texts = {f"{table}.json": _json(tables[table], listed) for table, listed in rows.items()}
    texts["product.csv"] = _csv([_product(product) for product in example.products.values()])
    return texts


def account_key(number: str) -> str:
    """Returns the key of an account."""
    return key("account", number)


def contact_key(first: str, last: str) -> str:
    """Returns the key of a contact."""
    return key("contact", first, last)


def product_key(product: Product) -> str:
    """Returns the key of a product."""
    return key("product", product.key)


def contract_number(position: int) -> str:
    """Returns the number of a contract: BC-1801 and higher."""
    return f"BC-{1801 + position}"


def contract_name(example: Example, contract_key: str) -> str:
    """Returns the name of a contract: account, kind and frequency, as Work 365 recommends."""
    contract = example.contracts[contract_key]
    name = example.customer(contract.customer).name
    return f"{name}-CSP-{contract.frequency}{_CONTRACT_SUFFIXES.get(contract.letter, '')}"


def po_number(position: int) -> str | None:
    """Returns the purchase order number of a contract; each fourth has one."""
    return f"PO-{4400 + position * 7}" if position % 4 == 0 else None


def _account(customer: Customer) -> Row:
    first, last, _title = customer.contact
    contact: str | None = contact_key(first, last)
    if customer.fault == "no primary contact":
        contact = None
    elif customer.fault == "primary contact of another account":
        contact = contact_key("Denise", "Okafor")
    parent = _PARENTS.get(customer.number)
    return {
        "id": account_key(customer.number),
        "name": customer.name,
        "number": customer.number,
        "phone": customer.phone or None,
        "email": f"office@{customer.slug}.example",
        "website": f"https://www.{customer.slug}.example",
        "street": customer.street,
        "street2": None,
        "city": customer.city,
        "state_province": customer.region or None,
        "postal_code": customer.postal,
        "country": "United States" if customer.fault == "country spelled out" else customer.country,
        "primary_contact": contact,
        "parent": account_key(parent) if parent else None,
        "currency": CURRENCIES[customer.country],
        "state": "Inactive" if customer.fault == "account is inactive" else "Active",
        "psa_system_id": None,
        "modified_on": _instant(AS_OF, 40 + int(customer.number[-2:])),
    }


def _contacts() -> Iterable[Row]:
    """Primary contacts and colleagues; some have faults of their own."""
    people = [(customer.number, *customer.contact) for customer in CUSTOMERS] + COLLEAGUES
    customers = {customer.number: customer for customer in CUSTOMERS}
    for number, first, last, title in people:
        customer = customers[number]
        is_primary = (first, last) == customer.contact[:2]
        inactive = customer.fault == "primary contact inactive" and is_primary
        yield {
            "id": contact_key(first, last),
            "first_name": None if last == "Dyson" else first,
            "last_name": last,
            "email": email(first, last, customer),
            "phone": "ext. 204" if last == "Frei" else (customer.phone or None),
            "mobile": None,
            "job_title": title,
            "account": None if last == "Ibarra" else account_key(number),
            "state": "Inactive" if inactive else "Active",
        }


def _product(product: Product) -> Row:
    one_off = product.billing_type == "Non-Recurring"
    cost = ""
    if product.price:
        cost = str((Decimal(product.price) * Decimal("0.84")).quantize(Decimal("0.01")))
    return {
        "id": product_key(product),
        "name": product.name,
        "number": product.part if one_off else f"{product.part}-{TERM_SUFFIXES[product.unit]}",
        "part_number": product.part,
        "billing_type": product.billing_type,
        "unit": product.unit,
        "class": "Perpetual" if one_off else "CSP",
        "description": f"{product.name}, {'once' if one_off else _TERMS[product.unit]}",
        "price": product.price,
        "cost": cost,
        "manufacturer": "Microsoft",
        "vendor": product.vendor,
        "structure": "Product",
        "state": product.state,
        "psa_system_id": "",
    }


def _contracts(example: Example) -> Iterable[Row]:
    for position, contract in enumerate(example.contracts.values()):
        customer = example.customer(contract.customer)
        yield {
            "id": key("contract", contract.key),
            "name": contract_name(example, contract.key),
            "number": contract_number(position),
            "customer": account_key(contract.customer),
            "type": contract.type,
            "billing_frequency": contract.frequency,
            "start_date": contract.start,
            "end_date": contract.end,
            "billing_policy": "Advance",
            "prorate_unit": "Days",
            "primary_contact": contact_key(*customer.contact[:2]),
            "next_invoice_date": date(2026, 12, 1) if contract.state == "Active" else None,
            "is_default": contract.letter != "N",
            "auto_renew": contract.state == "Active",
            "po_number": po_number(position),
            "terminated_on": contract.end if contract.state == "Inactive" else None,
            "currency": CURRENCIES[customer.country],
            "state": contract.state,
            "psa_system_id": None,
        }


def _subscription(subscription: Subscription) -> Row:
    scenario, contract = subscription.scenario, subscription.contract
    customer, product = subscription.customer, subscription.product
    return {
        "id": subscription.key,
        "name": subscription.name,
        "friendly_name": None,
        "customer": account_key(customer.number),
        "contract": key("contract", contract.key) if contract else None,
        "product": product_key(product),
        "type": scenario.type or _SUBSCRIPTION_TYPES[product.billing_type],
        "quantity": subscription.quantity,
        "included_quantity": Decimal(0),
        "billable": scenario.billable,
        "is_trial": scenario.trial,
        "effective_start": subscription.start or (contract.start if contract else None),
        "commitment_end": _renewal(subscription),
        "unit": scenario.unit or product.unit,
        "selling_price": Decimal(product.price) if product.price else None,
        "cost_price": None,
        "currency": scenario.currency or CURRENCIES[customer.country],
        "parent": None,
        "linked": None,
        "state": scenario.state,
        "status": scenario.status,
        "psa_system_id": subscription.psa_system_id,
        "psa_auto_sync": False,
    }


def _renewal(subscription: Subscription) -> date | None:
    """The last day of the present year of commitment; None for a monthly subscription."""
    start = subscription.start
    if start is None or subscription.product.unit == "Monthly":
        return None
    had_birthday = (AS_OF.month, AS_OF.day) >= (start.month, start.day)
    years = max(1, AS_OF.year - start.year + had_birthday)
    return date(start.year + years, start.month, start.day) - timedelta(days=1)


def _changes(example: Example) -> Iterable[Row]:
    for subscription in example.subscriptions:
        for number, change in enumerate(subscription.changes):
            yield _change(subscription, number, change)


def _change(subscription: Subscription, number: int, change: Change) -> Row:
    scenario, product = subscription.scenario, subscription.product
    event = "Create" if number == 0 and not change.audit else "Update"
    if scenario.state == "Inactive" and change.quantity < 0:
        event = "Deactivate"
    invoice = None
    if change.archived:
        serial = int(key(subscription.key, number)[:4], 16) % 900 + 100
        invoice = f"INV-{change.day:%y%m}-{serial}"
    return {
        "id": key("change", subscription.key, number),
        "name": subscription.name,
        "subscription": subscription.key,
        "customer": account_key(subscription.customer.number),
        "quantity": change.quantity,
        "effective_date": change.day,
        "event": event,
        "change_source": _CHANGE_SOURCES[number % 3],
        "provisioning_status": change.provisioning,
        "unit": scenario.unit or product.unit,
        "selling_price": Decimal(product.price) if product.price else None,
        "invoice": invoice,
        "is_audit": change.audit,
        "status": "Archived" if change.archived else "Active",
        "created_on": _instant(change.day, number),
    }


def _instant(day: date, minutes: int) -> str:
    moment = datetime(day.year, day.month, day.day, 8, 15, tzinfo=UTC) + timedelta(minutes=minutes)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _json(table: Mapping[str, Any], rows: Iterable[Row]) -> str:
    lines = [json.dumps(_dataverse_row(table, row), ensure_ascii=False) for row in rows]
    context = json.dumps(f"{ORGANISATION}/$metadata#{table['entity_set']}")
    return f'{{"@odata.context": {context}, "value": [\n' + ",\n".join(lines) + "\n]}\n"


def _dataverse_row(table: Mapping[str, Any], row: Row) -> Row:
    """Returns a row with Dataverse's column names and choice numbers."""
    converted: Row = {"@odata.etag": f'W/"{int(row["id"][:6], 16)}"'}
    for name, value in row.items():
        column = table["columns"][name]
        logical = column["logical"]
        if column["type"] == "lookup":
            converted[f"_{logical}_value"] = value
        elif name in NAMED_ROWS:
            converted[f"_{logical}_value"] = key(name, value)
            converted[f"_{logical}_value{FORMATTED}"] = value
        elif column["type"] == "choice":
            numbers = {label: number for number, label in column["choices"].items()}
            converted[logical] = numbers.get(value)
            converted[logical + FORMATTED] = value
        else:
            converted[logical] = _plain_json(value)
    return converted


def _plain_json(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
