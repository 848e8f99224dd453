"""`trueup test --make`: a test from a real row, with other names."""

import json
import re
from pathlib import Path

import pytest
import yaml
from trueup.operations.project import load_project
from trueup.planning.needs import columns
from trueup.source.files.source import FileSource

from tests.support.paths import ROOT

PERSONAL = {
    "account": ("name", "number", "phone", "website", "street", "city", "postal_code"),
    "contact": ("first_name", "last_name", "email", "phone", "mobile"),
    "billing_contract": ("name", "number"),
}


HERE = ("--timeout", 0, "--jobs", 1)
"""The tests run in this process: starting others takes longer."""


@pytest.fixture(scope="module")
def personal():
    """The names, phones and addresses of the example, as far as they are long enough to tell."""
    project = load_project(ROOT)
    source = FileSource(ROOT / "examples" / "work365", project.catalogue.tables, "examples")
    return {
        str(row[column])
        for table, names in PERSONAL.items()
        for row in source.read(table, columns(project)[table]).rows
        for column in names
        if len(str(row.get(column) or "")) > 5
    }


def make(trueup, row):
    code, out, err = trueup("test", "--make", row)
    assert (code, err) == (0, "")
    return Path(out.splitlines()[0])


def test_tests_of_subscriptions_pass_and_name_no_person(saved, trueup, personal):
    """Of one before the first run, and of two after it."""
    before = json.loads(saved.read_text(encoding="utf-8"))["ledger"]
    after = None
    classes = ("over-billed", "under-billed", "match")

    found = {}
    for class_ in classes:
        lines = after or before
        key = next(line["key"] for line in lines if line["class_"] == class_ and line["key"])
        file = make(trueup, f"subscription:{key}")
        text = file.read_text(encoding="utf-8")
        named = [one for one in (*personal, key) if one in text]
        found[class_] = named, *trueup("test", *HERE, file)[:2]
        if not after:
            assert trueup("apply", saved)[0] == 0
            after = json.loads(trueup("plan", "--json")[1])["ledger"]

    assert found == dict.fromkeys(classes, ([], 0, "1 test passed.\n"))


@pytest.mark.parametrize("mapping", ["customer", "contract", "license_change", "service"])
def test_a_test_of_any_mapping_passes_and_names_no_person(trueup, saved, personal, mapping):
    plan = json.loads(saved.read_text(encoding="utf-8"))
    key = next(one["keys"][0] for one in plan["changes"] if one["mapping"] == mapping)

    file = make(trueup, f"{mapping}:{key}")

    text = file.read_text(encoding="utf-8")
    assert [one for one in personal if one in text] == []
    assert trueup("test", *HERE, file)[:2] == (0, "1 test passed.\n")
    assert trueup("fmt", "--check", file)[0] == 0


def test_a_plan_that_differs_in_the_test_is_noted(trueup, saved):
    plan = json.loads(saved.read_text(encoding="utf-8"))
    key = next(
        one["keys"][0]
        for one in plan["changes"]
        if (one["mapping"], one["action"]) == ("contact", "link")
    )

    assert trueup("test", "--make", f"contact:{key}")[1].splitlines()[1:] == [
        "Note: the plan of the test has `create` for this row, and that of the project `link`."
    ]


def test_a_customer_whose_keys_are_texts_is_not_named_and_the_head_says_what_stays(
    work, trueup, saved, personal
):
    schema = work / "schemas" / "work365.yaml"
    text = schema.read_text(encoding="utf-8")
    text, count = re.subn(
        r"type: lookup, table: (contact|account), logical: p", "type: text, logical: p", text
    )
    assert count == 3
    schema.write_text(text, encoding="utf-8")
    plan = json.loads(saved.read_text(encoding="utf-8"))
    key = next(one["keys"][0] for one in plan["changes"] if one["mapping"] == "customer")
    bought = next(one["keys"][0] for one in plan["changes"] if one["mapping"] == "service")

    customer = make(trueup, f"customer:{key}").read_text(encoding="utf-8")
    service = make(trueup, f"service:{bought}").read_text(encoding="utf-8")

    assert [one for one in personal if one in customer] == []
    assert "# Made from a real row. Names, phones and addresses are others.\n" in customer
    assert "are others; the texts of product stay.\n" in service


def test_what_is_looked_up_for_a_row_names_no_person(work, trueup, saved, personal):
    """The owner is an employee, whom the settings name; the parent has the name of the customer."""
    mapping, defaults = work / "mappings" / "customer.yaml", work / "tests" / "defaults.yaml"
    text = mapping.read_text(encoding="utf-8")
    parent = 'parentCompanyID: {ref: customer, of: "{{ source.parent }}"}'
    own = 'parentCompanyID: {find: Companies, where: {companyName: "{{ source.name }}"}}'
    assert parent in text
    mapping.write_text(text.replace(parent, own), encoding="utf-8")
    text = defaults.read_text(encoding="utf-8")
    owner = "  default_owner_source: owner@provider.example\n"
    assert owner in text
    defaults.write_text(text.replace(owner, ""), encoding="utf-8")
    seed = json.loads((work / "examples" / "autotask.json").read_text(encoding="utf-8"))
    companies = {one["companyName"] for one in seed["records"]["Companies"]}
    plan = json.loads(saved.read_text(encoding="utf-8"))
    key = next(
        one["keys"][0]
        for one in plan["changes"]
        if one["mapping"] == "customer" and one["name"] in companies
    )

    file = make(trueup, f"customer:{key}")

    text = file.read_text(encoding="utf-8")
    assert [one for one in (*personal, "priya.raman@northgate-it.example") if one in text] == []
    [made] = yaml.load_all(text, yaml.BaseLoader)
    assert made["settings"] == {"default_owner_source": "person2@customer.example"}
    assert made["target"]["records"] == {
        "Companies": [{"companyName": "Account Name 1"}],
        "Resources": [{"email": "person2@customer.example"}],
    }
    assert trueup("test", *HERE, file)[:2] == (0, "1 test passed.\n")


def test_a_file_that_exists_is_not_overwritten(trueup, saved):
    plan = json.loads(saved.read_text(encoding="utf-8"))
    key = next(one["keys"][0] for one in plan["changes"] if one["mapping"] == "customer")

    first = make(trueup, f"customer:{key}")
    second = make(trueup, f"customer:{key}")

    assert (first.name, second.name) == ("made-customer.yaml", "made-customer-2.yaml")
    assert trueup("test", *HERE, first, second)[:2] == (0, "2 tests passed.\n")


@pytest.mark.parametrize(
    ("row", "code", "message"),
    [
        ("custmer:x", 1, "there is no mapping 'custmer': the project has "),
        ("customer:nobody like that", 1, "there is no row 'nobody like that' of customer"),
        ("customer", 64, "--make takes MAPPING:KEY, such as customer:4f1c"),
        (":x", 64, "--make takes MAPPING:KEY"),
    ],
)
def test_a_row_that_is_not_there_is_an_error_and_writes_nothing(work, trueup, row, code, message):
    before = sorted((work / "tests").iterdir())

    found, out, err = trueup("test", "--make", row)

    assert (found, out) == (code, "")
    assert message in err
    assert sorted((work / "tests").iterdir()) == before
