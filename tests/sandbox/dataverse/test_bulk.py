"""Actions on many rows: all or nothing."""

import pytest

from tests.support.dataverse_client import DataverseClient, error_of
from tests.support.dataverse_world import key

TYPE = {"@odata.type": "Microsoft.Dynamics.CRM.account"}


def post(client: DataverseClient, action: str, *targets: dict):
    url = f"accounts/Microsoft.Dynamics.CRM.{action}"
    return client.http.post(url, json={"Targets": list(targets)})


def names(client: DataverseClient) -> list[str]:
    rows = client.get("accounts?$select=name&$orderby=name").json()["value"]
    return [row["name"] for row in rows]


def test_rows_are_added_changed_and_upserted_together(client: DataverseClient):
    created = post(client, "CreateMultiple", {**TYPE, "name": "a"}, {**TYPE, "name": "b"})
    first = created.json()["Ids"][0]
    changed = post(client, "UpdateMultiple", {**TYPE, "accountid": first, "name": "c"})
    upserted = post(
        client,
        "UpsertMultiple",
        {**TYPE, "@odata.id": "accounts(accountnumber='1')", "name": "d"},
        {**TYPE, "accountid": first, "name": "e"},
    )

    assert (len(created.json()["Ids"]), changed.status_code, upserted.status_code) == (2, 204, 204)
    assert names(client) == ["account 1", "b", "d", "e"]


@pytest.mark.parametrize(
    ("action", "target", "status"),
    [
        ("CreateMultiple", {**TYPE, "color": 1}, 400),
        ("CreateMultiple", {"name": "x"}, 400),
        ("UpdateMultiple", {**TYPE, "accountid": key(99), "name": "x"}, 404),
        ("UpdateMultiple", {**TYPE, "name": "x"}, 400),
        ("UpsertMultiple", {**TYPE, "@odata.id": f"contacts({key(1)})"}, 400),
        ("DeleteMultiple", {**TYPE, "accountid": key(1)}, 404),
    ],
)
def test_one_wrong_row_prevents_all(
    client: DataverseClient, action: str, target: dict, status: int
):
    good = {**TYPE, "name": "good"}
    if action == "UpdateMultiple":
        good["accountid"] = key(1)

    assert error_of(post(client, action, good, target))[0] == status
    assert names(client) == ["account 1"]


def test_targets_are_a_list_of_rows(client: DataverseClient):
    for targets in (None, [], ["x"], "x", [TYPE] * 1001):
        response = client.http.post(
            "accounts/Microsoft.Dynamics.CRM.CreateMultiple", json={"Targets": targets}
        )
        assert error_of(response)[0] == 400


def bulk_delete(client: DataverseClient, condition: dict, entity: str = "account"):
    query = {"EntityName": entity, "Criteria": {"Conditions": [condition]}}
    return client.http.post("BulkDelete", json={"JobName": "job", "QuerySet": [query]})


def test_rows_are_deleted_by_their_keys(client: DataverseClient):
    values = [{"Value": key(1).upper(), "Type": "System.Guid"}, {"Value": key(99)}]
    done = bulk_delete(client, {"AttributeName": "accountid", "Operator": "In", "Values": values})

    assert len(done.json()["JobId"]) == 36
    assert names(client) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"AttributeName": "name", "Operator": "In", "Values": [{"Value": "account 1"}]},
        {"AttributeName": "accountid", "Operator": "NotIn", "Values": [{"Value": key(1)}]},
        {"AttributeName": "accountid", "Operator": "In", "Values": [{"Value": "x"}]},
    ],
)
def test_any_other_condition_deletes_nothing(client: DataverseClient, condition: dict):
    assert error_of(bulk_delete(client, condition))[0] == 400
    assert error_of(bulk_delete(client, condition, "nothing"))[0] == 400
    assert names(client) == ["account 1"]
