"""Each kind of fault, before and after the write takes effect."""

import http.client
import json
import socket
import time

import pytest

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}
DROPPED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
)


def new_companies(api):
    return len(api.query("Companies", {"op": "eq", "field": "companyName", "value": "New"}))


def wait_for(condition):
    """Waits up to ten seconds for a condition."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("the condition was not met")


@pytest.mark.parametrize(("when", "written"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_drops_before_or_after_the_write_takes_effect(api, when, written, reset):
    api.fault(kind="drop", verb="POST", path="/Companies$", when=when, reset=reset)

    with pytest.raises(DROPPED):
        api.post("Companies", COMPANY)

    assert new_companies(api) == written
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
@pytest.mark.parametrize(("when", "written"), [("before", 0), ("after", 1)])
def test_a_wrong_response_is_sent_before_or_after_the_write_takes_effect(
    api, fault, status, content, when, written
):
    api.fault(verb="POST", path="/Companies$", when=when, **fault)

    reply = api.post("Companies", COMPANY)

    assert reply.status == status
    assert content in reply.body
    assert new_companies(api) == written


def test_429_has_retry_after(api):
    api.fault(kind="busy", seconds=7)

    assert api.get("Companies/0").headers["retry-after"] == "7"


def test_a_late_write_takes_effect_after_its_connection_has_dropped(api):
    api.fault(kind="late", verb="POST", path="/Companies$", seconds=1)

    with pytest.raises(DROPPED):
        api.post("Companies", COMPANY)

    assert new_companies(api) == 0
    wait_for(lambda: new_companies(api) == 1)
    requests = api.control("GET", "requests")["requests"]
    late = [request for request in requests if request["fault"].startswith("late")]
    assert [(request["status"], request["took_effect"]) for request in late] == [
        (None, False),
        (None, True),
    ]


def test_a_late_write_takes_effect_at_the_latest_when_the_server_closes(api, sandbox, open_sandbox):
    api.fault(kind="late", verb="POST", path="/Companies$", seconds=60)
    with pytest.raises(DROPPED):
        api.post("Companies", COMPANY)

    sandbox.close()

    api.url = open_sandbox().url
    assert new_companies(api) == 1


def test_json_is_cut_in_half_with_the_length_of_the_half(api):
    api.fault(kind="truncate")

    reply = api.get("Companies/0")

    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json


def test_json_is_cut_in_half_with_the_length_of_the_whole(api):
    api.fault(kind="truncate", announce=False)

    with pytest.raises(http.client.IncompleteRead):
        api.get("Companies/0")


@pytest.fixture
def pages(api):
    """Reads 17 records in pages of five; returns their ids page by page."""
    regions = [{"id": number, "name": "R"} for number in range(1, 18)]
    api.control("POST", "seed", {"records": {"TaxRegions": regions}})
    query = {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 5}

    def read():
        pages = []
        reply = api.post("TaxRegions/query", query)
        while True:
            pages.append([item["id"] for item in reply.json["items"]])
            following = reply.json["pageDetails"]["nextPageUrl"]
            if following is None or len(pages) > 9:
                return pages
            reply = api.post(following, query)

    return read


@pytest.mark.parametrize(
    ("page", "spans"),
    [
        ("twice", [(1, 5), (6, 10), (6, 10), (11, 15), (16, 17)]),
        ("skip", [(1, 5), (6, 10), (16, 17)]),
        ("empty", [(1, 5), (6, 5)]),
        ("half", [(1, 5), (6, 7)]),
    ],
)
def test_a_page_is_repeated_skipped_emptied_or_halved(api, pages, page, spans):
    api.fault(kind="page", page=page, path="/TaxRegions/query", nth=2)

    assert pages() == [list(range(first, last + 1)) for first, last in spans]


def test_records_are_hidden_as_by_a_restricted_permission(api):
    api.fault(kind="hide", hide={"Companies": [100, 102]}, times=0)

    assert [item["id"] for item in api.query("Companies")] == [0, 101, 103]
    assert api.item("Companies", 100) is None
    assert api.query("Contacts") != []


def test_latency_delays_a_request(api):
    api.fault(kind="latency", seconds=0.2, path="/Companies/")
    started = time.monotonic()
    api.get("Companies/0")

    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_server_goes_down_and_comes_back_at_the_same_address(api, when):
    api.fault(kind="restart", verb="POST", path="/Companies$", when=when, seconds=0.2)
    with pytest.raises(DROPPED):
        api.post("Companies", COMPANY)

    def answers():
        try:
            return api.get("Companies/0").status == 200
        except (OSError, http.client.HTTPException):
            return False

    wait_for(answers)
    assert new_companies(api) == (when == "after")


def test_a_restart_cuts_every_connection(api, sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.settimeout(5)
        api.fault(kind="restart", path="Companies/0", seconds=0.1)
        with pytest.raises(DROPPED):
            api.get("Companies/0")

        assert idle.recv(1) == b""


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_an_update_is_answered_and_has_no_effect(api, verb):
    api.fault(kind="no_effect", verb=verb, path="/Companies$")
    before = api.item("Companies", 100)

    reply = api.send(verb, "Companies", {**COMPANY, "id": 100})

    assert (reply.status, reply.json) == (200, {"itemId": 100})
    assert api.item("Companies", 100) == before
    last = [row for row in api.control("GET", "requests")["requests"] if row["verb"] == verb]
    assert [(row["took_effect"], row["fault"]) for row in last] == [(False, "no_effect")]
    assert api.send(verb, "Companies", {**COMPANY, "id": 100}).status == 200
    assert api.item("Companies", 100)["companyName"] == "New"


@pytest.mark.parametrize(
    ("keep", "sent", "after"),
    [
        ("capitals", "Zürich", "ZÜRICH"),
        ("capitals", None, None),
        ("null", "Zürich", "Zürich"),
        ("null", None, "Bern"),
    ],
)
def test_a_text_is_kept_otherwise_than_it_was_sent(api, keep, sent, after):
    assert api.patch("Companies", {"id": 100, "city": "Bern", "address1": "Hof 1"}).status == 200
    api.fault(kind="kept_otherwise", verb="PATCH", path="/Companies$", keep=keep, fields="^city$")

    reply = api.patch("Companies", {"id": 100, "city": sent, "address1": "Weg 2"})

    assert (reply.status, reply.json) == (200, {"itemId": 100})
    company = api.item("Companies", 100)
    assert (company["city"] or None, company["address1"]) == (after, "Weg 2")


def test_an_amount_is_kept_rounded(api):
    api.fault(kind="kept_otherwise", path="/Services$", keep="rounded", fields="unitPrice")
    service = {"name": "Backup", "periodType": 2, "billingCodeID": 50, "unitPrice": 2.5}

    kept = api.item("Services", api.post("Services", service).id)

    assert kept["unitPrice"] == 3


def test_an_adjustment_without_effect_leaves_the_unit_rows(api):
    api.fault(kind="no_effect", verb="POST", path="Adjustments$")
    rows = api.units()

    assert api.adjust("2026-06-01", 3).json == {"itemId": None}

    assert api.units() == rows


def test_an_id_that_was_answered_without_effect_is_not_given_again(api):
    api.fault(kind="no_effect", verb="POST", path="/Companies$")

    answered = api.post("Companies", COMPANY).id

    assert api.post("Companies", COMPANY).id == answered + 1


def test_an_update_without_effect_is_refused_like_any_other(api):
    api.fault(kind="no_effect", verb="PATCH")

    assert api.patch("Companies", {"id": 100, "companyType": 99}).status == 500


def test_a_request_is_delivered_twice(api):
    """The client receives the response to the second delivery."""
    api.fault(kind="twice", verb="POST", path="/Companies$|Adjustments$", times=2)

    second = api.post("Companies", COMPANY).id

    assert new_companies(api) == 2
    assert api.item("Companies", second)["companyName"] == "New"
    refusal = api.adjust("2026-06-01", 3)
    assert "Attempt to insert duplicate data into contract_service_period" in refusal.errors
    assert [row["units"] for row in api.units()] == [5] * 5 + [8] * 7
    last = api.control("GET", "requests")["requests"][-2:]
    assert any(row["took_effect"] for row in last if row["fault"] == "twice")
