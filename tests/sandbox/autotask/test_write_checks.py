"""Create, update, delete: what is demanded, what is refused and in which words, what is answered."""

import pytest

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}
CONTACT = {"firstName": "A", "lastName": "B", "isActive": 1}
RULE = {
    "productID": 321,
    "determineUnits": 1,
    "isActive": True,
    "startDate": "2026-01-01",
    "createChargesAsBillable": True,
    "includeItemsInChargeDescription": False,
    "isDailyProrationEnabled": False,
}


def refused(reply, *words):
    assert reply.status == 500, reply.body
    for word in words:
        assert word in reply.errors
    return True


def test_a_create_answers_with_the_new_id_and_the_record_is_there(api):
    reply = api.post("Companies", {**COMPANY, "id": 0})

    assert reply.status == 200
    assert set(reply.json) == {"itemId"}
    assert api.item("Companies", reply.id)["companyName"] == "New"


def test_a_create_is_stamped_by_whom_and_when_and_is_active(api):
    api.control("POST", "clock", {"stands": "2026-11-20T12:00:00Z"})

    item = api.item("Companies", api.post("Companies", COMPANY).id)

    assert (item["isActive"], item["createDate"], item["createdByResourceID"]) == (True, "2026-11-20T12:00:00Z", 30)


@pytest.mark.parametrize("field", ["companyName", "companyType", "phone", "ownerResourceID"])
@pytest.mark.parametrize("value", ["absent", None])
def test_a_required_field_that_is_missing_is_named(api, field, value):
    body = {name: one for name, one in COMPANY.items() if name != field} | ({field: None} if value is None else {})

    assert refused(api.post("Companies", body), field)
    assert len(api.query("Companies")) == 5


def test_all_that_is_wrong_is_said_at_once(api):
    reply = api.post("Companies", {"companyType": 99, "ownerResourceID": 31, "phone": "1" * 26})

    assert refused(reply, "companyName", "companyType", "ownerResourceID", "phone")


@pytest.mark.parametrize("resource", [31, 9999])
def test_a_reference_that_is_missing_or_inactive_is_refused_with_the_same_text(api, resource):
    reply = api.post("Companies", {**COMPANY, "ownerResourceID": resource})

    where = "field: ownerResourceID of type: Resource"
    assert reply.errors == f"Reference value on {where} does not exist or is invalid. ; on record number [1]."


def test_a_reference_to_company_0_is_good(api):
    assert api.post("Companies", {**COMPANY, "parentCompanyID": 0}).status == 200


def test_an_inactive_billing_code_or_one_of_another_use_type_is_refused(api):
    service = {"name": "S", "periodType": 2, "unitPrice": 1}

    assert refused(api.post("Services", {**service, "billingCodeID": 52}), "billingCodeID")
    assert refused(api.post("Services", {**service, "billingCodeID": 51}), "billingCodeID")
    assert api.post("Services", {**service, "billingCodeID": 50}).status == 200


def test_a_picklist_takes_its_own_active_values_alone(api):
    assert refused(api.patch("Contracts", {"id": 400, "billingPreference": 9}), "billingPreference")
    assert refused(api.patch("Contracts", {"id": 400, "billingPreference": 3}), "billingPreference")
    assert api.patch("Contracts", {"id": 400, "billingPreference": 2}).status == 200


def test_text_that_is_too_long_is_refused_or_cut_by_switch(api):
    assert refused(api.patch("Companies", {"id": 100, "companyName": "x" * 101}), "companyName")
    assert api.patch("Companies", {"id": 100, "companyName": "x" * 100}).status == 200

    api.switch("text_too_long", "cut")

    assert api.patch("Companies", {"id": 100, "companyName": "y" * 101}).status == 200
    assert api.item("Companies", 100)["companyName"] == "y" * 100


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("companyType", "vendor"),
        ("companyType", 40_000),
        ("ownerResourceID", 1 << 40),
        ("ownerResourceID", {}),
        ("isTaxExempt", "perhaps"),
        ("isTaxExempt", 2),
        ("assetValue", "much"),
        ("assetValue", 1e16),
        ("assetValue", True),
        ("phone", ["1"]),
        ("phone", "\ud800"),
        ("phone", "a\0b"),
    ],
)
def test_a_value_of_another_type_is_refused(api, field, value):
    assert refused(api.patch("Companies", {"id": 100, field: value}))


@pytest.mark.parametrize("value", ["2026-02-30", "soon", 20260101, "2026-01-01T25:00:00"])
def test_a_day_that_is_none_is_refused(api, value):
    assert refused(api.patch("Contracts", {"id": 400, "endDate": value}), "date")


def test_values_are_read_leniently(api):
    reply = api.send(
        "PATCH",
        "companies",
        "{Id: '100', COMPANYNAME: 'Called', isTaxExempt: 'True', assetvalue: '12.34567', Phone: 41}",
    )

    assert reply.id == 100
    item = api.item("Companies", 100)
    assert (item["companyName"], item["isTaxExempt"], item["assetValue"], item["phone"]) == (
        "Called",
        True,
        12.3457,
        "41",
    )


def test_a_day_keeps_its_date_whatever_zone_it_wears(api):
    api.patch("Contracts", {"id": 401, "endDate": "2026-11-30T23:30:00+02:00"})
    assert api.item("Contracts", 401)["endDate"] == "2026-11-30T00:00:00Z"

    api.patch("Contracts", {"id": 401, "endDate": "2026-10-31"})
    assert api.item("Contracts", 401)["endDate"] == "2026-10-31T00:00:00Z"


def test_patch_changes_what_is_sent_and_leaves_the_rest(api):
    before = api.item("Companies", 100)

    assert api.patch("Companies", {"id": 100, "city": "Chur"}).json == {"itemId": 100}

    after = api.item("Companies", 100)
    moved = {name for name in after if after[name] != before[name]}
    assert moved == {"city", "lastTrackedModifiedDateTime"}


def test_put_nulls_what_is_left_out_and_wants_all_that_is_required(api):
    api.patch("Companies", {"id": 100, "city": "Chur", "userDefinedFields": [{"name": "Tier", "value": "A"}]})
    assert refused(api.put("Companies", {"id": 100, "phone": "9"}), "companyName")

    assert api.put("Companies", {"id": 100, **COMPANY}).id == 100

    item = api.item("Companies", 100)
    assert (item["companyName"], item["city"], item["isActive"]) == ("New", None, None)
    assert item["createDate"] is None
    assert item["userDefinedFields"][1] == {"name": "Tier", "value": None}


def test_a_record_that_was_read_can_be_put_back_whole(api):
    item = api.item("Contracts", 400)

    assert api.put("Contracts", {**item, "description": "read and put back"}).status == 200
    assert api.item("Contracts", 400)["contractName"] == "Cloud"


def test_null_in_a_patch_clears_or_is_ignored_by_switch(api):
    api.patch("Companies", {"id": 100, "city": "Chur"})
    api.switch("null_in_patch", "ignored")
    api.patch("Companies", {"id": 100, "city": None})
    assert api.item("Companies", 100)["city"] == "Chur"

    api.switch("null_in_patch", "clears")
    api.patch("Companies", {"id": 100, "city": None})
    assert api.item("Companies", 100)["city"] is None
    assert refused(api.patch("Companies", {"id": 100, "phone": None}), "phone")


def test_a_read_only_field_is_refused_or_ignored_by_switch(api):
    assert refused(api.patch("Companies", {"id": 100, "createDate": "2020-01-01"}), "createDate")

    api.switch("read_only_field", "ignored")

    assert api.patch("Companies", {"id": 100, "createDate": "2020-01-01"}).status == 200
    assert api.item("Companies", 100)["createDate"] is None


@pytest.mark.parametrize(("field", "value"), [("companyID", 102), ("contractType", 1), ("contractPeriodType", 3)])
def test_what_is_given_on_create_is_fixed_afterwards(api, field, value):
    assert refused(api.patch("Contracts", {"id": 400, field: value}), field)
    same = api.item("Contracts", 400)[field]
    assert api.patch("Contracts", {"id": 400, field: same}).status == 200


def test_the_period_type_of_a_service_is_taken_on_create_alone(api):
    assert api.item("Services", 300)["periodType"] == 2
    assert refused(api.patch("Services", {"id": 300, "periodType": 5}), "periodType")


def test_an_unknown_property_is_ignored_or_refused_by_switch(api):
    assert api.patch("Companies", {"id": 100, "colour": "red"}).status == 200

    api.switch("unknown_property", "refused")

    assert refused(api.patch("Companies", {"id": 100, "colour": "red"}), "colour")


@pytest.mark.parametrize("record", [7, "x", None, 1 << 70])
def test_a_missing_record_cannot_be_updated(api, record):
    assert refused(api.patch("Companies", {"id": record, "phone": "1"}), "No matching records found")


@pytest.mark.parametrize("body", ["", "[]", "{", "5", b"\xff\xfe".decode("latin-1")])
def test_a_body_that_is_no_object_is_refused(api, body):
    assert refused(api.send("POST", "Companies", body))


def test_user_defined_fields_are_set_by_name_and_the_others_stay(api):
    api.patch(
        "Companies",
        {"id": 100, "userDefinedFields": [{"name": "Tier", "value": "A"}, {"name": "work 365 id", "value": 7}]},
    )
    api.patch("Companies", {"id": 100, "UserDefinedFields": [{"Name": "Tier", "Value": "B"}]})

    values = {one["name"]: one["value"] for one in api.item("Companies", 100)["userDefinedFields"]}
    assert values == {"Tier": "B", "Work 365 Id": "7"}
    assert refused(api.patch("Companies", {"id": 100, "userDefinedFields": [{"name": "Nope", "value": 1}]}), "Nope")
    assert refused(api.patch("Companies", {"id": 100, "userDefinedFields": {"Tier": 1}}))


def test_a_child_is_created_and_changed_through_its_parent(api):
    record = api.post("Companies/100/Contacts", CONTACT).id

    assert api.item("Contacts", record)["companyID"] == 100
    assert api.patch("Companies/100/Contacts", {"id": record, "title": "Head"}).id == record
    assert api.item("Contacts", record)["title"] == "Head"


def test_a_child_and_the_parent_in_the_address_must_agree(api):
    assert refused(api.post("Companies/100/Contacts", {**CONTACT, "companyID": 102}), "companyID")
    assert refused(api.patch("Companies/102/Contacts", {"id": 200, "title": "Head"}), "No matching records found")
    assert api.post("Companies/100/Contacts", {**CONTACT, "companyID": 100}).status == 200


@pytest.mark.parametrize("company", [101, 9999])
def test_a_child_of_a_missing_or_inactive_parent_is_refused(api, company):
    assert refused(api.post(f"Companies/{company}/Contacts", CONTACT), "companyID")


def test_a_delete_works_where_it_is_allowed_and_the_id_is_never_used_again(api):
    record = api.post("Companies/100/Contacts", CONTACT).id

    assert api.delete(f"Companies/100/Contacts/{record}").json == {"itemId": record}
    assert api.item("Contacts", record) is None
    assert refused(api.delete(f"Companies/100/Contacts/{record}"), "No matching records found")
    assert api.post("Companies/100/Contacts", CONTACT).id > record


def test_what_others_refer_to_cannot_be_deleted(api):
    api.patch("Contracts", {"id": 400, "contactID": 200})

    assert refused(api.delete("Companies/100/Contacts/200"), "contactID")


def test_one_location_of_a_company_is_primary(api):
    first = api.post("Companies/100/Locations", {"name": "A", "isPrimary": True}).id
    second = api.post("Companies/100/Locations", {"name": "B", "isPrimary": True}).id
    other = api.post("Companies/102/Locations", {"name": "C", "isPrimary": True}).id

    assert [api.item("CompanyLocations", one)["isPrimary"] for one in (first, second, other)] == [False, True, True]

    api.patch("Companies/100/Locations", {"id": first, "isPrimary": True})
    assert api.item("CompanyLocations", second)["isPrimary"] is False


def test_a_vendor_of_a_product_is_a_company_of_type_vendor_and_one_is_the_default(api):
    vendor = {"isActive": True, "isDefault": True}

    assert refused(api.post("Products/320/Vendors", {**vendor, "vendorID": 100}), "vendorID")
    first = api.post("Products/320/Vendors", {**vendor, "vendorID": 102}).id
    api.post("Products/320/Vendors", {**vendor, "vendorID": 102})
    assert api.item("ProductVendors", first)["isDefault"] is False


def test_a_billing_rule_wants_a_product_that_is_not_standard(api):
    assert refused(api.post("Contracts/400/BillingRules", {**RULE, "productID": 320}), "billingType")

    record = api.post("Contracts/400/BillingRules", RULE).id

    assert api.patch("Contracts/400/BillingRules", {"id": record, "invoiceDescription": "x"}).id == record
    assert api.delete(f"Contracts/400/BillingRules/{record}").id == record


def test_a_bundles_cost_is_its_members(api):
    member = api.post("ServiceBundles/310/Services", {"serviceID": 300}).id
    assert api.item("ServiceBundles", 310)["unitCost"] == 4.0

    api.delete(f"ServiceBundles/310/Services/{member}")
    assert api.item("ServiceBundles", 310)["unitCost"] == 0.0


def test_a_deleted_bundle_takes_its_members_along(api):
    api.post("ServiceBundles/310/Services", {"serviceID": 300})

    assert api.delete("ServiceBundles/310").id == 310
    assert api.query("ServiceBundleServices") == []


def test_the_mark_up_follows_price_and_cost(api):
    record = api.post(
        "Services", {"name": "S", "billingCodeID": 50, "periodType": 2, "unitPrice": 15, "unitCost": 10}
    ).id
    assert api.item("Services", record)["markupRate"] == 50.0

    api.patch("Services", {"id": record, "unitCost": 0})
    assert api.item("Services", record)["markupRate"] is None


def test_a_new_product_is_of_the_standard_billing_type(api):
    record = api.post("Products", {"name": "P", "isActive": True, "isSerialized": False, "productBillingCodeID": 51}).id

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

    assert refused(api.post("Contracts", {**contract, "endDate": "2026-02-01"}), "endDate")
    assert refused(api.post("Contracts", {**contract, "endDate": "9999-12-31"}), "endDate")
    record = api.post("Contracts", {**contract, "endDate": "2026-02-02"}).id
    assert api.item("Contracts", record)["contractPeriodType"] == 2


def test_estimates_are_not_for_recurring_contracts_and_compliance_only_for_them(api):
    assert refused(api.patch("Contracts", {"id": 400, "estimatedCost": 5}), "estimatedCost")
    assert api.patch("Contracts", {"id": 401, "estimatedCost": 5}).status == 200
    assert refused(api.patch("Contracts", {"id": 400, "isCompliant": True}), "isCompliant")
    assert refused(api.patch("Contracts", {"id": 401, "isCompliant": False}), "isCompliant")
    assert api.patch("Contracts", {"id": 400, "isCompliant": False}).status == 200


def test_an_impersonated_resource_signs_and_the_api_user_is_kept_beside_it(api):
    api.control("POST", "seed", {"records": {"Resources": [{"id": 32, "isActive": True}]}})

    reply = api.send("POST", "Companies", COMPANY, {"ImpersonationResourceId": "32"})

    item = api.item("Companies", reply.id)
    assert (item["createdByResourceID"], item["impersonatorCreatorResourceID"]) == (32, 30)
    for nobody in ("31", "9", "x"):
        assert refused(api.send("POST", "Companies", COMPANY, {"ImpersonationResourceId": nobody}), "Impersonation")
