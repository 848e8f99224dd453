"""Addresses, verbs, log-in, zones: what a client meets before any entity."""

import socket
from dataclasses import replace

import httpx
import pytest

from engine.sandbox.server import Sandbox


def test_the_zone_is_told_without_credentials_and_with_a_trailing_slash(api, sandbox):
    reply = api.send("GET", "ZoneInformation?user=api%40tenant.example", headers={"Secret": "", "UserName": ""})

    assert reply.status == 200
    assert reply.json["url"] == f"{sandbox.url}/ATServicesRest/"
    assert set(reply.json) == {"zoneName", "url", "webUrl", "ci"}


@pytest.mark.parametrize("user", ["?user=", "", "?user=nobody%40else.example"])
def test_the_zone_of_a_blank_or_unknown_user_cannot_be_determined(api, user):
    reply = api.get(f"ZoneInformation{user}")

    assert reply.status == 500
    assert reply.json == {"errors": ["Zone information could not be determined"]}


def test_an_unknown_integration_code_is_a_500_with_its_text(api):
    reply = api.send("GET", "Companies/0", headers={"ApiIntegrationCode": "SOMETHING"})

    assert (reply.status, reply.json) == (500, {"errors": ["IntegrationCode is invalid."]})


@pytest.mark.parametrize("wrong", [{"Secret": "no"}, {"UserName": "nobody"}, {"Secret": "", "UserName": ""}])
def test_a_wrong_user_or_secret_is_a_401(api, wrong):
    assert api.send("GET", "Companies/0", headers=wrong).status == 401


def test_an_ordinary_user_passes_the_zone_lookup_and_nothing_else(api):
    person = {"UserName": "person@tenant.example", "Secret": "p"}

    assert api.get("ZoneInformation?user=person@tenant.example").status == 200
    assert api.send("GET", "Companies/0", headers=person).status == 401


def test_header_names_and_user_names_are_taken_in_any_case(sandbox):
    headers = {"APIINTEGRATIONCODE": "TRACKING-1", "username": "API@Tenant.Example", "sEcReT": "opensesame"}

    with httpx.Client(headers=headers, verify=False) as client:  # noqa: S501 -- plain HTTP; spares the certificates
        assert client.get(f"{sandbox.url}/ATServicesRest/V1.0/Companies/0").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/ATServicesRest/V1.0/Companies/0",
        "/atservicesrest/v1.0/companies/0",
        "/ATSERVICESREST/V1.0/COMPANIES/0",
        "/atservicesrest/V1.0/Companies/entityinformation",
        "/atservicesrest/V1.0/companies/EntityInformation/Fields",
        "/atservicesrest/V1.0/companies/entityInformation/userdefinedfields",
        "/atservicesrest/versioninformation",
        "/atservicesrest/v1.0/thresholdInformation",
    ],
)
def test_paths_are_taken_in_any_case(api, path):
    assert api.get(path).status == 200


def test_an_entity_that_is_not_exposed_is_a_404_with_a_web_page(api):
    reply = api.get("Tickets/1")

    assert reply.status == 404
    assert reply.headers["content-type"] == "text/html"
    assert reply.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    "path", ["Companies/1/Nonsense", "Companies/abc", "ContractServiceAdjustments/query", "/nothing"]
)
def test_an_address_that_is_not_there_is_a_404(api, path):
    assert api.get(path).status == 404


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_the_item_form_of_a_write_is_a_405(api, verb):
    reply = api.send(verb, "Companies/100", {"id": 100, "phone": "9"})

    assert reply.status == 405
    assert f"does not support http method '{verb}'" in reply.json["Message"]
    assert api.item("Companies", 100)["phone"] == "2"


CHILDREN_ONLY = (
    "CompanyLocations",
    "Contacts",
    "ContractServices",
    "ContractServiceBundles",
    "ContractBillingRules",
    "ServiceBundleServices",
    "ProductVendors",
)


@pytest.mark.parametrize("entity", CHILDREN_ONLY)
@pytest.mark.parametrize("verb", ["POST", "PATCH", "PUT"])
def test_a_child_entity_is_written_through_its_parent_alone(api, entity, verb):
    assert api.send(verb, entity, {"id": 1}).status == 405


@pytest.mark.parametrize("entity", ["ContractServiceUnits", "BillingCodes", "InternalLocations"])
def test_an_entity_for_queries_only_takes_no_writes(api, entity):
    assert api.post(entity, {}).status == 405
    assert api.post(f"{entity}/query", {"filter": [{"op": "exist", "field": "id"}]}).status == 200


@pytest.mark.parametrize("entity", ["Resources", "Currencies"])
def test_an_entity_without_create_takes_updates_alone(api, entity):
    assert api.post(entity, {}).status == 405
    assert api.patch(entity, {"id": -5}).status == 500


def test_adjustments_have_no_route_to_read_them(api):
    assert api.get("ContractServiceAdjustments").status == 405
    assert api.get("ContractServiceAdjustments/1").status == 404
    assert api.get("ContractServiceAdjustments/entityInformation").status == 200


@pytest.mark.parametrize("entity", ["Companies", "Contracts", "Services", "Products"])
def test_what_cannot_be_deleted_has_no_delete(api, entity):
    assert api.delete(f"{entity}/100").status == 405


def test_every_route_and_verb_of_the_catalogue_is_served(api, entities):
    for entity in entities.values():
        for path, verbs in entity.routes.items():
            for verb in verbs:
                reply = api.send(verb, path.strip("/").replace("{id}", "987654").replace("{parentId}", "987654"), {})
                assert reply.status not in {404, 405}, (verb, path)


def test_an_entity_that_is_added_to_the_catalogue_is_served(entities, tmp_path, api):
    taxes = replace(
        entities["TaxRegions"],
        name="Taxes",
        routes={path.replace("TaxRegions", "Taxes"): verbs for path, verbs in entities["TaxRegions"].routes.items()},
    )
    entities_now = {**entities, "Taxes": taxes}
    with Sandbox(tmp_path / "autotask.sqlite", entities_now) as sandbox:
        api.url = sandbox.url
        record = api.post("Taxes", {"name": "VAT"}).id

        assert api.item("taxes", record)["name"] == "VAT"


def test_versions_are_listed(api):
    assert api.get("/ATServicesRest/VersionInformation").json["apiVersions"]


def test_a_tenant_that_moved_answers_401_at_its_old_zone_and_tells_the_new_one(api, sandbox):
    api.control("POST", "zone", {"zone": "two"})

    assert api.get("Companies/0").status == 401
    assert api.get("ZoneInformation?user=api@tenant.example").json["url"] == f"{sandbox.url}/two/ATServicesRest/"
    assert api.get("/two/ATServicesRest/V1.0/Companies/0").status == 200


def test_a_connection_is_kept_and_a_body_may_come_in_chunks(sandbox, api):
    def chunks():
        yield b'{"filter": [{"op": "eq", '
        yield b'"field": "id", "value": 100}]}'

    with httpx.Client(headers=api.headers, verify=False) as client:  # noqa: S501 -- plain HTTP; spares the certificates
        url = f"{sandbox.url}/ATServicesRest/V1.0/Companies/query"
        for _ in range(3):
            assert client.post(url, content=chunks()).json()["items"][0]["companyName"] == "Alpine"


@pytest.mark.parametrize("length", ["-1", "many", str(1 << 40)])
def test_a_length_that_cannot_be_is_refused(api, length):
    assert api.send("POST", "Companies/query", None, {"Content-Length": length}).status == 413


@pytest.mark.parametrize(("chunk", "status"), [(b"zz", b"400"), (b"-5", b"413"), (b"fffffffff", b"413")])
def test_a_broken_or_enormous_chunk_is_refused(sandbox, chunk, status):
    head = b"POST /ATServicesRest/V1.0/Companies/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(sandbox.url.removeprefix("http://").split(":")) as line:
        line.sendall(head + chunk + b"\r\n")

        assert line.recv(100).startswith(b"HTTP/1.1 " + status)


def test_a_client_that_leaves_in_the_middle_of_its_request_changes_nothing(sandbox, api, capfd):
    head = b"POST /ATServicesRest/V1.0/Companies HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\n"
    with socket.create_connection(sandbox.url.removeprefix("http://").split(":")) as line:
        line.sendall(head + b'{"companyName"')
    before = len(api.query("Companies"))
    sandbox.close()

    assert before == 5
    assert capfd.readouterr().err == ""


def test_another_address_than_this_machine_is_announced_loudly(open_sandbox, capsys):
    sandbox = open_sandbox(host="0.0.0.0")  # noqa: S104 -- that is what is tested

    assert "WARNING" in capsys.readouterr().err
    assert sandbox.url.startswith("http://0.0.0.0:")
