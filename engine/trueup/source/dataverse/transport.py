"""The HTTP client for one environment, and the one that msal is given for tokens.

On this machine no proxy is used and no certificate authority is loaded: there is nothing to verify,
and loading them is slow.
"""

import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from trueup.loopback import is_on_loopback
from trueup.model.response_body import EndlessBody, whole_body
from trueup.ports.world import Clock
from trueup.source.dataverse.errors import DataverseUnavailable
from trueup.source.dataverse.retry import RetryPolicy, is_fault


def open_http(
    timeout: float, headers: Mapping[str, str] | None = None, *, loopback: bool
) -> httpx.Client:
    """Returns an HTTP client; `timeout` is in seconds for connecting and for each part that comes.

    `exchange` limits the whole body. httpx has no limit for the time of all headers.
    """
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else True
    return httpx.Client(timeout=timeout, trust_env=not loopback, verify=verify, headers=headers)


def exchange(
    http: httpx.Client,
    clock: Clock,
    timeout: float,
    method: str,
    url: str,
    **request: Any,  # noqa: ANN401 -- as httpx has them
) -> httpx.Response:
    """Returns the response to a request, with its whole body, which may take `timeout` seconds.

    Raises `EndlessBody`, and the errors of httpx.
    """
    with http.stream(method, url, **request) as response:
        body = whole_body(response.iter_bytes(), clock.now, timeout)
    headers = response.headers.copy()
    headers.pop("content-encoding", None)  # the body is decoded already
    return httpx.Response(
        response.status_code, headers=headers, content=body, request=response.request
    )


def reason_of(fault: httpx.RequestError | EndlessBody) -> str:
    """Returns in words why `exchange` gave no response."""
    return str(fault) if isinstance(fault, EndlessBody) else f"no answer ({type(fault).__name__})"


class HttpxTokenClient:
    """httpx under the method names that msal expects of its HTTP client.

    A login that is busy or at fault is asked again under the policy of all requests, before
    msal sees its answer. A token request changes nothing, so it may always be sent again.
    """

    def __init__(self, timeout: float, policy: RetryPolicy) -> None:
        """`timeout` is in seconds for one response."""
        self._timeout, self._policy = timeout, policy
        self._clients: dict[bool, httpx.Client] = {}  # by whether the address is on this machine

    def post(self, url: str, **options: object) -> httpx.Response:
        """Sends a form; `params`, `data` and `headers` are used."""
        return self._send("POST", url, options)

    def get(self, url: str, **options: object) -> httpx.Response:
        """Fetches an address; `params` and `headers` are used."""
        return self._send("GET", url, options)

    def close(self) -> None:
        """Closes the connections."""
        for client in self._clients.values():
            client.close()

    def _send(self, method: str, url: str, options: Mapping[str, Any]) -> httpx.Response:
        used = {name: options[name] for name in ("params", "data", "headers") if options.get(name)}
        loopback = is_on_loopback(url)
        if loopback not in self._clients:
            self._clients[loopback] = open_http(self._timeout, loopback=loopback)
        if loopback:
            url = urlunsplit(urlsplit(url)._replace(scheme="http"))
        attempts = self._policy.start(f"no token from {urlsplit(url).netloc}", repeatable=True)
        while True:
            attempts.count += 1
            try:
                response = exchange(
                    self._clients[loopback], self._policy.clock, self._timeout, method, url, **used
                )
            except httpx.InvalidURL as error:
                raise DataverseUnavailable(f"{attempts.what}: the address is not valid") from error
            except (httpx.RequestError, EndlessBody) as fault:
                attempts.wait_after_fault(reason_of(fault))
                continue
            status = response.status_code
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                attempts.wait_over_limit(response.headers, "the login is busy")
            elif is_fault(status):
                attempts.wait_after_fault(f"the login is at fault (HTTP {status})")
            else:
                return response
