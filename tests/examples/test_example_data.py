"""The example data: made by a script, the same at each run, mostly sound."""

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import phonenumbers
import pytest

from tests.support.paths import EXAMPLES


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    script = str(EXAMPLES / "generate.py")
    return subprocess.run(
        [sys.executable, script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def table(name: str) -> list[dict]:
    return json.loads((EXAMPLES / "work365" / f"{name}.json").read_text(encoding="utf-8"))["value"]


@pytest.fixture(scope="module")
def seed():
    return json.loads((EXAMPLES / "autotask.json").read_text(encoding="utf-8"))


def test_the_files_are_what_the_script_makes():
    done = generate("--check")
    assert (done.returncode, done.stdout) == (0, "")


def test_the_check_names_a_file_that_was_edited(tmp_path):
    generate("--into", str(tmp_path))
    edited = tmp_path / "work365" / "account.json"
    edited.write_text(
        edited.read_text(encoding="utf-8").replace("Brightwater", "Clearwater"), encoding="utf-8"
    )

    done = generate("--check", "--into", str(tmp_path))

    assert done.returncode == 1
    assert done.stdout == f"would change: {edited}\n"
    assert "Clearwater" in edited.read_text(encoding="utf-8"), "a check writes nothing"


def test_there_is_as_much_of_everything_as_the_demo_promises():
    with (EXAMPLES / "work365" / "product.csv").open(encoding="utf-8", newline="") as file:
        products = len([*csv.DictReader(file)])
    assert {
        "customers": len(table("account")),
        "contacts": len(table("contact")),
        "products": products,
        "contracts": len(table("billing_contract")),
        "subscriptions": len(table("subscription")),
        "change logs": len(table("license_change")),
    } == {
        "customers": 40,
        "contacts": 70,
        "products": 30,
        "contracts": 50,
        "subscriptions": 180,
        "change logs": 600,
    }


def test_customers_live_in_four_countries_and_three_cannot_be_called():
    accounts = table("account")
    countries = Counter(account["address1_country"] for account in accounts)
    wrong = {
        account["name"]: account["telephone1"]
        for account in accounts
        if not valid(account["telephone1"], account["address1_country"])
    }
    assert countries == {"GB": 16, "CH": 8, "DE": 8, "US": 7, "United States": 1}
    assert wrong == {
        "Cedar & Vine Catering": "n/a",
        "Glarner Präzision AG": "0113 496 0288",
        "Saltgrass Outfitters Inc": None,
    }


def valid(number, country):
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, country))
    except phonenumbers.NumberParseException:
        return False


def test_mail_goes_to_example_domains_only():
    texts = [
        (EXAMPLES / "work365" / f"{name}.json").read_text(encoding="utf-8")
        for name in ("account", "contact")
    ]
    domains = re.findall(r'"[^"@]+@([a-z0-9.-]+)"', "".join(texts).replace("odata.", ""))
    assert len(domains) == 110
    assert all(domain.endswith(".example") for domain in domains)


def test_part_numbers_look_as_microsoft_writes_them():
    with (EXAMPLES / "work365" / "product.csv").open(encoding="utf-8", newline="") as file:
        parts = [row["part_number"] for row in csv.DictReader(file)]
    assert all(
        re.fullmatch(r"(CFQ7TTC0|DG7GMGF0|DZH318Z0)[0-9A-Z]{4}:00[0-9A-Z]{2}", part)
        for part in parts
    )


def test_every_reference_finds_its_row_but_for_the_faults_that_are_meant():
    keys = {name: {row[key] for row in table(name)} for name, key in KEYS.items()}
    with (EXAMPLES / "work365" / "product.csv").open(encoding="utf-8", newline="") as file:
        keys["product"] = {row["id"] for row in csv.DictReader(file)}
    loose = [
        (name, column, row[column])
        for name, columns in REFERENCES.items()
        for column, other in columns.items()
        for row in table(name)
        if row[column] not in keys[other]
    ]
    assert Counter((name, column, value) for name, column, value in loose) == {
        ("account", "_primarycontactid_value", None): 1,
        ("contact", "_parentcustomerid_value", None): 1,
        ("subscription", "_work365_subscription_billingcontract_value", None): 1,
    }


KEYS = {
    "account": "accountid",
    "contact": "contactid",
    "billing_contract": "work365_billingcontractid",
    "subscription": "work365_subscriptionid",
    "license_change": "work365_licensechangelogid",
}
REFERENCES = {
    "account": {"_primarycontactid_value": "contact"},
    "contact": {"_parentcustomerid_value": "account"},
    "billing_contract": {"_work365_billingcontract_customer_value": "account"},
    "subscription": {
        "_work365_subscription_customer_value": "account",
        "_work365_subscription_billingcontract_value": "billing_contract",
        "_work365_subscription_product_value": "product",
    },
    "license_change": {"_work365_lcl_subscription_value": "subscription"},
}


def test_change_logs_give_the_quantity_but_once():
    logs: dict[str, Decimal] = {}
    for log in table("license_change"):
        key = log["_work365_lcl_subscription_value"]
        logs[key] = logs.get(key, Decimal(0)) + Decimal(str(log["work365_lcl_quantity"]))
    wrong = [
        (
            row["work365_subscription_subscriptionname"],
            row["work365_subscription_quantity"],
            logs[key],
        )
        for row in table("subscription")
        if (key := row["work365_subscriptionid"]) in logs
        and logs[key] != row["work365_subscription_quantity"]
    ]
    assert wrong == [("Microsoft 365 Business Premium", 16, Decimal(14))]


def test_most_changes_are_history():
    status = "statuscode@OData.Community.Display.V1.FormattedValue"
    logs = table("license_change")
    pending = [
        log
        for log in logs
        if log[status] == "Active" and log["work365_lcl_effectivedate"] >= "2026-10-01"
    ]
    forgotten = [
        log
        for log in logs
        if log[status] == "Active" and log["work365_lcl_effectivedate"] < "2026-10-01"
    ]
    assert (len(pending), len(forgotten)) == (78, 12)


def test_autotask_bills_what_work_365_billed_but_for_the_differences_that_are_meant(seed):
    units: dict[int, int] = {}
    for adjustment in seed["adjustments"]:
        key = adjustment["contractServiceID"]
        units[key] = units.get(key, 0) + adjustment["unitChange"]
    pending = "2026-10-01"
    status = "statuscode@OData.Community.Display.V1.FormattedValue"
    billed: dict[str, Decimal] = {}
    for log in table("license_change"):
        if log[status] == "Archived" or log["work365_lcl_effectivedate"] < pending:
            key = log["_work365_lcl_subscription_value"]
            billed[key] = billed.get(key, Decimal(0)) + Decimal(str(log["work365_lcl_quantity"]))
    known = {
        int(row["work365_subscription_psasystem_id"]): billed[row["work365_subscriptionid"]]
        for row in table("subscription")
        if row["work365_subscription_psasystem_id"]
    }
    differing = {key for key, quantity in known.items() if units.get(key, 0) != quantity}
    assert len(known) > 100
    assert 3 <= len(differing) <= 6


def test_autotask_knows_a_part_of_the_customers_under_names_of_its_own(seed):
    theirs = {record["companyName"] for record in seed["records"]["Companies"]}
    ours = {account["name"] for account in table("account")}
    assert "Alpine Dental" in theirs
    assert "Alpine Dental AG" in ours
    assert 15 < len(theirs & ours) < len(ours)


def test_some_prices_were_set_by_hand_in_autotask(seed):
    services = seed["records"]["ContractServices"]
    by_hand = [
        one
        for one in services
        if one["internalCurrencyAdjustedPrice"] != one["internalCurrencyUnitPrice"]
    ]
    assert len(by_hand) == 4
