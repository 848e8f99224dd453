"""Autotask's own data in the example: countries, currencies, people, billing codes, picklists."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

CODES = {"services": 29683278, "products": 29683279}
COUNTRIES = {"GB": 225, "CH": 207, "DE": 82, "US": 237}
CURRENCY_IDS = {"GBP": 1, "CHF": 2, "EUR": 3, "USD": 4}
PRIYA = 29682885

Record = dict[str, Any]


def countries() -> Iterable[Record]:
    """Yields the countries of the customers."""
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
    """Yields the currencies with their rates to the pound."""
    names_and_rates = {
        "GBP": ("Pound Sterling", "1"),
        "CHF": ("Swiss Franc", "0.89"),
        "EUR": ("Euro", "0.84"),
        "USD": ("US Dollar", "0.76"),
    }
    for code, (name, rate) in names_and_rates.items():
        yield {
            "id": CURRENCY_IDS[code],
            "name": code,
            "description": name,
            "exchangeRate": float(Decimal(rate)),
            "isInternalCurrency": code == "GBP",
            "isActive": True,
        }


def resources() -> list[Record]:
    """Returns an active and an inactive person."""
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
    """Returns the billing codes that trueup.yaml names, and two others."""
    base = {"isActive": True, "unitCost": 0, "unitPrice": 0, "billingCodeType": 0}
    return [
        {**base, "id": CODES["services"], "name": "Cloud subscriptions", "useType": 8},
        {**base, "id": CODES["products"], "name": "Software licences", "useType": 4},
        {**base, "id": 29683280, "name": "Licences (until 2024)", "useType": 8, "isActive": False},
        {**base, "id": 29683281, "name": "Consulting", "useType": 1},
    ]


def picklists() -> dict[str, dict[str, list[Record]]]:
    """Returns the picklists by entity and field."""
    return {
        "Contracts": {
            "contractType": _values(
                {
                    1: "Time and Materials",
                    3: "Fixed Price",
                    4: "Block Hours",
                    6: "Retainer",
                    7: "Recurring Service",
                    8: "Per Ticket",
                }
            ),
            "billingPreference": _values(
                {1: "Immediately without review", 2: "Manually", 3: "On timesheet approval"}
            ),
        },
        "Products": {
            "periodType": _values({1: "One-Time", 2: "Monthly", 3: "Quarterly", 5: "Yearly"})
        },
        "BillingCodes": {
            "useType": _values(
                {
                    1: "General",
                    2: "Expense",
                    3: "Internal",
                    4: "Material",
                    8: "Recurring Contract Service",
                    9: "Milestone",
                }
            )
        },
    }


def _values(labels: dict[int, str]) -> list[Record]:
    return [{"value": value, "label": label} for value, label in labels.items()]
