"""The roles of `approval:` on every address of the desk, and who is logged in on every page."""

import shutil
from http import HTTPStatus

import pytest
from trueup.review.people import FORMS

from tests.review.test_security import ACTIONS, PAGES
from tests.support.browser import OWN, Serving
from tests.support.pages import text_of

POLICY = """
approval:
  above: 100
  roles: {see: [eve], decide: [anna], approve: [ben], administer: [dora]}
  limits: {approve: 5000}
"""
EVERYBODY = {"eve", "anna", "ben", "dora"}


@pytest.fixture(scope="module")
def serving(made, tmp_path_factory):
    folder = shutil.copytree(made, tmp_path_factory.mktemp("roles") / "work")
    with (folder / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(POLICY)
    with Serving(folder) as one:
        one.folder = folder
        one.browser_of("eve").get("/ledger")  # until there is a plan
        yield one
    assert one.faults == []


def refused(serving, person, method, address):
    """Whether the role of the person is why a request is refused."""
    browser = serving.browser_of(person)
    body = b"" if method == "POST" else None
    answer = browser.send(method, address, body, OWN)
    return answer.status == HTTPStatus.FORBIDDEN and "This form is not" not in answer.text


@pytest.mark.parametrize("address", PAGES)
def test_who_is_in_no_list_of_people_who_see_sees_no_page(serving, address):
    answer = serving.browser_of("stranger").send("GET", address)

    assert answer.status == HTTPStatus.FORBIDDEN
    assert "names no role for stranger" in answer.text
    may = {"dora"} if address in {"/setup", "/setup/edit", "/doctor"} else EVERYBODY
    assert {one for one in EVERYBODY if not refused(serving, one, "GET", address)} == may


@pytest.mark.parametrize(
    ("address", "people"),
    [
        ("/plan", {"anna", "ben", "dora"}),
        ("/preview", {"anna", "ben", "dora"}),
        ("/approval", {"anna", "ben", "dora"}),
        ("/apply", {"anna", "ben"}),
        ("/stop", {"anna", "ben"}),
        ("/resume", {"anna", "ben"}),
        ("/decide", {"anna"}),
        ("/decision", {"anna"}),
        ("/setup", {"dora"}),
        ("/anything-new", {"dora"}),
    ],
)
def test_a_form_is_taken_from_the_people_of_its_roles_alone(serving, address, people):
    taken = {one for one in EVERYBODY if not refused(serving, one, "POST", address)}

    assert taken == people


def test_the_pages_of_the_setup_are_for_those_who_administer(serving):
    seen = {one for one in EVERYBODY if not refused(serving, one, "GET", "/setup/edit")}

    assert seen == {"dora"}


def test_the_refusal_names_the_role_that_it_needs(serving):
    answer = serving.browser_of("eve").send("POST", "/decide", b"", OWN)

    assert answer.text.endswith("This needs the role decide, and eve has see. Nothing was done.")


def test_each_action_of_the_desk_has_its_roles():
    assert set(ACTIONS) - FORMS.keys() == {"/setup", "/setup/edit"}


@pytest.mark.parametrize(
    ("person", "about"),
    [
        ("eve", "(see)"),
        ("anna", "(decide)"),
        ("BEN", "(approve, up to £5,000.00)"),
    ],
)
def test_the_head_shows_who_is_logged_in_with_role_and_limit(serving, person, about):
    head = text_of(serving.browser_of(person).get("/ledger").page.find("body/header"))

    assert f"Logged in {person} {about}" in head


def test_a_list_that_changes_counts_from_the_next_request_on(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "work")
    file = folder / "trueup.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + POLICY, encoding="utf-8")
    with Serving(folder) as serving:
        browser = serving.browser_of("anna")
        assert browser.get("/ledger").status == HTTPStatus.OK
        file.write_text(text + POLICY.replace("anna", "andrea"), encoding="utf-8")
        assert browser.get("/ledger").status == HTTPStatus.FORBIDDEN
        file.write_text("project: [", encoding="utf-8")  # with errors, the lists stay as they are
        assert serving.browser_of("andrea").get("/ledger").status == HTTPStatus.OK
        assert browser.get("/ledger").status == HTTPStatus.FORBIDDEN


def test_a_decision_is_in_the_name_of_who_is_logged_in(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "work")
    with Serving(folder) as serving:
        browser = serving.browser_of("anna@msp.example")
        browser.get("/ledger")  # until there is a plan
        row = browser.get("/row", mapping="license_change", key="log-held")
        form = dict(row.form("/decide", verdict="archive")) | {"reason": "entered by hand"}
        shown = browser.post("/decide", form.items())
        browser.post("/decision", shown.form("/decision"))

    written = (folder / "mappings" / "decisions.yaml").read_text(encoding="utf-8")
    assert "anna@msp.example" in written


FORMS_OF = {
    "eve": set(),
    "anna": {"/plan", "/preview", "/decide", "/note"},
    "ben": {"/plan", "/preview"},
    "dora": {"/plan", "/preview"},
}


@pytest.mark.parametrize("person", FORMS_OF)
def test_a_page_offers_the_forms_of_the_persons_roles_alone(serving, person):
    browser = serving.browser_of(person)
    pages = [
        browser.get("/rows", tab="Changes"),
        browser.get("/waiting"),
        browser.get("/ledger"),
        browser.get("/row", mapping="customer", key="acc"),
        browser.get("/runs"),
    ]
    always = {"/rows", "/waiting", "/ledger", "/row#decide", "/runs", "/explain"}
    offered = {one.get("action") for page in pages for one in page.page.iter("form")}
    pressed = {one.get("formaction", "") for page in pages for one in page.page.iter("button")}

    assert (offered | pressed) - always - {""} == FORMS_OF[person]
    has_ticks = any(one.get("name") == "row" for one in pages[1].page.iter("input"))
    assert has_ticks == (person == "anna")
    assert ("/setup" in pages[0].links()) == (person == "dora")
