"""Who may do what: security levels, hidden costs, hidden rows, and metadata that tells the level's truth."""


def test_a_right_that_is_not_granted_is_a_500_with_its_text_or_a_403_by_switch(api, reader):
    refused = reader.post("Companies", {"companyName": "x"})
    assert refused.status == 500
    assert "The logged in Resource does not have the adequate permissions" in refused.errors

    api.switch("no_right", "403")

    assert reader.patch("Companies", {"id": 0, "phone": "1"}).status == 403
    assert reader.get("Contracts/400").status == 403
    assert reader.post("Contracts/query", {"filter": [{"op": "exist", "field": "id"}]}).status == 403


def test_what_is_granted_works(reader):
    assert reader.patch("Services", {"id": 300, "description": "x"}).status == 200


def test_costs_are_empty_for_whom_they_are_not_and_writes_to_them_are_ignored_silently(api, reader):
    assert reader.item("Services", 300)["unitCost"] is None
    assert reader.query("ContractServices", IncludeFields=["unitCost", "unitPrice"])[0]["unitPrice"] == 10.0
    assert {row["cost"] for row in reader.units()} == {None}

    assert reader.patch("Services", {"id": 300, "unitCost": 99, "description": "y"}).status == 200

    assert api.item("Services", 300)["unitCost"] == 4.0
    assert api.item("Services", 300)["description"] == "y"


def test_a_put_by_somebody_who_sees_no_costs_leaves_them(api, reader):
    body = {"id": 300, "name": "Mail", "billingCodeID": 50, "unitPrice": 10}

    assert reader.put("Services", body).status == 200

    assert api.item("Services", 300)["unitCost"] == 4.0


def test_a_restricted_level_hides_rows_without_a_word(reader):
    assert [item["id"] for item in reader.query("Companies")] == [0, 101, 102, 103]
    assert reader.item("Companies", 100) is None
    said = {"filter": [{"op": "exist", "field": "id"}]}
    assert reader.post("Companies/query/count", said).json == {"queryCount": 4}


def test_entityinformation_tells_what_the_level_may(reader, api):
    companies = reader.get("Companies/entityInformation").json["info"]
    services = reader.get("Services/entityInformation").json["info"]

    assert (companies["canCreate"], companies["userAccessForCreate"]) == (True, "None")
    assert companies["userAccessForQuery"] == "Restricted"
    assert (services["userAccessForUpdate"], services["userAccessForQuery"]) == ("All", "All")
    assert api.get("Companies/entityInformation").json["info"]["userAccessForCreate"] == "All"


def test_entityinformation_tells_what_the_entity_allows_at_all(api):
    info = api.get("BillingCodes/entityInformation").json["info"]

    assert info == {
        "name": "BillingCodes",
        "canCreate": False,
        "canDelete": False,
        "canQuery": True,
        "canUpdate": False,
        "userAccessForCreate": "None",
        "userAccessForDelete": "None",
        "userAccessForQuery": "All",
        "userAccessForUpdate": "None",
        "hasUserDefinedFields": False,
        "supportsWebhookCallouts": False,
    }


def test_fields_are_described_with_type_length_flags_and_reference(api):
    fields = {field["name"]: field for field in api.get("Contracts/entityInformation/fields").json["fields"]}

    assert (fields["id"]["dataType"], fields["id"]["isRequired"], fields["id"]["isReadOnly"]) == ("long", True, True)
    assert (fields["contractName"]["dataType"], fields["contractName"]["length"]) == ("string", 100)
    assert (fields["startDate"]["dataType"], fields["setupFee"]["dataType"]) == ("datetime", "decimal")
    assert (fields["companyID"]["isReference"], fields["companyID"]["referenceEntityType"]) == (True, "Companies")
    assert (fields["companyID"]["isRequired"], fields["companyID"]["isReadOnly"]) == (True, True)
    assert (fields["companyID"]["isPickList"], fields["companyID"]["picklistValues"]) == (False, None)
    assert api.get("Companies/entityInformation/fields").json["fields"][0]["isSupportedWebhookField"] is False


def test_picklist_values_are_text_in_metadata_and_numbers_in_records(api):
    fields = {field["name"]: field for field in api.get("Contracts/entityInformation/fields").json["fields"]}

    values = [
        (pick["value"], pick["label"], pick["isActive"]) for pick in fields["billingPreference"]["picklistValues"]
    ]
    assert values == [("1", "Immediately", True), ("2", "Manually", True), ("3", "Never", False)]
    assert api.item("Contracts", 400)["status"] == 1


def test_user_defined_fields_are_described_apart(api):
    udfs = api.get("Companies/entityInformation/userDefinedFields").json["fields"]

    assert [(udf["name"], udf["label"], udf["type"]) for udf in udfs] == [
        ("Work 365 Id", "Work 365 Id", "string"),
        ("Tier", "Tier", "string"),
    ]
    names = [field["name"] for field in api.get("Companies/entityInformation/fields").json["fields"]]
    assert not any("Work 365" in name or "." in name for name in names)
    assert api.get("Services/entityInformation").json["info"]["hasUserDefinedFields"] is False


def test_secrets_stand_in_no_representation(sandbox):
    assert "opensesame" not in repr(sandbox.service.tenant())
    assert "TRACKING-1" not in repr(sandbox.service.tenant())
