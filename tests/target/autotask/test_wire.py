"""Values are converted between Python and JSON."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trueup.model.catalogue import Entity, Field, Type
from trueup.model.coerce import coerce
from trueup.target.autotask.responses import MalformedResponse, parse
from trueup.target.autotask.wire import (
    UnsendableValue,
    body_of,
    include_fields,
    record_reader,
    to_filter,
    to_wire,
)

DAY, INSTANT, MONEY = (
    Field("day", Type.DAY),
    Field("moment", Type.INSTANT),
    Field("fee", Type.DECIMAL),
)
SMALL = Entity(
    "Small", frozenset({"query"}), {field.name: field for field in (DAY, INSTANT, MONEY)}
)


def read(entity, name, raw):
    return record_reader(entity, [name])({"id": 1, name: raw})[name]


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("contractName", "Alpine\x1b[31m <b>", "Alpine\x1b[31m <b>"),
        ("contractName", "", None),
        ("contractName", 365, "365"),
        ("contractName", Decimal("1.50"), "1.50"),
        ("contractName", True, "true"),
        ("contractName", None, None),
        ("status", 1, 1),
        ("status", "1", 1),
        ("status", True, 1),
        ("status", Decimal("1.0"), 1),
        ("setupFee", 10, Decimal(10)),
        ("setupFee", Decimal("10.10"), Decimal("10.1")),
        ("setupFee", "10.1", Decimal("10.1")),
        ("setupFee", Decimal("0.00005"), Decimal("0.0001")),
        ("setupFee", Decimal("-0.0"), Decimal(0)),
        ("isDefaultContract", True, True),
        ("isDefaultContract", "False", False),
        ("isDefaultContract", 1, True),
        ("startDate", "2024-01-31", date(2024, 1, 31)),
        ("startDate", "2024-01-31T00:00:00", date(2024, 1, 31)),
        ("startDate", "2024-01-31T00:00:00Z", date(2024, 1, 31)),
        ("startDate", "2024-01-31T00:00:00.000Z", date(2024, 1, 31)),
        ("startDate", "2024-01-31T23:30:00-05:00", date(2024, 1, 31)),
        ("startDate", "", None),
    ],
)
def test_values_are_read_as_the_catalogues_types(entities, name, raw, value):
    value_read = read(entities["Contracts"], name, raw)

    assert value_read == value
    assert type(value_read) is type(value)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["5", "49", "51", "500", ""]))
def test_money_is_rounded_half_away_from_zero_when_read_coerced_and_sent(places, beyond):
    number = Decimal(f"{places}{beyond}").scaleb(-4 - len(beyond))
    rounded = (abs(places) + (beyond.startswith("5"))) * (1 if number > 0 else -1)
    expected = Decimal(rounded).scaleb(-4) if number else Decimal(0)

    assert read(SMALL, "fee", number) == expected
    assert coerce(number, MONEY) == expected
    assert Decimal(repr(to_wire(MONEY, number))) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "2024-01-31T15:04:05.307",
        "2024-01-31T15:04:05.307Z",
        "2024-01-31T15:04:05.3070000",
        "2024-01-31T16:04:05.307+01:00",
    ],
)
def test_instants_are_utc_with_or_without_a_z(entities, raw):
    assert read(entities["Companies"], "createDate", raw) == datetime(
        2024, 1, 31, 15, 4, 5, 307_000, tzinfo=UTC
    )


def test_the_active_flag_of_contacts_is_an_integer(entities):
    assert read(entities["Contacts"], "isActive", 1) == 1
    assert body_of(entities["Contacts"], {"isActive": 1}) == {"isActive": 1}


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("contractName", {"a": 1}),
        ("status", "one"),
        ("status", Decimal("1.5")),
        ("status", []),
        ("setupFee", "free"),
        ("setupFee", True),
        ("setupFee", "NaN"),
        ("setupFee", Decimal("1e400")),
        ("isDefaultContract", "perhaps"),
        ("startDate", "31.01.2024"),
        ("startDate", "2024-02-30T00:00:00Z"),
        ("startDate", 20240131.5),
    ],
)
def test_a_value_of_another_type_is_an_error_with_its_record_and_field(entities, name, raw):
    with pytest.raises(MalformedResponse, match=rf"Contracts 1: {name} is not of type "):
        read(entities["Contracts"], name, raw)


def test_a_record_has_its_id_and_every_requested_field(entities):
    names = ["contractName", "udf.Work 365 Id", "setupFee", "id"]
    item = {
        "id": "29683",
        "CONTRACTNAME": "Alpine",
        "other": 1,
        "userDefinedFields": [
            {"name": "work 365 ID", "value": "7f3"},
            {"name": "Else", "value": "x"},
            7,
        ],
    }

    assert record_reader(entities["Contracts"], names)(item) == {
        "id": 29683,
        "contractName": "Alpine",
        "setupFee": None,
        "udf.Work 365 Id": "7f3",
    }


@pytest.mark.parametrize("given", [None, [], [{"name": "Else"}]])
def test_a_missing_user_defined_field_is_empty(entities, given):
    item = {"id": 1, "userDefinedFields": given}

    assert record_reader(entities["Contracts"], ["udf.A"])(item)["udf.A"] is None


def test_user_defined_fields_that_are_not_a_list_are_an_error(entities):
    with pytest.raises(MalformedResponse, match="not a list"):
        record_reader(entities["Contracts"], ["udf.A"])({"id": 1, "userDefinedFields": 7})


def test_the_id_is_always_included_and_user_defined_fields_by_their_own_names():
    assert include_fields(["companyName", "id", "udf.Work 365 Id"]) == [
        "id",
        "companyName",
        "Work 365 Id",
    ]


def test_a_body_has_plain_fields_and_a_list_of_user_defined_ones(entities):
    values = {
        "contractName": " Alpine ",
        "startDate": date(2026, 1, 31),
        "endDate": datetime(2026, 12, 31, 5, tzinfo=UTC),
        "setupFee": Decimal("10.5"),
        "status": Decimal(1),
        "isDefaultContract": True,
        "description": None,
        "udf.Work 365 Id": "7f3",
        "udf.Since": date(2026, 1, 1),
        "udf.Seats": 12,
        "udf.Rate": Decimal("1.50"),
        "udf.Old": None,
    }

    assert body_of(entities["Contracts"], values) == {
        "contractName": "Alpine",
        "startDate": "2026-01-31",
        "endDate": "2026-12-31",
        "setupFee": 10.5,
        "status": 1,
        "isDefaultContract": True,
        "description": None,
        "userDefinedFields": [
            {"name": "Work 365 Id", "value": "7f3"},
            {"name": "Since", "value": "2026-01-01"},
            {"name": "Seats", "value": "12"},
            {"name": "Rate", "value": "1.50"},
            {"name": "Old", "value": None},
        ],
    }


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("contractNmae", "x", "contractNmae is not a field of Contracts"),
        ("contractName", "x" * 101, "takes 100 characters"),
        ("status", "Active", "not a number"),
        ("startDate", "soon", "not a day"),
        ("setupFee", Decimal("12345678901234567.8901"), "more digits"),
        ("setupFee", Decimal("1e60"), "out of all range"),
    ],
)
def test_a_value_that_cannot_be_sent_is_refused_with_a_reason(entities, name, value, why):
    with pytest.raises(UnsendableValue, match=why):
        body_of(entities["Contracts"], {name: value})


def test_a_picklist_accepts_numbers_missing_in_the_catalogue(entities):
    assert body_of(entities["Contracts"], {"billingPreference": 17}) == {"billingPreference": 17}


@given(st.dates())
def test_days_are_read_as_they_were_sent(day):
    assert read(SMALL, "day", to_wire(DAY, day)) == day
    assert to_filter(DAY, day) == f"{day.isoformat()}T00:00:00"


@given(
    st.datetimes(datetime(2, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))]))  # noqa: DTZ001
)
def test_instants_are_read_as_they_were_sent_to_the_millisecond(moment):
    there = moment.astimezone(UTC)

    assert read(SMALL, "moment", to_wire(INSTANT, moment)) == there.replace(
        microsecond=there.microsecond // 1000 * 1000
    )


OUT_OF_RANGE = "0001-01-01T00:00:00+05:00"


def test_an_instant_out_of_range_is_an_error_when_read():
    with pytest.raises(MalformedResponse, match="Small 1: moment is not of type instant"):
        read(SMALL, "moment", OUT_OF_RANGE)


def test_an_instant_out_of_range_is_not_sent():
    with pytest.raises(UnsendableValue, match="is out of range"):
        to_wire(INSTANT, datetime.fromisoformat(OUT_OF_RANGE))


@given(st.decimals(-(10**9), 10**9, places=4))
def test_money_is_read_as_it_was_sent_to_four_places(amount):
    sent = f'{{"id": 1, "fee": {to_wire(MONEY, amount)!r}}}'

    assert record_reader(SMALL, ["fee"])(parse(sent.encode()))["fee"] == amount
