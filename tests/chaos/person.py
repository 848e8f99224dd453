"""A person who works in the target while `trueup` runs."""

from typing import Any

import httpx

from tests.chaos.serving import Server

_HEADERS = {
    "ApiIntegrationCode": "DEMO",
    "UserName": "api@demo.example",
    "Secret": "demo",
}


class Person:
    """Writes to the Autotask sandbox by its API, without faults."""

    def __init__(self, server: Server) -> None:
        self._root = f"http://127.0.0.1:{server.port}/ATServicesRest/V1.0"

    def find(self, entity: str, field: str, value: object) -> list[dict[str, Any]]:
        """Returns the records whose field has a value."""
        query = {"filter": [{"op": "eq", "field": field, "value": value}]}
        items: list[dict[str, Any]] = self._send("POST", f"{entity}/query", query)["items"]
        return items

    def create(self, path: str, **fields: object) -> Any:
        """Creates a record and returns its id."""
        return self._send("POST", path, fields)["itemId"]

    def edit(self, path: str, record: int, **fields: object) -> None:
        """Changes fields of a record."""
        self._send("PATCH", path, {"id": record, **fields})

    def _send(self, verb: str, path: str, body: object) -> Any:
        response = httpx.request(
            verb, f"{self._root}/{path}", json=body, headers=_HEADERS, timeout=20
        )
        response.raise_for_status()
        return response.json()
