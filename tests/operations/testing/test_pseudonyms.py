"""Names, phones and addresses are replaced by others of the same form."""

import pytest
from trueup.expressions.contact_filters import is_phone
from trueup.operations.testing.pseudonyms import Pseudonyms, settings_texts

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


def test_an_invalid_phone_stays_none():
    assert replaced("account", {"phone": "ext. 204"})["phone"] == "ext. 000"


def test_two_phones_stay_different():
    names, account = Pseudonyms(frozenset()), shipped().catalogue.tables["account"]

    phones = {
        names.of(account, {"phone": f"020 7946 01{number}"}, "GB")["phone"]
        for number in range(20, 40)
    }

    assert len(phones) == 20


def test_what_the_settings_name_stays():
    kept = frozenset(settings_texts({"owner": "a@b.example", "more": {"Microsoft": ["Vendor"]}}))

    assert kept == {"owner", "a@b.example", "more", "Microsoft", "Vendor"}
    assert replaced("account", {"name": "Vendor"}, kept)["name"] == "Vendor"


def test_a_table_of_goods_stays():
    row = {"id": "k", "name": "Business Premium", "vendor": "Larkspur Cloud"}

    assert replaced("product", row) == row
