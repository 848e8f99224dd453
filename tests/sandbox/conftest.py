"""A small tenant, sandboxes over it, and a client that hides nothing: one request, status, body, headers."""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from engine.model.catalogue import Entity
from engine.sandbox.server import Sandbox
from engine.sandbox.switches import Switches
from tests.seeded import ENTITIES, database

CODE, USER, SECRET = "TRACKING-1", "api@tenant.example", "opensesame"
RECURRING, MATERIAL = 4, 3

WORLD: dict[str, Any] = {
    "records": {
        "Resources": [
            {"id": 30, "firstName": "Ada", "lastName": "Owner", "email": "ada@tenant.example", "isActive": True},
            {"id": 31, "firstName": "Gone", "lastName": "Away", "email": "gone@tenant.example", "isActive": False},
        ],
        "Currencies": [
            {"id": 1, "name": "CHF", "exchangeRate": 1, "isInternalCurrency": True, "isActive": True},
            {"id": 2, "name": "EUR", "exchangeRate": 0.5, "isInternalCurrency": False, "isActive": True},
        ],
        "Countries": [{"id": 40, "name": "Switzerland", "countryCode": "CH", "isActive": True}],
        "BillingCodes": [
            {"id": 50, "name": "Cloud", "isActive": True, "useType": RECURRING, "unitCost": 0, "unitPrice": 0},
            {"id": 51, "name": "Goods", "isActive": True, "useType": MATERIAL, "unitCost": 0, "unitPrice": 0},
            {"id": 52, "name": "Old", "isActive": False, "useType": RECURRING, "unitCost": 0, "unitPrice": 0},
        ],
        "Companies": [
            {
                "id": 0,
                "companyName": "Our own",
                "companyType": 1,
                "phone": "1",
                "ownerResourceID": 30,
                "isActive": True,
            },
            {
                "id": 100,
                "companyName": "Alpine",
                "companyType": 1,
                "phone": "2",
                "ownerResourceID": 30,
                "isActive": True,
            },
            {
                "id": 101,
                "companyName": "Closed",
                "companyType": 1,
                "phone": "3",
                "ownerResourceID": 30,
                "isActive": False,
            },
            {
                "id": 102,
                "companyName": "Maker",
                "companyType": 6,
                "phone": "4",
                "ownerResourceID": 30,
                "isActive": True,
            },
            {
                "id": 103,
                "companyName": "Euro",
                "companyType": 1,
                "phone": "5",
                "ownerResourceID": 30,
                "currencyID": 2,
                "isActive": True,
            },
        ],
        "Contacts": [
            {"id": 200, "companyID": 100, "firstName": "Eve", "lastName": "One", "isActive": 1, "externalID": "c-1"},
            {"id": 201, "companyID": 100, "firstName": "Old", "lastName": "Two", "isActive": 0},
        ],
        "Services": [
            {
                "id": 300,
                "name": "Mail",
                "billingCodeID": 50,
                "periodType": 2,
                "unitPrice": 10,
                "unitCost": 4,
                "isActive": True,
            },
            {"id": 301, "name": "Backup", "billingCodeID": 50, "periodType": 5, "unitPrice": 120, "isActive": True},
            {"id": 302, "name": "Ended", "billingCodeID": 50, "periodType": 2, "unitPrice": 1, "isActive": False},
        ],
        "ServiceBundles": [{"id": 310, "name": "Both", "billingCodeID": 50, "periodType": 2, "isActive": True}],
        "Products": [
            {
                "id": 320,
                "name": "Box",
                "isActive": True,
                "isSerialized": False,
                "productBillingCodeID": 51,
                "billingType": 1,
            },
            {
                "id": 321,
                "name": "Seat",
                "isActive": True,
                "isSerialized": False,
                "productBillingCodeID": 51,
                "billingType": 2,
            },
        ],
        "Contracts": [
            {
                "id": 400,
                "companyID": 100,
                "contractName": "Cloud",
                "contractType": 7,
                "status": 1,
                "startDate": "2026-01-01",
                "endDate": "2026-12-31",
                "timeReportingRequiresStartAndStopTimes": 0,
                "contractNumber": "W-1",
            },
            {
                "id": 401,
                "companyID": 100,
                "contractName": "Hours",
                "contractType": 1,
                "status": 1,
                "startDate": "2026-01-01",
                "endDate": "2026-12-31",
                "timeReportingRequiresStartAndStopTimes": 0,
            },
        ],
        "ContractServices": [{"id": 500, "contractID": 400, "serviceID": 300}],
    },
    "adjustments": [{"contractServiceID": 500, "effectiveDate": "2026-01-01", "unitChange": 5}],
    "picklists": {
        "Contracts": {
            "status": [{"value": 0, "label": "Inactive"}, {"value": 1, "label": "Active"}],
            "contractType": [{"value": 1, "label": "Time and Materials"}, {"value": 7, "label": "Recurring Service"}],
            "billingPreference": [
                {"value": 1, "label": "Immediately"},
                {"value": 2, "label": "Manually"},
                {"value": 3, "label": "Never", "active": False},
            ],
        },
        "BillingCodes": {
            "useType": [{"value": 3, "label": "Material"}, {"value": 4, "label": "Recurring Contract Service"}]
        },
        "Products": {"billingType": [{"value": 1, "label": "Standard"}, {"value": 2, "label": "Per Contact"}]},
    },
    "user_defined_fields": {"Companies": [{"name": "Work 365 Id"}, {"name": "Tier"}]},
    "users": [
        {
            "username": USER,
            "secret": SECRET,
            "integration_code": CODE,
            "level": "full",
            "resource": 30,
            "impersonates": True,
        },
        {"username": "reader@tenant.example", "secret": "r", "integration_code": CODE, "level": "reader"},
        {"username": "person@tenant.example", "secret": "p", "integration_code": CODE, "level": "full", "api": False},
    ],
    "levels": {
        "reader": {
            "entities": {"*": ["query"], "Services": ["query", "update"], "Contracts": []},
            "costs": False,
            "hidden": {"Companies": [100]},
        }
    },
}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def errors(self) -> str:
        return "\n".join(self.json["errors"])

    @property
    def id(self) -> Any:
        assert self.status == 200, self.body
        return self.json["itemId"]


class Api:
    """Speaks to one sandbox as one user, a new connection for each request."""

    def __init__(self, url: str, user: str = USER, secret: str = SECRET, code: str = CODE) -> None:
        self.url = url
        self.headers = {"ApiIntegrationCode": code, "UserName": user, "Secret": secret}

    def send(self, verb: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """A path below V1.0, a whole path, or a whole address; a body that is no text goes as JSON."""
        parts = urlsplit(path if "://" in path else self.url + self._whole(path))
        data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
            connection.request(verb, target, data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()})
        finally:
            connection.close()

    @staticmethod
    def _whole(path: str) -> str:
        return path if path.lower().startswith(("/ats", "/sandbox", "/two/")) else f"/ATServicesRest/V1.0/{path}"

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
        """The items of a query's first page."""
        reply = self.post(f"{entity}/query", {"filter": list(conditions) or [{"op": "exist", "field": "id"}], **more})
        assert reply.status == 200, reply.body
        items: list[dict[str, Any]] = reply.json["items"]
        return items

    def search(self, entity: str, query: Any) -> Reply:
        """A query by GET."""
        return self.get(f"{entity}/query?search={quote(json.dumps(query))}")

    def item(self, entity: str, record: int) -> Any:
        return self.get(f"{entity}/{record}").json["item"]

    def units(self, contract_service: int = 500, entity: str = "ContractServiceUnits") -> list[dict[str, Any]]:
        """Rows of units by day."""
        key = "contractServiceID" if entity == "ContractServiceUnits" else "contractServiceBundleID"
        rows = self.query(entity, {"op": "eq", "field": key, "value": contract_service})
        return sorted(rows, key=lambda row: row["startDate"])

    def adjust(self, day: str, change: int | None = None, **more: Any) -> Reply:
        """Adjusts contract service 500, unless `more` says which."""
        said = {"effectiveDate": day, "unitChange": change, **more}
        if not {"contractServiceID", "contractID"} & set(more):
            said["contractServiceID"] = 500
        return self.post(
            "ContractServiceAdjustments", {name: value for name, value in said.items() if value is not None}
        )

    def control(self, verb: str, path: str, body: Any = None) -> Any:
        """A control route's answer, which must be a good one."""
        reply = self.send(verb, f"/sandbox/{path}", body)
        assert reply.status == 200, reply.body
        return reply.json

    def switch(self, name: str, value: str) -> None:
        self.control("POST", "switches", {name: value})

    def fault(self, **said: Any) -> int:
        number: int = self.control("POST", "faults", said)["id"]
        return number


@pytest.fixture(scope="session")
def entities() -> dict[str, Entity]:
    return ENTITIES


@pytest.fixture
def world() -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(WORLD))
    return copy


@pytest.fixture
def seed_file(tmp_path: Path, world: dict[str, Any]) -> Path:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(world))
    return file


OpenSandbox = Callable[..., Sandbox]
_USUAL = json.dumps(WORLD)


@pytest.fixture
def open_sandbox(tmp_path: Path, entities: dict[str, Entity], seed_file: Path) -> Iterator[OpenSandbox]:
    """Opens sandboxes over one database, seeded before if nothing is said of it; closes what the test left open."""
    with ExitStack() as stack:

        def opened(**more: Any) -> Sandbox:
            settings = {"seed": seed_file, "switches": Switches({"hourly_delays": "off"}), **more}
            file = settings.pop("database", tmp_path / "autotask.sqlite")
            if not more and not file.exists() and seed_file.read_text() == _USUAL:
                file.write_bytes(database(_USUAL))
            return stack.enter_context(Sandbox(file, entities, **settings))

        yield opened


@pytest.fixture
def sandbox(open_sandbox: OpenSandbox) -> Sandbox:
    return open_sandbox()


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox.url)


@pytest.fixture
def reader(sandbox: Sandbox) -> Api:
    """A user who may read nearly all, sees no costs, and is not shown company 100."""
    return Api(sandbox.url, "reader@tenant.example", "r")
