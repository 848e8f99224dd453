"""What the example's Autotask has by itself: countries, currencies, people, billing codes, picklists."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

CODES = {"services": 29683278, "products": 29683279}
COUNTRIES = {"GB": 225, "CH": 207, "DE": 82, "US": 237}
CURRENCY_IDS = {"GBP": 1, "CHF": 2, "EUR": 3, "USD": 4}
PRIYA = 29682885

Record = dict[str, Any]


def countries() -> Iterable[Record]:
    names = {"GB": "United Kingdom", "CH": "Switzerland", "DE": "Germany", "US": "United States"}
    for code, id_ in COUNTRIES.items():
        yield {
            "id": id_,
            "countryCode": code,
            "name": names[code],
            "displayName": names[code],
            "isActive": True,
            "isDefaultCountry": code == "GB",
        }


def currencies() -> Iterable[Record]:
    said = {
        "GBP": ("Pound Sterling", "1"),
        "CHF": ("Swiss Franc", "0.89"),
        "EUR": ("Euro", "0.84"),
        "USD": ("US Dollar", "0.76"),
    }
    for code, (name, rate) in said.items():
        yield {
            "id": CURRENCY_IDS[code],
            "name": code,
            "description": name,
            "exchangeRate": float(Decimal(rate)),
            "isInternalCurrency": code == "GBP",
            "isActive": True,
        }


def resources() -> list[Record]:
    return [
        {
            "id": PRIYA,
            "firstName": "Priya",
            "lastName": "Raman",
            "email": "priya.raman@northgate-it.example",
            "userName": "praman",
            "isActive": True,
        },
        {
            "id": 29682886,
            "firstName": "Tom",
            "lastName": "Hale",
            "email": "tom.hale@northgate-it.example",
            "userName": "thale",
            "isActive": False,
        },
    ]


def billing_codes() -> list[Record]:
    base = {"isActive": True, "unitCost": 0, "unitPrice": 0, "billingCodeType": 0}
    return [
        {**base, "id": CODES["services"], "name": "Cloud subscriptions", "useType": 8},
        {**base, "id": CODES["products"], "name": "Software licences", "useType": 4},
        {**base, "id": 29683280, "name": "Licences (until 2024)", "useType": 8, "isActive": False},
        {**base, "id": 29683281, "name": "Consulting", "useType": 1},
    ]


def picklists() -> dict[str, dict[str, list[Record]]]:
    def values(**labels: str) -> list[Record]:
        return [{"value": int(value[1:]), "label": label} for value, label in labels.items()]

    return {
        "Contracts": {
            "contractType": values(
                _1="Time and Materials",
                _3="Fixed Price",
                _4="Block Hours",
                _6="Retainer",
                _7="Recurring Service",
                _8="Per Ticket",
            ),
            "billingPreference": values(_1="Immediately without review", _2="Manually", _3="On timesheet approval"),
        },
        "Products": {"periodType": values(_1="One-Time", _2="Monthly", _3="Quarterly", _5="Yearly")},
        "BillingCodes": {
            "useType": values(
                _1="General",
                _2="Expense",
                _3="Internal",
                _4="Material",
                _8="Recurring Contract Service",
                _9="Milestone",
            )
        },
    }
