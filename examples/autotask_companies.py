"""The companies and contacts of the example in Autotask: known customers, vendors and others."""

from collections.abc import Iterable

import phonenumbers
from autotask_tenant import COUNTRIES, CURRENCY_IDS, PRIYA, Record
from example import CURRENCIES, Example, email
from roster import COLLEAGUES, Customer
from work365_exports import account_key, contact_key

OWN_COMPANY, VENDOR = 0, 29620
CUSTOMER, PROSPECT, VENDOR_TYPE = 1, 3, 6  # companyType

DIFFERENCES: dict[str, Record] = {
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
"""Fields in which Autotask differs from Work 365, by customer number."""


def companies(example: Example) -> Iterable[Record]:
    """Yields our own company, vendors, a prospect, an unrelated customer, the known customers."""
    yield _other(OWN_COMPANY, "Northgate IT", "+44 20 7946 0100")
    yield _other(VENDOR, "Larkspur Cloud Distribution", "+44 20 7946 0900", type_=VENDOR_TYPE)
    yield _other(29621, "Thistle Networks Supply", "+44 131 496 0900", type_=VENDOR_TYPE)
    yield _other(29622, "Wexcombe Cycle Works", "+44 117 496 0911", type_=PROSPECT)
    yield _other(29623, "Zinnia Florists", "+44 161 496 0922", number="A-0987")
    for customer in example.customers:
        if customer.known:
            yield _company(customer)
    twin = next(customer for customer in example.customers if customer.known == "twice")
    yield {
        **_company(twin),
        "id": 29790,
        "companyName": "Oderbruch Maschinenbau (alt)",
        "webAddress": None,
    }


def contacts(example: Example) -> Iterable[Record]:
    """Yields the primary contacts of known customers, and most of the other contacts."""
    people = [(customer.number, *customer.contact, True) for customer in example.customers]
    people += [(*colleague, False) for colleague in COLLEAGUES]
    known = {customer.number: customer for customer in example.customers if customer.known}
    for position, (number, first, last, title, primary) in enumerate(people):
        customer = known.get(number)
        left_out = (position % 3 == 0 and not primary) or last == "Ibarra"
        if customer is None or left_out:
            continue
        yield {
            "id": 30701 + position,
            "companyID": company_id(customer.number),
            "firstName": first,
            "lastName": last,
            "emailAddress": email(first, last, customer),
            "phone": _phone(customer),
            "title": title,
            "primaryContact": primary,
            "isActive": 1,
            "externalID": contact_key(first, last) if customer.known == "identity" else None,
        }


def company_id(number: str) -> int:
    """Returns the id of a known customer: 29677 and higher."""
    return 29676 + int(number[-2:])


def work365_id(value: str) -> Record:
    """Returns the user-defined field that contains a key of Work 365."""
    return {"userDefinedFields": [{"name": "Work 365 Id", "value": value}]}


def _other(id_: int, name: str, phone: str, *, type_: int = CUSTOMER, number: str = "") -> Record:
    company: Record = {
        "companyType": type_,
        "ownerResourceID": PRIYA,
        "isActive": True,
        "id": id_,
        "companyName": name,
    }
    if number:
        company["companyNumber"] = number
    return {**company, "phone": phone, "countryID": 225, "currencyID": 1}


def _company(customer: Customer) -> Record:
    company: Record = {
        "id": company_id(customer.number),
        "companyName": customer.name,
        "companyNumber": customer.number,
        "companyType": CUSTOMER,
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
        company["companyNumber"] = None
    if customer.known == "identity":
        company |= work365_id(account_key(customer.number))
    return company | DIFFERENCES.get(customer.number, {})


def _phone(customer: Customer) -> str | None:
    try:
        number = phonenumbers.parse(customer.phone, customer.country)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
