"""The gateway over real HTTP: faults of connection and service, limits, rights, and costs."""

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trueup.errors import CallsUsedUp, TargetError, TargetRejected, TargetUnavailable
from trueup.model.finding import Severity
from trueup.ports.target import Condition
from trueup.sandbox.autotask.server import Sandbox
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.doctor import examine
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.limits import RunLimits

from tests.support.fakes import AheadClock
from tests.support.seeded_databases import database

COMPANY = {"companyName": "New", "companyType": 1, "ownerResourceID": 4, "phone": "1"}
CODES = range(1, 1_204)
WORLD: dict[str, Any] = {
    "records": {
        "Resources": [
            {"id": 4, "firstName": "Ann", "lastName": "Owner", "userName": "ann", "isActive": True}
        ],
        "Companies": [
            {"id": 7, "companyName": "Old", "companyType": 1, "ownerResourceID": 4, "phone": "0"}
        ],
        "BillingCodes": [
            {"id": number, "name": f"Code {number}", "useType": number % 5} for number in CODES
        ],
    },
    "users": [
        {
            "username": "api@demo.example",
            "secret": "demo",
            "integration_code": "DEMO",
            "level": "full",
        },
        {"username": "reader", "secret": "demo", "integration_code": "DEMO", "level": "reader"},
    ],
    "levels": {
        "reader": {"entities": {"*": ["query"], "Companies": ["query", "update"], "Services": []}},
    },
}
"""Faults that occur once; with `times: 0` they stay."""
ONCE: list[dict[str, Any]] = [
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


@pytest.fixture
def sandbox(tmp_path, entities) -> Iterator[Sandbox]:
    file = tmp_path / "autotask.sqlite"
    file.write_bytes(database(json.dumps(WORLD)))
    with Sandbox(file, entities) as opened:
        yield opened


@pytest.fixture
def connect(sandbox, entities) -> Iterator[Callable[..., HttpTarget]]:
    """Creates targets of the sandbox; `user`, a wrong secret, `url` and limits may be given."""
    with ExitStack() as stack:

        def make(user="api@demo.example", *, wrong=False, url=None, **limits):
            credentials = Credentials(user, "wrong" if wrong else "demo", "DEMO")
            used = RunLimits(**{"workers": 9, "timeout": 10, **limits})
            client = AutotaskClient(url or sandbox.url, credentials, AheadClock(share=0.01), used)
            return stack.enter_context(closing(HttpTarget(client, entities, "sandbox")))

        yield make


def strike(sandbox, verb, path, **fault):
    sandbox.faults.set({"verb": verb, "path": f"{path}$", **fault})


def ids(records):
    return [record["id"] for record in records]


def companies(connect):
    """The names of all companies, as another client reads them."""
    return [record["companyName"] for record in connect().read("Companies", [], ["companyName"])]


# --- reads


@pytest.mark.parametrize("where", ["/query", "/query/next", "/query/count"])
@pytest.mark.parametrize("fault", [*ONCE, *PAGES], ids=str)
def test_a_read_loses_nothing_after_any_single_fault(sandbox, connect, fault, where):
    strike(sandbox, "POST", where, **fault)

    assert ids(connect().read("BillingCodes", [], ["name"])) == list(CODES)


@pytest.mark.parametrize("fault", PAGES, ids=str)
def test_a_read_with_conditions_and_a_second_page_loses_nothing(sandbox, connect, fault):
    strike(sandbox, "POST", "/query/next", **fault)

    assert (
        ids(connect().read("BillingCodes", [Condition("id", "gt", 3)], ["name"])) == list(CODES)[3:]
    )


@pytest.mark.parametrize("fault", [*ONCE[:-1], *PAGES[1:]], ids=str)
def test_a_lasting_fault_is_an_error_and_never_an_incomplete_read(sandbox, connect, fault):
    strike(sandbox, "POST", "/query", **fault, times=0)
    strike(sandbox, "POST", "/query/next", **fault, times=0)

    with pytest.raises(TargetUnavailable, match="reading BillingCodes"):
        connect(deadline=60).read("BillingCodes", [], ["name"])


def test_a_service_that_sends_every_page_twice_loses_nothing(sandbox, connect):
    strike(sandbox, "POST", "/query(/next)?", **PAGES[0], times=0)

    assert ids(connect().read("BillingCodes", [], ["name"])) == list(CODES)


def test_a_read_that_times_out_is_repeated(sandbox, connect):
    strike(sandbox, "POST", "/query", kind="latency", seconds=60)

    assert ids(connect(timeout=0.5).read("Companies", [Condition("id", "eq", 7)], [])) == [7]


def test_a_server_that_never_answers_is_an_error(connect):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(TargetUnavailable, match="no answer"):
            connect(url=url, timeout=0.05, attempts=2).read("Companies", [], [])


def test_a_missing_server_is_an_error(connect):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"

    with pytest.raises(TargetUnavailable, match="no connection"):
        connect(url=url, attempts=2).read("Companies", [], [])


@settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
def test_a_read_returns_everything_or_raises_after_any_faults(sandbox, connect, faults):
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
def test_a_create_after_a_fault_is_sent_once_and_in_doubt(sandbox, connect, fault, when):
    strike(sandbox, "POST", "/Companies", **fault, when=when)

    with pytest.raises(TargetUnavailable) as caught:
        connect().create("Companies", COMPANY)

    assert caught.value.may_have_landed
    landed = [seen["took_effect"] for seen in sandbox.traffic.latest() if seen["verb"] == "POST"][
        -1
    ]
    assert landed or when == "before"
    assert companies(connect) == (["Old", "New"] if landed else ["Old"])


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "text": "Bad gateway: upstream rate limit"},
        {"status": 503, "text": "Itgenatr005: Thread Threshold Exceeded"},
        {"status": 500, "text": "A workflow rule failed: rate limit of the mail server."},
    ],
    ids=str,
)
def test_a_create_whose_error_only_mentions_a_limit_is_not_sent_twice(sandbox, connect, fault):
    strike(sandbox, "POST", "/Companies", kind="error", when="after", **fault)

    caught: Any
    with pytest.raises((TargetRejected, TargetUnavailable)) as caught:
        connect().create("Companies", COMPANY)

    assert caught.value.may_have_landed
    assert companies(connect) == ["Old", "New"]


def test_a_create_that_takes_effect_after_its_connection_is_lost_is_in_doubt(sandbox, connect):
    strike(sandbox, "POST", "/Companies", kind="late", seconds=0.05)

    with pytest.raises(TargetUnavailable) as caught:
        connect().create("Companies", COMPANY)
    assert caught.value.may_have_landed


@pytest.mark.parametrize(
    "fault", [{"kind": "busy", "seconds": 3}, {"kind": "busy", "seconds": 0, "times": 4}], ids=str
)
def test_a_create_answered_busy_is_sent_again_and_takes_effect_once(sandbox, connect, fault):
    strike(sandbox, "POST", "/Companies", **fault)

    assert connect().create("Companies", COMPANY) > 7
    assert companies(connect) == ["Old", "New"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", ONCE, ids=str)
def test_an_update_is_repeated_until_it_is_known_to_be_done(sandbox, connect, fault, when):
    strike(sandbox, "PATCH", "/Companies", **fault, when=when)
    target = connect()

    target.update("Companies", 7, {"companyName": "Changed"})

    assert companies(connect) == ["Changed"]


# --- limits


def test_a_client_never_sends_too_many_requests_at_a_time(sandbox, connect):
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


def test_two_clients_wait_for_each_other_at_the_three_slots(sandbox, connect):
    sandbox.faults.set({"kind": "latency", "path": "/Companies$", "seconds": 0.05, "times": 0})
    ours, theirs = connect(), connect()

    with ThreadPoolExecutor(12) as pool:
        created = list(
            pool.map(
                lambda number: (ours, theirs)[number % 2].create("Companies", COMPANY), range(12)
            )
        )

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
def test_a_read_by_ids_costs_one_call_for_each_500_and_two_for_the_run(connect, keys):
    target = connect()

    target.read("BillingCodes", [Condition("id", "in", range(1, keys + 1))], ["name"])

    assert target.calls == 2 + -(-keys // 500)


def test_a_whole_entity_costs_its_pages_and_a_count(connect):
    target = connect()

    target.read("BillingCodes", [], ["name"])

    assert target.calls == 2 + 3 + 1


def test_a_read_by_another_key_costs_its_lists_and_pages_and_a_count_for_several_pages(
    connect,
):
    target = connect()
    names = [f"Code {number}" for number in range(600)]

    target.read(
        "BillingCodes", [Condition("name", "in", names), Condition("id", "gt", 99)], ["name"]
    )
    assert target.calls == 2 + 2
    target.read("BillingCodes", [Condition("useType", "in", [1, 2, 3])], ["name"])
    assert target.calls == 4 + 2 + 1


def test_the_runs_limit_is_never_exceeded(sandbox, connect):
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

    posted = httpx.post(f"{sandbox.url}/sandbox/zone", json={"zone": "two"}, verify=False)  # noqa: S501 -- plain HTTP
    posted.raise_for_status()

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
def test_wrong_credentials_are_reported(connect, user, why):
    with pytest.raises(TargetRejected, match=why):
        connect(user, wrong=True).read("Companies", [], [])


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "text": "Object reference not set to an instance of an object."},
        {"kind": "error", "text": "Attempt to insert duplicate data into contract_service_period"},
        {"kind": "error", "text": "The field phone is read only and cannot be set."},  # assumed
        {"kind": "error", "text": "Not today.", "status": 409},
        {"kind": "html", "status": 403},
        {"kind": "empty", "status": 400},
    ],
)
def test_a_refusal_after_the_record_was_created_is_no_proof_that_it_was_not(
    sandbox, connect, fault
):
    strike(sandbox, "POST", "Companies", when="after", **fault)

    with pytest.raises(TargetRejected) as caught:
        connect().create("Companies", COMPANY)

    assert caught.value.may_have_landed
    assert companies(connect) == ["Old", "New"]


def test_a_refusal_of_a_wrong_field_proves_that_nothing_was_created(connect):
    with pytest.raises(TargetRejected, match="Missing Required Field") as caught:
        connect().create("Companies", {"companyName": "New"})

    assert not caught.value.may_have_landed


def test_a_missing_right_is_a_refusal_that_names_the_doctor(connect):
    target = connect("reader")

    with pytest.raises(
        TargetRejected, match=r"adequate permissions .*; `trueup doctor` names the rights"
    ) as create:
        target.create("Companies", COMPANY)
    with pytest.raises(
        TargetRejected, match=r"adequate permissions .*; `trueup doctor` names the rights"
    ):
        target.read("Services", [], [])
    assert create.value.lacks_rights
    assert not any("trueup" in error for error in create.value.errors)


def test_the_doctor_reports_the_rights_that_a_level_lacks(connect):
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


def test_the_doctor_warns_of_records_that_a_level_hides(sandbox, connect):
    level = {"entities": {"*": ["query"]}, "hidden": {"Companies": [7]}}
    reader = {"username": "half", "secret": "demo", "integration_code": "DEMO", "level": "half"}
    users = {"users": [*WORLD["users"], reader], "levels": {**WORLD["levels"], "half": level}}
    posted = httpx.post(f"{sandbox.url}/sandbox/users", json=users, verify=False)  # noqa: S501 -- plain HTTP
    posted.raise_for_status()
    target = connect("half")

    assert target.read("Companies", [], []) == []
    warnings = [
        f.text
        for f in examine(target, {"Companies": frozenset({"query"})})
        if f.severity is Severity.WARNING
    ]
    assert warnings == [
        (
            "Companies: query is granted in part; records that the user may not see are "
            "missing, without an error"
        )
    ]


def test_an_entity_missing_in_the_catalogue_is_an_error(connect):
    with pytest.raises(TargetError):
        connect().entity("Tickets")
