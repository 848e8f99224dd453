"""The shortcut of the tests: a sandbox answers in the process as it does over a socket."""

import json
from contextlib import closing
from typing import Any

import httpx
import pytest
from trueup.config.catalogues import load_entities
from trueup.connectors.autotask import DEMO_CREDENTIALS
from trueup.sandbox.autotask.server import Sandbox
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.gateway import HttpTarget

from tests.support.fakes import FakeClock
from tests.support.in_process import Shortcut, sandboxes_in_process
from tests.support.paths import SCHEMAS

ROOT = "/ATServicesRest/V1.0"
QUERY = {"filter": [{"op": "like", "field": "companyName", "value": "50%&é"}]}


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", f"{ROOT}/ZoneInformation?user=api%40demo.example", None),
        ("GET", f"{ROOT}/Companies/entityInformation/fields", None),
        ("POST", f"{ROOT}/Companies/query", QUERY),
        (
            "GET",
            f'{ROOT}/Companies/query?search={{"filter":[{{"op":"exist","field":"id"}}]}}',
            None,
        ),
        ("POST", f"{ROOT}/Companies", {"companyName": "a", "nothing": 1}),
        ("DELETE", f"{ROOT}/Companies", None),
        ("GET", "/nothing", None),
    ],
)
def test_an_answer_is_the_one_that_the_socket_gives(tmp_path, verb, path, body):
    headers = {name.decode(): value.decode() for name, value in DEMO_CREDENTIALS.headers().items()}
    entities = load_entities(SCHEMAS / "autotask.yaml")
    sent: dict[str, Any] = {"headers": headers, "content": json.dumps(body) if body else b""}
    with Sandbox(tmp_path / "autotask.sqlite", entities) as sandbox:
        url = sandbox.url + path
        over_http = httpx.request(verb, url, **sent, trust_env=False, verify=False)  # noqa: S501 -- plain HTTP
        in_process = httpx.Request(verb, url, **sent)
        status, answered, content = Shortcut({sandbox.url: sandbox}).answer(
            verb, url, dict(in_process.headers), in_process.content
        )

    got = status, answered["Content-Type"], content
    assert got == (over_http.status_code, over_http.headers["content-type"], over_http.content)


def test_a_client_uses_no_socket_while_the_shortcut_is_there(tmp_path, monkeypatch):
    entities = load_entities(SCHEMAS / "autotask.yaml")
    monkeypatch.setattr("httpx.HTTPTransport.handle_request", None)  # calling it would fail
    with sandboxes_in_process(), Sandbox(tmp_path / "autotask.sqlite", entities) as sandbox:
        client = AutotaskClient(sandbox.url, DEMO_CREDENTIALS, FakeClock())
        with closing(HttpTarget(client, entities, "sandbox")) as target:
            assert "companyName" in target.entity("Companies").fields

        assert sum(sandbox.traffic.counts().values()) == target.calls > 0


def test_what_only_a_socket_can_do_is_refused(tmp_path):
    entities = load_entities(SCHEMAS / "autotask.yaml")
    with Sandbox(tmp_path / "autotask.sqlite", entities) as sandbox:
        sandbox.faults.set({"kind": "drop", "path": "ZoneInformation"})
        with pytest.raises(AssertionError, match="only a socket can do this"):
            Shortcut({sandbox.url: sandbox}).answer(
                "GET", f"{sandbox.url}{ROOT}/ZoneInformation?user=a", {}, b""
            )
