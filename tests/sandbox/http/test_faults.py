"""Which requests a fault hits, how faults are set and counted, and the recorded requests."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from trueup.sandbox.autotask.responses import ERROR_STYLE
from trueup.sandbox.http import faults
from trueup.sandbox.http.responses import HttpError

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}


def test_a_fault_hits_so_many_matching_requests_from_the_nth_on(api):
    api.fault(kind="empty", verb="GET", path="/companies/", nth=2, times=2)

    statuses = [api.get("Companies/0").status for _ in range(5)]
    assert statuses == [200, 500, 500, 200, 200]
    assert api.get("Contracts/400").status == 200


def test_a_fault_without_end_lasts_until_it_is_removed(api):
    number = api.fault(kind="empty", times=0)
    assert [api.get("Companies/0").status for _ in range(3)] == [500] * 3
    assert api.control("GET", "faults")["faults"] == [
        {"id": number, "seen": 3, "kind": "empty", "times": 0}
    ]

    api.control("DELETE", "faults", {"id": number})

    assert api.get("Companies/0").status == 200


def test_a_share_of_requests_is_drawn_repeatably_from_a_seed():
    def drawn(seed):
        fault = faults.parse({"kind": "drop", "times": 0, "share": 0.3, "seed": seed}, ERROR_STYLE)
        return [number for number in range(1, 1001) if fault.hits(number)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 240 < len(drawn(1)) < 360


def test_a_pause_is_drawn_repeatably_between_two_bounds():
    fault = faults.parse({"kind": "latency", "seconds": [0.1, 0.5], "seed": 3}, ERROR_STYLE)
    pauses = [fault.pause(number) for number in range(50)]

    assert pauses == [fault.pause(number) for number in range(50)]
    assert all(0.1 <= pause <= 0.5 for pause in pauses)
    assert len(set(pauses)) == 50


def test_several_faults_apply_to_one_request(api):
    api.fault(kind="hide", hide={"Companies": [100]}, times=0)
    api.fault(kind="truncate", path="/Companies/query$")

    cut = api.post("Companies/query", {"filter": [{"op": "exist", "field": "id"}]})

    assert cut.body.endswith(b'"') or b"pageDetails" not in cut.body
    assert [item["id"] for item in api.query("Companies")] == [0, 101, 102, 103]


def test_faults_and_their_counts_survive_a_restart(api, open_sandbox, sandbox):
    api.fault(kind="empty", nth=3, path="/Companies/")
    api.get("Companies/0")
    sandbox.close()
    api.url = open_sandbox().url

    assert [api.get("Companies/0").status for _ in range(3)] == [200, 500, 200]


def test_each_of_several_concurrent_requests_is_counted_once(api):
    api.fault(kind="empty", nth=11, times=5, path="/entityInformation$")
    names = ["Companies", "Contacts", "Contracts", "Services", "Products"]

    with ThreadPoolExecutor(5) as pool:
        statuses = list(
            pool.map(lambda n: api.get(f"{names[n % 5]}/entityInformation").status, range(20))
        )

    assert statuses.count(500) == 5


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"kind": "earthquake"},
        {"kind": "drop", "colour": "red"},
        {"kind": "drop", "path": "("},
        {"kind": "drop", "when": "during"},
        {"kind": "page", "page": "thrice"},
        {"kind": "kept_otherwise", "keep": "lower"},
        {"kind": "kept_otherwise", "fields": "("},
        {"kind": "kept_otherwise", "fields": 1},
        {"kind": "latency", "seconds": "long"},
        {"kind": "latency", "seconds": [1]},
        {"kind": "hide", "hide": [1]},
    ],
)
def test_an_invalid_fault_is_refused_with_the_reason(api, document):
    with pytest.raises(HttpError):
        faults.parse(document, ERROR_STYLE)
    assert api.send("POST", "/sandbox/faults", document).status == 400
    assert api.control("GET", "faults")["faults"] == []


def test_recorded_requests_have_status_and_effect(api):
    api.control("DELETE", "requests")
    api.post("Companies", COMPANY)
    api.post("Companies", {})
    api.get("Companies/0")
    api.get("Companies/100")

    shown = api.control("GET", "requests")

    requests = [
        (request["verb"], request["status"], request["took_effect"])
        for request in shown["requests"]
    ]
    assert requests == [
        ("POST", 200, True),
        ("POST", 500, False),
        ("GET", 200, False),
        ("GET", 200, False),
    ]
    numbers = [request["number"] for request in shown["requests"]]
    assert all(number + 1 == following for number, following in pairwise(numbers))
    assert shown["counts"] == {
        "GET /ATServicesRest/V1.0/Companies/{id}": 2,
        "POST /ATServicesRest/V1.0/Companies": 2,
    }
