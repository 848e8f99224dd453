"""Typed records are read and written through the fewest calls."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import httpx
import pytest
from trueup.errors import TargetError, TargetRejected, TargetUnavailable
from trueup.ports.target import Condition
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget

FIELDS = {"fields": [{"name": "brandNew", "dataType": "string", "isQueryable": True}]}
UDFS = {"fields": [{"name": "Work 365 Id", "dataType": "string"}]}


# --- reading


def test_a_read_returns_typed_records_ordered_by_id(service, target, responses):
    items = [
        {"id": 9, "contractName": "B", "startDate": "2026-01-31T00:00:00Z", "setupFee": Decimal(1)},
        {"id": 4, "contractName": "A", "startDate": None, "setupFee": 2},
    ]
    service.on(
        "POST", "/Contracts/query", responses.page(json.loads(json.dumps(items, default=float)))
    )
    service.on("POST", "/Contracts/query/count", {"queryCount": 2})

    assert target.read("Contracts", [], ["contractName", "startDate", "setupFee"]) == [
        {"id": 4, "contractName": "A", "startDate": None, "setupFee": Decimal(2)},
        {"id": 9, "contractName": "B", "startDate": date(2026, 1, 31), "setupFee": Decimal(1)},
    ]


def by_ids(request):
    """Answers with a record for each id of the query."""
    numbers = next(
        condition["value"]
        for condition in json.loads(request.content)["filter"]
        if condition["field"] == "id"
    )
    return httpx.Response(
        200, json=page([{"id": number, "companyName": f"C{number}"} for number in numbers])
    )


def page(items):
    return {
        "items": items,
        "pageDetails": {"count": len(items), "requestCount": 500, "nextPageUrl": None},
    }


def test_a_read_by_ids_costs_one_call_for_each_500(service, target):
    service.on("POST", "/Companies/query", by_ids)

    records = target.read("Companies", [Condition("id", "in", range(1, 1201))], ["companyName"])

    assert [record["id"] for record in records] == list(range(1, 1201))
    assert service.paths() == ["POST Companies/query"] * 3
    assert target.calls == 2 + 3


def test_a_read_that_can_find_nothing_costs_nothing(service, target):
    assert target.read("Companies", [Condition("id", "in", [])], ["companyName"]) == []
    assert service.requests == []


def test_a_record_that_two_pieces_find_is_one_record(service, target):
    service.on("POST", "/Companies/query", page([{"id": 7, "companyNumber": "a"}]))
    names = [f"n{number}" for number in range(700)]

    assert target.read(
        "Companies", [Condition("companyNumber", "in", names)], ["companyNumber"]
    ) == [{"id": 7, "companyNumber": "a"}]


def test_a_failed_piece_fails_the_read(service, target, responses):
    def answer(request):
        if b'"n1"' in request.content:
            return httpx.Response(200, json=page([]))
        return responses.refusal("no")

    service.on("POST", "/Companies/query", answer)
    names = [f"n{number}" for number in range(5_000)]

    with pytest.raises(TargetRejected, match="no"):
        target.read("Companies", [Condition("companyNumber", "in", names)], ["companyNumber"])


def test_at_most_three_pieces_are_read_at_a_time(service, client_with, entities):
    inside, most, lock = 0, 0, threading.Lock()
    met = threading.Barrier(3, timeout=60)

    def answer(request):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        met.wait()
        with lock:
            inside -= 1
        return by_ids(request)

    service.on("POST", "/Companies/query", answer)
    target = HttpTarget(client_with(workers=9), entities, "a tenant")

    target.read("Companies", [Condition("id", "in", range(3_000))], ["companyName"])

    assert most == 3


def test_an_entity_that_cannot_be_queried_is_not_read(target):
    with pytest.raises(TargetError, match="has no query"):
        target.read("ContractServiceAdjustments", [], ["unitChange"])


def test_a_value_of_another_type_is_an_error_that_names_its_record(service, target):
    service.on("POST", "/Companies/query", page([{"id": 7, "ownerResourceID": "Smith"}]))

    with pytest.raises(
        TargetError, match="Companies 7: ownerResourceID is not of type integer: 'Smith'"
    ):
        target.read("Companies", [Condition("id", "in", [7])], ["ownerResourceID"])


# --- metadata


def test_the_metadata_of_an_entity_is_read_once_by_all_threads(service, target):
    all_threads_read = threading.Event()

    def slow(_):
        all_threads_read.wait(0.05)
        return httpx.Response(200, json=FIELDS)

    service.on("GET", "/Companies/entityInformation/fields", slow)

    with ThreadPoolExecutor(8) as pool:
        entities = list(pool.map(target.entity, ["Companies"] * 16))

    assert service.paths() == ["GET Companies/entityInformation/fields"]
    assert all(entity == entities[0] for entity in entities)
    assert "brandNew" in entities[0].fields


def test_metadata_that_could_not_be_read_is_read_again_the_next_time(service, target, responses):
    service.on("GET", "/Companies/entityInformation/fields", responses.refusal("no"), FIELDS)

    with pytest.raises(TargetRejected):
        target.entity("Companies")
    assert "brandNew" in target.entity("Companies").fields


def test_only_fields_missing_in_the_catalogue_need_metadata(service, target):
    service.on("GET", "/Companies/entityInformation/fields", FIELDS)
    service.on("POST", "/Companies/query", page([{"id": 7, "brandNew": "x"}]))
    where = [Condition("id", "in", [7])]

    target.read("Companies", where, ["companyName"])
    assert service.paths() == ["POST Companies/query"]
    assert target.read("Companies", where, ["brandNew"]) == [{"id": 7, "brandNew": "x"}]
    assert service.paths()[1:] == ["GET Companies/entityInformation/fields", "POST Companies/query"]


@pytest.mark.parametrize(
    ("entity", "field", "why"),
    [
        ("Company", "id", "'Company' is not an entity of the catalogue; did you mean 'Companies'"),
        (
            "Companies",
            "companyNmae",
            "Companies has no field 'companyNmae'; did you mean 'companyName'",
        ),
        (
            "Companies",
            "udf.Work 364 Id",
            "no user-defined field 'Work 364 Id'; did you mean 'udf.Work 365 Id'",
        ),
        (
            "ContractServices",
            "udf.Anything",
            "ContractServices has no user-defined field 'Anything'",
        ),
    ],
)
def test_unknown_names_are_errors_with_the_nearest_name(service, target, entity, field, why):
    service.on("GET", "/entityInformation/fields", FIELDS)
    service.on("GET", "/entityInformation/userDefinedFields", UDFS)

    with pytest.raises(TargetError, match=why):
        target.read(entity, [], [field])
    assert not any("query" in path for path in service.paths())


def test_user_defined_fields_are_read_once_when_one_is_used(service, target):
    service.on("GET", "/Companies/entityInformation/fields", FIELDS)
    service.on("GET", "/Companies/entityInformation/userDefinedFields", UDFS)
    item = {"id": 7, "userDefinedFields": [{"name": "Work 365 Id", "value": "7f3"}]}
    service.on("POST", "/Companies/query", page([item]))
    where = [Condition("udf.Work 365 Id", "eq", "7f3")]

    assert target.read("Companies", where, ["udf.Work 365 Id"]) == [
        {"id": 7, "udf.Work 365 Id": "7f3"}
    ]
    target.read("Companies", where, ["udf.Work 365 Id"])
    assert service.paths() == [
        "GET Companies/entityInformation/userDefinedFields",
        *["POST Companies/query"] * 2,
    ]
    assert service.bodies()[0] == {
        "filter": [{"op": "eq", "field": "Work 365 Id", "value": "7f3", "udf": True}],
        "IncludeFields": ["id", "Work 365 Id"],
    }
    assert "udf.Work 365 Id" in target.entity("Companies").fields


def test_listing_user_defined_fields_costs_nothing_for_an_entity_without_them(service, target):
    service.on("GET", "/Companies/entityInformation/userDefinedFields", UDFS)

    assert list(target.metadata.udfs("Companies")) == ["udf.Work 365 Id"]
    assert target.metadata.udfs("Companies") == target.metadata.udfs("Companies")
    assert target.metadata.udfs("ContractServices") == {}
    assert service.paths() == ["GET Companies/entityInformation/userDefinedFields"]


# --- writing


def test_a_record_is_created_on_its_collection(service, target):
    service.on("POST", "/Companies", {"itemId": 29683})

    assert (
        target.create("Companies", {"companyName": "Alpine", "companyType": 1, "phone": "1"})
        == 29683
    )
    assert service.paths() == ["POST Companies"]
    assert service.bodies() == [{"companyName": "Alpine", "companyType": 1, "phone": "1"}]


@pytest.mark.parametrize("parent", [0, 29683])
def test_a_child_is_created_through_its_parent(service, target, parent):
    service.on("POST", f"/Companies/{parent}/Contacts", {"itemId": 5})
    values = {"companyID": parent, "firstName": "A", "lastName": "B", "isActive": 1}

    assert target.create("Contacts", values) == 5
    assert service.bodies() == [values]


def test_an_adjustment_is_created_at_the_root_and_has_no_id(service, target):
    service.on("POST", "/ContractServiceAdjustments", {"itemId": None})
    values = {"contractServiceID": 51, "effectiveDate": date(2026, 11, 15), "unitChange": -3}

    assert target.create("ContractServiceAdjustments", values) is None
    assert service.paths() == ["POST ContractServiceAdjustments"]
    assert service.bodies() == [
        {"contractServiceID": 51, "effectiveDate": "2026-11-15", "unitChange": -3}
    ]


@pytest.mark.parametrize("answer", [{"itemId": "12"}, {"ItemId": 12}])
def test_the_id_of_a_new_record_may_be_text_and_in_another_case(service, target, answer):
    service.on("POST", "/Companies", answer)

    assert target.create("Companies", {"companyName": "Alpine"}) == 12


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"itemId": True}, {"itemId": "x"}, {"itemId": 0}, {"itemId": -1}],
    ids=json.dumps,
)
def test_a_response_without_a_valid_id_leaves_a_create_in_doubt(service, target, answer):
    service.on("POST", "/Companies", answer)

    with pytest.raises(TargetUnavailable) as caught:
        target.create("Companies", {"companyName": "Alpine"})
    assert caught.value.may_have_landed
    assert service.paths() == ["POST Companies"]


@pytest.mark.parametrize(
    ("entity", "values", "why"),
    [
        ("Contacts", {"firstName": "A"}, "written through Companies, and companyID is not given"),
        ("Contacts", {"companyID": None}, "companyID is not given"),
        ("Companies", {"id": 7}, "does not accept id on create"),
        ("Companies", {"createDate": None}, "does not accept createDate on create"),
        ("ContractServiceUnits", {"units": 3}, "offers no create"),
        ("Resources", {"email": "a@b.c"}, "offers no create"),
        ("Companies", {"companyType": "Customer"}, "not a number"),
        ("Companies", {"companyName": "x" * 101}, "takes 100 characters"),
    ],
)
def test_a_write_that_autotask_would_not_accept_is_not_sent(service, target, entity, values, why):
    with pytest.raises(TargetRejected, match=why) as caught:
        target.create(entity, values)
    assert caught.value.status == 0
    assert service.requests == []


def test_an_update_is_a_patch_on_the_collection_with_the_id_in_its_body(service, target):
    service.on("PATCH", "/Companies", {"itemId": 0})

    target.update("Companies", 0, {"phone": None, "isActive": False})

    assert service.paths() == ["PATCH Companies"]
    assert service.bodies() == [{"id": 0, "phone": None, "isActive": False}]


def test_a_child_is_updated_through_its_parent_whose_key_is_not_sent(service, target):
    service.on("PATCH", "/Contracts/31/Services", {"itemId": 51})

    target.update("ContractServices", 51, {"contractID": 31, "invoiceDescription": "x"})

    assert service.paths() == ["PATCH Contracts/31/Services"]
    assert service.bodies() == [{"id": 51, "invoiceDescription": "x"}]


def test_parent_0_is_a_parent_like_any_other(service, target):
    service.on("PATCH", "/Companies/0/Contacts", {"itemId": 5})

    target.update("Contacts", 5, {"companyID": 0, "lastName": "B"})

    assert service.paths() == ["PATCH Companies/0/Contacts"]


def test_the_parent_of_a_child_is_read_if_it_is_not_given(service, target):
    service.on("POST", "/ContractServices/query", page([{"id": 51, "contractID": 31}]))
    service.on("PATCH", "/Contracts/31/Services", {"itemId": None})

    target.update("ContractServices", 51, {"invoiceDescription": "x"})

    assert service.paths() == ["POST ContractServices/query", "PATCH Contracts/31/Services"]


def test_a_child_that_cannot_be_found_is_not_updated(service, target):
    service.on("POST", "/ContractServices/query", page([]))

    with pytest.raises(TargetRejected, match="has no ContractServices 51"):
        target.update("ContractServices", 51, {"invoiceDescription": "x"})


def test_an_update_of_nothing_costs_nothing(service, target):
    target.update("ContractServices", 51, {"contractID": 31})

    assert service.requests == []


@pytest.mark.parametrize("field", ["companyID", "contractType", "contractPeriodType"])
def test_a_field_that_is_fixed_after_create_is_not_sent(service, target, field):
    with pytest.raises(TargetRejected, match=f"Contracts does not accept {field} on update"):
        target.update("Contracts", 31, {field: 7})
    assert service.requests == []


def test_a_response_for_another_record_leaves_an_update_in_doubt(service, target):
    service.on("PATCH", "/Companies", {"itemId": 8})

    with pytest.raises(TargetUnavailable, match="the answer is for record 8") as caught:
        target.update("Companies", 7, {"phone": "1"})
    assert caught.value.may_have_landed


def test_an_update_of_a_missing_record_is_refused(service, target, responses):
    service.on(
        "PATCH", "/Companies", responses.refusal("No matching records found for Companies 7")
    )

    with pytest.raises(TargetRejected, match="updating Companies 7: No matching records found"):
        target.update("Companies", 7, {"phone": "1"})


def test_a_target_is_described_by_its_name_and_closes_its_client(target):
    assert target.describe() == "a tenant"

    target.close()

    with pytest.raises(RuntimeError, match="closed"):
        target.threshold()


def test_a_tenant_is_identified_by_its_look_up_host_and_its_user_without_a_call(
    client_with, entities, service
):
    def identity(url, **more):
        return HttpTarget(client_with(url), entities, "a tenant", **more).identity()

    own = identity("https://webservices.example.net")
    assert own == identity("HTTPS://Webservices.Example.net:443/ATServicesRest/V1.0/")
    assert service.requests == []
    assert own.startswith("webservices.example.net, API user ")
    assert "api user@" not in own
    others = [
        "https://webservices2.example.net",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8002",
        "http://127.0.0.1/b",
    ]
    assert len({own, *map(identity, others)}) == 5
    assert identity("http://127.0.0.1:1", identity="sandbox in a.sqlite") == "sandbox in a.sqlite"


def test_two_users_of_one_host_may_be_two_tenants():
    names = {
        Credentials(user, "secret", "code").public_name()
        for user in ("Api@a.example", "api@a.example ", "api@b.test")
    }
    assert len(names) == 2
    assert any(name.startswith("API user …@a.example (") for name in names)
