"""A customer whose record is in question: what is chosen, what waits for it, what is held back."""

import pytest

from tests.scenarios.beginnings import Service
from tests.scenarios.world import World
from tests.support.browser import Serving
from tests.support.pages import text_of


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """The desk of a project whose one customer is called otherwise in Autotask."""
    folder = tmp_path_factory.mktemp("choosing") / "work"
    World(
        folder,
        Service(seats=13, changes={"2026-11-10": 3}),
        identities=False,
        account={"name": "Alpine Dentistry"},
        company={"companyName": "Alpine Dental Holding"},
    )
    with Serving(folder) as serving:
        yield serving.browser()
    assert serving.faults == []


def next_of(answer):
    return text_of(next(one for one in answer.page.iter("section") if one.get("class") == "next"))


def test_a_record_in_question_is_chosen_from_those_that_the_plan_names(browser):
    answer = browser.get("/row", mapping="customer", key="acc")
    forms = [dict(fields) for fields in answer.forms_to("/decide")]

    assert next_of(answer).startswith("Next: choose Choose its record, or add a new one.")
    assert [one["record"] for one in forms if one["verdict"] == "link" and "record" in one] == [
        "101"
    ]
    [found] = answer.tables()["Records that fit"]
    assert (found["record"], found["name"]) == ("101", "Alpine Dental Holding")
    assert "create" in {one["verdict"] for one in forms}


def test_what_waits_leads_to_what_it_waits_for(browser):
    answer = browser.get("/row", mapping="contract", key="con-sub")

    assert next_of(answer).startswith(
        "Next: waits It goes through once customer Alpine Dentistry does."
    )
    assert "/row?mapping=customer&key=acc" in answer.links()


def test_a_later_tab_shows_what_the_earlier_one_holds_back(browser):
    answer = browser.get("/rows", tab="Changes")
    [banner] = [one for one in answer.page.iter("ul") if one.get("class") == "alert"]

    assert text_of(banner) == "1 row here waits for 1 row of Customers."
    assert [one.get("href") for one in banner.iter("a")] == ["/rows?tab=Customers"]
    assert "waits for" not in browser.get("/rows", tab="Products").text
