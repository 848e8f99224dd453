"""Rows out of an environment: what is asked for, how it is read, what goes wrong."""

import json
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from engine.errors import SourceError
from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.oauth import Door
from engine.sandbox.dataverse.schema import Choice, Habits
from engine.sandbox.dataverse.server import DataverseSandbox
from engine.sandbox.request import Request
from engine.source.dataverse.client import Access, DataverseClient
from engine.source.profile import Here, Profile
from tests.fakes import FakeClock
from tests.source.bench_dataverse import Clock
from tests.source.dataverse_worlds import COLUMNS, LOG, SECRET, TABLES, World, account, environment, key, log

ROWS = {"license_change": [log(number) for number in range(1, 8)], "account": [account(1), account(2)]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with DataverseSandbox(TABLES, ROWS, environment()) as sandbox:
        yield World(sandbox, tmp_path)


def habitual(habits: Habits) -> DataverseSandbox:
    return DataverseSandbox(TABLES, ROWS, environment(habits=habits))


def test_exactly_the_columns_that_are_named_are_selected(world: World):
    world.read(columns=["quantity", "subscription"])

    queries = [parse_qs(request.query) for request in world.sandbox.requests if request.path.endswith("changelogs")]
    assert queries == [{"$select": ["_work365_lcl_subscription_value,work365_lcl_quantity,work365_licensechangelogid"]}]


def test_pages_are_followed_by_their_links_as_they_are_with_the_same_preferences(world: World):
    rows = world.read(page=3)

    assert [row["id"] for row in rows] == [key(number) for number in range(1, 8)]
    asked = [request for request in world.sandbox.requests if request.path.endswith("changelogs")]
    assert len(asked) == 3
    version = 'odata.include-annotations="Microsoft.Dynamics.CRM.globalmetadataversion"'
    assert {request.headers["prefer"] for request in asked} == {f"odata.maxpagesize=3,{version},odata.track-changes"}
    assert [request.query.count("$skiptoken=") for request in asked] == [0, 1, 1]


@pytest.mark.parametrize(
    ("behaviour", "stored", "day"),
    [
        ("UserLocal", "2026-03-28T23:00:00Z", date(2026, 3, 29)),
        ("UserLocal", "2026-03-29T00:00:00Z", date(2026, 3, 29)),
        ("UserLocal", "2026-06-30T22:00:00Z", date(2026, 7, 1)),
        ("UserLocal", "2026-06-30T21:59:59Z", date(2026, 6, 30)),
        ("DateOnly", "2026-07-01", date(2026, 7, 1)),
        ("TimeZoneIndependent", "2026-06-30T23:30:00Z", date(2026, 6, 30)),
    ],
)
def test_a_day_is_read_by_the_behaviour_of_its_column(tmp_path: Path, behaviour: str, stored: str, day: date):
    with habitual(Habits(behaviours={"work365_lcl_effectivedate": behaviour})) as sandbox:
        sandbox.change(LOG, key(1), work365_lcl_effectivedate=stored)

        row = World(sandbox, tmp_path).read()[0]

    assert row["effective_date"] == day


def test_the_business_time_zone_decides_not_the_machines(world: World):
    world.sandbox.change(LOG, key(1), work365_lcl_effectivedate="2026-03-01T05:00:00Z")

    assert world.read()[0]["effective_date"] == date(2026, 3, 1)
    assert replace(world, zone=ZoneInfo("America/Chicago")).read()[0]["effective_date"] == date(2026, 2, 28)


def test_decimals_and_instants_are_exact(world: World):
    world.sandbox.change(
        LOG, key(1), work365_lcl_sellingpriceperunit=Decimal("0.10000"), createdon="2026-03-01T08:15:30Z"
    )

    row = world.read()[0]

    assert str(row["selling_price"]) == "0.1"
    assert row["created_on"] == datetime(2026, 3, 1, 8, 15, 30, tzinfo=UTC)


def test_choices_go_by_the_environments_own_numbers(world: World):
    numbers = {
        choice.label: choice.value
        for choice in world.sandbox.kinds[LOG].attributes["work365_lcl_provisioningstatus"].choices
    }
    world.sandbox.change(LOG, key(1), work365_lcl_provisioningstatus=numbers["Failed Provisioning"])

    assert numbers["Failed Provisioning"] not in TABLES["license_change"].columns["provisioning_status"].choices
    assert world.read()[0]["provisioning_status"] == "Failed Provisioning"


def test_a_choice_in_another_language_goes_by_the_profile_and_a_state_by_its_number(world: World):
    renamed(world, LOG, "statuscode", {"Active": "Aktiv", "Archived": "Archiviert"})
    renamed(world, "account", "statecode", {"Active": "Aktiv", "Inactive": "Inaktiv"})
    labels = Here(labels={"aktiv": "Active", "archiviert": "Archived"})
    german = replace(world, profile=Profile(TABLES, {("license_change", "status"): labels}))

    with world.source(kept=False) as source:
        unknown = source.read("license_change", ["status"])

    assert (len(unknown.rows), {finding.code for finding in unknown.findings}) == (0, {"value-not-its-type"})
    assert {row["status"] for row in german.read(kept=False)} == {"Active"}
    assert {row["state"] for row in world.read("account", ["state"], kept=False)} == {"Active"}


def renamed(world: World, table: str, column: str, labels: dict[str, str]) -> None:
    attributes = world.sandbox.kinds[table].attributes
    choices = tuple(replace(choice, label=labels[choice.label]) for choice in attributes[column].choices)
    attributes[column] = replace(attributes[column], choices=choices)


def test_a_choice_that_is_new_in_the_environment_is_known_with_the_next_reading(world: World):
    world.read()
    attributes = world.sandbox.kinds[LOG].attributes
    event = attributes["work365_lcl_subscriptionevent"]
    without = tuple(choice for choice in event.choices if choice.label != "Renewal")
    attributes[event.logical] = replace(event, choices=(*without, Choice(999, "Renewal")))
    world.sandbox.redefine()
    world.sandbox.change(LOG, key(2), work365_lcl_subscriptionevent=999)

    assert [row["event"] for row in world.read()][:2] == ["Update", "Renewal"]


def test_a_number_that_no_metadata_knows_leaves_its_row_out_with_a_finding(world: World):
    world.sandbox.change(LOG, key(1), work365_lcl_subscriptionevent=123)

    with world.source() as source:
        got = source.read("license_change", COLUMNS)

    assert [row["id"] for row in got.rows] == [key(number) for number in range(2, 8)]
    assert [finding.text for finding in got.findings] == [
        f"license_change {key(1)}, event: 123 is not one of Create, Update, Activate, Deactivate, Renewal"
    ]
    assert [finding.key for finding in got.findings] == [key(1)]
    assert got.parts[key(1)].keys() == {*COLUMNS, "id"} - {"event"}


def test_references_that_we_take_as_text_show_what_they_refer_to(world: World):
    assert {row["unit"] for row in world.read()} == {"Monthly"}
    assert {row["currency"] for row in world.read("account", ["currency"])} == {"CHF"}
    assert world.asked()["GET uoms"] == 1


def test_a_unit_that_came_since_is_known_in_the_same_run(world: World):
    with world.source() as source:
        source.read("license_change", COLUMNS)
        world.sandbox.set("license_change", log(9, unit="Annual"))
        uom = world.sandbox.kinds["uom"]
        unit = world.sandbox.store.get(LOG, key(9)).values()["_work365_lcl_salesunit_value"].strip('"')
        world.sandbox.change("uom", unit, **{uom.key: unit, "name": "Annual"})

        got = source.read("license_change", COLUMNS)

    assert [row["unit"] for row in got.rows][-1] == "Annual"


def test_units_of_other_names_go_by_the_profile(world: World):
    stored = world.sandbox.store.after("uom", 0, 1, gone=False)[0]
    world.sandbox.change("uom", stored.key, name="Per User")
    named = Profile(TABLES, {("license_change", "unit"): Here(labels={"per user": "Monthly"})})

    assert {row["unit"] for row in replace(world, profile=named).read()} == {"Monthly"}


def test_names_that_the_environment_has_not_are_all_said_at_once_with_the_nearest(world: World):
    attributes = world.sandbox.kinds[LOG].attributes
    attributes["work365_lcl_qty"] = replace(attributes.pop("work365_lcl_quantity"), logical="work365_lcl_qty")
    del attributes["work365_lcl_invoice"]

    with pytest.raises(SourceError) as failed:
        world.read()

    assert str(failed.value) == (
        "table work365_licensechangelog (license_change) has no column `work365_lcl_quantity` (quantity); "
        "did you mean `work365_lcl_qty`?, no column `work365_lcl_invoice` (invoice); "
        "did you mean `work365_lcl_name`?; name it in the profile, `trueup discover` helps"
    )


def test_a_table_that_the_environment_has_not_is_said(world: World):
    del world.sandbox.kinds[LOG]

    with pytest.raises(SourceError, match="has no table `work365_licensechangelog`; `trueup discover` finds its name"):
        world.read()


LOGS = "changelogs$"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html", "path": LOGS},
        {"kind": "truncate", "path": LOGS},
        {"kind": "truncate", "path": LOGS, "announce": False},
        {"kind": "error", "path": LOGS, "times": 2},
        {"kind": "empty", "path": LOGS, "times": 2},
        {"kind": "drop", "path": LOGS, "times": 2},
        {"kind": "drop", "path": LOGS, "reset": True},
        {"kind": "late", "path": LOGS, "seconds": 0.1},
        {"kind": "latency", "path": LOGS, "seconds": 0.1, "times": 2},
        {"kind": "truncate", "query": "skiptoken", "times": 3},
        {"kind": "html", "path": "EntityDefinitions"},
        {"kind": "unauthorized", "query": "skiptoken"},
        {"kind": "expired", "query": "skiptoken"},
        {"kind": "page", "page": "twice", "path": LOGS},
    ],
    ids=json.dumps,
)
def test_a_fault_of_the_service_is_waited_out(world: World, fault: dict[str, Any]):
    world.fault(**fault)

    assert [row["id"] for row in world.read(page=3)] == [key(number) for number in range(1, 8)]
    assert world.sandbox.faults.known()[0]["seen"] >= fault.get("times", 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_environment_that_goes_down_and_comes_back_is_waited_for(world: World, when: str):
    world.fault("restart", query="skiptoken", seconds=0.1, when=when)

    with replace(world, clock=Clock()).source(page=3) as source:
        assert len(source.read("license_change", COLUMNS).rows) == 7


def test_an_answer_that_takes_longer_than_it_may_is_asked_for_again(world: World):
    world.fault("latency", path=LOGS, seconds=30)

    assert len(replace(world, access={"timeout": 0.2}).read()) == 7


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "html"}, "reading work365_licensechangelog: the answer is HTML, not JSON"),
        ({"kind": "truncate"}, "reading work365_licensechangelog: the answer is not a page of rows"),
        ({"kind": "error"}, "reading work365_licensechangelog: The service is unavailable. (HTTP 503)"),
        ({"kind": "empty"}, "reading work365_licensechangelog: the answer is not JSON (HTTP 500)"),
        ({"kind": "drop"}, "reading work365_licensechangelog: no answer (RemoteProtocolError)"),
        ({"kind": "late"}, "reading work365_licensechangelog: no answer (RemoteProtocolError)"),
        ({"kind": "page", "page": "empty"}, "the last page has no delta link; is it the last?"),
        ({"kind": "page", "page": "half"}, "the last page has no delta link; is it the last?"),
        ({"kind": "page", "page": "twice"}, "a page leads back to one that was read"),
        ({"kind": "unauthorized"}, "The token is missing, expired or was withdrawn. (HTTP 401)"),
        ({"kind": "truncate", "path": "EntityDefinitions"}, "reading the definition of work365_licensechangelog"),
        ({"kind": "drop", "path": "openid-configuration"}, "no token: 127.0.0.1"),
    ],
    ids=lambda each: json.dumps(each) if isinstance(each, dict) else "",
)
def test_a_fault_that_stays_is_one_clear_error(world: World, fault: dict[str, Any], said: str):
    world.fault(**{"path": LOGS, "times": 0, **fault})

    with pytest.raises(SourceError) as failed:
        world.read(page=3)

    assert said in str(failed.value)
    assert SECRET not in str(failed.value)


def test_over_a_limit_it_waits_as_long_as_dataverse_says(world: World):
    world.fault("busy", path=LOGS, times=3, seconds=40)
    before = world.clock.now()

    assert len(world.read()) == 7
    assert (world.clock.now() - before).total_seconds() == 120


def test_it_does_not_wait_longer_than_it_may(world: World):
    world.fault("busy", path=LOGS, times=0, seconds=500)

    with pytest.raises(SourceError, match="over the service's limit of requests; no time is left to wait 500 seconds"):
        world.read()


def test_a_token_that_was_withdrawn_half_way_is_renewed(world: World):
    with world.source(page=3) as source:
        source.read("account", ["name"])
        world.sandbox.withdraw_tokens()

        assert len(source.read("license_change", COLUMNS).rows) == 7
    assert world.sandbox.door.given == 2


def test_one_token_does_for_a_whole_run(world: World):
    with world.source() as source:
        for _ in range(3):
            source.read("license_change", COLUMNS)

    assert world.sandbox.door.given == 1


def test_a_wrong_secret_is_said_without_the_secret(world: World):
    world.sandbox.door.client_secret = "another"  # noqa: S105 -- a test's

    with pytest.raises(SourceError) as failed:
        world.read()

    assert "Invalid client secret provided" in str(failed.value)
    assert SECRET not in str(failed.value) + repr(failed.value.__cause__) + repr(failed.value.__context__)


def test_a_secret_that_the_login_repeats_is_not_repeated_by_us(world: World, monkeypatch: pytest.MonkeyPatch):
    echo = {"error": "invalid_client", "error_description": f"AADSTS7000215: not {SECRET}, use the value"}
    monkeypatch.setattr(Door, "_give", lambda *_: Answer(status=401, body=json.dumps(echo).encode()))

    with pytest.raises(SourceError) as failed:
        world.read()

    assert str(failed.value).endswith("for trueup-demo: AADSTS7000215: not ***, use the value")


def test_what_is_refused_is_said_in_dataverses_own_code_and_words(world: World):
    world.sandbox.denied.add(f"prvRead{LOG}")

    with pytest.raises(SourceError) as failed:
        world.read()

    assert "is missing prvReadwork365_licensechangelog privilege. (HTTP 403 0x80040220)" in str(failed.value)


@pytest.mark.parametrize("name", ["url", "authority"])
def test_no_secret_is_sent_over_plain_http_to_another_machine(name: str):
    access = Access("https://org.example", "t", "c", SECRET)

    with pytest.raises(SourceError, match=f"source.{name} must begin with https://"):
        DataverseClient(replace(access, **{name: "http://org.example"}), FakeClock())


def test_a_link_to_another_host_is_not_followed(world: World):
    with (
        world.source() as source,
        pytest.raises(SourceError, match=r"sent a link to evil\.example; it is not followed"),
    ):
        source.client.get("https://evil.example/api/data/v9.2/accounts", "reading", bytes)


def test_the_secret_is_in_no_text_that_an_object_has_of_itself(world: World):
    with world.source() as source:
        shown = [repr(source), repr(source.client), repr(source.client._tokens), source.describe()]
        shown += [repr(Access("https://x", "t", "c", SECRET)), repr(world.sandbox.environment)]

    assert SECRET not in "".join(shown)


def every_word_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__)


def tokens_of(world: World) -> set[str]:
    """Those that were shown to the environment."""
    sent = {request.headers.get("authorization", "") for request in world.sandbox.requests}
    return {text.removeprefix("Bearer ") for text in sent if text}


@pytest.mark.parametrize("kind", ["error", "busy", "drop", "unauthorized", "html"])
def test_neither_secret_nor_token_is_in_a_log_or_an_error(world: World, caplog: pytest.LogCaptureFixture, kind: str):
    caplog.set_level(logging.DEBUG)
    world.fault(kind, path=LOGS, times=0, seconds=200 if kind == "busy" else 0)

    with pytest.raises(SourceError) as failed:
        world.read()

    said = caplog.text + every_word_of(failed.value)
    assert tokens_of(world)
    assert not [token for token in (SECRET, *tokens_of(world)) if token in said]


@pytest.mark.parametrize("status", [400, 403, 503])
def test_a_service_that_repeats_secret_and_token_does_not_make_us_repeat_them(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
):
    caplog.set_level(logging.DEBUG)

    def echo(_: DataverseSandbox, request: Request) -> Answer:
        words = f"not good: {request.headers.get('authorization')} of {SECRET}"
        return Answer(status=status, body=json.dumps({"error": {"code": SECRET, "message": words}}).encode())

    monkeypatch.setattr(DataverseSandbox, "_api", echo)

    with pytest.raises(SourceError, match=r"not good: Bearer \*\*\* of \*\*\*") as failed:
        world.read()

    said = caplog.text + every_word_of(failed.value)
    assert not [token for token in (SECRET, *tokens_of(world)) if token in said]
