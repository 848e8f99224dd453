"""The token endpoint and the check of tokens."""

import pytest

from tests.support.dataverse_client import SET, DataverseClient


def test_a_request_needs_a_valid_token(client: DataverseClient):
    def status_with(authorization: str) -> int:
        return client.http.get(SET, headers={"Authorization": authorization}).status_code

    valid = client.http.headers["Authorization"]

    assert [status_with(header) for header in ("", "Bearer x.y", valid)] == [401, 401, 200]
    client.sandbox.revoke_tokens()
    assert status_with(valid) == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"scope": "https://elsewhere/.default"}, "invalid_scope"),
        ({"grant_type": "password"}, "invalid_scope"),
    ],
)
def test_a_wrong_login_gets_no_token(client: DataverseClient, form: dict[str, str], error: str):
    response = client.token(**form)

    assert response["error"] == error
    assert "access_token" not in response
