"""The world as Work 365 has it: one export a table, as Dataverse's Web API answers, products as a CSV of a person's making."""

# ruff: noqa: E501 -- a table reads best with one row on one line

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from roster import COLLEAGUES, CUSTOMERS, Customer, Product
from world import AS_OF, CURRENCIES, Change, Subscription, World, key, mail

CATALOGUE = Path(__file__).parent.parent / "schemas" / "work365.yaml"
NOTE = "@OData.Community.Display.V1.FormattedValue"
ORGANISATION = "https://northgate-it.crm11.dynamics.com/api/data/v9.2"
LOOK_UPS = frozenset({"unit", "currency"})  # rows of tables of their own in Dataverse, text here
WITH_TERM = {"Monthly": "M", "Quarterly": "Q", "Annual": "A", "Triennial": "3Y"}

Row = dict[str, Any]


def files(world: World) -> dict[str, str]:
    """File name → text."""
    tables = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["tables"]
    rows = {
        "account": [_account(customer) for customer in world.customers],
        "contact": [*_contacts()],
        "billing_contract": [*_contracts(world)],
        "subscription": [_subscription(one) for one in world.subscriptions],
        "license_change": [*_changes(world)],
    }
    made = {f"{table}.json": _json(tables[table], listed) for table, listed in rows.items()}
    made["product.csv"] = _csv([_product(product) for product in world.products.values()])
    return made


def account_key(number: str) -> str:
    """The key of an account."""
    return key("account", number)


def contact_key(first: str, last: str) -> str:
    """The key of a contact."""
    return key("contact", first, last)


def product_key(product: Product) -> str:
    """The key of a product."""
    return key("product", product.key)


def contract_number(position: int) -> str:
    """BC-1801 and on."""
    return f"BC-{1801 + position}"


def contract_name(world: World, deal_key: str) -> str:
    """Account, kind and frequency, as Work 365 advises."""
    deal = world.deals[deal_key]
    name = next(customer.name for customer in world.customers if customer.number == deal.customer)
    extra = {"I": " (items)", "N": " (new)", "E": " (2023)"}.get(deal.letter, "")
    return f"{name}-CSP-{deal.frequency}{extra}"


def _account(customer: Customer) -> Row:
    first, last, _title = customer.contact
    contact: str | None = contact_key(first, last)
    if customer.fault == "no primary contact":
        contact = None
    elif customer.fault == "primary contact of another account":
        contact = contact_key("Denise", "Okafor")
    parent = {"A-1029": "A-1026", "A-1037": "A-1034"}.get(customer.number)
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
    people = [(one.number, *one.contact) for one in CUSTOMERS] + COLLEAGUES
    slugs = {one.number: one for one in CUSTOMERS}
    for number, first, last, title in people:
        customer = slugs[number]
        inactive = customer.fault == "primary contact inactive" and (first, last) == customer.contact[:2]
        yield {
            "id": contact_key(first, last),
            "first_name": None if last == "Dyson" else first,
            "last_name": last,
            "email": mail(first, last, customer),
            "phone": "ext. 204" if last == "Frei" else (customer.phone or None),
            "mobile": None,
            "job_title": title,
            "account": None if last == "Ibarra" else account_key(number),
            "state": "Inactive" if inactive else "Active",
        }


def _product(product: Product) -> Row:
    term = {
        "Monthly": "by the month",
        "Annual": "by the year",
        "Quarterly": "by the quarter",
        "Triennial": "for three years",
    }
    one_off = product.billing_type == "Non-Recurring"
    return {
        "id": product_key(product),
        "name": product.name,
        "number": product.part if one_off else f"{product.part}-{WITH_TERM[product.unit]}",
        "part_number": product.part,
        "billing_type": product.billing_type,
        "unit": product.unit,
        "class": "Perpetual" if one_off else "CSP",
        "description": f"{product.name}, {'once' if one_off else term[product.unit]}",
        "price": product.price,
        "cost": str((Decimal(product.price) * Decimal("0.84")).quantize(Decimal("0.01"))) if product.price else "",
        "manufacturer": "Microsoft",
        "vendor": product.vendor,
        "structure": "Product",
        "state": product.state,
        "psa_system_id": "",
    }


def _contracts(world: World) -> Iterable[Row]:
    for position, deal in enumerate(world.deals.values()):
        customer = next(one for one in world.customers if one.number == deal.customer)
        yield {
            "id": key("contract", deal.key),
            "name": contract_name(world, deal.key),
            "number": contract_number(position),
            "customer": account_key(deal.customer),
            "type": deal.type,
            "billing_frequency": deal.frequency,
            "start_date": deal.start,
            "end_date": deal.end,
            "billing_policy": "Advance",
            "prorate_unit": "Days",
            "primary_contact": contact_key(*customer.contact[:2]),
            "next_invoice_date": date(2026, 12, 1) if deal.state == "Active" else None,
            "is_default": deal.letter != "N",
            "auto_renew": deal.state == "Active",
            "po_number": f"PO-{4400 + position * 7}" if position % 4 == 0 else None,
            "terminated_on": deal.end if deal.state == "Inactive" else None,
            "currency": CURRENCIES[customer.country],
            "state": deal.state,
            "psa_system_id": None,
        }


def _subscription(one: Subscription) -> Row:
    story, customer = one.story, one.customer
    types = {"License": "License", "Services": "Service", "Non-Recurring": "License", "Usage": "Usage"}
    return {
        "id": one.key,
        "name": one.name,
        "friendly_name": None,
        "customer": account_key(customer.number),
        "contract": key("contract", one.deal.key) if one.deal else None,
        "product": product_key(one.product),
        "type": story.type or types[one.product.billing_type],
        "quantity": one.quantity,
        "included_quantity": Decimal(0),
        "billable": story.billable,
        "is_trial": story.trial,
        "effective_start": one.start or (one.deal.start if one.deal else None),
        "commitment_end": _renewal(one),
        "unit": story.unit or one.product.unit,
        "selling_price": Decimal(one.product.price) if one.product.price else None,
        "cost_price": None,
        "currency": story.currency or CURRENCIES[customer.country],
        "parent": None,
        "linked": None,
        "state": story.state,
        "status": story.status,
        "psa_system_id": one.psa_system_id,
        "psa_auto_sync": False,
    }


def _renewal(one: Subscription) -> date | None:
    start = one.start
    if start is None or one.product.unit == "Monthly":
        return None
    years = max(1, AS_OF.year - start.year + ((AS_OF.month, AS_OF.day) >= (start.month, start.day)))
    return date(start.year + years, start.month, start.day) - timedelta(days=1)


def _changes(world: World) -> Iterable[Row]:
    for one in world.subscriptions:
        for number, change in enumerate(one.changes):
            yield _change(one, number, change)


def _change(one: Subscription, number: int, change: Change) -> Row:
    event = "Create" if number == 0 and not change.audit else "Update"
    if one.story.state == "Inactive" and change.quantity < 0:
        event = "Deactivate"
    return {
        "id": key("change", one.key, number),
        "name": one.name,
        "subscription": one.key,
        "customer": account_key(one.customer.number),
        "quantity": change.quantity,
        "effective_date": change.day,
        "event": event,
        "change_source": ["Provider", "User", "Portal"][number % 3],
        "provisioning_status": change.provisioning,
        "unit": one.story.unit or one.product.unit,
        "selling_price": Decimal(one.product.price) if one.product.price else None,
        "invoice": f"INV-{change.day:%y%m}-{int(key(one.key, number)[:4], 16) % 900 + 100}"
        if change.archived
        else None,
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
    shown = [json.dumps(_dataverse(table, row), ensure_ascii=False) for row in rows]
    context = json.dumps(f"{ORGANISATION}/$metadata#{table['entity_set']}")
    return f'{{"@odata.context": {context}, "value": [\n' + ",\n".join(shown) + "\n]}\n"


def _dataverse(table: Mapping[str, Any], row: Row) -> Row:
    made: Row = {"@odata.etag": f'W/"{int(row["id"][:6], 16)}"'}
    for name, value in row.items():
        column = table["columns"][name]
        logical = column["logical"]
        if column["type"] == "lookup":
            made[f"_{logical}_value"] = value
        elif name in LOOK_UPS:
            made[f"_{logical}_value"] = key(name, value)
            made[f"_{logical}_value{NOTE}"] = value
        elif column["type"] == "choice":
            made[logical] = next((number for number, label in column["choices"].items() if label == value), None)
            made[logical + NOTE] = value
        else:
            made[logical] = _plain_json(value)
    return made


def _plain_json(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else value
