"""Adjustments: of units and prices, by contract service or by contract and service."""

import pytest

from tests.support.sandbox_client import refused, spans


def test_an_adjustment_returns_a_null_id_or_its_id_by_switch(api):
    reply = api.adjust("2026-03-01", 1)
    assert (reply.status, reply.json) == (200, {"itemId": None})

    api.switch("adjustment_answer", "id")

    assert isinstance(api.adjust("2026-04-01", 1).id, int)


def test_a_second_adjustment_on_one_day_is_refused_or_added_by_switch(api):
    api.adjust("2026-03-10", 3)
    assert refused(
        api.adjust("2026-03-10", 1), "Attempt to insert duplicate data into contract_service_period"
    )

    api.switch("same_day_adjustment", "added")

    assert api.adjust("2026-03-10", 1).status == 200
    assert spans(api.units())[3] == ("2026-03-10", "2026-03-31", 9)


@pytest.mark.parametrize("day", ["2025-12-31", "2027-01-01"])
def test_an_adjustment_outside_the_contract_is_refused_with_autotasks_error(api, day):
    reply = api.adjust(day, 1)

    assert reply.errors == (
        "ContractServiceAdjustment effectiveDate must be between the start date and end date of the"
        " Contract referenced by contractID."
    )


@pytest.mark.parametrize(
    "day", ["2026-01-02", "2026-12-31", "2026-12-31T00:00:00", "2026-12-31T22:00:00Z"]
)
def test_an_adjustment_on_the_first_or_last_day_of_the_contract_is_accepted(api, day):
    assert api.adjust(day, 1).status == 200


def test_units_below_zero_on_any_later_day_are_refused_or_accepted_by_switch(api):
    assert refused(api.adjust("2026-06-01", -6), "below zero")
    api.adjust("2026-09-01", -5)
    assert refused(api.adjust("2026-06-01", -1), "below zero")

    api.switch("units_below_zero", "accepted")

    assert api.adjust("2026-06-01", -6).status == 200


def test_an_adjustment_changes_the_price_from_its_day_on_or_is_ignored_by_switch(api):
    api.adjust("2026-07-01", 0, adjustedUnitPrice=12.5, adjustedUnitCost=6)

    rows = api.units()
    assert [row["price"] for row in rows][5:7] == [50.0, 62.5]
    assert [row["cost"] for row in rows][5:7] == [20.0, 30.0]
    service = api.item("ContractServices", 500)
    assert (service["unitPrice"], service["internalCurrencyAdjustedPrice"]) == (10.0, 12.5)

    api.switch("adjustment_price", "ignored")
    api.adjust("2026-08-01", 0, adjustedUnitPrice=99)
    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == 12.5


def test_a_negative_price_is_accepted(api):
    api.adjust("2026-07-01", adjustedUnitPrice=-1)

    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == -1.0


def test_the_first_adjustment_adds_the_service_to_the_contract(api):
    assert api.adjust("2026-02-01", 7, contractID=400, serviceID=301).status == 200

    added = api.query("ContractServices", {"op": "eq", "field": "serviceID", "value": 301})
    assert len(added) == 1
    assert spans(api.units(added[0]["id"])) == [
        ("2026-01-01", "2026-01-31", 0),
        ("2026-02-01", "2026-12-31", 7),
    ]


def test_contract_and_service_address_the_existing_contract_service(api):
    api.adjust("2026-02-01", 7, contractID=400, serviceID=300)

    assert len(api.query("ContractServices")) == 1
    assert api.units()[1]["units"] == 12


def test_the_same_service_is_added_again_with_allowrepeatservice(api):
    api.adjust("2026-02-01", 7, contractID=400, serviceID=300, allowRepeatService=True)

    first, second = api.query("ContractServices", {"op": "eq", "field": "serviceID", "value": 300})
    assert [row["units"] for row in api.units(second["id"])][:2] == [0, 7]
    assert api.units(first["id"])[1]["units"] == 5

    # Contract and service are ambiguous now: by default the first contract service is adjusted.
    api.adjust("2026-03-01", 1, contractID=400, serviceID=300)
    assert api.units(first["id"])[2]["units"] == 6

    api.switch("ambiguous_service", "refused")
    assert refused(api.adjust("2026-04-01", 1, contractID=400, serviceID=300), "contractServiceID")


@pytest.mark.parametrize(
    "keys",
    [
        {"contractID": 400},
        {"serviceID": 300, "contractID": None},
        {"contractServiceID": 9999},
        {"contractServiceID": 500, "contractID": 401},
        {"contractID": 9999, "serviceID": 300},
        {"contractID": 400, "serviceID": 302},
    ],
)
def test_an_adjustment_must_identify_one_contract_service(api, keys):
    body = {"effectiveDate": "2026-03-01", "unitChange": 1, **keys}

    assert refused(api.post("ContractServiceAdjustments", body))


def test_an_adjustment_needs_an_effective_date(api):
    assert refused(
        api.post("ContractServiceAdjustments", {"contractServiceID": 500, "unitChange": 1}),
        "effectiveDate",
    )


def test_an_adjustment_is_accepted_at_the_root_and_through_the_contract(api):
    body = {"contractServiceID": 500, "effectiveDate": "2026-03-01", "unitChange": 1}

    assert api.post("Contracts/400/ServiceAdjustments", body).json == {"itemId": None}
    assert refused(
        api.post("Contracts/401/ServiceAdjustments", {**body, "effectiveDate": "2026-04-01"})
    )
    assert api.units()[2]["units"] == 6


def test_a_refused_adjustment_changes_nothing(api):
    before = api.control("GET", "dump")

    refused(api.adjust("2026-03-01", -99, contractID=400, serviceID=301))

    assert api.control("GET", "dump") == before
