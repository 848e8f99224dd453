"""Sends one request over HTTP, once. Only this module of the target uses HTTP."""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import lru_cache

import httpx

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

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of one response that are read; a page of 500 wide records has about two million."""

Network = httpx.BaseTransport
"""What carries the requests; the default is the real network."""

Answer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Answers a request (method, address, headers, body) with status, headers and body."""

_LONGEST_CONNECT = 30.0
"""Seconds for connecting, whatever the timeout of a request."""

_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


# Taking an address apart costs a sixth of a small request, and most writes go to a few of them.
_url = lru_cache(maxsize=512)(httpx.URL)


class InProcess(Network):
    """Carries requests to a service in this process, without a socket."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Returns the service's answer."""
        headers = dict(request.headers)
        answer = self._answer(request.method, str(request.url), headers, request.read())
        status, answer_headers, body = answer
        return httpx.Response(status, headers=dict(answer_headers), content=body)


class Transport:
    """An HTTP client with the credentials of one API user, shared by threads."""

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
        self._http = httpx.Client(
            transport=network,
            timeout=httpx.Timeout(limits.timeout, connect=min(_LONGEST_CONNECT, limits.timeout)),
            limits=httpx.Limits(
                max_connections=limits.workers, max_keepalive_connections=limits.workers
            ),
            # On this machine no proxy is used, and no certificate authority has to be loaded.
            trust_env=not loopback,
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else True,
            headers={"Accept": "application/json", "User-Agent": "trueup"},
        )

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def send(self, request: ApiRequest, zone: Zone) -> Verdict:
        """Sends the request to the zone, and judges the response."""
        try:
            return judge(self._exchange(request, zone), self._clock.now())
        except _NOT_CONNECTED as fault:
            again = "certificate" not in str(fault).lower()
            return NotSent(f"no connection ({type(fault).__name__}: {fault})", again=again)
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return Unclear(f"no answer ({type(fault).__name__}: {fault})")
        except httpx.InvalidURL:
            return NotSent("the address of the request is not valid", again=False)
        except MalformedResponse as fault:
            return Unclear(str(fault), again=False)

    def _exchange(self, request: ApiRequest, zone: Zone) -> ServiceResponse:
        headers = self._credentials.headers() if request.endpoint else {}
        content = None
        if request.body is not None:
            content = json.dumps(request.body, allow_nan=False)
            headers[b"Content-Type"] = b"application/json"
        url = _url(zone.address(request.path))
        with self._http.stream(request.method, url, content=content, headers=headers) as response:
            lower_case = {name.lower(): value for name, value in response.headers.items()}
            body = self._body(response.iter_bytes())
            return ServiceResponse(response.status_code, lower_case, body)

    def _body(self, chunks: Iterable[bytes]) -> bytes:
        """The whole body. Raises `MalformedResponse` if it is too large or takes too long."""
        until = self._clock.now() + timedelta(seconds=self._timeout)
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > LARGEST_BODY or self._clock.now() > until:
                raise MalformedResponse("a response that does not end")
        return bytes(body)
