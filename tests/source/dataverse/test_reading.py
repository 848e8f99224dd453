"""Rows are read from an environment: the requests, the values, and the faults."""

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace
from trueup.errors import SourceError
from trueup.sandbox.dataverse.oauth import TokenEndpoint
from trueup.sandbox.dataverse.schema import Choice, Quirks
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.sandbox.dataverse.web_api import WebApi
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response
from trueup.source.dataverse.client import DataverseAccess, DataverseClient
from trueup.source.dataverse.retry import RetryPolicy
from trueup.source.profile import ColumnProfile, Profile
from trueup.wiring import SystemClock

from tests.support.dataverse_world import (
    CHANGE_TABLE,
    COLUMNS,
    SECRET,
    TABLES,
    DataverseWorld,
    account,
    environment,
    key,
    license_change,
)
from tests.support.fakes import FakeClock

ROWS = {
    "license_change": [license_change(number) for number in range(1, 8)],
    "account": [account(1), account(2)],
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path)


def sandbox_with(quirks: Quirks) -> DataverseSandbox:
    return DataverseSandbox(TABLES, ROWS, environment(quirks=quirks))


def test_only_the_requested_columns_are_selected(world: DataverseWorld):
    world.read(columns=["quantity", "subscription"])

    queries = [
        parse_qs(request.query)
        for request in world.sandbox.requests
        if request.path.endswith("changelogs")
    ]
    assert queries == [
        {
            "$select": [
                "_work365_lcl_subscription_value,work365_lcl_quantity,work365_licensechangelogid"
            ]
        }
    ]


def test_page_links_are_followed_unchanged_with_the_same_preferences(world: DataverseWorld):
    rows = world.read(page=3)

    assert [row["id"] for row in rows] == [key(number) for number in range(1, 8)]
    request_counts = [
        request for request in world.sandbox.requests if request.path.endswith("changelogs")
    ]
    assert len(request_counts) == 3
    version = 'odata.include-annotations="Microsoft.Dynamics.CRM.globalmetadataversion"'
    assert {request.headers["prefer"] for request in request_counts} == {
        f"odata.maxpagesize=3,{version},odata.track-changes"
    }
    assert [request.query.count("$skiptoken=") for request in request_counts] == [0, 1, 1]


@pytest.mark.parametrize(
    ("behaviour", "stored", "day"),
    [
        ("UserLocal", "2026-03-28T23:00:00Z", date(2026, 3, 29)),
        ("UserLocal", "2026-03-29T00:00:00Z", date(2026, 3, 29)),
        ("UserLocal", "2026-06-30T22:00:00Z", date(2026, 7, 1)),
        ("UserLocal", "2026-06-30T21:59:59Z", date(2026, 6, 30)),
        ("UserLocal", "9999-12-31T23:59:59Z", date(9999, 12, 31)),  # Zürich has no later day
        ("DateOnly", "2026-07-01", date(2026, 7, 1)),
        ("TimeZoneIndependent", "2026-06-30T23:30:00Z", date(2026, 6, 30)),
    ],
)
def test_a_day_is_read_by_the_behaviour_of_its_column(
    tmp_path: Path, behaviour: str, stored: str, day: date
):
    with sandbox_with(Quirks(behaviours={"work365_lcl_effectivedate": behaviour})) as sandbox:
        sandbox.change(CHANGE_TABLE, key(1), work365_lcl_effectivedate=stored)

        row = DataverseWorld(sandbox, tmp_path).read()[0]

    assert row["effective_date"] == day


def test_days_follow_the_business_time_zone_and_not_that_of_the_machine(world: DataverseWorld):
    world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_effectivedate="2026-03-01T05:00:00Z")

    assert world.read()[0]["effective_date"] == date(2026, 3, 1)
    assert replace(world, zone=ZoneInfo("America/Chicago")).read()[0]["effective_date"] == date(
        2026, 2, 28
    )


def test_decimals_and_instants_are_exact(world: DataverseWorld):
    world.sandbox.change(
        CHANGE_TABLE,
        key(1),
        work365_lcl_sellingpriceperunit=Decimal("0.10000"),
        createdon="2026-03-01T08:15:30Z",
    )

    row = world.read()[0]

    assert str(row["selling_price"]) == "0.1"
    assert row["created_on"] == datetime(2026, 3, 1, 8, 15, 30, tzinfo=UTC)


def test_choices_are_read_by_the_environments_own_numbers(world: DataverseWorld):
    numbers = {
        choice.label: choice.value
        for choice in world.sandbox.definitions[CHANGE_TABLE]
        .attributes["work365_lcl_provisioningstatus"]
        .choices
    }
    world.sandbox.change(
        CHANGE_TABLE, key(1), work365_lcl_provisioningstatus=numbers["Failed Provisioning"]
    )

    assert (
        numbers["Failed Provisioning"]
        not in TABLES["license_change"].columns["provisioning_status"].choices
    )
    assert world.read()[0]["provisioning_status"] == "Failed Provisioning"


def test_a_choice_in_another_language_is_read_by_the_profile_and_a_state_by_its_number(
    world: DataverseWorld,
):
    renamed(world, CHANGE_TABLE, "statuscode", {"Active": "Aktiv", "Archived": "Archiviert"})
    renamed(world, "account", "statecode", {"Active": "Aktiv", "Inactive": "Inaktiv"})
    labels = ColumnProfile(labels={"aktiv": "Active", "archiviert": "Archived"})
    german = replace(world, profile=Profile(TABLES, {("license_change", "status"): labels}))

    with world.source(cached=False) as source:
        unknown = source.read("license_change", ["status"])

    assert (len(unknown.rows), {finding.code for finding in unknown.findings}) == (
        0,
        {"value-not-its-type"},
    )
    assert {row["status"] for row in german.read(cached=False)} == {"Active"}
    assert {row["state"] for row in world.read("account", ["state"], cached=False)} == {"Active"}


def renamed(world: DataverseWorld, table: str, column: str, labels: dict[str, str]) -> None:
    attributes = world.sandbox.definitions[table].attributes
    choices = tuple(
        replace(choice, label=labels[choice.label]) for choice in attributes[column].choices
    )
    attributes[column] = replace(attributes[column], choices=choices)


def test_a_new_choice_of_the_environment_is_known_at_the_next_reading(world: DataverseWorld):
    world.read()
    attributes = world.sandbox.definitions[CHANGE_TABLE].attributes
    event = attributes["work365_lcl_subscriptionevent"]
    without = tuple(choice for choice in event.choices if choice.label != "Renewal")
    attributes[event.logical] = replace(event, choices=(*without, Choice(999, "Renewal")))
    world.sandbox.redefine()
    world.sandbox.change(CHANGE_TABLE, key(2), work365_lcl_subscriptionevent=999)

    assert [row["event"] for row in world.read()][:2] == ["Update", "Renewal"]


def test_a_row_with_an_unknown_number_of_a_choice_is_left_out_with_a_finding(world: DataverseWorld):
    world.sandbox.change(CHANGE_TABLE, key(1), work365_lcl_subscriptionevent=123)

    with world.source() as source:
        result = source.read("license_change", COLUMNS)

    assert [row["id"] for row in result.rows] == [key(number) for number in range(2, 8)]
    assert [finding.text for finding in result.findings] == [
        (
            f"license_change {key(1)}, event: 123 is not one of Create, Update, Activate, "
            "Deactivate, Renewal"
        )
    ]
    assert [finding.key for finding in result.findings] == [key(1)]
    assert result.parts[key(1)].keys() == {*COLUMNS, "id"} - {"event"}


def test_a_reference_read_as_text_is_a_text_of_the_referenced_row(world: DataverseWorld):
    assert {row["unit"] for row in world.read()} == {"Monthly"}
    assert {row["currency"] for row in world.read("account", ["currency"])} == {"CHF"}
    assert world.request_counts()["GET uoms"] == 1


def test_a_new_unit_is_known_in_the_same_run(world: DataverseWorld):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.set("license_change", license_change(9, unit="Annual"))
        uom = world.sandbox.definitions["uom"]
        unit = (
            world.sandbox.store.get(CHANGE_TABLE, key(9))
            .values()["_work365_lcl_salesunit_value"]
            .strip('"')
        )
        world.sandbox.change("uom", unit, **{uom.key: unit, "name": "Annual"})

        result = source.read("license_change", COLUMNS)

    assert [row["unit"] for row in result.rows][-1] == "Annual"


def test_units_of_other_names_are_read_by_the_profile(world: DataverseWorld):
    stored = world.sandbox.store.after("uom", 0, 1, gone=False)[0]
    world.sandbox.change("uom", stored.key, name="Per User")
    named = Profile(
        TABLES, {("license_change", "unit"): ColumnProfile(labels={"per user": "Monthly"})}
    )

    assert {row["unit"] for row in replace(world, profile=named).read()} == {"Monthly"}


def test_all_missing_columns_are_reported_together_with_the_nearest_names(world: DataverseWorld):
    attributes = world.sandbox.definitions[CHANGE_TABLE].attributes
    attributes["work365_lcl_qty"] = replace(
        attributes.pop("work365_lcl_quantity"), logical="work365_lcl_qty"
    )
    del attributes["work365_lcl_invoice"]

    with pytest.raises(SourceError) as failed:
        world.read()

    assert str(failed.value) == (
        "table work365_licensechangelog (license_change) has no column "
        "`work365_lcl_quantity` (quantity); "
        "did you mean `work365_lcl_qty`?, no column `work365_lcl_invoice` (invoice); "
        "name it in the profile, `trueup discover` helps"
    )


def test_a_missing_table_is_reported(world: DataverseWorld):
    del world.sandbox.definitions[CHANGE_TABLE]

    with pytest.raises(
        SourceError,
        match="has no table `work365_licensechangelog`; `trueup discover` finds its name",
    ):
        world.read()


CHANGES_PATH = "changelogs$"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "path": CHANGES_PATH},
        {"kind": "truncate", "path": CHANGES_PATH},
        {"kind": "truncate", "path": CHANGES_PATH, "announce": False},
        {"kind": "error", "path": CHANGES_PATH, "times": 2},
        {"kind": "empty", "path": CHANGES_PATH, "times": 2},
        {"kind": "drop", "path": CHANGES_PATH, "times": 2},
        {"kind": "drop", "path": CHANGES_PATH, "reset": True},
        {"kind": "late", "path": CHANGES_PATH, "seconds": 0.1},
        {"kind": "latency", "path": CHANGES_PATH, "seconds": 0.1, "times": 2},
        {"kind": "truncate", "query": "skiptoken", "times": 3},
        {"kind": "html", "path": "EntityDefinitions"},
        {"kind": "unauthorized", "query": "skiptoken"},
        {"kind": "expired", "query": "skiptoken"},
        {"kind": "page", "page": "twice", "path": CHANGES_PATH},
    ],
    ids=json.dumps,
)
def test_a_reading_survives_a_passing_fault_of_the_service(
    world: DataverseWorld, fault: dict[str, Any]
):
    world.fault(**fault)

    assert [row["id"] for row in world.read(page=3)] == [key(number) for number in range(1, 8)]
    assert world.sandbox.faults.known()[0]["seen"] >= fault.get("times", 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reading_waits_for_an_environment_that_restarts(world: DataverseWorld, when: str):
    world.fault("restart", query="skiptoken", seconds=0.1, when=when)

    with replace(world, clock=SystemClock()).source(page=3) as source:
        assert len(source.read("license_change", COLUMNS).rows) == 7


def test_a_request_that_times_out_is_repeated(world: DataverseWorld):
    world.fault("latency", path=CHANGES_PATH, seconds=30)

    assert len(replace(world, access={"timeout": 0.2}).read()) == 7


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "html"}, "reading work365_licensechangelog: the answer is HTML, not JSON"),
        (
            {"kind": "truncate"},
            "reading work365_licensechangelog: the answer is not a page of rows",
        ),
        (
            {"kind": "error"},
            "reading work365_licensechangelog: The service is unavailable. (HTTP 503)",
        ),
        ({"kind": "empty"}, "reading work365_licensechangelog: the answer is not JSON (HTTP 500)"),
        ({"kind": "drop"}, "reading work365_licensechangelog: no answer (RemoteProtocolError)"),
        ({"kind": "late"}, "reading work365_licensechangelog: no answer (RemoteProtocolError)"),
        (
            {"kind": "page", "page": "empty"},
            "the last page has no delta link; pages may be missing",
        ),
        ({"kind": "page", "page": "half"}, "the last page has no delta link; pages may be missing"),
        ({"kind": "page", "page": "twice"}, "a page leads back to one that was read"),
        ({"kind": "unauthorized"}, "The token is missing, expired or was withdrawn. (HTTP 401)"),
        (
            {"kind": "truncate", "path": "EntityDefinitions"},
            "reading the definition of work365_licensechangelog",
        ),
        ({"kind": "drop", "path": "openid-configuration"}, "no token from 127.0.0.1"),
    ],
    ids=lambda each: json.dumps(each) if isinstance(each, dict) else "",
)
def test_a_lasting_fault_is_one_error(world: DataverseWorld, fault: dict[str, Any], message: str):
    world.fault(**{"path": CHANGES_PATH, "times": 0, **fault})

    with pytest.raises(SourceError) as failed:
        world.read(page=3)

    assert message in str(failed.value)
    assert SECRET not in str(failed.value)


def test_over_a_limit_a_reading_waits_as_long_as_dataverse_asks(world: DataverseWorld):
    world.fault("busy", path=CHANGES_PATH, times=3, seconds=40)
    before = world.clock.now()

    assert len(world.read()) == 7
    assert (world.clock.now() - before).total_seconds() == 120


def test_a_reading_does_not_wait_beyond_its_deadline(world: DataverseWorld):
    world.fault("busy", path=CHANGES_PATH, times=0, seconds=500)

    with pytest.raises(
        SourceError,
        match="over the service's limit of requests; no time is left to wait 500 seconds",
    ):
        world.read()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("9" * 12, 999_999_999),
        ("9" * 400, 999_999_999),
        ("Fri, 31 Dec 9999 23:59:59 GMT", "[0-9]+"),
    ],
)
def test_a_wait_out_of_all_range_is_beyond_the_deadline(header: str, seconds: object):
    attempts = RetryPolicy(FakeClock(), 900.0, 6).start("reading", repeatable=True)

    with pytest.raises(SourceError, match="no time is left to wait 999999999 seconds"):
        attempts.wait_over_limit({"retry-after": header}, "busy")


@pytest.mark.parametrize("header", ["", "soon", "²", "Fri, 20 Nov 99999999999 12:01:30 GMT"])
def test_without_a_time_to_wait_a_reading_waits_five_seconds(header: str):
    clock = FakeClock()
    before = clock.now()

    attempts = RetryPolicy(clock, 900.0, 6).start("reading", repeatable=True)
    attempts.wait_over_limit({"retry-after": header}, "busy")

    assert (clock.now() - before).total_seconds() == 5


def test_a_token_withdrawn_during_a_run_is_renewed(world: DataverseWorld):
    with world.source(page=3) as source:
        source.read("account", ["name"])
        world.sandbox.revoke_tokens()

        assert len(source.read("license_change", COLUMNS).rows) == 7
    assert world.sandbox.token_endpoint.issued == 2


def test_one_token_is_enough_for_a_run(world: DataverseWorld):
    with world.source() as source:
        for _ in range(3):
            source.read("license_change", COLUMNS)

    assert world.sandbox.token_endpoint.issued == 1


def test_a_wrong_secret_is_reported_without_the_secret(world: DataverseWorld):
    world.sandbox.token_endpoint.client_secret = "another"  # noqa: S105 -- not a real secret

    with pytest.raises(SourceError) as failed:
        world.read()

    assert "Invalid client secret provided" in str(failed.value)
    assert SECRET not in str(failed.value) + repr(failed.value.__cause__) + repr(
        failed.value.__context__
    )


def test_a_secret_repeated_by_the_login_is_not_in_the_error(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    echo = {
        "error": "invalid_client",
        "error_description": f"AADSTS7000215: not {SECRET}, use the value",
    }
    monkeypatch.setattr(
        TokenEndpoint, "_issue", lambda *_: Response(status=401, body=json.dumps(echo).encode())
    )

    with pytest.raises(SourceError) as failed:
        world.read()

    assert str(failed.value).endswith("for trueup-demo: AADSTS7000215: not (hidden), use the value")


def test_a_refusal_shows_dataverses_own_code_and_message(world: DataverseWorld):
    world.sandbox.api.denied.add(f"prvRead{CHANGE_TABLE}")

    with pytest.raises(SourceError) as failed:
        world.read()

    assert "is missing prvReadwork365_licensechangelog privilege. (HTTP 403 0x80040220)" in str(
        failed.value
    )


@pytest.mark.parametrize("name", ["url", "authority"])
def test_no_secret_is_sent_over_plain_http_to_another_machine(name: str):
    addresses: dict[str, Any] = {"url": "https://org.example", name: "http://org.example"}
    access = DataverseAccess(**addresses, tenant="t", client_id="c", client_secret=SECRET)

    with pytest.raises(SourceError, match=f"source.{name} must begin with https://"):
        DataverseClient(access, SystemClock())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost"])
def test_plain_http_stays_on_this_machine(host: str):
    access = DataverseAccess(f"http://{host}:8000", "t", "c", SECRET, f"http://{host}:8000")

    with DataverseClient(access, SystemClock()) as client:
        assert client.calls == 0


@pytest.mark.parametrize("spelling", ["HTTP://LOCALHOST:{port}", "http://Localhost:{port}/"])
def test_an_address_in_another_spelling_is_the_same_environment(
    world: DataverseWorld, spelling: str
):
    """Dataverse sends its links with the host in lower case."""
    port = world.sandbox.url.rpartition(":")[2]
    access = {"url": spelling.format(port=port), "authority": f"http://localhost:{port}"}
    world = replace(world, access=access)

    assert len(world.read(page=3)) == 7
    assert len(world.read(page=3)) == 7


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://contoso.crm11.dynamics.com", "https://contoso.crm11.dynamics.com"),
        ("HTTPS://Contoso.CRM11.dynamics.com:443/", "https://contoso.crm11.dynamics.com"),
        ("https://[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_the_address_and_the_scope_of_the_token_have_one_spelling(url: str, root: str):
    access = DataverseAccess(url, "t", "c", SECRET)

    with DataverseClient(access, SystemClock()) as client:
        assert (client.root, access.login().scope) == (root, f"{root}/.default")


@pytest.mark.parametrize("path", ["/api/data/v9.2", "/main.aspx?appid=1", "?x=1"])
def test_an_address_with_a_path_is_refused(path: str):
    access = DataverseAccess(f"https://org.example{path}", "t", "c", SECRET)

    with pytest.raises(SourceError, match=r"source\.url must be https:// and the host alone"):
        DataverseClient(access, SystemClock())


def test_a_link_to_another_host_is_not_followed(world: DataverseWorld):
    with (
        world.source() as source,
        pytest.raises(SourceError, match=r"sent a link to evil\.example; it is not followed"),
    ):
        source.client.get("https://evil.example/api/data/v9.2/accounts", "reading", bytes)


def test_the_secret_is_in_no_repr(world: DataverseWorld):
    with world.source() as source:
        shown = [repr(source), repr(source.client), repr(source.client._tokens), source.describe()]
        shown += [
            repr(DataverseAccess("https://x", "t", "c", SECRET)),
            repr(world.sandbox.environment),
        ]

    assert SECRET not in "".join(shown)


def full_text_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


def tokens_of(world: DataverseWorld) -> set[str]:
    """The tokens that were sent to the environment."""
    sent = {request.headers.get("authorization", "") for request in world.sandbox.requests}
    return {text.removeprefix("Bearer ") for text in sent if text}


@pytest.mark.parametrize("kind", ["error", "busy", "drop", "unauthorized", "html"])
def test_neither_secret_nor_token_is_in_a_log_file_or_an_error(
    world: DataverseWorld, caplog: pytest.LogCaptureFixture, kind: str
):
    caplog.set_level(logging.DEBUG)
    world.fault(kind, path=CHANGES_PATH, times=0, seconds=200 if kind == "busy" else 0)

    with pytest.raises(SourceError) as failed:
        world.read()

    text = caplog.text + full_text_of(failed.value)
    assert tokens_of(world)
    assert not [token for token in (SECRET, *tokens_of(world)) if token in text]


@pytest.mark.parametrize("status", [400, 403, 503])
def test_secret_and_token_repeated_by_the_service_are_not_in_the_error(
    world: DataverseWorld,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    status: int,
):
    caplog.set_level(logging.DEBUG)

    def echo(_: WebApi, request: Request) -> Response:
        message = f"not good: {request.headers.get('authorization')} of {SECRET}"
        return Response(
            status=status, body=json.dumps({"error": {"code": SECRET, "message": message}}).encode()
        )

    monkeypatch.setattr(WebApi, "answer", echo)

    with pytest.raises(SourceError, match=r"not good: Bearer \(hidden\) of \(hidden\)") as failed:
        world.read()

    text = caplog.text + full_text_of(failed.value)
    assert not [token for token in (SECRET, *tokens_of(world)) if token in text]
