"""The routes of the service itself: zones and versions; and impersonation, which is a header."""

import pytest

from tests.support.sandbox_client import SandboxClient, refused

COMPANY = {"companyName": "New", "companyType": 1, "phone": "1", "ownerResourceID": 30}


def test_the_zone_look_up_needs_no_credentials_and_its_url_ends_with_a_slash(api, sandbox):
    reply = api.send(
        "GET", "ZoneInformation?user=api%40tenant.example", headers={"Secret": "", "UserName": ""}
    )

    assert reply.status == 200
    assert reply.json["url"] == f"{sandbox.url}/ATServicesRest/"
    assert set(reply.json) == {"zoneName", "url", "webUrl", "ci"}


@pytest.mark.parametrize("user", ["?user=", "", "?user=nobody%40else.example"])
def test_the_zone_of_a_blank_or_unknown_user_cannot_be_determined(api, user):
    reply = api.get(f"ZoneInformation{user}")

    assert reply.status == 500
    assert reply.json == {"errors": ["Zone information could not be determined"]}


def test_the_api_versions_are_listed(api):
    assert api.get("/ATServicesRest/VersionInformation").json["apiVersions"]


def test_a_moved_tenant_answers_401_at_its_old_zone_and_the_look_up_has_the_new_one(api, sandbox):
    api.control("POST", "zone", {"zone": "two"})

    zone = api.get("ZoneInformation?user=api@tenant.example").json
    assert zone["url"] == f"{sandbox.url}/two/ATServicesRest/"
    assert api.get("Companies/0").status == 401
    assert api.get("/two/ATServicesRest/V1.0/Companies/0").status == 200


def test_an_impersonated_resource_signs_and_the_api_users_resource_is_recorded(api):
    api.control("POST", "seed", {"records": {"Resources": [{"id": 32, "isActive": True}]}})

    reply = api.send("POST", "Companies", COMPANY, {"ImpersonationResourceId": "32"})

    item = api.item("Companies", reply.id)
    assert (item["createdByResourceID"], item["impersonatorCreatorResourceID"]) == (32, 30)
    for inactive_or_missing in ("31", "9", "x"):
        headers = {"ImpersonationResourceId": inactive_or_missing}
        assert refused(api.send("POST", "Companies", COMPANY, headers), "Impersonation")


def test_without_the_right_to_impersonate_reads_and_writes_are_refused(api, reader):
    headers = {"ImpersonationResourceId": "30"}
    query = {"filter": [{"op": "exist", "field": "id"}]}

    reply = reader.send("POST", "Services/query", query, headers)

    text = "does not have the adequate permissions to query this entity type"
    assert refused(reply, text)
    body = {"id": 300, "description": "x"}
    assert refused(reader.send("PATCH", "Services", body, headers), "adequate permissions")
    assert reader.post("Services/query", query).status == 200
    assert api.send("POST", "Services/query", query, headers).status == 200


def test_records_have_a_creator_also_where_the_user_has_no_resource(api, sandbox):
    users = [{"username": "plain@tenant.example", "secret": "s", "integration_code": "TRACKING-1"}]
    api.control("POST", "users", {"users": users})
    plain = SandboxClient(sandbox.url, "plain@tenant.example", "s")

    record = plain.post("Companies", COMPANY).id

    assert plain.item("Companies", record)["createdByResourceID"] == 30
