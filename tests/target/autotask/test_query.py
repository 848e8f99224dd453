"""Conditions become queries that Autotask accepts."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.errors import TargetError
from trueup.ports.target import Condition
from trueup.target.autotask.query import after, filters, most_records


def test_a_whole_entity_is_queried_by_records_that_have_an_id(entities):
    assert filters(entities["Companies"], []) == [[{"op": "exist", "field": "id"}]]


def test_conditions_carry_values_of_their_fields_types(entities):
    where = [
        Condition("companyID", "eq", "29683"),
        Condition("contractType", "noteq", Decimal(7)),
        Condition("startDate", "lte", date(2026, 11, 15)),
        Condition("setupFee", "gt", Decimal("10.50")),
        Condition("contractNumber", "beginsWith", 1001),
        Condition("isDefaultContract", "eq", "true"),
        Condition("endDate", "exist"),
    ]

    assert filters(entities["Contracts"], where) == [
        [
            {"op": "eq", "field": "companyID", "value": 29683},
            {"op": "noteq", "field": "contractType", "value": 7},
            {"op": "lte", "field": "startDate", "value": "2026-11-15T00:00:00"},
            {"op": "gt", "field": "setupFee", "value": 10.5},
            {"op": "beginsWith", "field": "contractNumber", "value": "1001"},
            {"op": "eq", "field": "isDefaultContract", "value": True},
            {"op": "exist", "field": "endDate"},
        ]
    ]


def test_a_point_in_time_is_sent_in_utc(entities):
    where = [Condition("createDate", "gte", datetime(2026, 1, 31, 12, 30, 15, 250_000, tzinfo=UTC))]

    assert filters(entities["Companies"], where)[0][0]["value"] == "2026-01-31T12:30:15.250Z"


def test_a_user_defined_field_is_marked_as_one(entities):
    where = [Condition("udf.Work 365 Id", "in", ["b", "a"])]

    assert filters(entities["Companies"], where) == [
        [{"op": "in", "field": "Work 365 Id", "value": ["a", "b"], "udf": True}]
    ]


def test_two_user_defined_fields_in_one_query_are_refused(entities):
    where = [Condition("udf.A", "eq", "a"), Condition("udf.B", "eq", "b")]

    with pytest.raises(TargetError, match="only one condition on a user-defined field"):
        filters(entities["Companies"], where)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition("companyNmae", "eq", "x"), "Companies.companyNmae is not known"),
        (Condition("assetValue", "eq", 1), "Companies.assetValue cannot be queried"),
        (Condition("companyName", "like", "x"), "'like' is not an operator"),
        (Condition("ownerResourceID", "eq", "Smith"), "is not a number"),
        (Condition("ownerResourceID", "in", [1, "Smith"]), "is not a number"),
        (Condition("ownerResourceID", "eq", None), "an empty value cannot be compared"),
        (Condition("companyNumber", "eq", ""), "an empty value cannot be compared"),
        (Condition("companyNumber", "contains", ""), "an empty value cannot be compared"),
        (Condition("companyNumber", "in", ["a", None]), "an empty value cannot be compared"),
        (Condition("companyNumber", "in", "abc"), "in needs a list"),
        (Condition("isActive", "eq", "perhaps"), "yes or no"),
        (Condition("createDate", "gt", "yesterday"), "not a point in time"),
        (
            Condition("companyNumber", "notIn", [str(number) for number in range(501)]),
            "may have 500 values",
        ),
    ],
)
def test_a_condition_that_would_silently_find_nothing_is_an_error(entities, condition, why):
    with pytest.raises(TargetError, match=why):
        filters(entities["Companies"], [condition])


def test_an_empty_list_needs_no_query(entities):
    assert (
        filters(
            entities["Companies"],
            [Condition("id", "in", []), Condition("isActive", "eq", value=True)],
        )
        == []
    )


def test_a_text_longer_than_the_field_can_be_queried(entities):
    assert (
        filters(entities["Companies"], [Condition("companyNumber", "eq", "x" * 80)])[0][0]["value"]
        == "x" * 80
    )


def test_a_long_list_is_split_into_pieces_of_500_distinct_ordered_values(entities):
    numbers = [*range(1200, 0, -1), 7, "8"]

    pieces = filters(
        entities["Companies"],
        [Condition("isActive", "eq", value=True), Condition("id", "in", numbers)],
    )

    lists: list[Any] = [piece[1]["value"] for piece in pieces]
    assert [len(values) for values in lists] == [500, 500, 200]
    assert [*lists[0], *lists[1], *lists[2]] == list(range(1, 1201))
    assert all(piece[0] == {"op": "eq", "field": "isActive", "value": True} for piece in pieces)


lists_of_numbers = st.lists(st.integers(1, 10**9), min_size=1, max_size=1800, unique=True)


@given(lists_of_numbers, st.lists(lists_of_numbers.map(lambda numbers: numbers[:400]), max_size=2))
def test_no_query_has_more_than_500_values_and_every_combination_is_queried_once(
    entities, first, others
):
    names = ["id", "ownerResourceID", "parentCompanyID"]
    where = [
        Condition(name, "in", values) for name, values in zip(names, [first, *others], strict=False)
    ]

    pieces = filters(entities["Companies"], where)

    combinations = 0
    for piece in pieces:
        lengths = [len(cast("list[object]", condition["value"])) for condition in piece]
        assert sum(lengths) <= 500
        product = 1
        for length in lengths:
            product *= length
        combinations += product
    expected = 1
    for condition in where:
        expected *= len(cast("list[object]", condition.value))
    assert combinations == expected


def test_later_records_are_queried_by_id(entities):
    (whole,) = filters(entities["Companies"], [])

    assert after(whole, 7) == [*whole, {"op": "gt", "field": "id", "value": 7}]


def test_a_list_of_ids_limits_the_number_of_records(entities):
    companies = entities["Companies"]

    assert most_records(filters(companies, [Condition("id", "in", [3, 4])])[0]) == 2
    assert most_records(filters(companies, [Condition("ownerResourceID", "in", [3, 4])])[0]) is None
    assert most_records(filters(companies, [])[0]) is None
