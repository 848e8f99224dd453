"""A service that answers as it is told and keeps what it was asked, and a client on it; no sockets."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.config.catalogues import load_entities
from engine.model.catalogue import Entity
from engine.target.client import AutotaskClient
from engine.target.credentials import Credentials
from engine.target.gateway import HttpTarget
from engine.target.limits import Limits

SCHEMAS = Path(__file__).parents[2] / "schemas"
ZONE = "https://webservices14.example.net/ATServicesRest/"
SECRET, CODE, USER = "s3cret-never-shown", "INTEGRATION-CODE-1", "api user@demo.example"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class MovedClock:
    """A clock that moves only when somebody sleeps; it keeps how long they slept."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)
        self.slept = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.at += timedelta(seconds=seconds)
            self.slept += seconds


class Service:
    """Answers by method and the end of the path, in the order given; the last answer stays."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], deque[Answer]] = {}
        self._lock = threading.Lock()
        self.on("GET", "/ZoneInformation", {"zoneName": "Zone 14", "url": ZONE, "webUrl": "", "ci": 1})
        self.on("GET", "/ThresholdInformation", threshold(0, 10_000))

    def on(self, method: str, path: str, *answers: Answer | Mapping[str, Any] | list[Any]) -> None:
        made = [httpx.Response(200, json=one) if isinstance(one, dict | list) else one for one in answers]
        self._answers[method, path.casefold()] = deque(made)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.asked.append(request)
            answer = self._next(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            copy = {"content": answer.content, "headers": answer.headers}
            return httpx.Response(answer.status_code, **copy)
        return answer(request)

    def _next(self, request: httpx.Request) -> Answer:
        for (method, path), answers in self._answers.items():
            if method == request.method and request.url.path.casefold().endswith(path):
                return answers.popleft() if len(answers) > 1 else answers[0]
        raise AssertionError(f"nobody told what to answer to {request.method} {request.url}")

    def paths(self) -> list[str]:
        """What was asked, without what every run asks first."""
        shown = [f"{request.method} {request.url.path.rpartition('/V1.0/')[2]}" for request in self.asked]
        return [one for one in shown if "ZoneInformation" not in one and "ThresholdInformation" not in one]

    def bodies(self) -> list[Any]:
        """The bodies that were sent."""
        return [json.loads(request.content) for request in self.asked if request.content]


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
    said = {"count": len(items), "requestCount": 500, "prevPageUrl": None, "nextPageUrl": more, **details}
    return {"items": items, "pageDetails": said}


class Say:
    """How to word an answer."""

    threshold = staticmethod(threshold)
    refusal = staticmethod(refusal)
    web_page = staticmethod(web_page)
    page = staticmethod(page)


@pytest.fixture
def say() -> type[Say]:
    return Say


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client_with(service: Service, clock: MovedClock) -> Iterator[Callable[..., AutotaskClient]]:
    """Makes clients on the service; `limits` and `url` may be given."""
    with ExitStack() as stack:

        def make(url: str = "https://webservices.example.net", **limits: Any) -> AutotaskClient:
            credentials = Credentials(USER, SECRET, CODE)
            transport = httpx.MockTransport(service)
            return stack.enter_context(AutotaskClient(url, credentials, clock, Limits(**limits), transport=transport))

        yield make


@pytest.fixture(scope="session")
def entities() -> Mapping[str, Entity]:
    return load_entities(SCHEMAS / "autotask.yaml")


@pytest.fixture
def target(client_with: Callable[..., AutotaskClient], entities: Mapping[str, Entity]) -> HttpTarget:
    return HttpTarget(client_with(), entities, "a tenant")
