"""Names, phones and addresses are replaced by others of the same form."""

import pytest
from msgspec.structs import replace
from trueup.expressions.contact_filters import is_phone
from trueup.model.catalogue import Type
from trueup.operations.testing.pseudonyms import Pseudonyms, goods_tables, settings_texts

from tests.support.project_tests import shipped


def replaced(table, row, kept=frozenset(), region="GB"):
    return Pseudonyms(kept).of(shipped().catalogue.tables[table], row, region)


def test_texts_are_replaced_and_choices_and_figures_stay():
    row = {
        "id": "k",
        "name": "Alpine Dental AG",
        "email": "desk@alpine-dental.ch",
        "website": "https://alpine-dental.ch",
        "street": "Talweg 5",
        "number": "A-1007",
        "postal_code": "8001",
        "country": "Switzerland",
        "currency": "CHF",
        "state": "Active",
        "primary_contact": "c",
    }

    assert replaced("account", row) | {"id": "k"} == {
        "id": "k",
        "name": "Account Name 1",
        "email": "person1@customer.example",
        "website": "https://www.customer1.example",
        "street": "AAAAAA 1",
        "number": "A-0002",
        "postal_code": "0003",
        "country": "Switzerland",
        "currency": "CHF",
        "state": "Active",
        "primary_contact": "c",
    }


def test_equal_texts_become_equal_and_different_ones_stay_different():
    names = Pseudonyms(frozenset())
    account = shipped().catalogue.tables["account"]

    first, same, other = (
        names.of(account, {"name": text}, None)["name"] for text in ("Alpine", "Alpine", "Granby")
    )

    assert (first, other) == (same, "Account Name 2")


@pytest.mark.parametrize("text", ["020 7946 0123", "+41 44 668 18 01"])
def test_a_valid_phone_becomes_another_valid_one_of_its_country(text):
    phone = replaced("account", {"phone": text})["phone"]

    assert phone != text
    assert is_phone(phone)
    assert phone.startswith("+41" if text.startswith("+41") else "+44")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("ext. 204", "AAA. 001"),
        ("0113 496 0288 9999", "0000 000 0000 0001"),
        ("ask for Denise Okafor, ext. 204", "AAA AAA AAAAAA AAAAAA, AAA. 001"),
        ("Denise", "AAAAAA1"),
    ],
)
def test_an_invalid_phone_stays_none_and_names_nobody(text, other):
    assert replaced("account", {"phone": text})["phone"] == other
    assert not is_phone(other, "GB")


@pytest.mark.parametrize("begin", ["020 7946 01", "0113 496 0288 99", "+420 601 123 4"])
def test_two_phones_stay_different(begin):
    names, account = Pseudonyms(frozenset()), shipped().catalogue.tables["account"]

    phones = {
        names.of(account, {"phone": f"{begin}{number}"}, "GB")["phone"] for number in range(10, 90)
    }

    assert len(phones) == 80


def test_what_the_settings_name_stays():
    kept = frozenset(settings_texts({"owner": "a@b.example", "more": {"Microsoft": ["Vendor"]}}))

    assert kept == {"owner", "a@b.example", "more", "Microsoft", "Vendor"}
    assert replaced("account", {"name": "Vendor"}, kept)["name"] == "Vendor"


def test_an_address_in_the_settings_is_replaced_as_in_the_rows():
    names = Pseudonyms(frozenset({"owner@msp.example"}))
    account = shipped().catalogue.tables["account"]

    row = names.of(account, {"email": "owner@msp.example"}, None)
    settings = names.setting({"owners": {"priya@msp.example": ["Priya <owner@msp.example>", 1]}})

    assert row == {"email": "person1@customer.example"}
    assert settings == {
        "owners": {"person2@customer.example": ["Priya <person1@customer.example>", 1]}
    }


def test_a_table_of_goods_stays():
    row = {"id": "k", "name": "Business Premium", "vendor": "Larkspur Cloud"}
    names = Pseudonyms(frozenset(), goods_tables(shipped()))

    assert names.of(shipped().catalogue.tables["product"], row, "GB") == row


def test_goods_are_the_tables_of_what_is_sold():
    """Keys as text, as in files and databases, change nothing: the other tables have people."""
    project = shipped()
    tables = {
        name: replace(table, columns={
            column: replace(one, type=Type.TEXT) if one.type is Type.LOOKUP else one
            for column, one in table.columns.items()
        })
        for name, table in project.catalogue.tables.items()
    }  # fmt: skip
    flat = replace(project, catalogue=replace(project.catalogue, tables=tables))

    assert goods_tables(flat) == goods_tables(project) == {"product"}
