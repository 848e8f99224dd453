"""A small Dataverse sandbox, and a plain HTTP client for it with a token."""

import ssl
from pathlib import Path
from typing import Any, Self

import httpx
from trueup.sandbox.dataverse.server import DataverseSandbox

from tests.support.dataverse_world import TABLES, account, environment, key
from tests.support.dataverse_world import license_change as log

SET = "work365_licensechangelogs"
"""The entity set of license changes."""

ROWS = {"license_change": [log(number) for number in range(1, 6)], "account": [account(1)]}


def small_sandbox(database: Path | None = None, **settings: Any) -> DataverseSandbox:
    """Returns a sandbox with five license changes and one account.

    `settings` are those of its environment.
    """
    return DataverseSandbox(TABLES, ROWS, environment(**settings), database=database)


class DataverseClient:
    """Sends requests to one sandbox."""

    def __init__(self, sandbox: DataverseSandbox) -> None:
        self.sandbox = sandbox
        # Plain HTTP needs no certificate authorities; loading them takes longer than most tests.
        self.http = httpx.Client(
            base_url=f"{sandbox.url}/api/data/v9.2/",
            trust_env=False,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )
        self.http.headers["Authorization"] = f"Bearer {self.token()['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def token(self, **more: str) -> dict[str, Any]:
        """Returns the token endpoint's response; `more` are fields of the form."""
        environment = self.sandbox.environment
        form = {
            "grant_type": "client_credentials",
            "client_id": environment.client_id,
            "client_secret": environment.client_secret,
            "scope": f"{self.sandbox.url}/.default",
        }
        url = f"{self.sandbox.url}/{environment.tenant}/oauth2/v2.0/token"
        response: dict[str, Any] = self.http.post(url, data={**form, **more}).json()
        return response

    def get(self, path: str, prefer: str = "") -> httpx.Response:
        """Sends GET with preferences."""
        return self.http.get(path, headers={"Prefer": prefer})

    def patch(self, number: int, values: dict[str, Any], **headers: str) -> httpx.Response:
        """Changes a license change; underscores in header names become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.patch(f"{SET}({key(number)})", json=values, headers=named)


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Returns status, code and message of an error."""
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]
