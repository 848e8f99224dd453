"""Zone and hour's calls of an earlier command spare requests, and are doubted when they must be."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from trueup.errors import TargetRejected, TargetUnavailable
from trueup.ports.target import Condition
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.kept_answers import KEPT_FOR, KeptAnswers
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.retry import ApiRequest

from tests.target.autotask.conftest import CODE, SECRET, USER, page, refusal, threshold, web_page

READ = ApiRequest("POST", "Companies/query", "Companies", "reading Companies", {"filter": []})
PATCH = ApiRequest("PATCH", "Companies", "Companies", "updating", {"id": 7}, writes=True)
OLD, NEW = "webservices14.example.net", "ws20.example.net"
LEFT: dict[str, Any] = {
    "401": httpx.Response(401),
    "403": httpx.Response(403, json={"errors": ["no"]}),
    "404": httpx.Response(404, html="<title>404</title>"),
    "redirect": httpx.Response(302, headers={"Location": f"https://{NEW}/"}),
    "text": refusal("IntegrationCode is invalid."),
    "500": httpx.Response(500),
    "503": httpx.Response(503),
    "page": web_page(),
    "no json": httpx.Response(200, content=b'{"items": ['),
    "no items": httpx.Response(200, json={"items": None}),
    "no connection": httpx.ConnectError("[Errno 111] Connection refused"),
    "no answer": httpx.ReadTimeout("too slow"),
}
"""Answers of a zone that the tenant has left: 401 is known, the others may be."""

Opened = Callable[..., AbstractContextManager[AutotaskClient]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tenant.connection.json"


@pytest.fixture
def opened(client_with: Callable[..., AutotaskClient], clock: Any, file: Path) -> Opened:
    """A client as each command opens it; it keeps what it has found out when it is closed."""

    @contextmanager
    def open_client(*, used: bool = True, **options: Any) -> Iterator[AutotaskClient]:
        with closing(client_with(**options)) as client:
            client.remember(KeptAnswers(file, clock, used=used))
            yield client

    return open_client


@pytest.fixture(autouse=True)
def earlier(opened: Opened, service: Any) -> None:
    """An earlier command has found the zone, and 4,000 of 10,000 calls used in this hour."""
    service.on("GET", "/ThresholdInformation", threshold(4_000, 10_000))
    service.on("POST", "/Companies/query", page([]))
    with opened() as client:
        client.call(READ, items_of)
    service.requests.clear()


def items_of(payload: Any) -> Any:
    if payload["items"] is None:
        raise MalformedResponse("no items")
    return payload["items"]


def requested(service: Any) -> list[str]:
    """The last parts of the paths of all requests, and the hosts where these are not the first."""
    return [
        f"{request.url.path.rpartition('/')[2]}{f' at {NEW}' if request.url.host == NEW else ''}"
        for request in service.requests
    ]


def move(service: Any, answer: httpx.Response | Exception) -> None:
    """The tenant is in another zone from now on; its old one gives that answer."""
    service.on("GET", "/ZoneInformation", {"zoneName": "Zone 20", "url": f"https://{NEW}/"})

    def at_either(request: httpx.Request) -> httpx.Response:
        if request.url.host == NEW:
            return httpx.Response(200, json=page([{"id": 7}]))
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    service.on("POST", "/Companies/query", at_either)


def test_a_second_command_reads_neither_zone_nor_the_hours_calls(opened, service):
    with opened() as client:
        assert client.call(READ, items_of) == []

        assert requested(service) == ["query"]
        assert service.requests[0].url.host == OLD
        assert client.zone().name == "Zone 14"
        assert [*client.kept_since()] == ["zone", "hour's calls"]


def test_what_is_used_of_an_earlier_command_is_stated_with_its_time(opened, entities):
    with opened() as client:
        target = HttpTarget(client, entities, "a tenant")
        assert len(target.notices) == 0

        target.read("Companies", [Condition("id", "in", [7])], ["companyName"])

        assert target.spared == 2
        [notice] = target.notices
        assert notice == (
            "a tenant: an earlier command has read the zone at 2026-11-20 12:00 UTC and the hour's "
            "calls at 2026-11-20 12:00 UTC, which spares 2 calls; `trueup plan --fresh` reads it "
            "again"
        )


def test_a_command_that_uses_nothing_kept_reads_both_and_keeps_them(opened, service, clock):
    clock.instant += timedelta(minutes=50)
    with opened(used=False) as client:
        client.call(READ, items_of)
        assert client.kept_since() == {}
    clock.instant += timedelta(minutes=50)
    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "ThresholdInformation", "query", "query"]


@pytest.mark.parametrize("answer", LEFT.values(), ids=LEFT.keys())
def test_a_tenant_that_has_left_the_kept_zone_is_followed_whatever_that_zone_answers(
    opened, service, answer
):
    move(service, answer)
    with opened() as client:
        assert client.call(READ, items_of) == [{"id": 7}]
        assert [*client.kept_since()] == ["hour's calls"]
        assert client.moves == 1
    with opened() as client:
        assert client.call(READ, items_of) == [{"id": 7}]

    new = f"query at {NEW}"
    assert requested(service) == ["query", "ZoneInformation", new, new]


@pytest.mark.parametrize("answer", [LEFT["403"], LEFT["404"], LEFT["text"]])
def test_a_refusal_by_the_right_zone_costs_one_look_up_and_stands(opened, service, answer):
    service.on("POST", "/Companies/query", answer)
    with opened() as client:
        for _ in range(2):
            with pytest.raises(TargetRejected) as caught:
                client.call(READ, items_of)
            assert caught.value.status == answer.status_code
        assert client.moves == 0

    assert requested(service) == ["query", "ZoneInformation", "query"]


def test_a_zone_that_has_answered_is_looked_up_after_a_401_only(opened, service):
    with opened() as client:
        client.call(READ, items_of)
        move(service, LEFT["404"])
        with pytest.raises(TargetRejected):
            client.call(READ, items_of)
        move(service, LEFT["401"])

        assert client.call(READ, items_of) == [{"id": 7}]


def test_a_zone_that_ends_with_answers_that_cannot_be_read_is_looked_up_by_the_next_command(
    opened, service
):
    with opened() as client:
        client.call(READ, items_of)
        service.on("POST", "/Companies/query", {"items": None})
        with pytest.raises(TargetUnavailable):
            client.call(READ, items_of)
    service.requests.clear()
    service.on("POST", "/Companies/query", page([]))

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "query"]


def test_a_zone_that_reports_no_calls_of_the_hour_is_looked_up_by_the_next_command(opened, service):
    with opened() as client:
        client.call(READ, items_of)
        service.on("GET", "/ThresholdInformation", {"externalRequestThreshold": None})
        with pytest.raises(TargetUnavailable):
            client.threshold()
    service.requests.clear()

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "query"]


def test_a_busy_zone_is_not_doubted(opened, service):
    service.on("POST", "/Companies/query", httpx.Response(429), page([]))

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["query", "query"]


def test_a_write_without_an_answer_from_a_kept_zone_is_in_doubt_and_not_sent_elsewhere(
    opened, service
):
    move(service, LEFT["401"])
    service.on("PATCH", "/Companies", httpx.ReadTimeout("too slow"))

    with opened(attempts=1) as client, pytest.raises(TargetUnavailable) as caught:
        client.call(PATCH, items_of)

    assert caught.value.may_have_landed
    assert requested(service) == ["Companies"]


def test_a_move_has_the_plan_made_again_without_what_was_kept_of_the_old_zone(
    opened, service, entities, clock, tmp_path
):
    fields = {"fields": [{"name": "companyType", "dataType": "integer", "isPickList": True}]}
    service.on("GET", "/Companies/entityInformation/fields", fields)
    kept = tmp_path / "tenant.metadata.json"
    for _ in range(2):
        with opened() as client:
            target = HttpTarget(client, entities, "a", kept=KeptAnswers(kept, clock, used=True))
            target.entity("Companies")
            assert not target.renew([])
            target.close()
    service.requests.clear()
    move(service, LEFT["401"])

    with opened() as client:
        target = HttpTarget(client, entities, "a", kept=KeptAnswers(kept, clock, used=True))
        target.entity("Companies")
        target.read("Companies", [Condition("id", "in", [7])], ["companyType"])
        again = [target.renew([]), target.renew([])]

    assert again == [True, False]
    assert requested(service) == [
        "query",
        "ZoneInformation",
        f"query at {NEW}",
        f"fields at {NEW}",
    ]


# --- when it is not used


@pytest.mark.parametrize(
    ("age", "read"),
    [
        (timedelta(minutes=59), []),
        (timedelta(hours=1), ["ThresholdInformation"]),
        (KEPT_FOR, ["ZoneInformation", "ThresholdInformation"]),
        (timedelta(seconds=-1), ["ZoneInformation", "ThresholdInformation"]),
    ],
)
def test_what_is_too_old_or_of_the_future_is_read_again(opened, service, clock, age, read):
    clock.instant += age

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == [*read, "query"]


@pytest.mark.parametrize(
    "options", [{"user": "other@demo.example"}, {"url": "https://ws1.example.net"}]
)
def test_what_is_kept_of_another_user_or_look_up_host_is_not_used(opened, service, options):
    with opened(**options) as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "ThresholdInformation", "query"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://webservices14.example.net/",
        "https://user:hunter22@webservices14.example.net/",
        "https://[",
        "https://webservices5.autotask.net:99999/",
        "https://webservices5.autotask.net:0/",
        "https://webservices5.autotask.net\r\nX: y",
        "https://evil.example%2F.autotask.net/",
        "https://evil.example;.autotask.net/",
        "https://.autotask.net/",
        "",
        None,
        7,
    ],
)
def test_the_secret_is_never_sent_to_a_zone_of_a_changed_file_that_is_not_trusted(
    opened, service, file, url
):
    document = json.loads(file.read_text())
    document["answers"]["ZoneInformation"]["payload"]["url"] = url
    file.write_text(json.dumps(document))

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "query"]
    assert {request.url.host for request in service.requests} == {OLD, "webservices.example.net"}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {},
        {"used": 1},
        {"used": "1", "limit": 10},
        {"used": 1, "limit": 10**400},
        {"used": -1, "limit": 0},
        {"used": False, "limit": 10},
    ],
)
def test_an_answer_that_cannot_be_read_counts_as_absent(opened, service, file, payload):
    document = json.loads(file.read_text())
    for answer in document["answers"].values():
        answer["payload"] = payload
    file.write_text(json.dumps(document))

    with opened() as client:
        client.call(READ, items_of)

    assert requested(service) == ["ZoneInformation", "ThresholdInformation", "query"]


def test_the_file_has_no_credentials_and_is_its_owners_alone(file):
    text = file.read_text()

    assert [hidden for hidden in (SECRET, CODE, USER, "api user", "api%20") if hidden in text] == []
    assert os.name == "nt" or file.stat().st_mode & 0o077 == 0


def test_a_zone_on_the_look_up_host_is_found_at_another_port(opened, service):
    service.on("GET", "/ZoneInformation", {"url": "http://127.0.0.1:1001/zone3/ATServicesRest/"})
    with opened(url="http://127.0.0.1:1001") as client:
        client.zone()
    service.requests.clear()

    with opened(url="http://127.0.0.1:1002") as client:
        assert client.zone().root == "http://127.0.0.1:1002/zone3/ATServicesRest/V1.0"

    assert service.requests == []


# --- the hour's calls


@pytest.mark.parametrize("limit", [8_001, 8_000, 10, 0])
def test_a_kept_count_holds_while_less_than_half_of_the_hours_calls_was_used(
    opened, service, limit
):
    service.on("GET", "/ThresholdInformation", threshold(4_000, limit))
    with opened(used=False) as client:
        client.threshold()
    service.requests.clear()

    with opened() as client:
        client.call(READ, items_of)

    read = [] if limit == 8_001 else ["ThresholdInformation"]
    assert requested(service) == [*read, "query"]


def test_a_command_of_more_than_a_few_calls_reads_the_hours_calls(opened, service, clock):
    service.on("GET", "/ThresholdInformation", threshold(9_990, 10_000))

    with opened() as client:
        for _ in range(27):
            client.call(READ, items_of)
        assert [*client.kept_since()] == ["zone"]

    assert requested(service) == ["query"] * 25 + ["ThresholdInformation"] + ["query"] * 2
    assert clock.slept > 0


def test_a_service_that_does_not_report_the_hours_calls_is_asked_by_each_command(
    opened, service, clock
):
    clock.instant += timedelta(hours=1)
    service.on("GET", "/ThresholdInformation", httpx.Response(404))
    for _ in range(2):
        with opened() as client:
            client.call(READ, items_of)

    assert requested(service) == ["ThresholdInformation", "ZoneInformation", "query"] * 2
