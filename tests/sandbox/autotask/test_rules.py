"""The rules of single entities beyond their fields."""

from tests.support.sandbox_client import refused

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}
RULE = {
    "productID": 321,
    "determineUnits": 1,
    "isActive": True,
    "startDate": "2026-01-01",
    "createChargesAsBillable": True,
    "includeItemsInChargeDescription": False,
    "isDailyProrationEnabled": False,
}


def test_a_new_record_is_active_and_has_its_creator_and_time(api):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})

    item = api.item("Companies", api.post("Companies", COMPANY).id)

    assert (item["isActive"], item["createDate"], item["createdByResourceID"]) == (
        True,
        "2026-11-20T12:00:00Z",
        30,
    )


def test_an_inactive_billing_code_or_one_of_another_use_type_is_refused(api):
    service = {"name": "S", "periodType": 2, "unitPrice": 1}

    assert refused(api.post("Services", {**service, "billingCodeID": 52}), "billingCodeID")
    assert refused(api.post("Services", {**service, "billingCodeID": 51}), "billingCodeID")
    assert api.post("Services", {**service, "billingCodeID": 50}).status == 200


def test_a_products_vendor_must_be_of_type_vendor_and_one_is_the_default(api):
    vendor = {"isActive": True, "isDefault": True}

    assert refused(api.post("Products/320/Vendors", {**vendor, "vendorID": 100}), "vendorID")
    first = api.post("Products/320/Vendors", {**vendor, "vendorID": 102}).id
    api.post("Products/320/Vendors", {**vendor, "vendorID": 102})
    assert api.item("ProductVendors", first)["isDefault"] is False


def test_a_billing_rule_needs_a_product_that_is_not_standard(api):
    assert refused(
        api.post("Contracts/400/BillingRules", {**RULE, "productID": 320}), "billingType"
    )

    record = api.post("Contracts/400/BillingRules", RULE).id

    described = {"id": record, "invoiceDescription": "x"}
    assert api.patch("Contracts/400/BillingRules", described).id == record
    assert api.delete(f"Contracts/400/BillingRules/{record}").id == record


def test_the_mark_up_is_derived_from_price_and_cost(api):
    service = {"name": "S", "billingCodeID": 50, "periodType": 2, "unitPrice": 15, "unitCost": 10}
    record = api.post("Services", service).id
    assert api.item("Services", record)["markupRate"] == 50.0

    api.patch("Services", {"id": record, "unitCost": 0})
    assert api.item("Services", record)["markupRate"] is None


def test_a_new_product_has_the_standard_billing_type(api):
    product = {"name": "P", "isActive": True, "isSerialized": False, "productBillingCodeID": 51}
    record = api.post("Products", product).id

    assert api.item("Products", record)["billingType"] == 1


def test_a_contract_must_end_after_it_starts(api):
    contract = {
        "companyID": 100,
        "contractName": "C",
        "contractType": 7,
        "status": 1,
        "timeReportingRequiresStartAndStopTimes": 0,
        "contractPeriodType": 2,
        "startDate": "2026-02-01",
    }

    same_day = api.post("Contracts", {**contract, "endDate": "2026-02-01"})
    assert same_day.json == {"errors": ["Contract EndDate must be after StartDate."]}
    assert refused(api.patch("Contracts", {"id": 400, "endDate": "2025-12-31"}), "StartDate")
    assert refused(api.post("Contracts", {**contract, "endDate": "9999-12-31"}), "endDate")
    record = api.post("Contracts", {**contract, "endDate": "2026-02-02"}).id
    assert api.item("Contracts", record)["contractPeriodType"] == 2


def test_a_recurring_contract_has_no_estimates_and_only_it_can_be_non_compliant(api):
    assert refused(api.patch("Contracts", {"id": 400, "estimatedCost": 5}), "estimatedCost")
    assert api.patch("Contracts", {"id": 401, "estimatedCost": 5}).status == 200
    assert refused(api.patch("Contracts", {"id": 400, "isCompliant": True}), "isCompliant")
    assert refused(api.patch("Contracts", {"id": 401, "isCompliant": False}), "isCompliant")
    assert api.patch("Contracts", {"id": 400, "isCompliant": False}).status == 200


CHARGE = {
    "name": "Setup",
    "datePurchased": "2026-03-01",
    "chargeType": 1,
    "unitQuantity": 3,
    "unitPrice": 12.5,
    "unitCost": 10,
    "billingCodeID": 51,
}


def test_a_charge_has_amounts_in_both_currencies(api):
    api.control("POST", "seed", {"records": {"Contracts": [EURO_CONTRACT]}})

    record = api.post("Contracts/410/Charges", CHARGE).id

    item = api.item("ContractCharges", record)
    names = ("billableAmount", "extendedCost", "internalCurrencyBillableAmount", "isBilled")
    assert [item[name] for name in names] == [37.5, 30.0, 75.0, False]
    api.patch("Contracts/410/Charges", {"id": record, "unitQuantity": 1})
    assert api.item("ContractCharges", record)["billableAmount"] == 12.5


def test_a_charge_needs_a_product_or_a_billing_code(api):
    without = {name: value for name, value in CHARGE.items() if name != "billingCodeID"}

    assert refused(api.post("Contracts/400/Charges", without), "billingCodeID")
    assert api.post("Contracts/400/Charges", {**without, "productID": 320}).status == 200
    assert api.post("Contracts/400/Charges", CHARGE).status == 200


def test_a_charge_cannot_change_once_it_is_billed(api):
    free = api.post("Contracts/400/Charges", CHARGE).id
    assert api.delete(f"Contracts/400/Charges/{free}").id == free
    billed = {**CHARGE, "id": 900, "contractID": 400, "isBilled": True}
    api.control("POST", "seed", {"records": {"ContractCharges": [billed]}})

    assert refused(api.patch("Contracts/400/Charges", {"id": 900, "unitQuantity": 1}), "billed")
    assert refused(api.delete("Contracts/400/Charges/900"), "billed")
    assert api.item("ContractCharges", 900)["unitQuantity"] == 3.0


EURO_CONTRACT = {
    "id": 410,
    "companyID": 103,
    "contractName": "Euro",
    "contractType": 7,
    "contractPeriodType": 2,
    "status": 1,
    "startDate": "2026-01-01",
    "endDate": "2026-12-31",
    "timeReportingRequiresStartAndStopTimes": 0,
}
"""The company's currency is worth half of the tenant's: 1 of the tenant's is 0.5 of its."""
