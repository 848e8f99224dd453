"""Contracts and their services and bundles: moved dates, new items, prices in other currencies."""

from tests.support.sandbox_client import refused, spans


def prices(contract_service):
    """Catalogue price, its twin in the tenant's currency, and the effective price."""
    names = ("unitPrice", "internalCurrencyUnitPrice", "internalCurrencyAdjustedPrice")
    return tuple(contract_service[name] for name in names)


def test_an_earlier_end_removes_periods_and_adjustments_for_good(api):
    api.adjust("2026-05-01", 5)
    api.adjust("2026-09-01", -3)

    assert api.patch("Contracts", {"id": 400, "endDate": "2026-06-10"}).status == 200
    assert spans(api.units())[-2:] == [
        ("2026-05-01", "2026-05-31", 10),
        ("2026-06-01", "2026-06-10", 10),
    ]

    assert api.patch("Contracts", {"id": 400, "endDate": "2026-12-31"}).status == 200
    assert [row["units"] for row in api.units()] == [5] * 4 + [10] * 8
    assert api.adjust("2026-09-01", 1).status == 200  # its day is free again


def test_a_later_end_adds_periods_with_the_units_of_the_last_day(api):
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


def test_an_end_inside_a_posted_row_is_refused_and_changes_nothing(api):
    api.control("POST", "post", {"contract": 400, "until": "2026-03-31"})
    before = (api.units(), api.item("Contracts", 400))

    assert refused(
        api.patch("Contracts", {"id": 400, "endDate": "2026-03-15"}),
        "already posted contract period",
    )

    assert (api.units(), api.item("Contracts", 400)) == before
    assert api.patch("Contracts", {"id": 400, "endDate": "2026-03-31"}).status == 200


def test_a_posted_last_row_does_not_change_when_the_contract_is_extended(api):
    api.patch("Contracts", {"id": 400, "endDate": "2026-06-10"})
    api.control("POST", "post", {"contract": 400, "until": "2026-06-10"})

    api.patch("Contracts", {"id": 400, "endDate": "2026-07-31"})

    assert spans(api.units())[-3:] == [
        ("2026-06-01", "2026-06-10", 5),
        ("2026-06-11", "2026-06-30", 5),
        ("2026-07-01", "2026-07-31", 5),
    ]


def test_a_moved_start_moves_all_periods_unless_one_is_posted(api):
    api.patch("Contracts", {"id": 400, "startDate": "2026-01-15"})
    assert spans(api.units())[0] == ("2026-01-15", "2026-02-14", 5)

    api.control("POST", "post", {"contract": 400, "until": "2026-02-14"})
    assert refused(api.patch("Contracts", {"id": 400, "startDate": "2026-01-20"}), "posted")


def test_a_new_contract_service_has_the_catalogue_price_and_rows_of_zero_units(api):
    sent = {"serviceID": 301, "invoiceDescription": "Yearly", "internalDescription": "k"}
    record = api.post("Contracts/400/Services", sent).id

    item = api.item("ContractServices", record)
    assert prices(item) == (120, 120, 120)
    assert {**item, **sent, "contractID": 400} == item
    assert spans(api.units(record)) == [("2026-01-01", "2026-12-31", 0)]


def test_a_new_contract_service_has_no_rows_before_its_first_adjustment_by_switch(api):
    api.switch("units_before_first_adjustment", "none")
    record = api.post("Contracts/400/Services", {"serviceID": 301}).id
    assert api.units(record) == []

    api.adjust("2026-03-05", 4, contractServiceID=record)

    assert spans(api.units(record)) == [("2026-03-05", "2026-12-31", 4)]


def test_a_contract_service_needs_a_recurring_contract_and_an_active_service(api):
    assert refused(api.post("Contracts/401/Services", {"serviceID": 301}), "Recurring Service")
    assert refused(api.post("Contracts/400/Services", {"serviceID": 302}), "serviceID")
    assert refused(api.post("Contracts/999/Services", {"serviceID": 301}), "contractID")
    assert refused(api.adjust("2026-03-01", 1, contractID=401, serviceID=301), "Recurring Service")


def test_a_service_already_on_the_contract_is_refused_or_added_again_by_switch(api):
    assert refused(api.post("Contracts/400/Services", {"serviceID": 300}), "allowRepeatService")

    api.switch("second_service_by_post", "accepted")

    assert api.post("Contracts/400/Services", {"serviceID": 300}).status == 200


def test_a_contract_service_cannot_be_deleted_or_moved_to_another_service(api):
    assert api.delete("Contracts/400/Services/500").status == 405
    api.switch("read_only_field", "refused")
    assert refused(api.patch("Contracts/400/Services", {"id": 500, "serviceID": 301}), "serviceID")
    assert refused(api.patch("Contracts/400/Services", {"id": 500, "unitPrice": 1}), "unitPrice")
    assert api.patch("Contracts/400/Services", {"id": 500, "invoiceDescription": "x"}).id == 500


def test_the_cost_of_a_contract_service_is_writable_or_fixed_by_switch(api):
    assert api.patch("Contracts/400/Services", {"id": 500, "unitCost": 5}).status == 200

    api.switch("contract_service_cost", "fixed")
    assert api.patch("Contracts/400/Services", {"id": 500, "unitCost": 6}).status == 200
    assert api.item("ContractServices", 500)["unitCost"] == 5.0

    api.switch("read_only_field", "refused")
    assert refused(api.patch("Contracts/400/Services", {"id": 500, "unitCost": 6}), "unitCost")


def test_adjustedprice_on_create_is_ignored_or_honoured_by_switch(api):
    first = api.post("Contracts/400/Services", {"serviceID": 301, "adjustedPrice": 99}).id
    assert api.item("ContractServices", first)["internalCurrencyAdjustedPrice"] == 120.0

    api.switch("adjusted_price_on_create", "honoured")
    api.switch("second_service_by_post", "accepted")

    second = api.post("Contracts/400/Services", {"serviceID": 301, "adjustedPrice": 99}).id
    assert api.item("ContractServices", second)["internalCurrencyAdjustedPrice"] == 99.0


def test_a_recurring_contract_needs_a_period(api):
    contract = {
        "companyID": 100, "contractName": "New", "contractType": 7, "status": 1,
        "startDate": "2026-01-01", "endDate": "2026-12-31",
        "timeReportingRequiresStartAndStopTimes": 0,
    }  # fmt: skip
    assert refused(api.post("Contracts", contract), "require a ContractPeriodType")
    assert api.post("Contracts", {**contract, "contractPeriodType": 2}).status == 200
    assert api.post("Contracts", {**contract, "contractType": 1}).status == 200


def test_prices_in_another_currency_have_twins_in_the_tenants_currency(api):
    contract = {
        name: value
        for name, value in api.item("Contracts", 400).items()
        if value is not None and not name.startswith("internal") and "Modified" not in name
    }
    in_euro = {**contract, "companyID": 103, "contractNumber": "E-1", "contractPeriodType": 2}
    record = api.post("Contracts", in_euro).id
    service = api.post(f"Contracts/{record}/Services", {"serviceID": 300}).id
    api.adjust("2026-01-01", 2, contractServiceID=service, adjustedUnitPrice=6)

    assert prices(api.item("ContractServices", service)) == (5, 10, 12)
    row = api.units(service)[0]
    assert (row["price"], row["internalCurrencyPrice"]) == (12, 24)


def test_bundles_on_contracts_behave_like_services(api):
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

    new_price = {"id": bundle, "adjustedPrice": 7}
    assert api.patch("Contracts/400/ServiceBundles", new_price).id == bundle
    assert api.units(bundle, "ContractServiceBundleUnits")[3]["price"] == 21.0
    assert api.item("ContractServiceBundles", bundle)["internalCurrencyAdjustedPrice"] == 7.0


def test_contract_services_and_units_are_listed_below_their_contract(api):
    assert [row["id"] for row in api.get("Contracts/400/Services").json["items"]] == [500]
    assert len(api.get("Contracts/400/ServiceUnits").json["items"]) == 12
