"""Pages: ascending ids, key-set cursors, POST after POST."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

ALL = {"filter": [{"op": "exist", "field": "id"}]}


@pytest.fixture
def many(api):
    """1,201 tax regions, ids 1 to 1,201."""
    records = [{"id": number, "name": f"Region {number % 7}", "isActive": True} for number in range(1201, 0, -1)]
    api.control("POST", "seed", {"records": {"TaxRegions": records}})
    return api


def test_pages_of_500_in_ascending_order_of_id_cover_everything_once(many):
    found, reply = [], many.post("TaxRegions/query", ALL)
    sizes = []
    while True:
        details = reply.json["pageDetails"]
        sizes.append((details["count"], details["requestCount"]))
        found += [item["id"] for item in reply.json["items"]]
        if details["nextPageUrl"] is None:
            break
        reply = many.post(details["nextPageUrl"], ALL)

    assert found == list(range(1, 1202))
    assert sizes == [(500, 500), (500, 500), (201, 500)]


def test_a_cursor_is_absolute_and_holds_ids(many, sandbox):
    address = many.post("TaxRegions/query", {**ALL, "MaxRecords": 10}).json["pageDetails"]["nextPageUrl"]

    assert address.startswith(f"{sandbox.url}/ATServicesRest/V1.0/TaxRegions/query/next?paging=%7B")
    paging = json.loads(parse_qs(urlsplit(address).query)["paging"][0])
    assert paging == {"pageSize": 10, "previousIds": [-1], "nextIds": [10]}


def test_a_cursor_of_a_post_wants_post_and_the_body_again(many):
    address = many.post("TaxRegions/query", ALL).json["pageDetails"]["nextPageUrl"]

    refused = many.send("GET", address)

    assert refused.status == 405
    assert "does not support http method 'GET'" in refused.json["Message"]
    assert many.post(address, None).status == 500
    assert many.post(address, ALL).json["items"][0]["id"] == 501


def test_a_cursor_without_its_body_can_be_switched_to_be_accepted(many):
    many.switch("cursor_without_body", "accepted")
    address = many.post("TaxRegions/query", ALL).json["pageDetails"]["nextPageUrl"]

    second = many.send("POST", address)

    assert second.json["items"][0]["id"] == 501
    assert many.send("POST", second.json["pageDetails"]["nextPageUrl"]).json["items"][0]["id"] == 1001
    assert many.send("GET", address).status == 405


def test_a_cursor_of_a_get_carries_its_search_and_wants_get(many):
    address = many.search("TaxRegions", ALL).json["pageDetails"]["nextPageUrl"]

    assert many.send("GET", address).json["items"][0]["id"] == 501
    assert many.post(address, ALL).status == 405


def test_a_record_created_between_two_pages_moves_nothing(many):
    first = many.post("TaxRegions/query", ALL).json["pageDetails"]["nextPageUrl"]
    many.control("POST", "seed", {"records": {"TaxRegions": [{"id": 5000, "name": "Late"}]}})

    assert many.post(first, ALL).json["items"][0]["id"] == 501


def test_the_way_back_is_told_too(many):
    first = many.post("TaxRegions/query", ALL).json
    second = many.post(first["pageDetails"]["nextPageUrl"], ALL).json

    assert first["pageDetails"]["prevPageUrl"] is None
    assert many.post(second["pageDetails"]["prevPageUrl"], ALL).json == first


def test_a_filter_goes_on_over_pages(many):
    said = {"filter": [{"op": "eq", "field": "name", "value": "Region 3"}], "MaxRecords": 100}
    first = many.post("TaxRegions/query", said).json
    second = many.post(first["pageDetails"]["nextPageUrl"], said).json

    assert [item["id"] for item in first["items"] + second["items"]] == list(range(3, 1202, 7))


def test_without_id_in_includefields_there_is_one_page_unless_switched(many):
    said = {**ALL, "IncludeFields": ["name"]}
    assert many.post("TaxRegions/query", said).json["pageDetails"]["nextPageUrl"] is None

    many.switch("include_without_id", "all_pages")

    assert many.post("TaxRegions/query", said).json["pageDetails"]["nextPageUrl"] is not None
    assert many.post("TaxRegions/query", {**ALL, "IncludeFields": ["Id"]}).json["pageDetails"]["nextPageUrl"]


@pytest.mark.parametrize("paging", ["x", "{}", '{"pageSize":1,"previousIds":[],"nextIds":[]}', "[1]"])
def test_a_cursor_that_is_none_is_refused(many, paging):
    assert many.post(f"TaxRegions/query/next?paging={paging}", ALL).status == 500


def test_children_come_in_pages_too(many):
    contacts = [
        {"id": 1000 + n, "companyID": 102, "firstName": "A", "lastName": "B", "isActive": 1} for n in range(700)
    ]
    many.control("POST", "seed", {"records": {"Contacts": contacts}})

    first = many.get("Companies/102/Contacts").json
    second = many.send("GET", first["pageDetails"]["nextPageUrl"]).json

    assert [len(first["items"]), len(second["items"])] == [500, 200]
    assert second["items"][-1]["id"] == 1699


def test_a_sought_field_of_a_large_table_gets_an_index(many, sandbox):
    many.query("TaxRegions", {"op": "eq", "field": "name", "value": "Region 3"})

    with sandbox.store.reading() as db:
        plan = db.execute("EXPLAIN QUERY PLAN SELECT id FROM TaxRegions WHERE name = 'Region 3'").fetchall()
    assert "USING COVERING INDEX" in plan[0][3]


def test_records_come_by_id_even_where_an_index_has_another_order(many):
    said = {"op": "in", "field": "name", "value": ["Region 5", "Region 2"]}
    many.query("TaxRegions", said)

    found = [item["id"] for item in many.query("TaxRegions", said)]

    assert found == sorted(found)
    assert len(found) == 343
