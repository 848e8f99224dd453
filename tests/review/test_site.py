"""The desk's public address, and what is believed of a request that comes through a proxy."""

import asyncio

import pytest
from starlette.responses import PlainTextResponse, Response
from trueup.errors import EngineError
from trueup.review.gate import Answers, Gate
from trueup.review.login import TokenLogIn
from trueup.review.sessions import Sessions
from trueup.review.site import BrowserRequest, Site, public_site

TEAM = public_site("https://desk.msp.example", ("10.0.0.5", "fd00::/64"), 8366)
FORWARDED = {
    "host": "127.0.0.1:8366",
    "x-forwarded-host": "evil.example, desk.msp.example",
    "x-forwarded-proto": "http, https",
    "x-forwarded-for": "203.0.113.9, 198.51.100.7, 10.0.0.5",
}


def test_forwarded_headers_of_a_proxy_are_believed_as_far_as_the_proxy_wrote_them():
    assert TEAM.read_request(FORWARDED, "10.0.0.5") == BrowserRequest(
        "desk.msp.example", "https", "198.51.100.7", is_by_proxy=True
    )
    assert TEAM.read_request(FORWARDED, "fd00::7").is_by_proxy


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "", "not an address"])
def test_forwarded_headers_of_anybody_else_are_not_read(peer):
    assert TEAM.read_request(FORWARDED, peer) == BrowserRequest(
        "127.0.0.1:8366", "http", peer, is_by_proxy=False
    )
    assert Site("127.0.0.1:1").read_request(FORWARDED, "10.0.0.5").scheme == "http"


def test_a_proxy_without_headers_passes_a_request_in_clear():
    read = TEAM.read_request({"host": "desk.msp.example"}, "10.0.0.5")

    assert read == BrowserRequest("desk.msp.example", "http", "10.0.0.5", is_by_proxy=True)


@pytest.mark.parametrize("host", ["desk.msp.example", "DESK.msp.example", "desk.msp.example:443"])
def test_the_public_address_is_the_own_host(host):
    assert TEAM.is_own_host(host)


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "desk.msp.example:80", "x.example"])
def test_behind_a_proxy_no_other_name_is_an_own_host_not_even_of_this_machine(host):
    assert not TEAM.is_own_host(host)


@pytest.mark.parametrize(
    "address",
    ["http://desk.example", "desk.example", "https://", "https://d.example/x", "https://[", ""],
)
def test_an_invalid_address_is_refused(address):
    with pytest.raises(EngineError, match=r"desk\.address: "):
        public_site(address, (), 1)


@pytest.mark.parametrize("proxy", ["proxy.example", "10.0.0", "*"])
def test_a_proxy_without_an_address_is_refused(proxy):
    with pytest.raises(
        EngineError, match=f"--proxy {proxy.replace('*', '.')}: give the proxy's own"
    ):
        public_site("https://desk.example", (proxy,), 1)


# The gate behind a proxy


def ask(headers: dict[str, str], *, method: str = "GET", path: str = "/desk.css", peer="10.0.0.5"):
    """The status and the headers of the answer to one request."""

    async def app(scope, receive, send):
        await PlainTextResponse("the app")(scope, receive, send)

    sessions = Sessions()
    answers = Answers(
        lambda status, text: Response(text, status), lambda _error: None, lambda *_: ""
    )
    gate = Gate(app, sessions, TEAM, TokenLogIn(sessions, "c", answers.refuse), answers)
    found = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        found.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"secret=1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (peer, 1),
    }
    asyncio.run(gate(scope, receive, send))
    start = found[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def test_through_the_proxy_over_https_a_request_is_answered():
    assert ask(FORWARDED)[0] == 200


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1"])
def test_nobody_passes_the_proxy_by(peer):
    assert ask(FORWARDED, peer=peer)[0] == 403


def test_a_request_in_clear_is_sent_to_https_without_what_it_requested():
    clear = FORWARDED | {"x-forwarded-proto": "http"}
    status, headers = ask(clear, path="/row")

    assert (status, headers["location"]) == (308, "https://desk.msp.example/")
    assert ask(clear, method="POST")[0] == 403


def test_another_name_is_refused():
    assert ask(FORWARDED | {"x-forwarded-host": "evil.example"})[0] == 421
