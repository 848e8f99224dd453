"""The setup in the desk: the form, the difference before it is written, connections and rights."""

import shutil
from http import HTTPStatus

import pytest

from tests.support.browser import Serving
from tests.support.pages import text_of

COMPANY_TYPE = '["settings", "default_company_type"]'
VENDOR_TYPE = '["settings", "default_vendor_type"]'


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "work")


@pytest.fixture
def browser(folder):
    with Serving(folder) as serving:
        yield serving.browser()
    assert serving.faults == []


def proposed(browser, **more):
    fields = dict(browser.get("/setup").form("/setup"))
    return browser.post("/setup", {**fields, **more}.items())


def test_the_form_has_autotasks_lists_and_sends_what_the_file_has(browser):
    page = browser.get("/setup")
    options = {
        select.get("name"): [one.get("value") for one in select.iter("option")]
        for select in page.page.iter("select")
    }

    assert "Recurring Service" in options['["settings", "default_contract_type"]']
    assert dict(page.form("/setup"))[COMPANY_TYPE] == "Customer"
    labels = {one.get("for") for one in page.page.iter("label")}
    controls = [*page.page.iter("select"), *page.page.iter("input")]
    assert {one.get("id") for one in controls if one.get("type") != "hidden"} <= labels
    unchanged = browser.post("/setup", page.form("/setup"))
    assert unchanged.status == HTTPStatus.CONFLICT
    assert "no setting is changed" in unchanged.text


def test_the_difference_is_shown_before_it_is_written(folder, browser):
    before = (folder / "trueup.yaml").read_bytes()
    page = proposed(browser, **{COMPANY_TYPE: "Prospect"})
    shown = page.page.find(".//pre")

    assert [text_of(one) for one in shown.iter("ins")] == ["+ default_company_type: Prospect"]
    assert [text_of(one) for one in shown.iter("del")] == ["- default_company_type: Customer"]
    assert (folder / "trueup.yaml").read_bytes() == before
    again = browser.post("/setup/edit", page.form("/setup/edit"))
    assert dict(again.form("/setup"))[COMPANY_TYPE] == "Prospect"
    assert b"default_company_type: Prospect\n" in (folder / "trueup.yaml").read_bytes()


def test_a_file_that_was_changed_meanwhile_is_left_alone(folder, browser):
    page = proposed(browser, **{COMPANY_TYPE: "Prospect"})
    file = folder / "trueup.yaml"
    file.write_bytes(file.read_bytes() + b"# by another person\n")
    answer = browser.post("/setup/edit", page.form("/setup/edit"))

    assert answer.status == HTTPStatus.CONFLICT
    assert "was changed by another program" in answer.text
    assert file.read_bytes().endswith(b"# by another person\n")
    assert b"Prospect" not in file.read_bytes()


def test_manufacturers_are_greyed_until_a_vendor_type_is_saved(folder, browser):
    page = proposed(browser, **{VENDOR_TYPE: ""})
    assert "default_vendor_type" in page.text
    refused = browser.post("/setup/edit", page.form("/setup/edit"))
    form = refused.page.findall(".//fieldset")[-1]

    assert {one.get("disabled") is not None for one in form.iter("input")} == {True}
    assert "choose a default vendor type and save it first" in refused.text


@pytest.mark.parametrize("name", ["[1]", "[", "[]", "[" * 2_000, '["guards", "calls"]', '["new"]'])
def test_a_field_of_no_form_changes_nothing(folder, browser, name):
    before = (folder / "trueup.yaml").read_bytes()
    answer = proposed(browser, **{name: "1"})

    assert answer.status == HTTPStatus.CONFLICT
    assert (folder / "trueup.yaml").read_bytes() == before


def test_an_edit_that_is_gone_is_not_written(browser):
    fields = dict(browser.get("/ledger").form("/plan"))

    assert browser.post("/setup/edit", {**fields, "id": "x"}.items()).status == 409
    assert browser.get("/setup/edit", id="x").status == HTTPStatus.NOT_FOUND


def test_rights_are_shown_by_the_sections_of_a_security_level(browser):
    page = browser.get("/doctor")
    rows = {row["section of the security level"]: row["found"] for row in page.tables()["Rights"]}

    assert page.text.startswith("Connections and rights All is well.")
    assert {"Contracts", "CRM", "Inventory", "Admin"} <= rows.keys()
    assert "Companies: create, query, update granted" in rows["CRM"]
    assert "user name, secret and integration code are accepted" in page.text
