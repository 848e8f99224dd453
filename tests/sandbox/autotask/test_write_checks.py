"""The checks of a body: required and read-only fields, references, picklists, types, lengths."""

import pytest

from tests.support.sandbox_client import refused

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}


@pytest.mark.parametrize("field", ["companyName", "companyType", "phone", "ownerResourceID"])
@pytest.mark.parametrize("value", ["absent", None])
def test_a_missing_required_field_is_named(api, field, value):
    body = {name: given for name, given in COMPANY.items() if name != field}
    if value is None:
        body[field] = None

    assert refused(api.post("Companies", body), field)
    assert len(api.query("Companies")) == 5


def test_all_errors_of_a_body_are_reported_together(api):
    reply = api.post("Companies", {"companyType": 99, "ownerResourceID": 31, "phone": "1" * 26})

    assert refused(reply, "companyName", "companyType", "ownerResourceID", "phone")


def test_one_missing_required_field_is_named_at_a_time(api):
    assert api.post("Companies", {}).json == {
        "errors": ["Missing Required Field: companyName. ; on record number [1]."]
    }
    reply = api.put("Companies", {"id": 100, "companyName": "New"})
    assert reply.json == {
        "errors": ["Missing Required Field: companyType. ; on record number [1]."]
    }


@pytest.mark.parametrize("resource", [31, 9999])
def test_a_reference_to_a_missing_or_inactive_record_is_refused_with_one_text(api, resource):
    reply = api.post("Companies", {**COMPANY, "ownerResourceID": resource})

    where = "field: ownerResourceID of type: Resource"
    assert (
        reply.errors
        == f"Reference value on {where} does not exist or is invalid. ; on record number [1]."
    )


def test_a_reference_to_company_0_is_accepted(api):
    assert api.post("Companies", {**COMPANY, "parentCompanyID": 0}).status == 200


def test_a_picklist_accepts_only_its_active_values(api):
    assert refused(api.patch("Contracts", {"id": 400, "billingPreference": 9}), "billingPreference")
    assert refused(api.patch("Contracts", {"id": 400, "billingPreference": 3}), "billingPreference")
    assert api.patch("Contracts", {"id": 400, "billingPreference": 2}).status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("companyType", 99), ("companyType", 0)],
)
def test_a_picklist_value_outside_the_list_is_refused_with_autotasks_error(api, field, value):
    reply = api.patch("Companies", {"id": 100, field: value})

    assert refused(reply)
    text = f"Picklist value [{value}] does not exist for {field}. ; on record number [1]."
    assert reply.errors == text


def test_a_picklist_that_is_known_in_part_has_the_values_that_its_metadata_shows(api):
    service = {"name": "New", "billingCodeID": 50, "unitPrice": 1}
    assert refused(api.post("Services", {**service, "periodType": 9}), "periodType")
    assert api.post("Services", {**service, "periodType": 3}).status == 200


def test_a_picklist_of_which_no_value_is_known_accepts_any(api):
    assert api.patch("Companies", {"id": 100, "territoryID": 5}).status == 200


def test_empty_text_in_a_required_field_is_refused_or_accepted_by_switch(api):
    body = {**COMPANY, "phone": ""}
    assert refused(api.post("Companies", body), "Missing Required Field: phone. ;")
    assert refused(api.patch("Companies", {"id": 100, "companyName": ""}), "companyName")
    assert api.patch("Companies", {"id": 100, "city": ""}).status == 200

    api.switch("empty_required", "accepted")

    assert api.post("Companies", body).status == 200
    assert api.patch("Companies", {"id": 100, "companyName": ""}).status == 200


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
def test_an_invalid_day_is_refused(api, value):
    assert refused(api.patch("Contracts", {"id": 400, "endDate": value}), "date")


def test_values_of_other_types_are_converted_leniently(api):
    body = (
        "{Id: '100', COMPANYNAME: 'Called', isTaxExempt: 'True', assetvalue: '12.34567', Phone: 41}"
    )

    reply = api.send("PATCH", "companies", body)

    assert reply.id == 100
    item = api.item("Companies", 100)
    assert (item["companyName"], item["isTaxExempt"], item["assetValue"], item["phone"]) == (
        "Called",
        True,
        12.3457,
        "41",
    )


def test_a_day_keeps_its_date_with_any_time_zone(api):
    api.patch("Contracts", {"id": 401, "endDate": "2026-11-30T23:30:00+02:00"})
    assert api.item("Contracts", 401)["endDate"] == "2026-11-30T00:00:00Z"

    api.patch("Contracts", {"id": 401, "endDate": "2026-10-31"})
    assert api.item("Contracts", 401)["endDate"] == "2026-10-31T00:00:00Z"


def test_null_in_a_patch_clears_the_field_or_is_ignored_by_switch(api):
    api.patch("Companies", {"id": 100, "city": "Chur"})
    api.switch("null_in_patch", "ignored")
    api.patch("Companies", {"id": 100, "city": None})
    assert api.item("Companies", 100)["city"] == "Chur"

    api.switch("null_in_patch", "clears")
    api.patch("Companies", {"id": 100, "city": None})
    assert api.item("Companies", 100)["city"] is None
    assert refused(api.patch("Companies", {"id": 100, "phone": None}), "phone")


def test_a_read_only_field_is_ignored_or_refused_by_switch(api):
    before = api.item("Companies", 100)["createDate"]
    assert api.patch("Companies", {"id": 100, "createDate": "2023-01-01"}).status == 200
    assert api.item("Companies", 100)["createDate"] == before

    api.switch("read_only_field", "refused")

    assert refused(api.patch("Companies", {"id": 100, "createDate": "2023-01-01"}), "createDate")
    assert api.patch("Companies", {"id": 100, "createDate": before}).status == 200


@pytest.mark.parametrize(
    ("field", "value"), [("companyID", 102), ("contractType", 1), ("contractPeriodType", 3)]
)
def test_a_create_only_field_cannot_be_changed_later(api, field, value):
    same = api.item("Contracts", 400)[field]
    assert api.patch("Contracts", {"id": 400, field: value}).status == 200
    assert api.item("Contracts", 400)[field] == same

    api.switch("read_only_field", "refused")

    assert refused(api.patch("Contracts", {"id": 400, field: value}), field)
    assert api.patch("Contracts", {"id": 400, field: same}).status == 200


def test_the_period_type_of_a_service_cannot_be_changed_later(api):
    api.patch("Services", {"id": 300, "periodType": 5})
    assert api.item("Services", 300)["periodType"] == 2
    api.switch("read_only_field", "refused")
    assert refused(api.patch("Services", {"id": 300, "periodType": 5}), "periodType")


def test_an_unknown_property_is_ignored_or_refused_by_switch(api):
    assert api.patch("Companies", {"id": 100, "colour": "red"}).status == 200

    api.switch("unknown_property", "refused")

    assert refused(api.patch("Companies", {"id": 100, "colour": "red"}), "colour")


@pytest.mark.parametrize("body", ["", "[]", "{", "5", b"\xff\xfe".decode("latin-1")])
def test_a_body_that_is_not_an_object_is_refused(api, body):
    assert refused(api.send("POST", "Companies", body))


def test_user_defined_fields_are_set_by_name_and_others_keep_their_values(api):
    both = [{"name": "Tier", "value": "A"}, {"name": "work 365 id", "value": 7}]
    api.patch("Companies", {"id": 100, "userDefinedFields": both})
    api.patch("Companies", {"id": 100, "UserDefinedFields": [{"Name": "Tier", "Value": "B"}]})

    values = {udf["name"]: udf["value"] for udf in api.item("Companies", 100)["userDefinedFields"]}
    assert values == {"Tier": "B", "Work 365 Id": "7"}

    unknown = [{"name": "Nope", "value": 1}]
    assert refused(api.patch("Companies", {"id": 100, "userDefinedFields": unknown}), "Nope")
    assert refused(api.patch("Companies", {"id": 100, "userDefinedFields": {"Tier": 1}}))
