"""Create, update and delete: what they return, and what follows from them in other records."""

import pytest

from tests.support.sandbox_client import refused

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}
CONTACT = {"firstName": "A", "lastName": "B", "isActive": 1}


def test_a_create_returns_the_new_id_and_stores_the_record(api):
    reply = api.post("Companies", {**COMPANY, "id": 0})

    assert reply.status == 200
    assert set(reply.json) == {"itemId"}
    assert api.item("Companies", reply.id)["companyName"] == "New"


def test_patch_changes_only_the_fields_that_are_sent(api):
    before = api.item("Companies", 100)

    assert api.patch("Companies", {"id": 100, "city": "Chur"}).json == {"itemId": 100}

    after = api.item("Companies", 100)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"city", "lastTrackedModifiedDateTime"}


@pytest.mark.parametrize(
    ("choice", "moved_by"),
    [
        ("every_edit", {"city", "userDefinedFields"}),
        ("own_fields", {"city"}),
        ("create_only", set()),
    ],
)
def test_which_edits_move_the_time_of_the_last_modification_is_a_choice(api, choice, moved_by):
    api.switch("modification_times", choice)
    edits = {"city": "Chur", "userDefinedFields": [{"name": "Tier", "value": "A"}]}

    moved = set()
    for name, value in edits.items():
        before = api.item("Companies", 100)["lastTrackedModifiedDateTime"]
        api.control("POST", "clock", {"advance": 60})
        api.patch("Companies", {"id": 100, name: value})
        if api.item("Companies", 100)["lastTrackedModifiedDateTime"] != before:
            moved.add(name)

    assert moved == moved_by


def test_a_new_member_moves_the_time_of_its_bundle(api):
    before = api.item("ServiceBundles", 310)["lastModifiedDate"]

    api.post("ServiceBundles/310/Services", {"serviceID": 300})

    assert api.item("ServiceBundles", 310)["lastModifiedDate"] != before


def test_put_sets_omitted_fields_to_null_and_needs_all_required_fields(api):
    api.patch(
        "Companies",
        {"id": 100, "city": "Chur", "userDefinedFields": [{"name": "Tier", "value": "A"}]},
    )
    assert refused(api.put("Companies", {"id": 100, "phone": "9"}), "companyName")

    assert api.put("Companies", {"id": 100, **COMPANY}).id == 100

    item = api.item("Companies", 100)
    assert (item["companyName"], item["city"], item["isActive"]) == ("New", None, None)
    assert item["createDate"] == "2020-01-01T08:00:00Z"
    assert item["userDefinedFields"][1] == {"name": "Tier", "value": None}


def test_a_record_can_be_put_as_it_was_read(api):
    item = api.item("Contracts", 400)

    assert api.put("Contracts", {**item, "description": "read and put back"}).status == 200
    assert api.item("Contracts", 400)["contractName"] == "Cloud"


@pytest.mark.parametrize("record", [7, "x", None, 1 << 70])
def test_a_missing_record_cannot_be_updated(api, record):
    assert refused(
        api.patch("Companies", {"id": record, "phone": "1"}), "No matching records found"
    )


def test_a_child_is_created_and_changed_through_its_parent(api):
    record = api.post("Companies/100/Contacts", CONTACT).id

    assert api.item("Contacts", record)["companyID"] == 100
    assert api.patch("Companies/100/Contacts", {"id": record, "title": "Head"}).id == record
    assert api.item("Contacts", record)["title"] == "Head"


def test_a_child_must_belong_to_the_parent_in_the_address(api):
    assert refused(api.post("Companies/100/Contacts", {**CONTACT, "companyID": 102}), "companyID")
    assert refused(
        api.patch("Companies/102/Contacts", {"id": 200, "title": "Head"}),
        "No matching records found",
    )
    assert api.post("Companies/100/Contacts", {**CONTACT, "companyID": 100}).status == 200


@pytest.mark.parametrize("company", [101, 9999])
def test_a_child_of_a_missing_or_inactive_parent_is_refused(api, company):
    assert refused(api.post(f"Companies/{company}/Contacts", CONTACT), "companyID")


def test_a_deleted_id_is_never_used_again(api):
    record = api.post("Companies/100/Contacts", CONTACT).id

    assert api.delete(f"Companies/100/Contacts/{record}").json == {"itemId": record}
    assert api.item("Contacts", record) is None
    reply = api.delete(f"Companies/100/Contacts/{record}")
    assert refused(reply)
    assert reply.errors == (
        "No message. No matching records found. The logged in Resource may not have the required"
        " permissions to delete the data."
    )
    assert api.post("Companies/100/Contacts", CONTACT).id > record


def test_a_record_that_others_refer_to_cannot_be_deleted(api):
    api.patch("Contracts", {"id": 400, "contactID": 200})

    assert refused(api.delete("Companies/100/Contacts/200"), "contactID")


def test_one_location_of_a_company_is_the_primary_one(api):
    first = api.post("Companies/100/Locations", {"name": "A", "isPrimary": True}).id
    second = api.post("Companies/100/Locations", {"name": "B", "isPrimary": True}).id
    elsewhere = api.post("Companies/102/Locations", {"name": "C", "isPrimary": True}).id

    assert [
        api.item("CompanyLocations", location)["isPrimary"]
        for location in (first, second, elsewhere)
    ] == [
        False,
        True,
        True,
    ]

    api.patch("Companies/100/Locations", {"id": first, "isPrimary": True})
    assert api.item("CompanyLocations", second)["isPrimary"] is False


def test_the_cost_of_a_bundle_is_the_sum_of_its_services(api):
    member = api.post("ServiceBundles/310/Services", {"serviceID": 300}).id
    assert api.item("ServiceBundles", 310)["unitCost"] == 4.0

    api.delete(f"ServiceBundles/310/Services/{member}")
    assert api.item("ServiceBundles", 310)["unitCost"] == 0.0


def test_a_deleted_bundle_deletes_its_members(api):
    api.post("ServiceBundles/310/Services", {"serviceID": 300})

    assert api.delete("ServiceBundles/310").id == 310
    assert api.query("ServiceBundleServices") == []
