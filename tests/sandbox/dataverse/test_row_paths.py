"""Parts of a row: its columns, and its references in both directions."""

import pytest

from tests.support.dataverse_client import DataverseClient, error_of
from tests.support.dataverse_world import key

ACCOUNT = f"accounts({key(1)})"
CONTACT = f"contacts({key(80)})"


@pytest.fixture(autouse=True)
def contact(client: DataverseClient) -> None:
    client.http.post("contacts", json={"contactid": key(80), "lastname": "Lane"})


def parent(client: DataverseClient) -> str | None:
    return client.get(CONTACT).json()["_parentcustomerid_value"]


def test_a_column_is_read_set_and_cleared(client: DataverseClient):
    column = f"{ACCOUNT}/telephone1"

    assert client.get(column).status_code == 204
    assert client.http.put(column, json={"value": "555"}).status_code == 204
    assert client.get(column).json()["value"] == "555"
    assert client.get(f"{column}/$value").text == "555"
    assert client.http.delete(column).status_code == 204
    assert client.get(ACCOUNT).json()["telephone1"] is None


def test_a_column_is_set_only_to_what_fits(client: DataverseClient):
    for column, value in (("name", 1), ("accountid", key(2)), ("modifiedon", "2026-01-01")):
        assert error_of(client.http.put(f"{ACCOUNT}/{column}", json={"value": value}))[0] == 400
    missing = client.http.put(f"accounts({key(9)})/name", json={"value": "x"})
    assert error_of(missing)[0] == 404


def test_a_reference_is_set_followed_and_cleared(client: DataverseClient):
    link = f"{CONTACT}/parentcustomerid_account/$ref"
    target = {"@odata.id": f"{client.sandbox.url}/api/data/v9.2/{ACCOUNT}"}

    assert client.http.put(link, json=target).status_code == 204
    assert parent(client) == key(1)
    related = client.get(f"{CONTACT}/parentcustomerid_account?$select=name")
    assert related.json()["name"] == "account 1"
    assert client.get(link).json() == target
    assert client.http.delete(link).status_code == 204
    assert parent(client) is None
    assert client.get(f"{CONTACT}/parentcustomerid_account").status_code == 204


def test_referring_rows_are_added_read_and_removed(client: DataverseClient):
    rows = f"{ACCOUNT}/contact_customer_accounts"

    added = client.http.post(f"{rows}/$ref", json={"@odata.id": CONTACT})
    assert (added.status_code, parent(client)) == (204, key(1))
    assert [row["lastname"] for row in client.get(rows).json()["value"]] == ["Lane"]
    assert client.get(f"{rows}?$filter=lastname eq 'x'").json()["value"] == []

    assert client.http.delete(f"{rows}({key(80)})/$ref").status_code == 204
    assert parent(client) is None
    client.http.post(f"{rows}/$ref", json={"@odata.id": CONTACT})
    assert client.http.delete(f"{rows}/$ref?$id={CONTACT}").status_code == 204
    assert parent(client) is None


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", f"{ACCOUNT}/nothing", 404),
        ("GET", f"{ACCOUNT}/name/nothing", 404),
        ("GET", f"{ACCOUNT}/primarycontactid/nothing", 404),
        ("GET", "accounts/nothing", 404),
        ("POST", f"{ACCOUNT}/name", 405),
        ("POST", f"{ACCOUNT}/primarycontactid", 405),
        ("PUT", f"{ACCOUNT}/contact_customer_accounts/$ref", 405),
        ("PUT", ACCOUNT, 405),
        ("PATCH", "accounts", 405),
        ("PUT", f"{ACCOUNT}/primarycontactid/$ref", 400),
        ("POST", f"{ACCOUNT}/contact_customer_accounts/$ref", 400),
        ("DELETE", f"{ACCOUNT}/contact_customer_accounts/$ref", 400),
        ("GET", f"accounts({key(9)})/primarycontactid", 404),
        ("GET", f"{ACCOUNT}/Microsoft.Dynamics.CRM.Nothing()", 404),
        ("POST", f"{ACCOUNT}/Microsoft.Dynamics.CRM.Nothing", 404),
    ],
)
def test_what_is_not_known_is_refused(client: DataverseClient, verb: str, path: str, status: int):
    response = client.http.request(verb, path, json={} if verb != "GET" else None)

    assert error_of(response)[0] == status


def test_a_row_of_another_table_is_not_added(client: DataverseClient):
    rows = f"{ACCOUNT}/contact_customer_accounts/$ref"

    assert error_of(client.http.post(rows, json={"@odata.id": ACCOUNT}))[0] == 400
