"""`$batch`: order, change sets, errors, references between requests."""

import re

import httpx
import pytest

from tests.support.dataverse_client import SET, DataverseClient, error_of
from tests.support.dataverse_world import key

MISSING = f"accounts({key(99)})"


def part(line: str, body: str = "", **headers: str) -> str:
    """Returns one request as a part of a batch."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"Content-Type: application/http\r\n{more}\r\n{line} HTTP/1.1\r\n\r\n{body}"


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}\r\n{one}\r\n" for one in parts) + f"--{boundary}--\r\n"


def change_set(*parts: str) -> str:
    inner = multipart("c", *parts)
    return f"Content-Type: multipart/mixed; boundary=c\r\n\r\n{inner}"


def send(client: DataverseClient, *parts: str, prefer: str = "") -> httpx.Response:
    headers = {"Content-Type": 'multipart/mixed; boundary="b"', "Prefer": prefer}
    return client.http.post("$batch", content=multipart("b", *parts), headers=headers)


def statuses(response: httpx.Response) -> list[int]:
    assert response.status_code == 200, response.text
    return [int(status) for status in re.findall(r"^HTTP/1\.1 (\d+)", response.text, re.MULTILINE)]


def names(client: DataverseClient) -> list[str]:
    rows = client.get("accounts?$select=name&$orderby=name").json()["value"]
    return [row["name"] for row in rows]


def test_requests_are_performed_in_their_order(client: DataverseClient):
    root = f"{client.sandbox.url}/api/data/v9.2"
    response = send(
        client,
        part("POST accounts", '{"name": "new"}'),
        part(f"PATCH {root}/accounts({key(1)})", '{"name": "changed"}'),
        part("GET /api/data/v9.2/accounts?$select=name&$orderby=name"),
        part(f"DELETE accounts({key(1)})"),
        part(f"GET {SET}?$filter=work365_lcl_name eq 'change 2'&$select=work365_lcl_name"),
    )

    assert statuses(response) == [204, 204, 200, 204, 200]
    assert response.text.index('"changed"') < response.text.index('"new"')
    assert '"change 2"' in response.text
    assert '"change 3"' not in response.text
    assert names(client) == ["new"]


def test_an_error_ends_a_batch_unless_it_shall_go_on(client: DataverseClient):
    parts = (part(f"GET {MISSING}"), part("POST accounts", '{"name": "new"}'))

    assert statuses(send(client, *parts)) == [404]
    assert names(client) == ["account 1"]
    assert statuses(send(client, *parts, prefer="odata.continue-on-error")) == [404, 204]
    assert names(client) == ["account 1", "new"]


def test_a_change_set_is_all_or_nothing(client: DataverseClient):
    version = client.sandbox.store.facts.version
    refused = send(
        client,
        change_set(
            part("POST accounts", '{"name": "new"}', Content_ID="1"),
            part(f"DELETE {MISSING}", Content_ID="2"),
        ),
    )
    done = send(client, change_set(part("POST accounts", '{"name": "new"}', Content_ID="1")))

    assert statuses(refused) == [404]
    assert "Content-ID: 2" in refused.text
    assert statuses(done) == [204]
    assert names(client) == ["account 1", "new"]
    assert client.sandbox.store.facts.version == version + 1


def test_a_request_refers_to_one_before_it(client: DataverseClient):
    response = send(
        client,
        change_set(
            part("POST accounts", '{"name": "parent"}', Content_ID="1"),
            part("PATCH $1", '{"telephone1": "7"}', Content_ID="2"),
            part(
                "POST contacts",
                '{"lastname": "child", "parentcustomerid_account@odata.bind": "$1"}',
                Content_ID="3",
            ),
        ),
    )

    assert statuses(response) == [204, 204, 204]
    contact = client.get("contacts?$expand=parentcustomerid_account").json()["value"][0]
    parent = contact["parentcustomerid_account"]
    assert (parent["name"], parent["telephone1"]) == ("parent", "7")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((), "The batch has no parts."),
        ((part("LOOK accounts").replace("HTTP/1.1", ""),), "'LOOK accounts ' is not a request"),
        ((change_set(part("GET accounts")),), "A change set must not contain a GET request."),
        ((part("GET accounts"),) * 1001, "The batch exceeds the limit of 1000 operations."),
        ((part("POST $batch"),), "A batch must not contain a batch."),
    ],
)
def test_a_wrong_batch_is_refused(client: DataverseClient, parts: tuple[str, ...], message: str):
    status, code, text = error_of(send(client, *parts))

    assert (status, code) == (400, "0x80048d19")
    assert text.startswith(f"Error identified in the batch: {message}")


def test_a_batch_is_whole_and_multipart(client: DataverseClient):
    cut = multipart("b", part("DELETE accounts")).replace("--b--", "")
    mixed = {"Content-Type": "multipart/mixed; boundary=b"}

    assert "end of the batch" in client.http.post("$batch", content=cut, headers=mixed).text
    assert client.http.post("$batch", json={}).status_code == 400
    assert client.get("$batch").status_code == 405
    assert names(client) == ["account 1"]
