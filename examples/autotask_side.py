"""The world as Autotask has it: a seed for the sandbox. It knows a part, under names and numbers of its own."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import phonenumbers
import tenant
from roster import COLLEAGUES, PRODUCTS, Customer, Product
from stories import ORPHANS, PRICED_BY_HAND, Deal
from tenant import CODES, COUNTRIES, CURRENCY_IDS, PRIYA
from work365_side import (
    WITH_TERM,
    account_key,
    contact_key,
    contract_name,
    contract_number,
    product_key,
)
from world import CURRENCIES, Subscription, World, key, mail, steps

OWN, VENDOR = 0, 29620
PERIODS = {"Monthly": 2, "Quarterly": 3, "Annual": 5}
LABELS = {"Monthly": "monthly", "Quarterly": "quarterly", "Annual": "yearly"}

Record = dict[str, Any]

# What Autotask says otherwise than Work 365: customers, by number.
OTHERWISE: dict[str, Record] = {
    "A-1005": {"companyName": "Eastmoor Timber"},
    "A-1007": {"companyName": "Alpine Dental", "phone": "+41 44 668 18 00"},
    "A-1013": {"companyName": "Larkfield Academy Trust"},
    "A-1014": {"address1": "6 Clapton Rise, First Floor"},
    "A-1015": {"phone": "+44 191 498 0250"},
    "A-1019": {"companyName": "Chalet Miremont", "companyNumber": None},
    "A-1021": {"companyName": "Edelkorn Baeckerei", "phone": "+41 41 555 01 40"},
    "A-1024": {"postalCode": "8401"},
    "A-1027": {"webAddress": None},
    "A-1028": {"companyName": "Lindenthal Steuerberatung"},
    "A-1030": {"companyName": "Nordlicht Feinkost KG", "companyNumber": None, "webAddress": None},
    "A-1038": {"companyName": "Verbena Day Spa", "companyNumber": None},
    "A-1003": {"phone": "+44 117 496 0133"},
}
SERVICE_NAMES = {
    "standard-y": "M365 Business Standard annual",
    "f3-m": "M365 F3 (frontline)",
    "appse-y": "M365 Apps for enterprise annual",
    "o365e1-m": "O365 E1",
    "o365e3-m": "O365 E3",
    "exo1-y": "Exchange Online P1 annual",
    "project3-m": "Project Plan 3",
    "powerbi-m": "Power BI Pro",
    "intune-m": "Microsoft Intune Plan 1, Monthly",
    "ltsc": "Office LTSC Standard 2024 (perpetual)",
}


def seed(world: World) -> str:
    """The seed as text, one record a line."""
    records: dict[str, list[Record]] = {
        "Countries": [*tenant.countries()],
        "Currencies": [*tenant.currencies()],
        "Resources": tenant.resources(),
        "BillingCodes": tenant.billing_codes(),
        "Companies": [*_companies(world)],
        "Contacts": [*_contacts(world)],
        "Services": [*_services(world)],
        "Products": [_one_off(product) for product in world.products.values() if product.key == "ltsc"],
        "Contracts": [*_contracts(world)],
        "ContractServices": [*_contract_services(world)],
    }
    document = {
        "users": [{"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO", "level": "full"}],
        "user_defined_fields": {"Companies": [{"name": "Work 365 Id"}], "Contracts": [{"name": "Work 365 Id"}]},
        "picklists": tenant.picklists(),
        "records": records,
        "adjustments": [*_adjustments(world)],
        "posted_until": {
            str(_contract_id(world, deal)): deal.posted.isoformat()
            for deal in world.deals.values()
            if deal.known and deal.posted
        },
    }
    return _lines(document)


def _companies(world: World) -> Iterable[Record]:
    base = {"companyType": 1, "ownerResourceID": PRIYA, "isActive": True}
    yield {
        **base,
        "id": OWN,
        "companyName": "Northgate IT",
        "phone": "+44 20 7946 0100",
        "countryID": 225,
        "currencyID": 1,
    }
    yield {
        **base,
        "id": VENDOR,
        "companyName": "Larkspur Cloud Distribution",
        "companyType": 6,
        "phone": "+44 20 7946 0900",
        "countryID": 225,
        "currencyID": 1,
    }
    yield {
        **base,
        "id": 29621,
        "companyName": "Thistle Networks Supply",
        "companyType": 6,
        "phone": "+44 131 496 0900",
        "countryID": 225,
        "currencyID": 1,
    }
    yield {
        **base,
        "id": 29622,
        "companyName": "Wexcombe Cycle Works",
        "companyType": 3,
        "phone": "+44 117 496 0911",
        "countryID": 225,
        "currencyID": 1,
    }
    yield {
        **base,
        "id": 29623,
        "companyName": "Zinnia Florists",
        "companyNumber": "A-0987",
        "phone": "+44 161 496 0922",
        "countryID": 225,
        "currencyID": 1,
    }
    for customer in world.customers:
        if customer.known:
            yield _company(customer)
    twin = next(customer for customer in world.customers if customer.known == "twice")
    yield {**_company(twin), "id": 29790, "companyName": "Oderbruch Maschinenbau (alt)", "webAddress": None}


def _company(customer: Customer) -> Record:
    made: Record = {
        "id": company_id(customer.number),
        "companyName": customer.name,
        "companyNumber": customer.number,
        "companyType": 1,
        "ownerResourceID": PRIYA,
        "phone": _phone(customer),
        "address1": customer.street,
        "city": customer.city,
        "state": customer.region or None,
        "postalCode": customer.postal,
        "countryID": COUNTRIES[customer.country],
        "currencyID": CURRENCY_IDS[CURRENCIES[customer.country]],
        "webAddress": f"https://www.{customer.slug}.example",
        "isActive": True,
    }
    if customer.known == "name":
        made["companyNumber"] = None
    if customer.known == "identity":
        made |= _udf(account_key(customer.number))
    return made | OTHERWISE.get(customer.number, {})


def company_id(number: str) -> int:
    """Autotask's id of a known customer: 29677 and on."""
    return 29676 + int(number[-2:])


def _udf(value: str) -> Record:
    return {"userDefinedFields": [{"name": "Work 365 Id", "value": value}]}


def _phone(customer: Customer) -> str | None:
    try:
        number = phonenumbers.parse(customer.phone, customer.country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _contacts(world: World) -> Iterable[Record]:
    people = [(one.number, *one.contact, True) for one in world.customers]
    people += [(*colleague, False) for colleague in COLLEAGUES]
    known = {one.number: one for one in world.customers if one.known}
    for position, (number, first, last, title, primary) in enumerate(people):
        customer = known.get(number)
        if customer is None or (position % 3 == 0 and not primary) or last == "Ibarra":
            continue
        yield _contact(30701 + position, customer, (first, last, title), primary=primary)


def _contact(id_: int, customer: Customer, person: tuple[str, str, str], *, primary: bool) -> Record:
    first, last, title = person
    return {
        "id": id_,
        "companyID": company_id(customer.number),
        "firstName": first,
        "lastName": last,
        "emailAddress": mail(first, last, customer),
        "phone": _phone(customer),
        "title": title,
        "primaryContact": primary,
        "isActive": 1,
        "externalID": contact_key(first, last) if customer.known == "identity" else None,
    }


def _services(world: World) -> Iterable[Record]:
    for product in world.products.values():
        if product.service and product.billing_type == "License":
            yield _service(product)
    twin = world.products["powerbi-m"]
    yield {**_service(twin), "id": 690, "name": "PowerBI Pro monthly (old)"}


def _service(product: Product) -> Record:
    made: Record = {
        "id": service_id(product),
        "name": SERVICE_NAMES.get(product.key, f"{product.name}, {LABELS[product.unit]}"),
        "periodType": PERIODS[product.unit],
        "billingCodeID": CODES["services"],
        "unitPrice": float(product.price),
        "unitCost": round(float(product.price) * 0.84, 2),
        "vendorCompanyID": VENDOR,
        "isActive": True,
        "sku": None if product.service == "alike" else product.part,
    }
    if product.service == "identity":
        made |= {
            "externalID": product_key(product),
            "catalogNumberPartNumber": f"{product.part}-{WITH_TERM[product.unit]}",
            "manufacturerServiceProvider": "Microsoft",
            "manufacturerServiceProviderProductNumber": product.part,
        }
    return made


def service_id(product: Product) -> int:
    """Autotask's id of a known service: in 601 to 689, by the part number and term."""
    return 601 + [other.key for other in PRODUCTS].index(product.key)


def _one_off(product: Product) -> Record:
    return {
        "id": 801,
        "name": SERVICE_NAMES[product.key],
        "sku": product.part,
        "isActive": True,
        "isSerialized": False,
        "productBillingCodeID": CODES["products"],
        "unitPrice": float(product.price),
    }


def _contract_id(world: World, deal: Deal) -> int:
    return 5001 + [*world.deals].index(deal.key)


def _contracts(world: World) -> Iterable[Record]:
    for position, deal in enumerate(world.deals.values()):
        if not deal.known:
            continue
        ends = deal.autotask_end or deal.end
        made: Record = {
            "id": _contract_id(world, deal),
            "companyID": company_id(deal.customer),
            "contractName": contract_name(world, deal.key),
            "contractNumber": contract_number(position),
            "contractType": 7,
            "contractPeriodType": PERIODS[deal.frequency],
            "status": 1,
            "startDate": (deal.autotask_start or deal.start).isoformat(),
            "endDate": ends.isoformat() if ends else None,
            "billingPreference": 2,
            "timeReportingRequiresStartAndStopTimes": 0,
            "setupFee": 0,
            "purchaseOrderNumber": f"PO-{4400 + position * 7}" if position % 4 == 0 else None,
        }
        if deal.known == "name":
            yield {**made, "contractNumber": None}
        else:
            yield {**made, **_udf(key("contract", deal.key))}


def _contract_services(world: World) -> Iterable[Record]:
    for position, (one, deal) in enumerate(_served(world)):
        price = float(one.product.price)
        by_hand = PRICED_BY_HAND.get((deal.key, one.product.key))
        yield {
            "id": one.record,
            "contractID": _contract_id(world, deal),
            "serviceID": service_id(one.product),
            "unitPrice": price,
            "unitCost": round(price * 0.84, 2),
            "internalCurrencyUnitPrice": price,
            "internalCurrencyAdjustedPrice": float(by_hand) if by_hand else price,
            "invoiceDescription": one.product.name,
            "internalDescription": f"W365 {one.key}" if position % 5 == 0 else None,
        }
    for number, (contract, product, _said) in enumerate(ORPHANS):
        price = float(world.products[product].price)
        yield {
            "id": 79001 + number,
            "contractID": _contract_id(world, world.deals[contract]),
            "serviceID": service_id(world.products[product]),
            "unitPrice": price,
            "internalCurrencyUnitPrice": price,
            "internalCurrencyAdjustedPrice": price,
            "internalDescription": "keyed by hand, see mail of 3 Feb 2025",
        }


def _served(world: World) -> list[tuple[Subscription, Deal]]:
    return [(one, one.deal) for one in world.subscriptions if one.keyed is not None and one.deal]


def _adjustments(world: World) -> Iterable[Record]:
    for one in world.subscriptions:
        for day, units in one.keyed or ():
            yield _adjustment(one.record, day, units)
    for number, (_deal, _product, said) in enumerate(ORPHANS):
        for day, amount in steps(said):
            yield _adjustment(79001 + number, day, int(amount))


def _adjustment(id_: int, day: date, units: int) -> Record:
    return {"contractServiceID": id_, "effectiveDate": day.isoformat(), "unitChange": units}


def _lines(document: Record) -> str:
    parts = []
    for name, value in document.items():
        parts.append(f"{json.dumps(name)}: {_block(value, 1)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _block(value: object, depth: int) -> str:
    pad = "  " * depth
    if isinstance(value, list):
        return "[\n" + ",\n".join(pad + json.dumps(item, ensure_ascii=False) for item in value) + f"\n{pad[2:]}]"
    if isinstance(value, dict) and any(isinstance(item, list | dict) for item in value.values()):
        inner = ",\n".join(f"{pad}{json.dumps(name)}: {_block(item, depth + 1)}" for name, item in value.items())
        return "{\n" + inner + f"\n{pad[2:]}}}"
    return json.dumps(value, ensure_ascii=False)
