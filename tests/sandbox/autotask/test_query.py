"""The query language: operators, groups, conversions, limits and errors."""

import pytest


def ids(items):
    return [item["id"] for item in items]


def condition(op, field, value=None, **more):
    return {"op": op, "field": field, **({} if value is None else {"value": value}), **more}


@pytest.mark.parametrize(
    ("filtered", "expected"),
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
def test_each_operator_finds_the_matching_records(api, filtered, expected):
    assert ids(api.query("Companies", filtered)) == expected


def test_conditions_of_the_outer_list_must_all_hold(api):
    assert ids(
        api.query("Companies", condition("gt", "id", 0), condition("eq", "companyType", 6))
    ) == [102]


def test_groups_can_be_nested(api):
    all_of = {
        "op": "and",
        "items": [condition("gt", "id", 100), condition("eq", "isActive", value=True)],
    }
    any_of = {"op": "or", "items": [condition("eq", "id", 0), all_of]}

    assert ids(api.query("Companies", any_of)) == [0, 102, 103]


def test_a_query_by_get_finds_the_same_records(api):
    reply = api.search(
        "Companies", {"filter": [condition("eq", "id", 100)], "IncludeFields": ["companyName"]}
    )

    assert reply.json["items"] == [{"id": 100, "companyName": "Alpine", "userDefinedFields": []}]


def test_a_query_by_get_that_is_too_long_is_refused(api):
    """The web server refuses the address, so the response is its page and not JSON."""
    reply = api.search("Companies", {"filter": [condition("contains", "companyName", "x" * 2100)]})

    assert (reply.status, reply.headers["content-type"]) == (404, "text/html")


def test_property_names_match_in_any_case_and_without_quotes(api):
    reply = api.post(
        "Companies/query", "{Filter: [{Op: 'eq', FIELD: 'Id', Value: 100}], maxrecords: 5}"
    )

    assert ids(reply.json["items"]) == [100]


def test_text_is_compared_without_case_or_with_it_by_switch(api):
    assert ids(api.query("Companies", condition("eq", "companyName", "ALPINE"))) == [100]

    api.switch("text_case", "respected")

    for op in ("eq", "beginsWith", "contains", "endsWith"):
        assert api.query("Companies", condition(op, "companyName", "ALPINE")) == []
    assert ids(api.query("Companies", condition("in", "companyName", ["Alpine", "EURO"]))) == [100]
    assert 100 in ids(api.query("Companies", condition("noteq", "companyName", "ALPINE")))


@pytest.mark.parametrize(
    "filtered",
    [
        condition("eq", "companyName", "Zürich AG"),
        condition("in", "companyName", ["zürich ag"]),
        condition("beginsWith", "companyName", "zürich"),
        condition("endsWith", "companyName", "ürich ag"),
        condition("contains", "companyName", "ÜRI"),
        condition("gt", "companyName", "ZÜRICH A"),
    ],
)
def test_letters_of_all_alphabets_match_in_any_case(api, filtered):
    api.patch("Companies", {"id": 100, "companyName": "ZÜRICH AG"})

    assert ids(api.query("Companies", filtered)) == [100]
    assert api.query("Companies", filtered, condition("noteq", "companyName", "Zürich AG")) == []


def test_text_compared_to_a_long_finds_nothing_without_an_error(api):
    assert api.query("Companies", condition("eq", "id", "100")) == []
    assert api.query("Companies", condition("in", "id", ["100", 101])) == api.query(
        "Companies", condition("eq", "id", 101)
    )


def test_text_compared_to_an_integer_is_refused_with_sql_servers_error(api):
    reply = api.post("Companies/query", {"filter": [condition("eq", "ownerResourceID", "Ada")]})

    assert reply.status == 500
    assert "Conversion failed when converting" in reply.errors
    assert "data type int" in reply.errors


def test_numeric_text_compared_to_an_integer_is_converted(api):
    assert len(api.query("Companies", condition("eq", "ownerResourceID", "30"))) == 5


def test_true_matches_the_integer_isactive_of_contacts(api):
    assert ids(api.query("Contacts", condition("eq", "isActive", value=True))) == [200]


@pytest.mark.parametrize(
    ("value", "companies", "contacts"),
    [
        ("true", [0, 100, 102, 103], [200]),
        ("True", [0, 100, 102, 103], [200]),
        (1, [0, 100, 102, 103], [200]),
        ("1", [0, 100, 102, 103], [200]),
        ("false", [101], [201]),
        (0, [101], [201]),
    ],
)
def test_isactive_matches_true_1_and_their_text(api, value, companies, contacts):
    """It is a boolean of Companies and a whole number of Contacts."""
    assert ids(api.query("Companies", condition("eq", "isActive", value))) == companies
    assert ids(api.query("Contacts", condition("eq", "isActive", value))) == contacts


def test_text_that_is_no_truth_value_is_refused_against_isactive(api):
    for entity in ("Companies", "Contacts"):
        query = {"filter": [condition("eq", "isActive", "perhaps")]}
        assert api.post(f"{entity}/query", query).status == 500


def test_a_condition_without_a_value_compares_nothing(api):
    assert ids(api.query("Companies", {"op": "eq", "field": "isActive"})) == [0, *range(100, 104)]
    both = ({"op": "eq", "field": "isActive"}, condition("gt", "id", 101))
    assert ids(api.query("Companies", *both)) == [102, 103]
    any_of = {"op": "or", "items": list(both)}
    assert ids(api.query("Companies", any_of)) == [102, 103]
    nothing = {"filter": [{"op": "eq", "field": "nonsense"}]}
    assert api.post("Companies/query", nothing).status == 500


@pytest.mark.parametrize("operator", ["ne", "noteExist"])
def test_a_condition_with_an_unknown_operator_is_dropped_or_refused_by_switch(api, operator):
    unknown = condition(operator, "companyName", "Alpine")
    assert len(api.query("Companies", unknown)) == 5
    assert ids(api.query("Companies", unknown, condition("eq", "id", 103))) == [103]

    api.switch("unknown_operator", "refused")

    reply = api.post("Companies/query", {"filter": [unknown]})
    assert reply.status == 500
    assert operator in reply.errors


@pytest.mark.parametrize(
    "value",
    ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"],
)
def test_days_match_with_and_without_time_and_zone(api, value):
    assert ids(api.query("Contracts", condition("eq", "startDate", value))) == [400, 401]


def test_instants_are_compared_in_utc(api):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})
    record = api.post(
        "Companies", {"companyName": "Now", "companyType": 1, "phone": "1", "ownerResourceID": 30}
    ).id

    for value in ("2026-11-20T12:00:00", "2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z"):
        assert ids(api.query("Companies", condition("eq", "createDate", value))) == [record]
    assert api.query("Companies", condition("gt", "createDate", "2026-11-20T12:00:00")) == []


@pytest.mark.parametrize("where", ["filter", "IncludeFields"])
def test_an_unknown_field_is_refused_with_autotasks_error(api, where):
    query = {"filter": [condition("exist", "id")], "IncludeFields": ["id"]}
    query[where] = [condition("eq", "isActive", 1)] if where == "filter" else ["isActive"]

    reply = api.post("Contracts/query", query)

    assert (reply.status, reply.json) == (
        500,
        {"errors": ["Unable to find isActive in the Contract Entity."]},
    )


def test_a_field_that_is_not_queryable_cannot_be_in_a_filter(api):
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
        {"filter": [{"field": "id", "value": 1}]},
        {"filter": [{"op": "in", "field": "id", "value": 1}]},
        {"filter": [{"op": "eq", "field": "companyName", "value": ["a"]}]},
        {"filter": [{"op": "or", "items": []}]},
        {"filter": [{"op": "eq", "field": "createDate", "value": "yesterday"}]},
        {"filter": [{"op": "eq", "field": "createDate", "value": "2026-13-45"}]},
        {"filter": [{"op": "eq", "field": "assetValue", "value": 1}]},
        {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": 0},
        {"filter": [{"op": "exist", "field": "id"}], "MaxRecords": "many"},
        {"filter": [{"op": "exist", "field": "id"}], "IncludeFields": "id"},
        [],
        "{",
    ],
)
def test_an_invalid_query_is_refused(api, query):
    reply = api.post("Companies/query", query)

    assert reply.status == 500
    assert reply.json["errors"]


def test_a_filter_that_is_nested_too_deeply_is_refused(api):
    nested = condition("exist", "id")
    for _ in range(60):
        nested = {"op": "and", "items": [nested]}

    assert api.post("Companies/query", {"filter": [nested]}).status == 500


def test_a_query_may_have_500_alternatives(api):
    assert api.query("Companies", condition("in", "id", list(range(500)))) != []

    too_many = (
        condition("in", "id", list(range(501))),
        {"op": "or", "items": [condition("eq", "id", number) for number in range(501)]},
        {
            "op": "and",
            "items": [
                condition("in", "id", list(range(251))),
                condition("notIn", "id", list(range(1000, 1251))),
            ],
        },
    )
    for alternatives in too_many:
        reply = api.post("Companies/query", {"filter": [alternatives]})
        assert reply.status == 500
        assert "limited to 500 or fewer 'OR' conditions." in reply.errors


def test_a_thousand_conditions_joined_by_and_are_not_alternatives(api):
    companies = api.query("Companies", *[condition("gte", "id", 100)] * 1000)

    assert ids(companies) == [100, 101, 102, 103]


def test_maxrecords_over_500_is_refused_with_autotasks_error(api):
    query = {"filter": [condition("exist", "id")], "MaxRecords": 501}

    reply = api.post("Companies/query", query)

    assert (reply.status, reply.errors) == (
        500,
        "maxCountOfRecordsToReturn must be between 1 and 500",
    )
    assert api.post("Companies/query", {**query, "MaxRecords": 500}).status == 200


def test_a_condition_on_a_user_defined_field_needs_the_flag_udf(api):
    record = {"id": 100, "userDefinedFields": [{"name": "Work 365 Id", "value": "w-100"}]}
    assert api.patch("Companies", record).id == 100

    items = api.query(
        "Companies",
        condition("eq", "work 365 id", "w-100", udf=True),
        IncludeFields=["id", "Work 365 Id"],
    )

    assert items == [{"id": 100, "userDefinedFields": [{"name": "Work 365 Id", "value": "w-100"}]}]
    for wrong in (
        condition("eq", "Work 365 Id", "w"),
        condition("eq", "companyName", "w", udf=True),
    ):
        assert "Unable to find" in api.post("Companies/query", {"filter": [wrong]}).errors


def test_a_query_may_have_one_condition_on_user_defined_fields_or_five_by_switch(api):
    two = [condition("exist", "Work 365 Id", udf=True), condition("exist", "Tier", udf=True)]
    assert api.post("Companies/query", {"filter": two}).status == 500

    api.switch("udf_conditions", "five")

    assert api.post("Companies/query", {"filter": two}).status == 200
    assert api.post("Companies/query", {"filter": two * 3}).status == 500
