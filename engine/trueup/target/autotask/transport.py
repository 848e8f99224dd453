"""Sends one request over HTTP, once. Only this module of the target uses HTTP."""

import json
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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

Answer = Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]
"""Answers a request (method, address, headers, body) with status, headers and body.

Names of headers are in lower case on both ways.
"""


@dataclass(frozen=True, slots=True)
class InProcess:
    """Requests go to a service in this process, without HTTP."""

    answer: Answer


Network = httpx.BaseTransport | InProcess
"""What carries the requests; the default is the real network."""

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
        if isinstance(network, InProcess):
            self._network: httpx.Client | InProcess = network
        else:
            self._network = _http_client(limits, network, loopback=loopback)

    def close(self) -> None:
        """Closes the connections."""
        if isinstance(self._network, httpx.Client):
            self._network.close()

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
        address, network = zone.address(request.path), self._network
        if isinstance(network, InProcess):
            return _answered(network, request.method, address, headers, content)
        url = _url(address)
        with network.stream(request.method, url, content=content, headers=headers) as response:
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


def _http_client(
    limits: RunLimits, transport: httpx.BaseTransport | None, *, loopback: bool
) -> httpx.Client:
    return httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(limits.timeout, connect=min(_LONGEST_CONNECT, limits.timeout)),
        limits=httpx.Limits(
            max_connections=limits.workers, max_keepalive_connections=limits.workers
        ),
        # On this machine no proxy is used, and no certificate authority has to be loaded.
        trust_env=not loopback,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else True,
        headers={"Accept": "application/json", "User-Agent": "trueup"},
    )


def _answered(
    service: InProcess, method: str, url: str, headers: Mapping[bytes, bytes], content: str | None
) -> ServiceResponse:
    sent = {name.decode().lower(): value.decode() for name, value in headers.items()}
    status, answered, body = service.answer(method, url, sent, (content or "").encode())
    return ServiceResponse(status, {name.lower(): value for name, value in answered.items()}, body)
