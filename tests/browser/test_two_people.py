"""Two people, each with a browser of their own: one prepares a plan, the other one approves it."""

from urllib.parse import urljoin, urlsplit

import pytest
from trueup.operations.history import history
from trueup.operations.project import load_project
from trueup.review.sessions import cookie_name

from tests.browser.looks import WIDE, Looks
from tests.support.browser import Serving

APPROVAL = """
approval:
  above: 0
  second_above: 1
  roles: {decide: [anna], approve: [ben]}
"""
CHANGE = "license_change:log-sub"


@pytest.fixture
def desk(small):
    """A desk of a project in which anna decides and ben approves."""
    with (small / "trueup.yaml").open("a", encoding="utf-8") as file:
        file.write(APPROVAL)
    with Serving(small) as serving:
        yield serving
    assert serving.faults == []


def enter(desk, visit, person):
    """The person's browser, as a log-in at a provider would leave it."""
    parts = urlsplit(desk.server.login)
    cookie = {
        "name": cookie_name(parts.port),
        "value": desk.server.sessions.open(person).id,
        "url": f"https://{parts.netloc}",  # a cookie of `__Host-` is set by secure pages
        "secure": True,
        "httpOnly": True,
        "sameSite": "Strict",
    }
    return visit(urljoin(desk.server.login, "/"), cookie, viewport=WIDE)


def test_one_prepares_a_plan_and_another_one_approves_it(small, desk, visit):
    anna, ben = enter(desk, visit, "anna"), enter(desk, visit, "ben")
    tabs = anna.get_by_role("navigation", name="Tabs")
    tabs.get_by_role("link", name="Changes").click()
    anna.locator(f"input[value='{CHANGE}']").check()
    anna.get_by_role("button", name="Preview selected").click()
    anna.wait_for_url("**/preview?*")
    preview = anna.url
    assert anna.get_by_role("button", name="Apply ").count() == 0
    anna.get_by_role("link", name="Ask for the approval, or give it").click()
    assert anna.get_by_role("button", name="Yes: ").count() == 0
    anna.get_by_role("button", name="Ask for the approval").click()
    anna.get_by_text("Asked for by anna").wait_for()

    looks = Looks()
    assert ben.get_by_role("button", name="Decide").count() == 0
    ben.get_by_role("link", name="Approvals").click()
    looks.at(ben)
    ben.get_by_role("table", name="Plans").get_by_role("link").click()
    looks.at(ben)
    ben.get_by_label("Reason (optional)").fill("seen with the customer")
    ben.get_by_role("button", name="Yes: ").click()
    ben.get_by_text("Approved by ben").first.wait_for()

    anna.goto(preview)
    anna.get_by_role("button", name="Apply ").click()
    anna.get_by_role("heading", name="Outcome", exact=True).wait_for()
    entries = history(load_project(small)).audit
    assert [(one.who, str(one.event.statement)) for one in entries] == [
        ("anna", "ask"),
        ("ben", "yes"),
    ]
    assert [one.who for one in history(load_project(small)).runs] == ["anna"]
