"""Metadata: entityInformation, fields, picklists and user-defined fields."""

import pytest


def fields_of(api, entity):
    fields = api.get(f"{entity}/entityInformation/fields").json["fields"]
    return {field["name"]: field for field in fields}


def test_entityinformation_shows_the_access_of_the_users_level(reader, api):
    companies = reader.get("Companies/entityInformation").json["info"]
    services = reader.get("Services/entityInformation").json["info"]

    assert (companies["canCreate"], companies["userAccessForCreate"]) == (True, "None")
    assert companies["userAccessForQuery"] == "Restricted"
    assert (services["userAccessForUpdate"], services["userAccessForQuery"]) == ("All", "All")
    assert api.get("Companies/entityInformation").json["info"]["userAccessForCreate"] == "All"


def test_entityinformation_shows_what_the_entity_allows(api):
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


def test_fields_have_type_length_flags_and_reference(api):
    fields = fields_of(api, "Contracts")

    def properties(field, *names):
        return tuple(fields[field][name] for name in names)

    assert properties("id", "dataType", "isRequired", "isReadOnly") == ("long", True, True)
    assert properties("contractName", "dataType", "length") == ("string", 100)
    assert properties("startDate", "dataType") == ("datetime",)
    assert properties("setupFee", "dataType") == ("decimal",)
    assert properties("companyID", "isReference", "referenceEntityType") == (True, "Company")
    assert properties("companyID", "isRequired", "isReadOnly") == (True, True)
    assert properties("companyID", "isPickList", "picklistValues") == (False, None)
    assert properties("companyID", "isSupportedWebhookField") == (False,)


@pytest.mark.parametrize("tail", ["", "/fields", "/userDefinedFields"])
def test_children_have_the_same_metadata_below_their_parent(api, entities, tail):
    children = [entity for entity in entities.values() if entity.parent]
    for entity in children:
        path = entity.parent.path.strip("/").replace("{parentId}", "400")

        below = api.get(f"{path}/entityInformation{tail}")

        assert below.status == 200, path
        assert below.json == api.get(f"{entity.name}/entityInformation{tail}").json
    assert len(children) >= 11


def test_picklist_values_are_text_in_metadata_and_numbers_in_records(api):
    picks = fields_of(api, "Contracts")["billingPreference"]["picklistValues"]

    values = [(pick["value"], pick["label"], pick["isActive"]) for pick in picks]
    assert values == [("1", "Immediately", True), ("2", "Manually", True), ("3", "Never", False)]
    assert api.item("Contracts", 400)["status"] == 1


def test_user_defined_fields_have_a_route_of_their_own(api):
    udfs = api.get("Companies/entityInformation/userDefinedFields").json["fields"]

    assert [(udf["name"], udf["label"], udf["type"]) for udf in udfs] == [
        ("Work 365 Id", "Work 365 Id", "string"),
        ("Tier", "Tier", "string"),
    ]
    names = fields_of(api, "Companies")
    assert not any("Work 365" in name or "." in name for name in names)
    assert api.get("Services/entityInformation").json["info"]["hasUserDefinedFields"] is False
