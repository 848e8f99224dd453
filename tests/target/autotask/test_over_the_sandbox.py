"""The gateway over real HTTP: faults of the line and the service, limits, rights, and what a read costs."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import CallsUsedUp, TargetError, TargetRejected, TargetUnavailable
from engine.model.finding import Severity
from engine.ports import Condition
from engine.sandbox.server import Sandbox
from engine.target.client import AutotaskClient
from engine.target.credentials import Credentials
from engine.target.doctor import examine
from engine.target.gateway import HttpTarget
from engine.target.limits import Limits
from tests.seeded import database

COMPANY = {"companyName": "New", "companyType": 1, "ownerResourceID": 4, "phone": "1"}
CODES = range(1, 1_204)
WORLD = {
    "records": {
        "Resources": [{"id": 4, "firstName": "Ann", "lastName": "Owner", "userName": "ann", "isActive": True}],
        "Companies": [{"id": 7, "companyName": "Old", "companyType": 1, "ownerResourceID": 4, "phone": "0"}],
        "BillingCodes": [{"id": number, "name": f"Code {number}", "useType": number % 5} for number in CODES],
    },
    "users": [
        {"username": "api@demo.example", "secret": "demo", "integration_code": "DEMO", "level": "full"},
        {"username": "reader", "secret": "demo", "integration_code": "DEMO", "level": "reader"},
    ],
    "levels": {
        "reader": {"entities": {"*": ["query"], "Companies": ["query", "update"], "Services": []}},
    },
}
"""Faults that strike once; `times: 0` makes them stay."""
ONCE = [
    {"kind": "drop"},
    {"kind": "drop", "reset": True},
    {"kind": "empty"},
    {"kind": "busy", "seconds": 3},
    {"kind": "html"},
    {"kind": "html", "status": 503},
    {"kind": "error"},
    {"kind": "truncate"},
    {"kind": "truncate", "announce": False},
    {"kind": "restart", "seconds": 0.02},
]
PAGES = [{"kind": "page", "page": page} for page in ("twice", "skip", "empty", "half")]


class HastyClock:
    """Sleeps a hundredth of what is asked for, and lets the time pass all the same."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 100)
        self.ahead += timedelta(seconds=seconds * 0.99)


@pytest.fixture
def sandbox(tmp_path, entities) -> Iterator[Sandbox]:
    file = tmp_path / "autotask.sqlite"
    file.write_bytes(database(json.dumps(WORLD)))
    with Sandbox(file, entities) as opened:
        yield opened


@pytest.fixture
def connect(sandbox, entities) -> Iterator[Callable[..., HttpTarget]]:
    """Makes targets on the sandbox; `user`, a wrong secret, `url` and limits may be given."""
    with ExitStack() as stack:

        def make(user="api@demo.example", *, wrong=False, url=None, **limits):
            credentials = Credentials(user, "wrong" if wrong else "demo", "DEMO")
            used = Limits(**{"workers": 9, "timeout": 10, **limits})
            client = AutotaskClient(url or sandbox.url, credentials, HastyClock(), used)
            return stack.enter_context(HttpTarget(client, entities, "sandbox"))

        yield make


def strike(sandbox, verb, path, **fault):
    sandbox.faults.set({"verb": verb, "path": f"{path}$", **fault})


def ids(records):
    return [record["id"] for record in records]


def companies(connect):
    """What is there, as another client sees it."""
    return [record["companyName"] for record in connect().read("Companies", [], ["companyName"])]


# --- reads


@pytest.mark.parametrize("where", ["/query", "/query/next", "/query/count"])
@pytest.mark.parametrize("fault", [*ONCE, *PAGES], ids=str)
def test_a_read_loses_nothing_whatever_strikes_once(sandbox, connect, fault, where):
    strike(sandbox, "POST", where, **fault)

    assert ids(connect().read("BillingCodes", [], ["name"])) == list(CODES)


@pytest.mark.parametrize("fault", PAGES, ids=str)
def test_nor_does_a_read_with_conditions_that_has_a_second_page(sandbox, connect, fault):
    strike(sandbox, "POST", "/query/next", **fault)

    assert ids(connect().read("BillingCodes", [Condition("id", "gt", 3)], ["name"])) == list(CODES)[3:]


@pytest.mark.parametrize("fault", [*ONCE[:-1], *PAGES[1:]], ids=str)
def test_a_service_that_stays_at_fault_is_an_error_and_never_less_than_all(sandbox, connect, fault):
    strike(sandbox, "POST", "/query", **fault, times=0)
    strike(sandbox, "POST", "/query/next", **fault, times=0)

    with pytest.raises(TargetUnavailable, match="reading BillingCodes"):
        connect(deadline=60).read("BillingCodes", [], ["name"])


def test_a_service_that_sends_every_page_twice_loses_nothing(sandbox, connect):
    strike(sandbox, "POST", "/query(/next)?", **PAGES[0], times=0)

    assert ids(connect().read("BillingCodes", [], ["name"])) == list(CODES)


def test_an_answer_that_comes_too_late_is_asked_for_again(sandbox, connect):
    strike(sandbox, "POST", "/query", kind="latency", seconds=60)

    assert ids(connect(timeout=0.5).read("Companies", [Condition("id", "eq", 7)], [])) == [7]


def test_a_server_that_never_answers_is_an_error(connect):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(TargetUnavailable, match="no answer"):
            connect(url=url, timeout=0.05, attempts=2).read("Companies", [], [])


def test_a_server_that_is_not_there_is_an_error(connect):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"

    with pytest.raises(TargetUnavailable, match="no connection"):
        connect(url=url, attempts=2).read("Companies", [], [])


@settings(max_examples=settings().max_examples // 2, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    faults=st.lists(
        st.builds(
            lambda fault, where, nth: {**fault, "verb": "POST", "path": f"{where}$", "nth": nth},
            st.sampled_from([*ONCE[:-1], *PAGES]),
            st.sampled_from(["/query", "/query/next", "/query/count"]),
            st.integers(1, 3),
        ),
        max_size=4,
    )
)
def test_whatever_strikes_a_read_gives_all_or_an_error(sandbox, connect, faults):
    sandbox.faults.clear()
    for fault in faults:
        sandbox.faults.set(fault)

    try:
        found = ids(connect().read("BillingCodes", [], ["name"]))
    except TargetUnavailable:
        return
    assert found == list(CODES)


# --- writes

DOUBTFUL = [fault for fault in ONCE if fault["kind"] != "busy"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", DOUBTFUL, ids=str)
def test_a_create_is_sent_once_and_in_doubt_whether_it_landed_or_not(sandbox, connect, fault, when):
    strike(sandbox, "POST", "/Companies", **fault, when=when)

    with pytest.raises(TargetUnavailable) as caught:
        connect().create("Companies", COMPANY)

    assert caught.value.may_have_landed
    landed = [seen["took_effect"] for seen in sandbox.traffic.latest() if seen["verb"] == "POST"][-1]
    assert landed or when == "before"
    assert companies(connect) == (["Old", "New"] if landed else ["Old"])


def test_a_create_that_lands_after_its_connection_is_gone_is_in_doubt(sandbox, connect):
    strike(sandbox, "POST", "/Companies", kind="late", seconds=0.05)

    with pytest.raises(TargetUnavailable) as caught:
        connect().create("Companies", COMPANY)
    assert caught.value.may_have_landed


@pytest.mark.parametrize("fault", [{"kind": "busy", "seconds": 3}, {"kind": "busy", "seconds": 0, "times": 4}], ids=str)
def test_a_create_that_was_turned_away_is_sent_again_and_lands_once(sandbox, connect, fault):
    strike(sandbox, "POST", "/Companies", **fault)

    assert connect().create("Companies", COMPANY) > 7
    assert companies(connect) == ["Old", "New"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ONCE, ids=str)
def test_an_update_is_repeated_until_it_is_known_to_have_landed(sandbox, connect, fault, when):
    strike(sandbox, "PATCH", "/Companies", **fault, when=when)
    target = connect()

    target.update("Companies", 7, {"companyName": "Changed"})

    assert companies(connect) == ["Changed"]


# --- limits


def test_our_own_requests_are_never_too_many_at_a_time(sandbox, connect):
    target = connect()
    for path in ("/query", "/Companies"):
        sandbox.faults.set({"kind": "latency", "path": path, "seconds": 0.01, "times": 0})

    def work(number):
        if number % 2:
            return target.read("BillingCodes", [Condition("id", "in", [number])], ["name"])
        return target.update("Companies", 7, {"phone": str(number)})

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(60)))

    assert {seen["status"] for seen in sandbox.traffic.latest()} == {200}


def test_what_another_program_takes_of_the_three_places_is_waited_for(sandbox, connect):
    sandbox.faults.set({"kind": "latency", "path": "/Companies$", "seconds": 0.05, "times": 0})
    ours, theirs = connect(), connect()

    with ThreadPoolExecutor(12) as pool:
        created = list(pool.map(lambda number: (ours, theirs)[number % 2].create("Companies", COMPANY), range(12)))

    assert len(set(created)) == 12
    assert 500 in {seen["status"] for seen in sandbox.traffic.latest()}
    assert len(companies(connect)) == 13


def test_calls_are_counted_as_the_service_counts_them(sandbox, connect):
    strike(sandbox, "POST", "/query", kind="empty")
    target = connect()
    target.read("BillingCodes", [], ["name"])
    target.entity("Companies")
    target.create("Companies", COMPANY)

    assert target.calls == len(sandbox.traffic.latest()) == sum(sandbox.traffic.counts().values())


@pytest.mark.parametrize("keys", [1, 499, 500, 501, 1_000, 1_203])
def test_a_read_by_ids_costs_no_more_than_its_keys_and_two(connect, keys):
    target = connect()

    target.read("BillingCodes", [Condition("id", "in", range(1, keys + 1))], ["name"])

    assert target.calls == 2 + -(-keys // 500)


def test_a_whole_entity_costs_its_pages_and_a_count(connect):
    target = connect()

    target.read("BillingCodes", [], ["name"])

    assert target.calls == 2 + 3 + 1


def test_a_read_by_another_key_costs_its_lists_its_pages_and_a_count_for_each_list_with_more_than_one(connect):
    target = connect()
    names = [f"Code {number}" for number in range(600)]

    target.read("BillingCodes", [Condition("name", "in", names), Condition("id", "gt", 99)], ["name"])
    assert target.calls == 2 + 2
    target.read("BillingCodes", [Condition("useType", "in", [1, 2, 3])], ["name"])
    assert target.calls == 4 + 2 + 1


def test_the_runs_limit_is_never_passed(sandbox, connect):
    target = connect(max_calls=7)

    def work(number):
        return target.update("Companies", 7, {"phone": str(number)})

    with ThreadPoolExecutor(6) as pool, pytest.raises(CallsUsedUp):
        list(pool.map(work, range(20)))
    assert target.calls == len(sandbox.traffic.latest()) == 7


# --- zones and rights


def test_a_tenant_that_moves_while_we_read_is_followed(sandbox, connect):
    target = connect()
    target.read("Companies", [], [])

    httpx.post(f"{sandbox.url}/sandbox/zone", json={"zone": "two"}).raise_for_status()

    assert ids(target.read("BillingCodes", [], ["name"])) == list(CODES)
    assert target.create("Companies", COMPANY) > 7
    assert target.client.zone().root == f"{sandbox.url}/two/ATServicesRest/V1.0"


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("api@demo.example", "user name or the secret is wrong"),
        ("nobody", "Zone information could not be determined"),
    ],
)
def test_wrong_credentials_are_told_in_words(connect, user, why):
    with pytest.raises(TargetRejected, match=why):
        connect(user, wrong=True).read("Companies", [], [])


def test_a_right_that_is_missing_is_a_refusal_whatever_its_status(connect):
    target = connect("reader")

    with pytest.raises(TargetRejected, match=r"adequate permissions .*; `trueup doctor` names the rights") as create:
        target.create("Companies", COMPANY)
    with pytest.raises(TargetRejected, match=r"adequate permissions .*; `trueup doctor` names the rights"):
        target.read("Services", [], [])
    assert create.value.lacks_rights
    assert not any("trueup" in error for error in create.value.errors)


def test_the_doctor_finds_what_a_level_lacks(connect):
    needs = {
        "Companies": frozenset({"query", "create", "update"}),
        "Services": frozenset({"query"}),
        "ContractServiceAdjustments": frozenset({"create"}),
    }

    found = examine(connect("reader"), needs)
    errors = [finding.text for finding in found if finding.severity is Severity.ERROR]

    assert errors == [
        "Companies: create is not granted",
        "ContractServiceAdjustments: create is not granted",
        "Services: query is not granted",
    ]
    assert all(finding.severity is Severity.INFO for finding in examine(connect(), needs))


def test_rows_that_a_level_hides_are_missing_without_a_word_but_the_doctor_knows(sandbox, connect):
    level = {"entities": {"*": ["query"]}, "hidden": {"Companies": [7]}}
    reader = {"username": "half", "secret": "demo", "integration_code": "DEMO", "level": "half"}
    users = {"users": [*WORLD["users"], reader], "levels": {**WORLD["levels"], "half": level}}
    httpx.post(f"{sandbox.url}/sandbox/users", json=users).raise_for_status()
    target = connect("half")

    assert target.read("Companies", [], []) == []
    warnings = [f.text for f in examine(target, {"Companies": frozenset({"query"})}) if f.severity is Severity.WARNING]
    assert warnings == [
        "Companies: query is granted in part; records that the user may not see are missing without a word"
    ]


def test_no_right_to_ask_about_an_entity_is_an_error_of_the_target(connect):
    with pytest.raises(TargetError):
        connect().entity("Tickets")
