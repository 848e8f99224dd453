"""A service with prepared responses that records its requests, and a client of it; no sockets."""

import json
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from trueup.config.catalogues import load_entities
from trueup.model.catalogue import Entity
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.gateway import HttpTarget
from trueup.target.autotask.limits import RunLimits

from tests.support.fakes import FakeClock
from tests.support.paths import SCHEMAS

ZONE = "https://webservices14.example.net/ATServicesRest/"
HOSTS = ("webservices14.example.net", *(f"ws{number}.example.net" for number in range(21)))
SECRET, CODE, USER = "s3cret-never-shown", "INTEGRATION-CODE-1", "api user@demo.example"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Service:
    """Answers by method and end of the path, in the order given; the last response is repeated."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], deque[Answer]] = {}
        self._lock = threading.Lock()
        self.on(
            "GET", "/ZoneInformation", {"zoneName": "Zone 14", "url": ZONE, "webUrl": "", "ci": 1}
        )
        self.on("GET", "/ThresholdInformation", threshold(0, 10_000))

    def on(self, method: str, path: str, *answers: Answer | Mapping[str, Any] | list[Any]) -> None:
        prepared: list[Any] = [
            httpx.Response(200, json=answer) if isinstance(answer, dict | list) else answer
            for answer in answers
        ]
        self._answers[method, path.casefold()] = deque(prepared)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            answer = self._next(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return httpx.Response(
                answer.status_code, content=answer.content, headers=answer.headers
            )
        return answer(request)

    def _next(self, request: httpx.Request) -> Answer:
        for (method, path), answers in self._answers.items():
            if method == request.method and request.url.path.casefold().endswith(path):
                return answers.popleft() if len(answers) > 1 else answers[0]
        raise AssertionError(f"no response is prepared for {request.method} {request.url}")

    def paths(self) -> list[str]:
        """Requests so far, without those that every run sends first."""
        shown = [
            f"{request.method} {request.url.path.rpartition('/V1.0/')[2]}"
            for request in self.requests
        ]
        return [
            path
            for path in shown
            if "ZoneInformation" not in path and "ThresholdInformation" not in path
        ]

    def bodies(self) -> list[Any]:
        """The bodies of all requests."""
        return [json.loads(request.content) for request in self.requests if request.content]


def threshold(used: int, limit: int) -> dict[str, int]:
    return {
        "externalRequestThreshold": limit,
        "requestThresholdTimeframe": 60,
        "currentTimeframeRequestCount": used,
    }


def refusal(*errors: str, status: int = 500) -> httpx.Response:
    return httpx.Response(status, json={"errors": list(errors)})


def web_page(status: int = 200) -> httpx.Response:
    page = "<html><head><title>Sign in \x1b[31m</title></head><body>a proxy</body></html>"
    return httpx.Response(status, html=page)


def page(items: list[Any], more: str | None = None, **details: Any) -> dict[str, Any]:
    page_details = {
        "count": len(items),
        "requestCount": 500,
        "prevPageUrl": None,
        "nextPageUrl": more,
        **details,
    }
    return {"items": items, "pageDetails": page_details}


class Responses:
    """Builds responses."""

    threshold = staticmethod(threshold)
    refusal = staticmethod(refusal)
    web_page = staticmethod(web_page)
    page = staticmethod(page)


@pytest.fixture
def responses() -> type[Responses]:
    return Responses


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client_with(service: Service, clock: FakeClock) -> Iterator[Callable[..., AutotaskClient]]:
    """Creates clients of the service; `url` and limits may be given."""
    with ExitStack() as stack:

        def make(
            url: str = "https://webservices.example.net",
            hosts: Collection[str] = HOSTS,
            user: str = USER,
            **limits: Any,
        ) -> AutotaskClient:
            credentials = Credentials(user, SECRET, CODE)
            used, network = RunLimits(**limits), httpx.MockTransport(service)
            client = AutotaskClient(url, credentials, clock, used, network, hosts)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture(scope="session")
def entities() -> Mapping[str, Entity]:
    return load_entities(SCHEMAS / "autotask.yaml")


@pytest.fixture
def target(
    client_with: Callable[..., AutotaskClient], entities: Mapping[str, Entity]
) -> HttpTarget:
    return HttpTarget(client_with(), entities, "a tenant")
