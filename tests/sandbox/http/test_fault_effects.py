"""Faults on demand: each one, at the request it is meant for, before or after the effect; and the request log."""

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from engine.sandbox import faults
from engine.sandbox.answers import Refused

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}
GONE = (http.client.RemoteDisconnected, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)


def exists(api):
    return len(api.query("Companies", {"op": "eq", "field": "companyName", "value": "New"}))


def wait_for(what):
    """Asks up to ten seconds long."""
    for _ in range(500):
        if what():
            return
        time.sleep(0.02)
    raise AssertionError("it never came true")


@pytest.mark.parametrize(("when", "landed"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_drops_before_or_after_the_write_took_effect(api, when, landed, reset):
    api.fault(kind="drop", verb="POST", path="/Companies$", when=when, reset=reset)

    with pytest.raises(GONE):
        api.post("Companies", COMPANY)

    assert exists(api) == landed
    assert api.post("Companies", COMPANY).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        ({"kind": "empty"}, 500, b""),
        ({"kind": "busy", "seconds": 7}, 429, b"Too many"),
        ({"kind": "html"}, 200, b"<!DOCTYPE html>"),
        ({"kind": "html", "status": 503}, 503, b"<!DOCTYPE html>"),
        ({"kind": "error"}, 500, b"timed out"),
    ],
)
@pytest.mark.parametrize(("when", "landed"), [("before", 0), ("after", 1)])
def test_a_wrong_answer_comes_before_or_after_the_effect(api, fault, status, content, when, landed):
    api.fault(verb="POST", path="/Companies$", when=when, **fault)

    reply = api.post("Companies", COMPANY)

    assert reply.status == status
    assert content in reply.body
    assert exists(api) == landed


def test_429_says_when_to_come_back(api):
    api.fault(kind="busy", seconds=7)

    assert api.get("Companies/0").headers["retry-after"] == "7"


def test_a_write_takes_effect_after_its_connection_is_gone(api):
    api.fault(kind="late", verb="POST", path="/Companies$", seconds=1)

    with pytest.raises(GONE):
        api.post("Companies", COMPANY)

    assert exists(api) == 0
    wait_for(lambda: exists(api) == 1)
    entries = [entry for entry in api.control("GET", "requests")["requests"] if entry["fault"].startswith("late")]
    assert [(entry["status"], entry["took_effect"]) for entry in entries] == [(None, False), (None, True)]


def test_a_late_write_lands_at_the_latest_when_the_server_is_closed(api, sandbox, open_sandbox):
    api.fault(kind="late", verb="POST", path="/Companies$", seconds=60)
    with pytest.raises(GONE):
        api.post("Companies", COMPANY)

    sandbox.close()

    api.url = open_sandbox().url
    assert exists(api) == 1


def test_json_is_cut_in_half_with_its_length_right(api):
    api.fault(kind="truncate")

    reply = api.get("Companies/0")

    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json


def test_json_is_cut_in_half_in_the_middle_of_the_transfer(api):
    api.fault(kind="truncate", announce=False)

    with pytest.raises(http.client.IncompleteRead):
        api.get("Companies/0")


@pytest.fixture
def pages(api):
    """Reads all pages of five records and gives their ids, page by page."""
    api.control("POST", "seed", {"records": {"TaxRegions": [{"id": n, "name": "R"} for n in range(1, 18)]}})
    said = {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 5}

    def read():
        reply, found = api.post("TaxRegions/query", said), []
        while True:
            found.append([item["id"] for item in reply.json["items"]])
            following = reply.json["pageDetails"]["nextPageUrl"]
            if following is None or len(found) > 9:
                return found
            reply = api.post(following, said)

    return read


@pytest.mark.parametrize(
    ("page", "numbers"),
    [
        ("twice", [(1, 5), (6, 10), (6, 10), (11, 15), (16, 17)]),
        ("skip", [(1, 5), (6, 10), (16, 17)]),
        ("empty", [(1, 5), None]),
        ("half", [(1, 5), (6, 7)]),
    ],
)
def test_a_page_comes_twice_or_is_missing_or_empty_or_half(api, pages, page, numbers):
    api.fault(kind="page", page=page, path="/TaxRegions/query", nth=2)

    assert pages() == [list(range(one[0], one[1] + 1)) if one else [] for one in numbers]


def test_rows_are_hidden_as_by_a_narrowed_permission(api):
    api.fault(kind="hide", hide={"Companies": [100, 102]}, times=0)

    assert [item["id"] for item in api.query("Companies")] == [0, 101, 103]
    assert api.item("Companies", 100) is None
    assert api.query("Contacts") != []


def test_a_request_takes_its_time(api):
    api.fault(kind="latency", seconds=0.2, path="/Companies/")
    started = time.monotonic()
    api.get("Companies/0")

    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_server_goes_down_and_comes_back_at_the_same_address(api, when):
    api.fault(kind="restart", verb="POST", path="/Companies$", when=when, seconds=0.2)
    with pytest.raises(GONE):
        api.post("Companies", COMPANY)

    def answers():
        try:
            return api.get("Companies/0").status == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_for(answers)
    assert exists(api) == (when == "after")


def test_a_restart_cuts_every_connection(api, sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.settimeout(5)
        api.fault(kind="restart", path="Companies/0", seconds=0.1)
        with pytest.raises(GONE):
            api.get("Companies/0")

        assert idle.recv(1) == b""


def test_a_fault_hits_the_requests_that_it_is_meant_for(api):
    api.fault(kind="empty", verb="GET", path="/companies/", nth=2, times=2)

    statuses = [api.get("Companies/0").status for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    assert api.get("Contracts/400").status == 200


def test_a_fault_for_good_lasts_until_it_is_taken_away(api):
    number = api.fault(kind="empty", times=0)
    assert [api.get("Companies/0").status for _ in range(3)] == [500] * 3
    assert api.control("GET", "faults")["faults"] == [{"id": number, "seen": 3, "kind": "empty", "times": 0}]

    api.control("DELETE", "faults", {"id": number})

    assert api.get("Companies/0").status == 200


def test_a_share_of_requests_is_drawn_by_a_seed_and_drawn_alike_again():
    def drawn(seed):
        fault = faults.parse({"kind": "drop", "times": 0, "share": 0.3, "seed": seed})
        return [number for number in range(1, 1001) if fault.hits(number)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 240 < len(drawn(1)) < 360


def test_latency_is_drawn_between_two_bounds_by_a_seed():
    fault = faults.parse({"kind": "latency", "seconds": [0.1, 0.5], "seed": 3})
    pauses = [fault.pause(number) for number in range(50)]

    assert pauses == [fault.pause(number) for number in range(50)]
    assert all(0.1 <= pause <= 0.5 for pause in pauses)
    assert len(set(pauses)) == 50


def test_several_faults_work_together(api):
    api.fault(kind="hide", hide={"Companies": [100]}, times=0)
    api.fault(kind="truncate", path="/Companies/query$")

    cut = api.post("Companies/query", {"filter": [{"op": "exist", "field": "id"}]})

    assert cut.body.endswith(b'"') or b"pageDetails" not in cut.body
    assert [item["id"] for item in api.query("Companies")] == [0, 101, 102, 103]


def test_faults_survive_a_restart_and_reach_every_process_on_the_database(api, open_sandbox, sandbox):
    api.fault(kind="empty", nth=3, path="/Companies/")
    api.get("Companies/0")
    sandbox.close()
    api.url = open_sandbox().url

    assert [api.get("Companies/0").status for _ in range(3)] == [200, 500, 200]


def test_each_request_counts_once_however_many_come_together(api):
    api.fault(kind="empty", nth=11, times=5, path="/entityInformation$")
    names = ["Companies", "Contacts", "Contracts", "Services", "Products"]

    with ThreadPoolExecutor(5) as pool:
        statuses = list(pool.map(lambda n: api.get(f"{names[n % 5]}/entityInformation").status, range(20)))

    assert statuses.count(500) == 5


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "drop", "colour": "red"},
        {"kind": "drop", "path": "("},
        {"kind": "drop", "when": "during"},
        {"kind": "page", "page": "thrice"},
        {"kind": "latency", "seconds": "long"},
        {"kind": "latency", "seconds": [1]},
        {"kind": "hide", "hide": [1]},
    ],
)
def test_a_fault_that_is_none_is_refused_with_what_is_wrong(api, said):
    with pytest.raises(Refused):
        faults.parse(said)
    assert api.send("POST", "/sandbox/faults", said).status == 400
    assert api.control("GET", "faults")["faults"] == []


def test_the_request_log_tells_what_came_and_whether_it_took_effect(api):
    api.control("DELETE", "requests")
    api.post("Companies", COMPANY)
    api.post("Companies", {})
    api.get("Companies/0")
    api.get("Companies/100")

    told = api.control("GET", "requests")

    assert [(one["verb"], one["status"], one["took_effect"]) for one in told["requests"]] == [
        ("POST", 200, True),
        ("POST", 500, False),
        ("GET", 200, False),
        ("GET", 200, False),
    ]
    assert all(one["number"] + 1 == other["number"] for one, other in pairwise(told["requests"]))
    assert told["counts"] == {
        "GET /ATServicesRest/V1.0/Companies/{id}": 2,
        "POST /ATServicesRest/V1.0/Companies": 2,
    }
