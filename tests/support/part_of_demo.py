"""A part of the example's Work 365: some customers with all that is theirs.

A plan of the whole example takes ten times as long, and most tests are about a few of its rows.
"""

import json
from collections.abc import Collection
from pathlib import Path

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
