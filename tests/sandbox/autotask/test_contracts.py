"""Contracts as a ledger, over HTTP: units per period, adjustments, posting, dates moved."""

import pytest


def spans(rows):
    return [(row["startDate"][:10], row["endDate"][:10], row["units"]) for row in rows]


def refused(reply, *words):
    assert reply.status == 500, reply.body
    for word in words:
        assert word in reply.errors
    return True


def test_there_is_a_row_for_every_period_of_the_contract_future_ones_included(api):
    rows = api.units()

    assert spans(rows)[:2] == [("2026-01-01", "2026-01-31", 5), ("2026-02-01", "2026-02-28", 5)]
    assert spans(rows)[-1] == ("2026-12-01", "2026-12-31", 5)
    assert len(rows) == 12
    assert {row["contractID"] for row in rows} == {400}
    assert {row["serviceID"] for row in rows} == {300}
    assert {row["approveAndPostDate"] for row in rows} == {None}


def test_an_adjustment_answers_with_a_null_id_unless_switched(api):
    reply = api.adjust("2026-03-01", 1)
    assert (reply.status, reply.json) == (200, {"itemId": None})

    api.switch("adjustment_answer", "id")

    assert isinstance(api.adjust("2026-04-01", 1).id, int)


def test_an_adjustment_inside_a_period_splits_it_and_rows_keep_their_ids_where_they_can(api):
    before = {row["startDate"]: row["id"] for row in api.units()}

    api.adjust("2026-03-10", 3)

    after = api.units()
    assert spans(after)[1:5] == [
        ("2026-02-01", "2026-02-28", 5),
        ("2026-03-01", "2026-03-09", 5),
        ("2026-03-10", "2026-03-31", 8),
        ("2026-04-01", "2026-04-30", 8),
    ]
    fresh = [row["id"] for row in after if row["startDate"] not in before]
    assert fresh == [max(before.values()) + 1]
    assert all(row["id"] == before[row["startDate"]] for row in after if row["startDate"] in before)


def test_an_adjustment_on_the_first_day_of_a_period_splits_nothing(api):
    api.adjust("2026-03-01", -2)

    assert len(api.units()) == 12
    assert spans(api.units())[1:3] == [("2026-02-01", "2026-02-28", 5), ("2026-03-01", "2026-03-31", 3)]


def test_a_row_is_priced_by_its_days(api):
    api.adjust("2026-04-11", 5)

    prices = {row["startDate"][:10]: (row["price"], row["cost"], row["internalCurrencyPrice"]) for row in api.units()}
    assert prices["2026-03-01"] == (50.0, 20.0, 50.0)
    assert prices["2026-04-01"] == (16.6667, 6.6667, 16.6667)
    assert prices["2026-04-11"] == (66.6667, 26.6667, 66.6667)


def test_a_row_can_be_switched_to_show_the_price_of_one_unit(api):
    api.switch("units_price", "unit")
    api.adjust("2026-04-11", 5)

    assert {row["price"] for row in api.units()} == {10.0}


def test_a_second_adjustment_of_one_day_is_refused_unless_switched(api):
    api.adjust("2026-03-10", 3)
    assert refused(api.adjust("2026-03-10", 1), "Attempt to insert duplicate data into contract_service_period")

    api.switch("same_day_adjustment", "added")

    assert api.adjust("2026-03-10", 1).status == 200
    assert spans(api.units())[3] == ("2026-03-10", "2026-03-31", 9)


@pytest.mark.parametrize("day", ["2025-12-31", "2027-01-01"])
def test_an_adjustment_outside_the_contract_is_refused_with_the_known_text(api, day):
    reply = api.adjust(day, 1)

    assert reply.errors == (
        "ContractServiceAdjustment effectiveDate must be between the start date and end date of the Contract "
        "referenced by contractID."
    )


@pytest.mark.parametrize("day", ["2026-01-02", "2026-12-31", "2026-12-31T00:00:00", "2026-12-31T22:00:00Z"])
def test_both_ends_of_the_contract_belong_to_it(api, day):
    assert api.adjust(day, 1).status == 200


def test_units_never_fall_below_zero_unless_switched_not_even_later(api):
    assert refused(api.adjust("2026-06-01", -6), "below zero")
    api.adjust("2026-09-01", -5)
    assert refused(api.adjust("2026-06-01", -1), "below zero")

    api.switch("units_below_zero", "accepted")

    assert api.adjust("2026-06-01", -6).status == 200


def test_at_zero_the_service_stays_with_rows_of_zero(api):
    api.adjust("2026-06-01", -5)

    assert [row["units"] for row in api.units()] == [5] * 5 + [0] * 7


def test_a_price_moves_by_an_adjustment_from_its_day_on_unless_switched(api):
    api.adjust("2026-07-01", 0, adjustedUnitPrice=12.5, adjustedUnitCost=6)

    rows = api.units()
    assert [row["price"] for row in rows][5:7] == [50.0, 62.5]
    assert [row["cost"] for row in rows][5:7] == [20.0, 30.0]
    service = api.item("ContractServices", 500)
    assert (service["unitPrice"], service["internalCurrencyAdjustedPrice"]) == (10.0, 12.5)

    api.switch("adjustment_price", "ignored")
    api.adjust("2026-08-01", 0, adjustedUnitPrice=99)
    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == 12.5


def test_a_negative_price_is_allowed(api):
    api.adjust("2026-07-01", adjustedUnitPrice=-1)

    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == -1.0


def test_a_price_in_the_catalogue_moves_no_contract(api):
    api.patch("Services", {"id": 300, "unitPrice": 99})
    api.adjust("2026-07-01", 1)

    assert api.item("ContractServices", 500)["internalCurrencyAdjustedPrice"] == 10.0
    assert api.units()[6]["price"] == 60.0


def test_posted_rows_are_frozen_and_rounded_to_two_places(api):
    api.adjust("2026-02-11", 2)
    assert api.control("POST", "post", {"contract": 400, "until": "2026-03-31"}) == {"posted": 4}

    rows = api.units()

    assert [row["approveAndPostDate"] is not None for row in rows] == [True] * 4 + [False] * 9
    assert rows[1]["price"] == 17.86
    for reply in (api.adjust("2026-03-31", 1), api.adjust("2026-03-01", 0), api.adjust("2026-01-05", 1)):
        assert refused(reply, "already posted contract period")
    assert api.units() == rows
    assert api.adjust("2026-04-01", 1).status == 200
    assert api.units()[:4] == rows[:4]


def test_what_is_unposted_can_change_again(api):
    api.control("POST", "post", {"contract": 400, "until": "2026-03-31"})
    api.control("POST", "unpost", {"contract": 400, "since": "2026-03-01"})

    assert refused(api.adjust("2026-02-15", 1), "posted")
    assert api.adjust("2026-03-15", 1).status == 200


def test_posting_without_a_contract_is_for_all(api):
    assert api.control("POST", "post", {"until": "2026-02-28"}) == {"posted": 2}


def test_an_end_moved_earlier_cuts_periods_and_adjustments_for_good(api):
    api.adjust("2026-05-01", 5)
    api.adjust("2026-09-01", -3)

    assert api.patch("Contracts", {"id": 400, "endDate": "2026-06-10"}).status == 200
    assert spans(api.units())[-2:] == [("2026-05-01", "2026-05-31", 10), ("2026-06-01", "2026-06-10", 10)]

    assert api.patch("Contracts", {"id": 400, "endDate": "2026-12-31"}).status == 200
    assert [row["units"] for row in api.units()] == [5] * 4 + [10] * 8
    assert api.adjust("2026-09-01", 1).status == 200  # its day is free again


def test_an_end_moved_later_adds_periods_with_the_last_days_quantity(api):
    before = api.units()
    api.adjust("2026-12-31", 4)

    api.patch("Contracts", {"id": 400, "endDate": "2027-02-15"})

    rows = api.units()
    assert spans(rows)[11:] == [
        ("2026-12-01", "2026-12-30", 5),
        ("2026-12-31", "2026-12-31", 9),
        ("2027-01-01", "2027-01-31", 9),
        ("2027-02-01", "2027-02-15", 9),
    ]
    assert [row["id"] for row in rows[:12]] == [row["id"] for row in before]


def test_an_end_inside_what_is_posted_is_refused_and_changes_nothing(api):
    api.control("POST", "post", {"contract": 400, "until": "2026-03-31"})
    before = (api.units(), api.item("Contracts", 400))

    assert refused(api.patch("Contracts", {"id": 400, "endDate": "2026-03-15"}), "already posted contract period")

    assert (api.units(), api.item("Contracts", 400)) == before
    assert api.patch("Contracts", {"id": 400, "endDate": "2026-03-31"}).status == 200


def test_a_posted_last_row_stays_when_the_contract_is_extended(api):
    api.patch("Contracts", {"id": 400, "endDate": "2026-06-10"})
    api.control("POST", "post", {"contract": 400, "until": "2026-06-10"})

    api.patch("Contracts", {"id": 400, "endDate": "2026-07-31"})

    assert spans(api.units())[-3:] == [
        ("2026-06-01", "2026-06-10", 5),
        ("2026-06-11", "2026-06-30", 5),
        ("2026-07-01", "2026-07-31", 5),
    ]


def test_a_start_that_moves_takes_all_periods_along_unless_one_is_posted(api):
    api.patch("Contracts", {"id": 400, "startDate": "2026-01-15"})
    assert spans(api.units())[0] == ("2026-01-15", "2026-02-14", 5)

    api.control("POST", "post", {"contract": 400, "until": "2026-02-14"})
    assert refused(api.patch("Contracts", {"id": 400, "startDate": "2026-01-20"}), "posted")


def test_a_new_contract_service_has_the_catalogues_price_and_rows_of_zero(api):
    record = api.post(
        "Contracts/400/Services", {"serviceID": 301, "invoiceDescription": "Yearly", "internalDescription": "k"}
    ).id

    item = api.item("ContractServices", record)
    assert (item["unitPrice"], item["internalCurrencyUnitPrice"], item["internalCurrencyAdjustedPrice"]) == (
        120,
        120,
        120,
    )
    assert (item["invoiceDescription"], item["internalDescription"], item["contractID"]) == ("Yearly", "k", 400)
    assert spans(api.units(record)) == [("2026-01-01", "2026-12-31", 0)]


def test_a_new_contract_service_can_be_switched_to_have_no_rows_before_its_first_adjustment(api):
    api.switch("units_before_first_adjustment", "none")
    record = api.post("Contracts/400/Services", {"serviceID": 301}).id
    assert api.units(record) == []

    api.adjust("2026-03-05", 4, contractServiceID=record)

    assert spans(api.units(record)) == [("2026-03-05", "2026-12-31", 4)]


def test_a_service_wants_a_recurring_contract_and_an_active_service(api):
    assert refused(api.post("Contracts/401/Services", {"serviceID": 301}), "Recurring Service")
    assert refused(api.post("Contracts/400/Services", {"serviceID": 302}), "serviceID")
    assert refused(api.post("Contracts/999/Services", {"serviceID": 301}), "contractID")
    assert refused(api.adjust("2026-03-01", 1, contractID=401, serviceID=301), "Recurring Service")


def test_a_service_that_is_on_the_contract_is_not_added_by_post_unless_switched(api):
    assert refused(api.post("Contracts/400/Services", {"serviceID": 300}), "allowRepeatService")

    api.switch("second_service_by_post", "accepted")

    assert api.post("Contracts/400/Services", {"serviceID": 300}).status == 200


def test_a_contract_service_cannot_be_deleted_and_its_contract_and_service_are_fixed(api):
    assert api.delete("Contracts/400/Services/500").status == 405
    assert refused(api.patch("Contracts/400/Services", {"id": 500, "serviceID": 301}), "serviceID")
    assert refused(api.patch("Contracts/400/Services", {"id": 500, "unitPrice": 1}), "unitPrice")
    assert api.patch("Contracts/400/Services", {"id": 500, "invoiceDescription": "x"}).id == 500


def test_the_cost_of_a_contract_service_is_writable_or_fixed_by_switch(api):
    assert api.patch("Contracts/400/Services", {"id": 500, "unitCost": 5}).status == 200

    api.switch("contract_service_cost", "fixed")

    assert refused(api.patch("Contracts/400/Services", {"id": 500, "unitCost": 6}), "unitCost")


def test_adjustedprice_on_create_is_ignored_or_honoured_by_switch(api):
    first = api.post("Contracts/400/Services", {"serviceID": 301, "adjustedPrice": 99}).id
    assert api.item("ContractServices", first)["internalCurrencyAdjustedPrice"] == 120.0

    api.switch("adjusted_price_on_create", "honoured")
    api.switch("second_service_by_post", "accepted")

    second = api.post("Contracts/400/Services", {"serviceID": 301, "adjustedPrice": 99}).id
    assert api.item("ContractServices", second)["internalCurrencyAdjustedPrice"] == 99.0


def test_the_first_adjustment_adds_the_service_to_the_contract(api):
    assert api.adjust("2026-02-01", 7, contractID=400, serviceID=301).status == 200

    added = api.query("ContractServices", {"op": "eq", "field": "serviceID", "value": 301})
    assert len(added) == 1
    assert spans(api.units(added[0]["id"])) == [("2026-01-01", "2026-01-31", 0), ("2026-02-01", "2026-12-31", 7)]


def test_contract_and_service_address_the_one_that_is_there(api):
    api.adjust("2026-02-01", 7, contractID=400, serviceID=300)

    assert len(api.query("ContractServices")) == 1
    assert api.units()[1]["units"] == 12


def test_a_second_one_of_a_service_wants_allowrepeatservice(api):
    api.adjust("2026-02-01", 7, contractID=400, serviceID=300, allowRepeatService=True)

    both = api.query("ContractServices", {"op": "eq", "field": "serviceID", "value": 300})
    assert [row["units"] for row in api.units(both[1]["id"])][:2] == [0, 7]
    assert api.units(500)[1]["units"] == 5

    api.adjust("2026-03-01", 1, contractID=400, serviceID=300)  # ambiguous: the first is taken, by default
    assert api.units(500)[2]["units"] == 6
    api.switch("ambiguous_service", "refused")
    assert refused(api.adjust("2026-04-01", 1, contractID=400, serviceID=300), "contractServiceID")


@pytest.mark.parametrize(
    "said",
    [
        {"contractID": 400},
        {"serviceID": 300, "contractID": None},
        {"contractServiceID": 9999},
        {"contractServiceID": 500, "contractID": 401},
        {"contractID": 9999, "serviceID": 300},
        {"contractID": 400, "serviceID": 302},
    ],
)
def test_an_adjustment_must_say_which_contract_service_it_is_for(api, said):
    body = {"effectiveDate": "2026-03-01", "unitChange": 1, **said}

    assert refused(api.post("ContractServiceAdjustments", body))


def test_an_adjustment_needs_its_day(api):
    assert refused(api.post("ContractServiceAdjustments", {"contractServiceID": 500, "unitChange": 1}), "effectiveDate")


def test_an_adjustment_is_taken_at_the_root_and_through_the_contract(api):
    body = {"contractServiceID": 500, "effectiveDate": "2026-03-01", "unitChange": 1}

    assert api.post("Contracts/400/ServiceAdjustments", body).json == {"itemId": None}
    assert refused(api.post("Contracts/401/ServiceAdjustments", {**body, "effectiveDate": "2026-04-01"}))
    assert api.units()[2]["units"] == 6


def test_a_refused_adjustment_leaves_no_trace(api):
    before = api.control("GET", "dump")

    refused(api.adjust("2026-03-01", -99, contractID=400, serviceID=301))

    assert api.control("GET", "dump") == before


def test_prices_of_a_customer_with_another_currency_have_internal_twins(api):
    contract = {**api.item("Contracts", 400), "companyID": 103, "contractNumber": "E-1"}
    contract = {
        name: contract[name] for name in contract if not name.startswith("internal") and contract[name] is not None
    }
    record = api.post("Contracts", {name: value for name, value in contract.items() if "Modified" not in name}).id
    service = api.post(f"Contracts/{record}/Services", {"serviceID": 300}).id
    api.adjust("2026-01-01", 2, contractServiceID=service, adjustedUnitPrice=6)

    item = api.item("ContractServices", service)
    assert (item["unitPrice"], item["internalCurrencyUnitPrice"], item["internalCurrencyAdjustedPrice"]) == (5, 10, 12)
    assert (api.units(service)[0]["price"], api.units(service)[0]["internalCurrencyPrice"]) == (12, 24)


def test_bundles_on_contracts_go_the_same_way(api):
    api.post("ServiceBundles/310/Services", {"serviceID": 300})
    bundle = api.post("Contracts/400/ServiceBundles", {"serviceBundleID": 310}).id
    body = {"contractServiceBundleID": bundle, "effectiveDate": "2026-02-10", "unitChange": 3}
    assert api.post("ContractServiceBundleAdjustments", body).json == {"itemId": None}

    rows = api.units(bundle, "ContractServiceBundleUnits")
    assert spans(rows)[:3] == [
        ("2026-01-01", "2026-01-31", 0),
        ("2026-02-01", "2026-02-09", 0),
        ("2026-02-10", "2026-02-28", 3),
    ]
    assert rows[3]["price"] == 30.0

    assert api.patch("Contracts/400/ServiceBundles", {"id": bundle, "adjustedPrice": 7}).id == bundle
    assert api.units(bundle, "ContractServiceBundleUnits")[3]["price"] == 21.0
    assert api.item("ContractServiceBundles", bundle)["internalCurrencyAdjustedPrice"] == 7.0


def test_contract_services_and_units_are_listed_below_their_contract(api):
    assert [row["id"] for row in api.get("Contracts/400/Services").json["items"]] == [500]
    assert len(api.get("Contracts/400/ServiceUnits").json["items"]) == 12
