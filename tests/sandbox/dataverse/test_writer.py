"""Writes: upserts, tags, checks of columns and values, deletes."""

import json

import pytest
from trueup.sandbox.dataverse.schema import Quirks

from tests.support.dataverse_client import SET, DataverseClient, error_of, small_sandbox
from tests.support.dataverse_world import CHANGE_TABLE as LOG
from tests.support.dataverse_world import key


def test_a_patch_adds_a_missing_row_unless_if_match_forbids_it(client: DataverseClient):
    added = client.patch(50, {"work365_lcl_name": "new"})
    refused = client.patch(51, {"work365_lcl_name": "new"}, If_Match="*")

    assert added.status_code == 204
    assert client.get(f"{SET}({key(50)})").json()["work365_lcl_name"] == "new"
    assert error_of(refused)[0] == 404
    assert client.get(f"{SET}({key(51)})").status_code == 404


def test_a_tag_matches_until_the_row_changes(client: DataverseClient):
    tag = client.get(f"{SET}({key(1)})").json()["@odata.etag"]
    first = client.patch(1, {"work365_lcl_name": "a"}, If_Match=tag)
    second = client.patch(1, {"work365_lcl_name": "b"}, If_Match=tag)
    third = client.patch(1, {"work365_lcl_name": "c"}, If_Match=first.headers["ETag"])

    assert [first.status_code, second.status_code, third.status_code] == [204, 412, 204]
    assert error_of(second)[2] == (
        "The version of the existing record doesn't match the RowVersion property provided."
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"color": 1}, "Could not find a property named 'color'"),
        ({"_work365_lcl_subscription_value": key(1)}, "Could not find a property named"),
        ({"createdon": "2026-01-01T00:00:00Z"}, "Attribute createdon cannot be updated."),
        (
            {"work365_lcl_quantity": "3"},
            "Cannot convert the value of work365_lcl_quantity to type Decimal.",
        ),
        (
            {"work365_lcl_isaudit": 1},
            "Cannot convert the value of work365_lcl_isaudit to type Boolean.",
        ),
        (
            {"statuscode": 77},
            "A validation error occurred. The value 77 of 'statuscode' is outside the valid range.",
        ),
        (
            {"statuscode": 126340100},
            f"126340100 is not a valid status code for state code 0 on {LOG}.",
        ),
    ],
)
def test_an_invalid_write_is_refused_and_changes_nothing(
    client: DataverseClient, values: dict, message: str
):
    before = client.sandbox.store.get(LOG, key(1))

    status, _, text = error_of(client.patch(1, values, If_Match="*"))

    assert (status, text[: len(message)]) == (400, message)
    assert client.sandbox.store.get(LOG, key(1)) == before


def test_a_row_can_be_deleted_once(client: DataverseClient):
    statuses = [client.http.delete(f"{SET}({key(1)})").status_code for _ in range(2)]

    assert statuses == [204, 404]


def test_if_none_match_forbids_to_change_a_row_that_exists(client: DataverseClient):
    before = client.sandbox.store.get(LOG, key(1))
    refused = client.patch(1, {"work365_lcl_name": "x"}, If_None_Match="*")
    added = client.patch(60, {"work365_lcl_name": "x"}, If_None_Match="*")

    assert error_of(refused) == (
        412,
        "0x80040237",
        "A record with matching key values already exists.",
    )
    assert client.sandbox.store.get(LOG, key(1)) == before
    assert added.status_code == 204


def test_a_write_answers_with_the_row_if_the_request_prefers_it(client: DataverseClient):
    headers = {"Prefer": "return=representation"}
    created = client.http.post(
        "accounts?$select=name", json={"name": "New", "telephone1": "1"}, headers=headers
    )
    changed = client.http.patch(
        f"{SET}({key(1)})", json={"work365_lcl_name": "changed"}, headers=headers
    )

    assert (created.status_code, changed.status_code) == (201, 200)
    assert set(created.json()) == {"@odata.context", "@odata.etag", "accountid", "name"}
    assert created.json()["name"] == "New"
    assert changed.json()["work365_lcl_name"] == "changed"
    assert changed.json()["work365_lcl_quantity"] == 1
    assert created.headers["Preference-Applied"] == "return=representation"
    assert changed.json()["@odata.etag"] == changed.headers["ETag"]


def test_a_write_answers_with_the_whole_address_of_the_row(client: DataverseClient):
    created = client.http.post("accounts", json={"name": "New"})
    changed = client.patch(1, {"work365_lcl_name": "changed"})

    root = f"{client.sandbox.url}/api/data/v9.2/"
    assert changed.headers["OData-EntityId"] == f"{root}{SET}({key(1)})"
    assert created.headers["OData-EntityId"].startswith(f"{root}accounts(")
    assert created.status_code == 204
    assert client.get(created.headers["Location"]).json()["name"] == "New"


def test_behind_a_tls_proxy_addresses_have_the_scheme_of_the_client(client: DataverseClient):
    headers = {"X-Forwarded-Proto": "https"}

    created = client.http.post("accounts", json={"name": "New"}, headers=headers)

    assert created.headers["OData-EntityId"].startswith("https://127.0.0.1:")


def test_a_new_row_may_bring_its_key_and_gets_state_and_time(client: DataverseClient):
    body = {"accountid": key(70), "name": "New"}
    first = client.http.post("accounts", json=body)
    again = client.http.post("accounts", json=body)
    row = client.get(f"accounts({key(70)})").json()

    assert (first.status_code, error_of(again)[:2]) == (204, (412, "0x80040237"))
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    assert row["modifiedon"].endswith("Z")


def test_a_row_that_is_loaded_as_inactive_has_the_status_reason_of_its_state(
    client: DataverseClient,
):
    client.sandbox.set("account", {"id": key(71), "name": "Old", "state": "Inactive"})
    row = client.get(f"accounts({key(71)})").json()

    assert (row["statecode"], row["statuscode"]) == (1, 2)


def test_a_reference_is_written_by_its_navigation_property(client: DataverseClient):
    client.http.post("contacts", json={"contactid": key(80), "lastname": "Lane"})
    bound = {"primarycontactid@odata.bind": f"/contacts({key(80)})"}
    assert client.http.patch(f"accounts({key(1)})", json=bound).status_code == 204
    assert client.get(f"accounts({key(1)})").json()["_primarycontactid_value"] == key(80)

    client.http.patch(f"accounts({key(1)})", json={"primarycontactid@odata.bind": None})
    assert client.get(f"accounts({key(1)})").json()["_primarycontactid_value"] is None


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"primarycontactid@odata.bind": f"/contacts({key(99)})"}, 404, "contact With Id = "),
        ({"primarycontactid@odata.bind": f"/accounts({key(1)})"}, 400, "A resource of type"),
        ({"primarycontactid@odata.bind": "contacts"}, 400, "The link 'contacts' does not"),
        ({"contact@odata.bind": f"/contacts({key(1)})"}, 400, "Error identified in Payload"),
        ({"accountid": "no key"}, 400, "Cannot convert the value of accountid to type Guid."),
        ([], 400, "Error identified in Payload provided by the user."),
    ],
)
def test_a_wrong_new_row_is_refused(
    client: DataverseClient, body: object, status: int, message: str
):
    before = client.sandbox.store.count("account")

    got, _, text = error_of(client.http.post("accounts", json=body))

    assert (got, text[: len(message)]) == (status, message)
    assert client.sandbox.store.count("account") == before


def test_rows_are_found_changed_and_added_by_an_alternate_key(client: DataverseClient):
    address = "accounts(accountnumber='A(1, ''x''')"
    missing = client.get(address)
    forbidden = client.http.patch(address, json={"name": "x"}, headers={"If-Match": "*"})
    for name in ("added", "changed"):
        assert client.http.patch(address, json={"name": name}).status_code == 204
    found = client.get(f"{address}?$select=name,accountnumber").json()

    assert [error_of(one)[:2] for one in (missing, forbidden)] == [(404, "0x80060891")] * 2
    assert (found["name"], found["accountnumber"]) == ("changed", "A(1, 'x'")
    assert client.sandbox.store.count("account") == 2
    refused = error_of(client.get("accounts(name='added')"))
    assert (refused[0], refused[2][:27]) == (400, "The key in the request URI ")


def test_values_of_an_alternate_key_are_unique(client: DataverseClient):
    client.http.post("accounts", json={"name": "a", "accountnumber": "1"})
    again = client.http.post("accounts", json={"name": "b", "accountnumber": "1"})
    changed = client.http.patch(f"accounts({key(1)})", json={"accountnumber": "1"})

    assert [error_of(response)[0] for response in (again, changed)] == [412, 412]
    assert client.sandbox.store.count("account") == 2


def test_an_alternate_key_may_have_several_columns():
    quirks = Quirks(keys={LOG: ("work365_lcl_name", "statuscode")})
    with small_sandbox(quirks=quirks) as sandbox, DataverseClient(sandbox) as client:
        found = client.get(f"{SET}(work365_lcl_name='change 2',statuscode=1)")
        half = client.get(f"{SET}(work365_lcl_name='change 2')")

    assert found.json()["work365_licensechangelogid"] == key(2)
    assert error_of(half)[0] == 400


def test_a_row_is_deleted_only_in_the_version_that_the_request_names(client: DataverseClient):
    tag = client.get(f"{SET}({key(1)})").headers["ETag"]
    client.patch(1, {"work365_lcl_name": "x"})

    statuses = [
        client.http.delete(f"{SET}({key(1)})", headers={"If-Match": match}).status_code
        for match in (tag, "*")
    ]

    assert statuses == [412, 204]


def test_the_time_of_a_change_is_recorded(client: DataverseClient):
    client.sandbox.store.facts.move_clock({"stands": "2026-11-15T09:00:00Z"})
    client.http.patch(f"accounts({key(1)})", json={"name": "x"})

    row = client.sandbox.store.get("account", key(1))
    assert row is not None
    assert json.loads(row.values()["modifiedon"]) == "2026-11-15T09:00:00Z"


@pytest.mark.parametrize(
    ("column", "written", "read"),
    [
        ("work365_lcl_effectivedate", "2026-03-01", "2026-03-01T00:00:00Z"),
        ("work365_lcl_effectivedate", "2026-03-01T01:00:00+02:00", "2026-02-28T23:00:00Z"),
        ("work365_lcl_quantity", 10.5, 10.5),
        ("work365_lcl_quantity", None, None),
        ("work365_lcl_quantity", 1.123456789012, 1.1235),
        ("work365_lcl_quantity", -0.00005, -0.0001),
        ("work365_lcl_quantity", 0.00004, 0.0),
        ("work365_lcl_name", "", None),
    ],
)
def test_a_value_is_kept_as_dataverse_keeps_it(
    client: DataverseClient, column: str, written: object, read: object
):
    assert client.patch(1, {column: written}).status_code == 204
    assert client.get(f"{SET}({key(1)})").json()[column] == read


def test_a_number_has_the_decimal_places_of_its_column():
    quirks = Quirks(precisions={"work365_lcl_quantity": 1})
    with small_sandbox(quirks=quirks) as sandbox, DataverseClient(sandbox) as client:
        client.patch(1, {"work365_lcl_quantity": 2.25})
        cast = "Attributes/Microsoft.Dynamics.CRM.DecimalAttributeMetadata"
        columns = client.get(f"EntityDefinitions(LogicalName='{LOG}')/{cast}").json()["value"]
        read = client.get(f"{SET}({key(1)})").json()["work365_lcl_quantity"]

    precisions = {column["LogicalName"]: column["Precision"] for column in columns}
    assert (read, precisions["work365_lcl_quantity"]) == (2.3, 1)


@pytest.mark.parametrize(
    "send",
    [
        lambda client, tag: client.patch(1, {"work365_lcl_name": "a"}, If_Match=tag),
        lambda client, tag: client.http.put(
            f"{SET}({key(1)})/work365_lcl_name", json={"value": "a"}, headers={"If-Match": tag}
        ),
        lambda client, tag: client.http.delete(f"{SET}({key(1)})", headers={"If-Match": tag}),
    ],
    ids=["patch", "column", "delete"],
)
def test_a_table_without_optimistic_concurrency_takes_no_tag(send):
    quirks = Quirks(unguarded=frozenset({LOG}))
    with small_sandbox(quirks=quirks) as sandbox, DataverseClient(sandbox) as client:
        tag = client.get(f"{SET}({key(1)})").json()["@odata.etag"]
        before = sandbox.store.get(LOG, key(1))
        refused = error_of(send(client, tag))
        after = sandbox.store.get(LOG, key(1))
        accepted = send(client, "*").status_code

    assert (refused[:2], after, accepted) == ((400, "0x8006088d"), before, 204)


def test_a_value_outside_its_range_is_refused(client: DataverseClient):
    for values in (
        '{"work365_lcl_quantity": 1e999999}',
        '{"work365_lcl_quantity": 100000000001}',
        '{"work365_lcl_quantity": NaN}',
        '{"work365_lcl_effectivedate": "0001-01-01T00:00:00+05:00"}',
        '{"work365_lcl_effectivedate": "tomorrow"}',
    ):
        assert error_of(client.http.patch(f"{SET}({key(1)})", content=values))[0] == 400
    assert client.get(f"{SET}({key(1)})").json()["work365_lcl_quantity"] == 1


def test_some_characters_cannot_be_in_an_alternate_key(client: DataverseClient):
    for value in ("a/b", "a:b", "a+b", "a%25b", "a&b"):
        response = client.http.patch(f"accounts(accountnumber='{value}')", json={"name": "x"})
        assert error_of(response)[0] == 400
    assert client.sandbox.store.count("account") == 1


@pytest.mark.parametrize(
    ("row", "name", "longest"),
    [
        (f"{SET}({key(1)})", "work365_lcl_name", 4000),
        (f"accounts({key(1)})", "name", 160),
        (f"accounts({key(1)})", "accountnumber", 20),
        (f"accounts({key(1)})", "telephone1", 50),
    ],
)
def test_a_text_that_is_too_long_is_refused(
    client: DataverseClient, row: str, name: str, longest: int
):
    refused = client.http.patch(row, json={name: "x" * (longest + 1)})

    assert error_of(refused)[:2] == (400, "0x80044331")
    assert client.http.patch(row, json={name: "x" * longest}).status_code == 204


def test_a_state_alone_brings_its_first_status_reason(client: DataverseClient):
    before = client.get(f"accounts({key(1)})").json()
    client.http.patch(f"accounts({key(1)})", json={"statecode": 1})
    row = client.get(f"accounts({key(1)})").json()

    assert (before["statecode"], before["statuscode"]) == (0, 1)
    assert (row["statecode"], row["statuscode"]) == (1, 2)


def test_rows_that_refer_to_a_deleted_row_lose_the_reference_or_are_deleted(
    client: DataverseClient,
):
    account = {"parentcustomerid_account@odata.bind": f"/accounts({key(1)})"}
    client.http.post("contacts", json={"contactid": key(80), "lastname": "Lane", **account})
    bound = {"work365_lcl_customer@odata.bind": f"/accounts({key(1)})"}
    client.http.patch(f"{SET}({key(2)})", json=bound)

    assert client.http.delete(f"accounts({key(1)})").status_code == 204

    assert client.get(f"contacts({key(80)})").status_code == 404
    assert client.get(f"{SET}({key(2)})").json()["_work365_lcl_customer_value"] is None
