"""Routes: addresses, verbs, and which entities allow which writes."""

import pytest
from msgspec.structs import replace
from trueup.sandbox.autotask.server import Sandbox


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
def test_paths_match_in_any_case(api, path):
    assert api.get(path).status == 200


def test_an_entity_that_is_not_exposed_is_answered_with_404_and_an_html_page(api):
    reply = api.get("Tickets/1")

    assert reply.status == 404
    assert reply.headers["content-type"] == "text/html"
    assert reply.body.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize(
    "path",
    ["Companies/1/Nonsense", "Companies/abc", "ContractServiceAdjustments/query", "/nothing"],
)
def test_an_unknown_address_is_answered_with_404(api, path):
    assert api.get(path).status == 404


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_a_write_to_the_address_of_an_item_is_answered_with_405(api, verb):
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
def test_a_child_entity_can_only_be_written_through_its_parent(api, entity, verb):
    reply = api.send(verb, entity, {"id": 1})

    assert (reply.status, reply.headers["content-type"]) == (404, "text/html")


@pytest.mark.parametrize("entity", ["ContractServiceUnits", "BillingCodes", "InternalLocations"])
def test_a_query_only_entity_cannot_be_written(api, entity):
    assert api.post(entity, {}).status == 404
    assert api.post(f"{entity}/query", {"filter": [{"op": "exist", "field": "id"}]}).status == 200


@pytest.mark.parametrize("entity", ["Resources", "Currencies"])
def test_an_entity_without_create_can_only_be_updated(api, entity):
    assert api.post(entity, {}).status == 405
    assert api.patch(entity, {"id": -5}).status == 500


def test_adjustments_cannot_be_read(api):
    assert api.get("ContractServiceAdjustments").status == 405
    assert api.get("ContractServiceAdjustments/1").status == 404
    assert api.get("ContractServiceAdjustments/entityInformation").status == 200


@pytest.mark.parametrize("entity", ["Companies", "Contracts", "Services", "Products"])
def test_an_entity_without_delete_cannot_be_deleted(api, entity):
    assert api.delete(f"{entity}/100").status == 405


def test_every_route_and_verb_of_the_catalogue_is_served(api, entities):
    for entity in entities.values():
        for path, verbs in entity.routes.items():
            for verb in verbs:
                reply = api.send(
                    verb,
                    path.strip("/").replace("{id}", "987654").replace("{parentId}", "987654"),
                    {},
                )
                assert reply.status not in {404, 405}, (verb, path)


def test_an_entity_that_is_added_to_the_catalogue_is_served(entities, tmp_path, api):
    taxes = replace(
        entities["TaxRegions"],
        name="Taxes",
        routes={
            path.replace("TaxRegions", "Taxes"): verbs
            for path, verbs in entities["TaxRegions"].routes.items()
        },
    )
    entities_now = {**entities, "Taxes": taxes}
    with Sandbox(tmp_path / "autotask.sqlite", entities_now) as sandbox:
        api.url = sandbox.url
        record = api.post("Taxes", {"name": "VAT"}).id

        assert api.item("taxes", record)["name"] == "VAT"
