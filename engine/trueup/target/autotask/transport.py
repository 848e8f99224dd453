"""Sends one request over HTTP, once. Only this module of the target uses HTTP."""

import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import lru_cache
from urllib.request import getproxies

import httpx
from msgspec import Struct

from trueup.model.response_body import EndlessBody, whole_body
from trueup.ports.world import Clock
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.limits import RunLimits
from trueup.target.autotask.responses import (
    MalformedResponse,
    NotSent,
    ServiceResponse,
    Unclear,
    Verdict,
    judge,
)
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.zones import Zone

Answer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Answers a request (method, address, headers, body) with status, headers and body.

Names of headers are in lower case on both ways.
"""


class InProcess(Struct, frozen=True):
    """Requests go to a service in this process, without HTTP."""

    answer: Answer


Network = httpx.BaseTransport | InProcess
"""What carries the requests; the default is the real network."""

_LONGEST_CONNECT = 30.0
"""Seconds for connecting, whatever the timeout of a request."""

_PROXIES = ("http", "https", "all")
"""Proxies that the environment may name, of those of `urllib.request.getproxies`."""

_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


_ACCEPTED = ((b"Accept", b"application/json"), (b"Accept-Encoding", b"gzip, deflate"))
_USER_AGENT = (b"User-Agent", b"trueup")

# Taking an address apart costs a sixth of a small request, and most writes go to a few of them.
_url = lru_cache(maxsize=512)(httpx.URL)


class Transport:
    """Sends requests with the credentials of one API user; shared by threads."""

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        limits: RunLimits,
        *,
        loopback: bool,
        network: Network | None = None,
    ) -> None:
        """`loopback`: the service is on this machine. `network` replaces the network in tests."""
        self._credentials = credentials
        self._clock = clock
        self._timeout = limits.timeout
        connect = min(_LONGEST_CONNECT, limits.timeout)
        self._extensions = {"timeout": httpx.Timeout(limits.timeout, connect=connect).as_dict()}
        self._cookies = httpx.Cookies()  # of a load balancer, for example
        if isinstance(network, InProcess):
            self._network: _Connections | InProcess = network
        else:
            self._network = _Connections(network, loopback=loopback)

    def close(self) -> None:
        """Closes the connections."""
        if isinstance(self._network, _Connections):
            self._network.close()

    def send(self, request: ApiRequest, zone: Zone) -> Verdict:
        """Sends the request to the zone, and judges the response."""
        try:
            response = self._exchange(request, zone)
            return judge(response, self._clock.now(), self._credentials.hide)
        except _NOT_CONNECTED as fault:
            again = "certificate" not in str(fault).lower()
            return NotSent(f"no connection ({type(fault).__name__}: {fault})", again=again)
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return Unclear(f"no answer ({type(fault).__name__}: {fault})")
        except httpx.InvalidURL:
            return NotSent("the address of the request is not valid", again=False)
        except (MalformedResponse, EndlessBody) as fault:
            return Unclear(str(fault), again=False)

    def _exchange(self, request: ApiRequest, zone: Zone) -> ServiceResponse:
        headers = self._credentials.headers() if request.endpoint else {}
        content = b""
        if request.body is not None:
            content = json.dumps(request.body, allow_nan=False).encode()
            headers[b"Content-Type"] = b"application/json"
        address, network = zone.address(request.path), self._network
        if isinstance(network, InProcess):
            return _answered(network, request.method, address, headers, content)

        sent = self._request(request.method, _url(address), headers, content)
        connection = network.take()
        try:
            with closing(connection.handle_request(sent)) as response:
                response.request = sent
                body = whole_body(response.iter_bytes(), self._clock.now, self._timeout)
        finally:
            network.give_back(connection)
        cookies = response.headers.get("set-cookie", "")
        if cookies and cookies.isascii():  # no other one can be sent back
            self._cookies.extract_cookies(response)
        return ServiceResponse(response.status_code, response.headers, body)

    def _request(
        self, method: str, url: httpx.URL, headers: Mapping[bytes, bytes], content: bytes
    ) -> httpx.Request:
        """The request, whole: a client of httpx would add half as much work as it is to send it."""
        lines = [(b"Host", url.netloc), *_ACCEPTED, _USER_AGENT, *headers.items()]
        if content:
            lines.append((b"Content-Length", str(len(content)).encode()))
        stream = httpx.ByteStream(content)
        sent = httpx.Request(method, url, headers=lines, stream=stream, extensions=self._extensions)
        if self._cookies:
            self._cookies.set_cookie_header(sent)
        return sent


class _Connections:
    """Connections that carry one request at a time each; shared by threads.

    Each is a transport of httpx with one connection: one that has several looks at all of them
    whenever a request begins or ends, which costs a fifth of what the request does.
    """

    def __init__(self, network: httpx.BaseTransport | None, *, loopback: bool) -> None:
        """`network` carries all requests, where it is given."""
        self._network, self._loopback = network, loopback
        # Loading the certificate authorities takes as long as a dozen requests on this machine.
        # There no proxy is used either.
        is_remote = network is None and not loopback
        self._trust = (
            httpx.create_ssl_context() if is_remote else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        )
        self._all = [network or self._new()]
        self._idle = [*self._all]
        self._is_closed = False

    def take(self) -> httpx.BaseTransport:
        """A connection that is carrying nothing; the one that was used last, so that it is open.

        Raises `RuntimeError` after `close`.
        """
        if self._is_closed:
            raise RuntimeError("the connections are closed")
        try:
            return self._idle.pop()
        except IndexError:
            connection = self._network or self._new()
            self._all.append(connection)
            return connection

    def give_back(self, connection: httpx.BaseTransport) -> None:
        """It is carrying nothing any more."""
        self._idle.append(connection)

    def close(self) -> None:
        """Closes them all, for good."""
        self._is_closed = True
        for connection in self._all:
            connection.close()

    def _new(self) -> httpx.BaseTransport:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
        if not self._loopback and any(map(getproxies().get, _PROXIES)):
            return _ByEnvironment(self._trust, limits)
        return httpx.HTTPTransport(verify=self._trust, limits=limits)


class _ByEnvironment(httpx.BaseTransport):
    """Carries requests through the proxies that the environment names."""

    def __init__(self, trust: ssl.SSLContext, limits: httpx.Limits) -> None:
        self._client = httpx.Client(verify=trust, limits=limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request, to a proxy unless `NO_PROXY` excepts its host."""
        return self._client.send(request, stream=True)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _answered(
    service: InProcess, method: str, url: str, headers: Mapping[bytes, bytes], content: bytes
) -> ServiceResponse:
    sent = {name.decode().lower(): value.decode() for name, value in headers.items()}
    status, answered, body = service.answer(method, url, sent, content)
    return ServiceResponse(status, {name.lower(): value for name, value in answered.items()}, body)
