"""What carries requests: connections, cookies, and the proxies of the environment."""

from collections.abc import Iterator
from contextlib import closing
from gzip import compress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from trueup.errors import TargetUnavailable
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.limits import RunLimits

CREDENTIALS = Credentials("api@demo.example", "a secret", "CODE")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Listener(ThreadingHTTPServer):
    """A zone look-up on this machine that notes what it is asked, and over which connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.asked: list[str] = []
        self.connections: set[tuple[str, int]] = set()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._note()
        body = b'{"zoneName": "Demo", "url": "%s"}' % self.server.address.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_CONNECT(self) -> None:
        self._note()
        self.send_error(403)

    def _note(self) -> None:
        self.server.asked.append(self.requestline)
        self.server.connections.add(self.client_address)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def client_of(url, clock, network=None):
    return AutotaskClient(url, CREDENTIALS, clock, RunLimits(attempts=1), network)


def test_one_connection_carries_one_request_after_the_other(listener, clock):
    with closing(client_of(listener.address, clock)) as client:
        for _ in range(3):
            client._zone._look_up()

    assert (len(listener.asked), len(listener.connections)) == (3, 1)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_used(variable, listener, clock, monkeypatch):
    monkeypatch.setenv(variable, listener.address)

    with (
        closing(client_of("https://psa.example", clock)) as client,
        pytest.raises(TargetUnavailable, match="ProxyError: 403"),
    ):
        client.zone()

    assert listener.asked == ["CONNECT psa.example:443 HTTP/1.1"]


def test_only_a_service_elsewhere_has_its_certificate_checked_by_the_authorities(clock):
    """Loading them takes longer than ten requests on this machine."""
    answered = httpx.MockTransport(lambda _: httpx.Response(404))
    remote, local = "https://psa.example", "http://127.0.0.1:1"
    clients = (
        client_of(remote, clock),
        client_of(local, clock),
        client_of(remote, clock, answered),
    )

    loaded = [bool(one._transport._network._trust.get_ca_certs()) for one in clients]

    for one in clients:
        one.close()
    assert loaded == [True, False, False]


def test_a_host_on_this_machine_is_asked_without_a_proxy(listener, clock, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    with closing(client_of(listener.address, clock)) as client:
        client.zone()

    assert listener.asked == [
        "GET /ATServicesRest/V1.0/ZoneInformation?user=api%40demo.example HTTP/1.1"
    ]


@pytest.mark.parametrize(
    ("cookie", "sent"), [(b"node=7; Path=/", "node=7"), (b"node=\xe9; Path=/", None)]
)
def test_the_cookies_of_a_load_balancer_are_sent_back_if_they_can_be(clock, cookie, sent):
    cookies = []

    def answer(request: httpx.Request) -> httpx.Response:
        cookies.append(request.headers.get("Cookie"))
        found = {"zoneName": "Demo", "url": "https://psa.example"}
        return httpx.Response(200, headers=[(b"Set-Cookie", cookie)], json=found)

    with closing(client_of("https://psa.example", clock, httpx.MockTransport(answer))) as client:
        for _ in range(2):
            client._zone._look_up()

    assert cookies == [None, sent]


def test_a_compressed_answer_is_read(clock):
    def answer(request: httpx.Request) -> httpx.Response:
        assert "gzip" in request.headers["Accept-Encoding"]
        body = compress(b'{"zoneName": "Demo", "url": "https://psa.example"}')
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=body)

    with closing(client_of("https://psa.example", clock, httpx.MockTransport(answer))) as client:
        assert client.zone().name == "Demo"
