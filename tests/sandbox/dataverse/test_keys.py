"""Alternate keys that a client defines."""

from pathlib import Path

import pytest

from tests.support.dataverse_client import SET, DataverseClient, error_of, small_sandbox
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import key

KEYS = f"EntityDefinitions(LogicalName='{LOG}')/Keys"
NAME = {"SchemaName": "new_Name", "KeyAttributes": ["work365_lcl_name"]}
ROW = f"{SET}(work365_lcl_name='change 2')"


def test_a_key_works_from_its_definition_to_its_removal(client: DataverseClient):
    before = client.get(ROW).status_code
    created = client.http.post(KEYS, json=NAME)
    row = client.get(ROW).json()
    (shown,) = client.get(KEYS).json()["value"]
    again = client.patch(1, {"work365_lcl_name": "change 2"})
    removed = client.http.delete(f"{KEYS}({shown['MetadataId']})")

    assert (before, created.status_code, removed.status_code) == (400, 204, 204)
    assert created.headers["OData-EntityId"].endswith(f"/Keys({shown['MetadataId']})")
    assert row["work365_licensechangelogid"] == key(2)
    assert (shown["SchemaName"], shown["KeyAttributes"]) == ("new_name", ["work365_lcl_name"])
    assert error_of(again)[0] == 412
    assert client.get(ROW).status_code == 400
    assert error_of(client.http.delete(f"{KEYS}({shown['MetadataId']})"))[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**NAME, "SchemaName": ""}, 400),
        ({**NAME, "SchemaName": "a b"}, 400),
        ({**NAME, "KeyAttributes": []}, 400),
        ({**NAME, "KeyAttributes": "work365_lcl_name"}, 400),
        ({**NAME, "KeyAttributes": ["nothing"]}, 400),
        ({**NAME, "KeyAttributes": ["statecode"]}, 400),
        ({**NAME, "KeyAttributes": ["work365_lcl_name", "work365_lcl_name"]}, 400),
        ({**NAME, "KeyAttributes": ["work365_lcl_subscriptionevent"]}, 412),
    ],
)
def test_a_wrong_key_is_refused(client: DataverseClient, body: dict, status: int):
    assert error_of(client.http.post(KEYS, json=body))[0] == status
    assert client.get(KEYS).json()["value"] == []


def test_a_table_has_at_most_ten_keys_and_each_once(client: DataverseClient):
    columns = ["work365_lcl_name", "work365_lcl_invoice", "work365_lcl_quantity", "createdon"]
    pairs = [[one, other] for one in columns for other in columns if one != other]
    statuses = [
        client.http.post(KEYS, json={"SchemaName": f"k{n}", "KeyAttributes": pair}).status_code
        for n, pair in enumerate(pairs)
    ]

    assert statuses == [204] * 10 + [400] * 2
    assert error_of(client.http.post(KEYS, json={**NAME, "SchemaName": "k1"}))[0] == 400


def test_keys_survive_a_restart_and_follow_a_snapshot(tmp_path: Path):
    path, snapshot = tmp_path / "dataverse.sqlite", {"file": str(tmp_path / "snap")}
    with small_sandbox(path) as sandbox, DataverseClient(sandbox) as client:
        client.http.post(KEYS, json=NAME)
        client.http.post(f"{sandbox.url}/sandbox/snapshot", json=snapshot)
        client.http.delete(f"{KEYS}(LogicalName='new_name')")
        assert client.get(ROW).status_code == 400
    with small_sandbox(path) as sandbox, DataverseClient(sandbox) as client:
        assert client.get(ROW).status_code == 400
        client.http.post(f"{sandbox.url}/sandbox/restore", json=snapshot)
        assert client.get(ROW).json()["work365_licensechangelogid"] == key(2)
