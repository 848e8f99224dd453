"""A plain HTTP client for the Autotask sandbox: one request, its status, body and headers."""

import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

CODE, USER, SECRET = "TRACKING-1", "api@tenant.example", "opensesame"
_WHOLE_PATHS = ("/ats", "/sandbox", "/two/")


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    body: bytes
    headers: Mapping[str, str]  # names in lower case

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def errors(self) -> str:
        """The texts of the errors, a line each."""
        return "\n".join(self.json["errors"])

    @property
    def id(self) -> Any:
        """The item id of a successful write."""
        assert self.status == 200, self.body
        return self.json["itemId"]


class SandboxClient:
    """Sends requests to one sandbox as one user, each on a new connection."""

    def __init__(self, url: str, user: str = USER, secret: str = SECRET, code: str = CODE) -> None:
        self.url = url
        self.headers = {"ApiIntegrationCode": code, "UserName": user, "Secret": secret}

    def send(
        self, verb: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Sends one request.

        `path` is a path below V1.0, a whole path, or an address. A body that is not text is sent as
        JSON.
        """
        parts = urlsplit(path if "://" in path else self.url + _whole_path(path))
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
            connection.request(verb, target, _encoded(body), sent)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, response.read(), names)
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.send("GET", path)

    def post(self, path: str, body: Any) -> Reply:
        return self.send("POST", path, body)

    def patch(self, path: str, body: Any) -> Reply:
        return self.send("PATCH", path, body)

    def put(self, path: str, body: Any) -> Reply:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Reply:
        return self.send("DELETE", path)

    def query(self, entity: str, *conditions: Any, **more: Any) -> list[dict[str, Any]]:
        """Returns the records on the first page of a query; all records without conditions."""
        conditions_or_all = list(conditions) or [{"op": "exist", "field": "id"}]
        reply = self.post(f"{entity}/query", {"filter": conditions_or_all, **more})
        assert reply.status == 200, reply.body
        items: list[dict[str, Any]] = reply.json["items"]
        return items

    def search(self, entity: str, query: Any) -> Reply:
        """Sends a query by GET."""
        return self.get(f"{entity}/query?search={quote(json.dumps(query))}")

    def item(self, entity: str, record: int) -> Any:
        """Returns one record, or None."""
        return self.get(f"{entity}/{record}").json["item"]

    def units(
        self, contract_item: int = 500, entity: str = "ContractServiceUnits"
    ) -> list[dict[str, Any]]:
        """Returns the unit rows of a contract service, or of a bundle, by day."""
        key = "contractServiceID" if entity == "ContractServiceUnits" else "contractServiceBundleID"
        rows = self.query(entity, {"op": "eq", "field": key, "value": contract_item})
        return sorted(rows, key=lambda row: row["startDate"])

    def adjust(self, day: str, change: int | None = None, **more: Any) -> Reply:
        """Adjusts contract service 500, unless `more` names another one."""
        body = {"effectiveDate": day, "unitChange": change, **more}
        if not {"contractServiceID", "contractID"} & set(more):
            body["contractServiceID"] = 500
        body = {name: value for name, value in body.items() if value is not None}
        return self.post("ContractServiceAdjustments", body)

    def control(self, verb: str, path: str, body: Any = None) -> Any:
        """Returns the document of a control route, which must succeed."""
        reply = self.send(verb, f"/sandbox/{path}", body)
        assert reply.status == 200, reply.body
        return reply.json

    def switch(self, name: str, value: str) -> None:
        """Sets a switch."""
        self.control("POST", "switches", {name: value})

    def fault(self, **fault: Any) -> int:
        """Sets a fault and returns its id."""
        number: int = self.control("POST", "faults", fault)["id"]
        return number


def refused(reply: Reply, *texts: str) -> bool:
    """Asserts that Autotask refuses a request with 500, and that its errors contain the texts."""
    assert reply.status == 500, reply.body
    for text in texts:
        assert text in reply.errors
    return True


def spans(unit_rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    """Returns first day, last day and units of unit rows."""
    return [(row["startDate"][:10], row["endDate"][:10], row["units"]) for row in unit_rows]


def _whole_path(path: str) -> str:
    return path if path.lower().startswith(_WHOLE_PATHS) else f"/ATServicesRest/V1.0/{path}"


def _encoded(body: Any) -> bytes | None:
    if body is None:
        return None
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
