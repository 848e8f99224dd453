"""One browser for all tests of the folder, and desks to open in it."""

import shutil
from urllib.parse import urlsplit

import pytest
from trueup.cli.main import run

from tests.support.browser import Serving
from tests.support.chromium import NO_BROWSER, PATIENCE, chromium, find_chromium, is_required
from tests.support.desk_world import desk_world
from tests.support.part_of_demo import keep_customers

CUSTOMERS = (
    "Brightwater Logistics Ltd",
    "Chalet Miremont Sàrl",
    "Dunmore Surveyors",
    "Nordlicht Feinkost GmbH",
)
LONG = "Münchner Gesellschaft für Vermögensverwaltungsdienstleistungen mbH & Co. KG"
HOSTILE = f"<img src=x onerror=alert(1)> {LONG}"


# Of the package, not of the session: while Playwright runs, no other test may start an event loop.
@pytest.fixture(scope="package")
def browser():
    """The browser; without one, its tests are skipped, or fail where it is required."""
    path = find_chromium()
    if path is None:
        (pytest.fail if is_required() else pytest.skip)(NO_BROWSER)
    with chromium(path) as one:
        yield one


@pytest.fixture
def demo(browser, tmp_path):
    """Two copies of the demo with some of its customers; their sandboxes hold their seed."""
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(["init", str(first)]) == 0
    keep_customers(first / "examples" / "work365", CUSTOMERS)
    assert run(["doctor", "--project", str(first)]) == 0
    shutil.copytree(first, second)
    return first, second


@pytest.fixture
def small(browser, tmp_path):
    """A project of one customer, whose name is hostile and long: one line is as it should be, one
    differs, one is new, and one has a change that waits."""
    folder = tmp_path / "small"
    desk_world(folder, HOSTILE)
    return folder


@pytest.fixture
def serve():
    """Serves the desk of a folder in this process until the test ends; it reports no defect."""
    opened = []

    def serving(folder):
        opened.append(Serving(folder))
        return opened[-1].server.login

    yield serving
    for one in opened:
        one.stop()
    assert [fault for one in opened for fault in one.faults] == []


@pytest.fixture
def visit(browser):
    """Opens a desk by its log-in address, as a person with a browser of their own. With the
    `cookie` of a session, the address is any page of the desk.

    Whatever the pages do, they ask the desk alone, and nothing complains in their console.
    """
    contexts, complaints = [], []

    def visiting(login, cookie=None, **settings):
        context = browser.new_context(reduced_motion="reduce", **settings)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        desk = origin(login)

        def asked(request):
            if origin(request.url) != desk:
                complaints.append(request.url)

        context.on("request", asked)
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        if cookie:
            context.add_cookies([cookie])
        page.goto(login)
        page.wait_for_url("**/rows?*")  # the first plan is made
        return page

    yield visiting
    for context in contexts:
        context.close()
    assert complaints == []


def origin(address):
    """The scheme, host and port of an address."""
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
