"""The desk of a fleet: what its pages show, and what their forms do."""

from threading import Event, Thread

import pytest
import yaml
from trueup.fleet.event_log import EventLog
from trueup.fleet.open_fleet import open_fleet
from trueup.fleet.records import end_run
from trueup.fleet.run_tenant import RunTask, TenantRun
from trueup.fleet.schedule import request_runs
from trueup.fleet.stored_plans import read_approved_plan, read_stored_plan
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model.fleet_run import FleetRunStatus, RunEnd, RunKind
from trueup.review.fleet_pages import NO_ANSWER, NO_KIND
from trueup.review.fleet_server import FleetServer
from trueup.review.server import Surroundings

from tests.scenarios.beginnings import Service, edit
from tests.scenarios.world import World
from tests.support.browser import Browser, fields_of, query_of
from tests.support.fleet import rows
from tests.support.in_process import sandboxes_kept

DEFAULTS = {
    "schedule": {"cron": "0 5 1 1 *", "time_zone": "Europe/London"},
    "run": {"do": "apply-approved"},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, postgres_of_module):
    """A fleet in which the plan of acme waits, the run of birch failed, and cedar never ran."""
    folder = tmp_path_factory.mktemp("fleet")
    with sandboxes_kept():
        World(folder / "acme", Service(seats=13, changes={"2026-11-10": 3}))
        state = "state:\n  connector: sqlite\n  path: state.sqlite\n"
        edit(folder / "acme" / "trueup.yaml", state, "")
        tenants = {name: {"project": "acme"} for name in ("cedar", "birch", "acme")}
        document = {
            "fleet": "Northgate",
            "database": postgres_of_module,
            "defaults": DEFAULTS,
            "tenants": tenants,
        }
        (folder / "fleet.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        with open_fleet(folder) as opened, opened.connect() as connection:
            opened.prepare(connection)
            yield opened


@pytest.fixture(scope="module")
def waiting(fleet):
    """How a run of acme ends, whose plan waits for an approval."""
    return planned(fleet)


@pytest.fixture
def connection(fleet, waiting):
    with fleet.connect() as connection:
        connection.execute("UPDATE trueup_fleet.tenants SET run = NULL, waits = ''")
        connection.execute("DELETE FROM trueup_fleet.plans")
        ended(
            connection, fleet, "birch", RunEnd(FleetRunStatus.FAILED, "the secret <b>is</b> wrong")
        )
        ended(connection, fleet, "acme", waiting)
        yield connection


def planned(fleet):
    """How a run of acme ends, whose plan waits for an approval."""
    tenant = fleet.fleet.tenants["acme"]
    project = load_tenant_project(fleet.fleet, tenant, database=fleet.url)
    order = RunTask(RunKind.REQUESTED, "worker")
    return TenantRun(project, tenant, order, Event(), EventLog()).run()


def ended(connection, fleet, name, end):
    request_runs(connection, fleet.queue, [name], RunKind.REQUESTED)
    [(run,)] = rows(connection, "SELECT run FROM trueup_fleet.tenants WHERE name = %s", name)
    assert end_run(connection, run, "", end)


@pytest.fixture
def browser(fleet, connection):
    faults, announced, stop = [], [], Event()
    server = FleetServer(fleet, 0, Surroundings(str, faults.append, announced.append))
    thread = Thread(target=server.run, args=(stop,))
    thread.start()
    one = Browser(server.login)
    assert one.open().status == 200
    yield one
    stop.set()
    thread.join()
    assert faults == []


def listed_names(page):
    return [query_of(link)["name"] for link in page.links() if link.startswith("/tenant")]


def test_tenants_that_wait_for_a_person_are_first(browser):
    page = browser.get("/")

    listed = page.tables()["Tenants"]
    assert listed_names(page) == ["acme", "cedar", "birch"]
    acme, cedar, birch = listed
    assert (acme["state"], acme["at stake a month"]) == ("waiting", "£30.00")
    assert acme["waits for"].startswith("an approval, since ")
    assert (cedar["last run"], cedar["state"]) == ("never", "")
    assert birch["state"] == "failed"
    assert "the secret <b>is</b> wrong" in birch["tenant"]
    assert "3 tenants, no worker: 0 queued or at work, 1 waiting" in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"state": "failed"}, ["birch"]),
        ({"state": "never run"}, ["cedar"]),
        ({"state": "in doubt"}, []),
        ({"text": "CED"}, ["cedar"]),
        ({"page": "9" * 5_000}, ["acme", "cedar", "birch"]),
        ({"state": "anything else", "page": "²"}, ["acme", "cedar", "birch"]),
    ],
)
def test_the_list_can_be_narrowed(browser, query, names):
    assert listed_names(browser.get("/", **query)) == names


def test_a_tenants_page_shows_the_plan_that_waits_and_its_runs(browser, connection):
    page = browser.get("/tenant", name="acme")

    assert "£30.00" in page.text
    assert "waits for an approval" in page.text
    assert page.tables()["Runs"][0]["status"] == "waiting"
    [download] = [one for one in page.links() if one.startswith("/plan")]
    report = browser.get(download)
    assert report.headers["Content-Disposition"] == 'attachment; filename="acme.plan.html"'
    assert b"<title>" in report.body


def test_a_yes_queues_exactly_the_plan_that_was_shown(browser, connection):
    page = browser.get("/tenant", name="acme")

    sent = browser.hold("/approve", page.form("/approve", answer="yes"))

    # The page reloads by itself as long as the run is queued.
    answer = browser.send("GET", sent.headers["Location"])
    assert answer.tables()["Runs"][0]["status"] == "queued"
    approved = read_approved_plan(connection, "acme")
    assert approved.document == read_stored_plan(connection, "acme").document
    assert rows(connection, "SELECT kind FROM trueup_fleet.runs ORDER BY id DESC LIMIT 1") == [
        ("approved",)
    ]


def test_a_plan_that_was_made_again_meanwhile_is_not_approved(browser, connection):
    form = browser.get("/tenant", name="acme").form("/approve", answer="yes")
    connection.execute("UPDATE trueup_fleet.plans SET digest = 'another'")

    answer = browser.post("/approve", form)

    assert answer.status == 409
    assert "another one than the page showed" in answer.text
    assert read_approved_plan(connection, "acme") is None


def test_without_the_script_the_page_of_a_plan_that_waits_does_not_reload(browser, connection):
    form = browser.get("/tenant", name="acme").forms_to("/run")[0]

    queued = browser.post("/run", form, ("do", "run"))

    assert "data-again" in queued.page.find("body/main").keys()  # noqa: SIM118 -- ElementTree's
    assert queued.forms_to("/approve")
    assert b'http-equiv="refresh"' not in queued.body


def test_a_tenant_that_fleet_yaml_got_after_the_start_can_be_approved(browser, fleet, connection):
    file = fleet.root / "fleet.yaml"
    before = file.read_text()
    try:
        file.write_text(before + "  dogwood: {project: acme}\n")
        with open_fleet(fleet.root) as newer:
            newer.prepare(connection)
        ended(connection, fleet, "dogwood", planned(fleet))

        page = browser.get("/tenant", name="dogwood")
    finally:
        file.write_text(before)

    assert page.status == 200
    assert "£30.00" in page.text


def test_a_refusal_needs_a_reason_and_keeps_it(browser, connection):
    form = browser.get("/tenant", name="acme").form("/approve", answer="no")
    for reason in ("", "\u202e"):
        without = browser.post("/approve", {**dict(form), "reason": reason}.items())
        assert (without.status, read_stored_plan(connection, "acme").answer) == (400, "")

    answer = browser.post("/approve", {**dict(form), "reason": "ask them first"}.items())

    assert "another plan: this one is refused" in answer.text
    kept = rows(connection, "SELECT answer, reason FROM trueup_fleet.plans")
    assert kept == [("no", "ask them first")]


def test_enter_in_a_field_of_a_tenant_sends_no_other_answer_than_the_fields(browser, connection):
    page = browser.get("/tenant", name="acme").page

    answers = [one for one in page.iter("form") if one.get("action") == "/approve"]
    pressed = [[button.get("name") for button in one.iter("button")] for one in answers]
    assert [dict(fields_of(one))["answer"] for one in answers] == ["yes", "no"]
    assert pressed == [[None], [None]]  # Enter presses the first button, which names no answer


@pytest.mark.parametrize("words", ["", "YES", "ask", "withdraw", "perhaps"])
def test_only_a_yes_approves_a_plan(browser, connection, words):
    form = dict(browser.get("/tenant", name="acme").form("/approve", answer="yes"))
    runs = rows(connection, "SELECT count(*) FROM trueup_fleet.runs")

    answer = browser.post("/approve", {**form, "answer": words, "reason": "wrong price"}.items())

    assert (answer.status, NO_ANSWER in answer.text) == (400, True)
    assert read_approved_plan(connection, "acme") is None
    assert read_stored_plan(connection, "acme").answer == ""
    assert rows(connection, "SELECT count(*) FROM trueup_fleet.runs") == runs


@pytest.mark.parametrize("more", [[], [("do", "")], [("do", "apply")]])
def test_a_run_is_queued_only_by_one_of_its_buttons(browser, connection, more):
    form = browser.get("/tenant", name="cedar").forms_to("/run")[0]
    runs = rows(connection, "SELECT count(*) FROM trueup_fleet.runs")

    answer = browser.post("/run", form, *more)

    assert (answer.status, NO_KIND in answer.text) == (400, True)
    assert rows(connection, "SELECT count(*) FROM trueup_fleet.runs") == runs


@pytest.mark.parametrize(("do", "kind"), [("run", "asked"), ("plan", "plan")])
def test_a_run_is_queued_from_the_page(browser, connection, do, kind):
    form = browser.get("/tenant", name="cedar").forms_to("/run")[0]

    browser.hold("/run", form, ("do", do))

    last = "SELECT tenant, kind FROM trueup_fleet.runs ORDER BY id DESC LIMIT 1"
    assert rows(connection, last) == [("cedar", kind)]


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/tenant?name=nobody", 409, "fleet.yaml has no tenant"),
        ("/plan?name=cedar", 409, "no plan of cedar waits"),
        ("/rows", 404, "no such page"),
    ],
)
def test_an_unknown_address_gives_a_page(browser, address, status, text):
    answer = browser.get(address)
    assert (answer.status, text in answer.text) == (status, True)


def test_nobody_is_let_in_without_the_address_that_was_printed(browser):
    stranger = Browser(browser.login.geturl())

    assert stranger.get("/").status == 401
    assert stranger.open().status == 403  # it was used
    form = browser.get("/tenant", name="cedar").forms_to("/run")[0]
    foreign = [(name, "x" if name == "csrf" else value) for name, value in form]
    assert browser.post("/run", foreign).status == 403
