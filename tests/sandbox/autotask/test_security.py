"""Security: authentication, rights, hidden costs and hidden records."""

import httpx
import pytest


def test_an_unknown_integration_code_is_answered_with_500(api):
    reply = api.send("GET", "Companies/0", headers={"ApiIntegrationCode": "SOMETHING"})

    assert (reply.status, reply.json) == (500, {"errors": ["IntegrationCode is invalid."]})


@pytest.mark.parametrize(
    "wrong", [{"Secret": "no"}, {"UserName": "nobody"}, {"Secret": "", "UserName": ""}]
)
def test_a_wrong_user_or_secret_is_answered_with_401(api, wrong):
    assert api.send("GET", "Companies/0", headers=wrong).status == 401


def test_an_ordinary_user_can_only_use_the_zone_look_up(api):
    person = {"UserName": "person@tenant.example", "Secret": "p"}

    assert api.get("ZoneInformation?user=person@tenant.example").status == 200
    assert api.send("GET", "Companies/0", headers=person).status == 401


def test_header_names_and_user_names_match_in_any_case(sandbox):
    headers = {
        "APIINTEGRATIONCODE": "TRACKING-1",
        "username": "API@Tenant.Example",
        "sEcReT": "opensesame",
    }

    with httpx.Client(headers=headers, verify=False) as client:  # noqa: S501 -- plain HTTP; needs no certificates
        assert client.get(f"{sandbox.url}/ATServicesRest/V1.0/Companies/0").status_code == 200


def test_a_missing_right_is_answered_with_500_or_403_by_switch(api, reader):
    refused = reader.post("Companies", {"companyName": "x"})
    assert refused.status == 500
    assert "The logged in Resource does not have the adequate permissions" in refused.errors

    api.switch("no_right", "403")

    assert reader.patch("Companies", {"id": 0, "phone": "1"}).status == 403
    assert reader.get("Contracts/400").status == 403
    assert (
        reader.post("Contracts/query", {"filter": [{"op": "exist", "field": "id"}]}).status == 403
    )


def test_a_granted_right_works(reader):
    assert reader.patch("Services", {"id": 300, "description": "x"}).status == 200


def test_costs_are_null_without_the_permission_and_writes_to_them_are_ignored(api, reader):
    assert reader.item("Services", 300)["unitCost"] is None
    assert (
        reader.query("ContractServices", IncludeFields=["unitCost", "unitPrice"])[0]["unitPrice"]
        == 10.0
    )
    assert {row["cost"] for row in reader.units()} == {None}

    assert reader.patch("Services", {"id": 300, "unitCost": 99, "description": "y"}).status == 200

    assert api.item("Services", 300)["unitCost"] == 4.0
    assert api.item("Services", 300)["description"] == "y"


def test_a_put_without_the_permission_for_costs_does_not_change_them(api, reader):
    body = {"id": 300, "name": "Mail", "billingCodeID": 50, "unitPrice": 10}

    assert reader.put("Services", body).status == 200

    assert api.item("Services", 300)["unitCost"] == 4.0


def test_a_restricted_level_hides_records_without_an_error(reader):
    assert [item["id"] for item in reader.query("Companies")] == [0, 101, 102, 103]
    assert reader.item("Companies", 100) is None
    query = {"filter": [{"op": "exist", "field": "id"}]}
    assert reader.post("Companies/query/count", query).json == {"queryCount": 4}


def test_secrets_are_not_in_any_representation(sandbox):
    assert "opensesame" not in repr(sandbox.api.tenant())
    assert "TRACKING-1" not in repr(sandbox.api.tenant())
