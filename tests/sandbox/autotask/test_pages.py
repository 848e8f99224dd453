"""Reads: pages in ascending order of ids, single records, children, counts, shown fields."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

ALL = {"filter": [{"op": "exist", "field": "id"}]}


@pytest.fixture
def many(api):
    """A client of a tenant with 1,201 tax regions, ids 1 to 1,201."""
    records = [
        {"id": number, "name": f"Region {number % 7}", "isActive": True}
        for number in range(1201, 0, -1)
    ]
    api.control("POST", "seed", {"records": {"TaxRegions": records}})
    return api


def next_page(reply):
    """The address of the page after a reply's page, or None."""
    return reply.json["pageDetails"]["nextPageUrl"]


def ids(reply):
    return [item["id"] for item in reply.json["items"]]


def test_pages_of_500_in_ascending_order_of_ids_cover_all_records_once(many):
    ids_read, sizes = [], []
    address = "TaxRegions/query"
    while address is not None:
        reply = many.post(address, ALL)
        details = reply.json["pageDetails"]
        sizes.append((details["count"], details["requestCount"]))
        ids_read += ids(reply)
        address = next_page(reply)

    assert ids_read == list(range(1, 1202))
    assert sizes == [(500, 500), (500, 500), (201, 500)]


def test_the_address_of_the_next_page_is_absolute_and_contains_ids(many, sandbox):
    address = next_page(many.post("TaxRegions/query", {**ALL, "MaxRecords": 10}))

    assert address.startswith(f"{sandbox.url}/ATServicesRest/V1.0/TaxRegions/query/next?paging=%7B")
    paging = json.loads(parse_qs(urlsplit(address).query)["paging"][0])
    assert paging == {"pageSize": 10, "previousIds": [-1], "nextIds": [10]}


def test_the_next_page_of_a_post_needs_post_and_the_same_body(many):
    address = next_page(many.post("TaxRegions/query", ALL))

    refused = many.send("GET", address)

    assert refused.status == 405
    assert "does not support http method 'GET'" in refused.json["Message"]
    assert many.post(address, None).status == 500
    assert ids(many.post(address, ALL))[0] == 501


def test_the_next_page_of_a_post_can_be_read_without_a_body_by_switch(many):
    many.switch("cursor_without_body", "accepted")
    address = next_page(many.post("TaxRegions/query", ALL))

    second = many.send("POST", address)
    third = many.send("POST", next_page(second))

    assert (ids(second)[0], ids(third)[0]) == (501, 1001)
    assert many.send("GET", address).status == 405


def test_the_next_page_of_a_get_has_the_search_in_its_address_and_needs_get(many):
    address = next_page(many.search("TaxRegions", ALL))

    assert ids(many.send("GET", address))[0] == 501
    assert many.post(address, ALL).status == 405


def test_a_record_created_between_two_pages_does_not_shift_the_next_page(many):
    second = next_page(many.post("TaxRegions/query", ALL))
    many.control("POST", "seed", {"records": {"TaxRegions": [{"id": 5000, "name": "Late"}]}})

    assert ids(many.post(second, ALL))[0] == 501


def test_a_page_has_the_address_of_the_previous_page(many):
    first = many.post("TaxRegions/query", ALL)
    second = many.post(next_page(first), ALL)

    assert first.json["pageDetails"]["prevPageUrl"] is None
    assert many.post(second.json["pageDetails"]["prevPageUrl"], ALL).json == first.json


def test_a_filter_applies_to_all_pages(many):
    query = {"filter": [{"op": "eq", "field": "name", "value": "Region 3"}], "MaxRecords": 100}
    first = many.post("TaxRegions/query", query)
    second = many.post(next_page(first), query)

    assert ids(first) + ids(second) == list(range(3, 1202, 7))


def test_without_id_in_includefields_there_is_one_page_or_all_by_switch(many):
    query = {**ALL, "IncludeFields": ["name"]}
    assert next_page(many.post("TaxRegions/query", query)) is None
    assert next_page(many.post("TaxRegions/query", {**ALL, "IncludeFields": ["Id"]}))

    many.switch("include_without_id", "all_pages")

    assert next_page(many.post("TaxRegions/query", query))


@pytest.mark.parametrize(
    "paging", ["x", "{}", '{"pageSize":1,"previousIds":[],"nextIds":[]}', "[1]"]
)
def test_an_invalid_cursor_is_refused(many, paging):
    assert many.post(f"TaxRegions/query/next?paging={paging}", ALL).status == 500


def test_children_are_listed_in_pages(many):
    contacts = [
        {"id": 1000 + number, "companyID": 102, "firstName": "A", "lastName": "B", "isActive": 1}
        for number in range(700)
    ]
    many.control("POST", "seed", {"records": {"Contacts": contacts}})

    first = many.get("Companies/102/Contacts")
    second = many.send("GET", next_page(first))

    assert [len(ids(first)), len(ids(second))] == [500, 200]
    assert ids(second)[-1] == 1699


def test_a_field_in_a_condition_on_a_large_table_gets_an_index(many, sandbox):
    many.query("TaxRegions", {"op": "eq", "field": "name", "value": "Region 3"})

    with sandbox.store.reading() as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM TaxRegions WHERE fold(name) = 'region 3'"
        ).fetchall()
    assert "USING INDEX" in plan[0][3]


def test_records_are_in_the_order_of_ids_even_if_an_index_has_another_order(many):
    in_list = {"op": "in", "field": "name", "value": ["Region 5", "Region 2"]}
    many.query("TaxRegions", in_list)

    ids_read = [item["id"] for item in many.query("TaxRegions", in_list)]

    assert ids_read == sorted(ids_read)
    assert len(ids_read) == 343


def with_id(value, op="eq"):
    return {"op": op, "field": "id", "value": value}


def test_includefields_limits_the_fields_and_adds_id_and_empty_user_defined_fields(api):
    companies = api.query("Companies", with_id(100), IncludeFields=["PHONE"])
    services = api.query("Services", with_id(300), IncludeFields=["id", "name"])

    assert companies == [{"id": 100, "phone": "2", "userDefinedFields": []}]
    assert services[0]["name"] == "Mail"


def test_without_includefields_all_fields_are_shown(api, entities):
    item = api.query("Companies", with_id(100))[0]

    assert set(item) == {*entities["Companies"].fields, "userDefinedFields"}
    assert item["userDefinedFields"] == [
        {"name": "Work 365 Id", "value": None},
        {"name": "Tier", "value": None},
    ]


def test_the_count_includes_all_matching_records(api):
    query = {"filter": [with_id(0, op="gt")]}
    search = json.dumps(query, separators=(",", ":"))

    assert api.post("Companies/query/count", query).json == {"queryCount": 4}
    assert api.get(f"Companies/query/count?search={search}").json == {"queryCount": 4}


def test_an_empty_result_is_an_empty_list(api):
    reply = api.post("Companies/query", {"filter": [with_id(7)]})

    assert reply.json == {
        "items": [],
        "pageDetails": {"count": 0, "requestCount": 500, "prevPageUrl": None, "nextPageUrl": None},
    }


def test_a_record_is_read_by_its_id_and_0_is_an_id(api):
    assert api.item("Companies", 0)["companyName"] == "Our own"


def test_a_missing_record_is_null_or_404_by_switch(api):
    assert (api.get("Companies/7").status, api.get("Companies/7").json) == (200, {"item": None})

    api.switch("missing_record", "404")

    assert api.get("Companies/7").status == 404


def test_children_are_listed_and_read_below_their_own_parent(api):
    listed = api.get("Companies/100/Contacts")

    assert (ids(listed), next_page(listed)) == ([200, 201], None)
    assert api.get("Companies/100/Contacts/200").json["item"]["firstName"] == "Eve"
    assert api.get("Companies/102/Contacts/200").json["item"] is None


@pytest.mark.parametrize(
    ("choice", "day", "instant"),
    [
        ("z", "2026-01-01T00:00:00Z", "2026-11-20T12:00:00Z"),
        ("milliseconds", "2026-01-01T00:00:00.000Z", "2026-11-20T12:00:00.000Z"),
        ("trimmed", "2026-01-01T00:00:00Z", "2026-11-20T12:00:00Z"),
        ("bare", "2026-01-01T00:00:00", "2026-11-20T12:00:00.000"),
    ],
)
def test_date_times_have_z_milliseconds_or_no_zone_by_switch(api, choice, day, instant):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})
    api.switch("date_times", choice)
    api.patch("Contracts", {"id": 400, "description": "x"})

    contract = api.item("Contracts", 400)

    assert (contract["startDate"], contract["lastModifiedDateTime"]) == (day, instant)


@pytest.mark.parametrize(
    ("stands", "instant"),
    [("09.520", "09.52Z"), ("13.563", "13.563Z"), ("10.000", "10Z"), ("00.100", "00.1Z")],
)
def test_final_zeros_of_an_instant_are_left_out_by_switch(api, stands, instant):
    api.control("POST", "clock", {"stands": f"2026-11-20T12:00:{stands}Z"})
    api.switch("date_times", "trimmed")
    api.patch("Contracts", {"id": 400, "description": "x"})

    assert api.item("Contracts", 400)["lastModifiedDateTime"] == f"2026-11-20T12:00:{instant}"


def test_a_user_defined_field_without_a_value_is_listed_or_not_by_switch(api):
    assert {udf["value"] for udf in api.item("Companies", 100)["userDefinedFields"]} == {None}

    api.switch("unset_udf", "left_out")

    assert api.item("Companies", 100)["userDefinedFields"] == []


def test_text_that_is_not_set_is_null_or_empty_by_switch(api):
    names = ("city", "companyNumber", "currencyID", "createDate", "companyName")
    before = api.item("Companies", 100)
    assert [before[name] for name in names[:3]] == [None, None, None]

    api.switch("unset_text", "empty")

    item = api.item("Companies", 100)
    assert [item[name] for name in names] == ["", "", None, before["createDate"], "Alpine"]
    assert {udf["value"] for udf in item["userDefinedFields"]} == {None}
    assert api.query("Companies", {"op": "notExist", "field": "city"}) != []
