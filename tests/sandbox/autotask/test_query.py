"""The query language: operators, groups, types, what is counted and what is refused."""

import pytest


def ids(items):
    return [item["id"] for item in items]


def condition(op, field, value=None, **more):
    return {"op": op, "field": field, **({} if value is None else {"value": value}), **more}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (condition("eq", "companyName", "Alpine"), [100]),
        (condition("noteq", "companyName", "Alpine"), [0, 101, 102, 103]),
        (condition("gt", "id", 101), [102, 103]),
        (condition("gte", "id", 101), [101, 102, 103]),
        (condition("lt", "id", 101), [0, 100]),
        (condition("lte", "id", 101), [0, 100, 101]),
        (condition("beginsWith", "companyName", "Al"), [100]),
        (condition("endsWith", "companyName", "er"), [102]),
        (condition("contains", "companyName", "lpi"), [100]),
        (condition("exist", "currencyID"), [103]),
        (condition("notExist", "currencyID"), [0, 100, 101, 102]),
        (condition("in", "id", [100, 103, 999]), [100, 103]),
        (condition("notIn", "id", [100, 103]), [0, 101, 102]),
        (condition("eq", "isActive", False), [101]),  # noqa: FBT003 -- a value
        (condition("eq", "id", 0), [0]),
        (condition("in", "id", []), []),
        (condition("beginsWith", "companyName", "100%"), []),
        (condition("contains", "phone", ""), [0, 100, 101, 102, 103]),
        (condition("EQ", "COMPANYNAME", "Alpine"), [100]),
    ],
)
def test_each_operator_finds_what_it_says(api, said, found):
    assert ids(api.query("Companies", said)) == found


def test_conditions_of_the_outer_list_must_all_hold(api):
    assert ids(api.query("Companies", condition("gt", "id", 0), condition("eq", "companyType", 6))) == [102]


def test_groups_nest(api):
    both = {"op": "and", "items": [condition("gt", "id", 100), condition("eq", "isActive", value=True)]}
    either = {"op": "or", "items": [condition("eq", "id", 0), both]}

    assert ids(api.query("Companies", either)) == [0, 102, 103]


def test_a_search_by_get_finds_the_same(api):
    reply = api.search("Companies", {"filter": [condition("eq", "id", 100)], "IncludeFields": ["companyName"]})

    assert reply.json["items"] == [{"id": 100, "companyName": "Alpine", "userDefinedFields": []}]


def test_a_search_by_get_that_is_too_long_is_refused(api):
    reply = api.search("Companies", {"filter": [condition("contains", "companyName", "x" * 2100)]})

    assert reply.status == 414


def test_property_names_are_taken_in_any_case_and_unquoted(api):
    reply = api.post("Companies/query", "{Filter: [{Op: 'eq', FIELD: 'Id', Value: 100}], maxrecords: 5}")

    assert ids(reply.json["items"]) == [100]


def test_text_compares_without_case_unless_switched(api):
    assert ids(api.query("Companies", condition("eq", "companyName", "ALPINE"))) == [100]

    api.switch("text_case", "respected")

    for op in ("eq", "beginsWith", "contains", "endsWith"):
        assert api.query("Companies", condition(op, "companyName", "ALPINE")) == []
    assert ids(api.query("Companies", condition("in", "companyName", ["Alpine", "EURO"]))) == [100]
    assert 100 in ids(api.query("Companies", condition("noteq", "companyName", "ALPINE")))


def test_text_against_a_long_finds_nothing_and_says_nothing(api):
    assert api.query("Companies", condition("eq", "id", "100")) == []
    assert api.query("Companies", condition("in", "id", ["100", 101])) == api.query(
        "Companies", condition("eq", "id", 101)
    )


def test_text_that_is_no_number_against_an_integer_is_refused_in_sql_servers_words(api):
    reply = api.post("Companies/query", {"filter": [condition("eq", "ownerResourceID", "Ada")]})

    assert reply.status == 500
    assert "Conversion failed when converting" in reply.errors
    assert "data type int" in reply.errors


def test_text_that_is_a_number_against_an_integer_is_converted(api):
    assert len(api.query("Companies", condition("eq", "ownerResourceID", "30"))) == 5


def test_true_is_taken_for_the_integer_isactive_of_contacts(api):
    assert ids(api.query("Contacts", condition("eq", "isActive", value=True))) == [200]


def test_the_text_true_finds_no_boolean_unless_switched(api):
    assert api.query("Companies", condition("eq", "isActive", "true")) == []

    api.switch("boolean_text_in_filter", "converted")

    assert len(api.query("Companies", condition("eq", "isActive", "true"))) == 4


@pytest.mark.parametrize(
    "value", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"]
)
def test_days_are_asked_for_with_and_without_time_and_zone(api, value):
    assert ids(api.query("Contracts", condition("eq", "startDate", value))) == [400, 401]


def test_an_instant_is_compared_in_utc(api):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})
    record = api.post("Companies", {"companyName": "Now", "companyType": 1, "phone": "1", "ownerResourceID": 30}).id

    for value in ("2026-11-20T12:00:00", "2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z"):
        assert ids(api.query("Companies", condition("eq", "createDate", value))) == [record]
    assert api.query("Companies", condition("gt", "createDate", "2026-11-20T12:00:00")) == []


@pytest.mark.parametrize("where", ["filter", "IncludeFields"])
def test_an_unknown_field_is_refused_with_the_text_seen_in_the_wild(api, where):
    query = {"filter": [condition("exist", "id")], "IncludeFields": ["id"]}
    query[where] = [condition("eq", "isActive", 1)] if where == "filter" else ["isActive"]

    reply = api.post("Contracts/query", query)

    assert (reply.status, reply.json) == (500, {"errors": ["Unable to find isActive in the Contracts Entity."]})


def test_a_field_that_is_not_queryable_cannot_be_filtered_by(api):
    reply = api.post("Companies/query", {"filter": [condition("eq", "sicCode", "1")]})

    assert reply.status == 500
    assert "sicCode" in reply.errors


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"filter": []},
        {"filter": {"op": "eq", "field": "id", "value": 1}},
        {"filter": "x"},
        {"filter": [5]},
        {"filter": [{"op": "like", "field": "id", "value": 1}]},
        {"filter": [{"op": "eq", "field": "id"}]},
        {"filter": [{"op": "in", "field": "id", "value": 1}]},
        {"filter": [{"op": "eq", "field": "companyName", "value": ["a"]}]},
        {"filter": [{"op": "or", "items": []}]},
        {"filter": [{"op": "eq", "field": "createDate", "value": "yesterday"}]},
        {"filter": [{"op": "eq", "field": "createDate", "value": "2026-13-45"}]},
        {"filter": [{"op": "eq", "field": "assetValue", "value": 1}]},
        {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 0},
        {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 501},
        {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": "many"},
        {"filter": [{"op": "exist", "field": "id"}], "IncludeFields": "id"},
        [],
        "{",
    ],
)
def test_a_query_that_cannot_be_right_is_refused(api, query):
    reply = api.post("Companies/query", query)

    assert reply.status == 500
    assert reply.json["errors"]


def test_a_filter_nested_without_end_is_refused(api):
    said = condition("exist", "id")
    for _ in range(60):
        said = {"op": "and", "items": [said]}

    assert api.post("Companies/query", {"filter": [said]}).status == 500


def test_five_hundred_alternatives_are_the_limit(api):
    assert api.query("Companies", condition("in", "id", list(range(500)))) != []

    too_many = (
        condition("in", "id", list(range(501))),
        {"op": "or", "items": [condition("eq", "id", number) for number in range(501)]},
        {
            "op": "and",
            "items": [condition("in", "id", list(range(251))), condition("notIn", "id", list(range(1000, 1251)))],
        },
    )
    for said in too_many:
        reply = api.post("Companies/query", {"filter": [said]})
        assert reply.status == 500
        assert reply.errors == "Invalid query syntax. Queries are limited to 500 or fewer 'OR' conditions."


def test_a_thousand_conditions_that_must_all_hold_are_no_alternatives(api):
    assert ids(api.query("Companies", *[condition("gte", "id", 100)] * 1000)) == [100, 101, 102, 103]


def test_maxrecords_beyond_500_can_be_switched_to_be_cut(api):
    api.switch("max_records_over_500", "cut")

    reply = api.post("Companies/query", {"filter": [condition("exist", "id")], "MaxRecords": 5000})

    assert reply.json["pageDetails"]["requestCount"] == 500


def test_user_defined_fields_are_asked_for_by_name_with_a_flag(api):
    record = {"id": 100, "userDefinedFields": [{"name": "Work 365 Id", "value": "w-100"}]}
    assert api.patch("Companies", record).id == 100

    found = api.query(
        "Companies", condition("eq", "work 365 id", "w-100", udf=True), IncludeFields=["id", "Work 365 Id"]
    )

    assert found == [{"id": 100, "userDefinedFields": [{"name": "Work 365 Id", "value": "w-100"}]}]
    for said in (condition("eq", "Work 365 Id", "w"), condition("eq", "companyName", "w", udf=True)):
        assert "Unable to find" in api.post("Companies/query", {"filter": [said]}).errors


def test_a_query_takes_one_user_defined_field_unless_switched(api):
    two = [condition("exist", "Work 365 Id", udf=True), condition("exist", "Tier", udf=True)]
    assert api.post("Companies/query", {"filter": two}).status == 500

    api.switch("udf_conditions", "five")

    assert api.post("Companies/query", {"filter": two}).status == 200
    assert api.post("Companies/query", {"filter": two * 3}).status == 500


def test_includefields_narrows_the_answer_and_brings_id_and_empty_user_defined_fields(api):
    assert api.query("Companies", condition("eq", "id", 100), IncludeFields=["PHONE"]) == [
        {"id": 100, "phone": "2", "userDefinedFields": []}
    ]
    assert api.query("Services", condition("eq", "id", 300), IncludeFields=["id", "name"])[0]["name"] == "Mail"


def test_without_includefields_every_field_comes(api, entities):
    item = api.query("Companies", condition("eq", "id", 100))[0]

    assert set(item) == {*entities["Companies"].fields, "userDefinedFields"}
    assert item["userDefinedFields"] == [{"name": "Work 365 Id", "value": None}, {"name": "Tier", "value": None}]


def test_the_count_is_of_all_that_fit(api):
    said = {"filter": [condition("gt", "id", 0)]}

    assert api.post("Companies/query/count", said).json == {"queryCount": 4}
    assert api.get('Companies/query/count?search={"filter":[{"op":"gt","field":"id","value":0}]}').json == {
        "queryCount": 4
    }


def test_an_empty_result_is_an_empty_list(api):
    reply = api.post("Companies/query", {"filter": [condition("eq", "id", 7)]})

    assert reply.json == {
        "items": [],
        "pageDetails": {"count": 0, "requestCount": 500, "prevPageUrl": None, "nextPageUrl": None},
    }


def test_one_record_is_read_by_its_id_and_0_is_an_id(api):
    assert api.item("Companies", 0)["companyName"] == "Our own"


def test_a_missing_record_is_null_or_404_by_switch(api):
    assert (api.get("Companies/7").status, api.get("Companies/7").json) == (200, {"item": None})

    api.switch("missing_record", "404")

    assert api.get("Companies/7").status == 404


def test_children_are_listed_and_read_below_their_parent_alone(api):
    listed = api.get("Companies/100/Contacts").json

    assert ids(listed["items"]) == [200, 201]
    assert listed["pageDetails"]["nextPageUrl"] is None
    assert api.get("Companies/100/Contacts/200").json["item"]["firstName"] == "Eve"
    assert api.get("Companies/102/Contacts/200").json["item"] is None


@pytest.mark.parametrize(
    ("choice", "day", "instant"),
    [
        ("z", "2026-01-01T00:00:00Z", "2026-11-20T12:00:00Z"),
        ("milliseconds", "2026-01-01T00:00:00.000Z", "2026-11-20T12:00:00.000Z"),
        ("bare", "2026-01-01T00:00:00", "2026-11-20T12:00:00.000"),
    ],
)
def test_date_times_come_with_or_without_a_zone_designator_by_switch(api, choice, day, instant):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})
    api.switch("date_times", choice)
    api.patch("Contracts", {"id": 400, "description": "x"})

    contract = api.item("Contracts", 400)

    assert (contract["startDate"], contract["lastModifiedDateTime"]) == (day, instant)
