"""A part of the example: some customers, with all rows that belong to them in both systems.

A plan of the whole example takes ten times as long, and most tests are about a few of its rows.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

CUSTOMER = {
    "account": "accountid",
    "contact": "_parentcustomerid_value",
    "billing_contract": "_work365_billingcontract_customer_value",
    "subscription": "_work365_subscription_customer_value",
    "license_change": "_work365_lcl_customer_value",
}
"""Table → the column of the customer that a row is of."""

CUSTOMERS = (
    "Alpine Dental AG",
    "Brightwater Logistics Ltd",
    "Chalet Miremont Sàrl",
    "Dunmore Surveyors",
    "Föhnwind Energie AG",
    "Granby Lane Dental Care",
    "Isarblick Physiotherapie GmbH",
    "Kestrel Marine Services Ltd",
    "Merrow Down Care Homes Ltd",
    "Saltgrass Outfitters Inc",
)
"""Ten customers whose rows show most of what the shipped mappings and rules do."""


def keep_customers(exports: Path, names: Collection[str]) -> None:
    """Removes all other customers, and their rows, from a folder of exports.

    A row that is kept stays in its line.
    """
    accounts = json.loads((exports / "account.json").read_text(encoding="utf-8"))["value"]
    kept = {row["accountid"] for row in accounts if row["name"] in names}
    assert len(kept) == len(names), {*names} - {row["name"] for row in accounts}
    for table, column in CUSTOMER.items():
        file = exports / f"{table}.json"
        head, *lines, end = file.read_text(encoding="utf-8").splitlines()
        rows = [line.rstrip(",") for line in lines]
        whole = [row if json.loads(row)[column] in kept else "" for row in rows]
        last = max((number for number, row in enumerate(whole) if row), default=0)
        ended = [f"{row}," if row and number < last else row for number, row in enumerate(whole)]
        file.write_text("\n".join([head, *ended, end, ""]), encoding="utf-8")


def keep_companies(seed: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Returns the seed of the example's Autotask without its other customers.

    Autotask has some names in another form than Work 365: the first words are compared.
    """
    records, first_words = seed["records"], {name.split()[0] for name in names}
    companies = [
        row
        for row in records["Companies"]
        if row["companyType"] != 1 or row["id"] == 0 or row["companyName"].split()[0] in first_words
    ]
    ids = {row["id"] for row in companies}
    contracts = [row for row in records["Contracts"] if row["companyID"] in ids]
    of_contracts = {row["id"] for row in contracts}
    lines = [row for row in records["ContractServices"] if row["contractID"] in of_contracts]
    of_lines = {row["id"] for row in lines}
    kept = {
        "Companies": companies,
        "Contacts": [row for row in records["Contacts"] if row["companyID"] in ids],
        "Contracts": contracts,
        "ContractServices": lines,
    }
    adjustments = [row for row in seed["adjustments"] if row["contractServiceID"] in of_lines]
    posted = {key: day for key, day in seed["posted_until"].items() if int(key) in of_contracts}
    return {
        **seed,
        "records": records | kept,
        "adjustments": adjustments,
        "posted_until": posted,
    }
