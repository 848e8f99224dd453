"""Responses are read within limits, over a real server: one that never ends is a fault."""

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from trueup.errors import SourceError
from trueup.sandbox.dataverse.server import DataverseSandbox
from trueup.source.dataverse.transport import exchange
from trueup.wiring import SystemClock

from tests.support.dataverse_world import TABLES, DataverseWorld, environment, license_change


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DataverseWorld]:
    rows = {"license_change": [license_change(number) for number in range(1, 4)]}
    with DataverseSandbox(TABLES, rows, environment()) as sandbox:
        yield DataverseWorld(sandbox, tmp_path)


class _Drips(BaseHTTPRequestHandler):
    """Answers with one blank after the other."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):  # until the client hangs up; for ten seconds at most
            for _ in range(500):
                self.wfile.write(b"1\r\n \r\n")
                time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Nothing is written to the terminal."""


@pytest.fixture
def dripping() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Drips) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("address", ["url", "authority"])
def test_a_response_that_drips_is_cut_off_after_the_time_for_a_request(
    world: DataverseWorld, dripping: str, monkeypatch: pytest.MonkeyPatch, address: str
):
    if address == "url":  # the login issues no token for another environment
        monkeypatch.setattr("trueup.source.dataverse.tokens.Tokens.get", lambda _: "token")
    access = {address: dripping, "timeout": 0.3, "attempts": 1}

    with pytest.raises(SourceError, match=r"does not end: it takes over 0\.3 seconds"):
        replace(world, access=access, clock=SystemClock()).read()


def test_a_response_that_is_too_large_is_cut_off(
    world: DataverseWorld, monkeypatch: pytest.MonkeyPatch
):
    world.read()
    monkeypatch.setattr("trueup.model.response_body.LARGEST_BODY", 1_000)

    with pytest.raises(SourceError, match="does not end: it has over 1,000 bytes"):
        world.read(cached=False)


def test_a_compressed_body_is_decoded_once():
    compressed = httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, content=gzip.compress(b"{}")
    )
    with httpx.Client(transport=httpx.MockTransport(lambda _: compressed)) as http:
        response = exchange(http, SystemClock(), 5, "GET", "http://localhost/")

    assert response.content == b"{}"
