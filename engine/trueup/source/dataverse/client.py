"""Requests to one Dataverse environment: tokens, headers, limits of the service, repeats.

Only this module and `transport` use HTTP in the source. A request is repeated if it was answered
429, after the time that Dataverse asks for; a read is also repeated after no answer, or a fault of
the service. A write without an answer is never repeated here: `DataverseUnavailable` means that it
may have been done.
Facts: docs/explanation/work365.md, sections 6.1, 6.5 and 6.6.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx
from msgspec import Struct

from trueup.errors import SourceError
from trueup.loopback import PORTS, has_path, is_on_loopback, origin
from trueup.model.response_body import EndlessBody
from trueup.ports.world import Clock
from trueup.source.dataverse.errors import LONGEST_MESSAGE, MalformedBody, error_of, refusal
from trueup.source.dataverse.retry import RequestAttempts, RetryPolicy, is_fault
from trueup.source.dataverse.tokens import Login, Tokens
from trueup.source.dataverse.transport import HttpxTokenClient, exchange, open_http, reason_of
from trueup.source.text import on_one_line

API = "/api/data/v9.2/"
LIMITS = {
    "0x80072322": "requests",
    "0x80072321": "execution time",
    "0x80072326": "concurrent requests",
}
"""The three service protection limits by Dataverse's code.

They count 300 seconds, for each user and web server.
"""

_HEADERS = {
    "Accept": "application/json",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "If-None-Match": "null",
    "User-Agent": "trueup",
}
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class DataverseAccess:
    """The environment's address, the credentials, and how long a request may take."""

    url: str  # https://<environment>.crm.dynamics.com, in any spelling: see `root`
    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    authority: str = "https://login.microsoftonline.com"
    timeout: float = 120.0  # seconds for each wait, and for a whole body
    deadline: float = 900.0  # seconds for one request with all its repeats
    attempts: int = 6  # of one request, while its answers are faults

    @property
    def root(self) -> str:
        """The environment's address in one spelling, as Dataverse writes it in its links."""
        scheme, host, port = origin(self.url)
        host = f"[{host}]" if ":" in host else host
        return f"{scheme}://{host}" + ("" if port == PORTS.get(scheme) else f":{port}")

    def login(self) -> Login:
        """Returns the credentials for the token."""
        authority = f"{self.authority.rstrip('/')}/{self.tenant}"
        scheme = "https" if is_on_loopback(self.authority) else urlsplit(self.authority).scheme
        return Login(
            authority=urlunsplit(urlsplit(authority)._replace(scheme=scheme)),
            client_id=self.client_id,
            client_secret=self.client_secret,
            scope=f"{self.root}/.default",
            configured_authority=authority,
        )


class _DataverseRequest(Struct, frozen=True):
    method: str
    url: str
    what: str  # for messages: `reading license_change`
    headers: Mapping[str, str]
    body: bytes | None = None


class DataverseClient:
    """One connection to one environment; a context manager."""

    def __init__(self, access: DataverseAccess, clock: Clock) -> None:
        """Sends nothing yet. Raises `SourceError` on an address without https, or with a path."""
        for name, url in (("url", access.url), ("authority", access.authority)):
            if urlsplit(url).scheme != "https" and not is_on_loopback(url):
                raise SourceError(f"source.{name} must begin with https://")
        if has_path(access.url):
            raise SourceError("source.url must be https:// and the host alone, without a path")
        self._access, self._clock = access, clock
        self._root = access.root
        self._http = open_http(access.timeout, _HEADERS, loopback=is_on_loopback(access.url))
        self._policy = RetryPolicy(clock, access.deadline, access.attempts)
        self._tokens = Tokens(access.login(), HttpxTokenClient(access.timeout, self._policy))
        self.calls = 0  # requests sent, without those for tokens

    def __repr__(self) -> str:
        return f"DataverseClient({self._root!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()
        self._tokens.close()

    @property
    def root(self) -> str:
        """The environment's address."""
        return self._root

    @property
    def name(self) -> str:
        """The environment's host, for messages."""
        return urlsplit(self._root).netloc

    def get(
        self, path: str, what: str, read: Callable[[bytes], _Result], *, prefer: str = ""
    ) -> _Result:
        """Returns what `read` makes of the body; `read` may raise `MalformedBody`.

        `path` may be a link of Dataverse, which is used as it is. `what` names the request in
        messages; `prefer` is a Prefer header. Raises `SourceError`.
        """
        headers = {"Prefer": prefer} if prefer else {}
        return self._repeat(_DataverseRequest("GET", self._address(path), what, headers), read)

    def patch(self, path: str, values: str, what: str, *, tag: str) -> None:
        """Sets columns of the row that still has this tag; `values` is a JSON object.

        Raises `DataverseRefused` (not done) or `DataverseUnavailable` (may be done).
        """
        headers = {"If-Match": tag, "Content-Type": "application/json"}
        address = self._address(path)
        request = _DataverseRequest("PATCH", address, what, headers, values.encode())
        self._repeat(request, lambda _: None)

    def _address(self, path: str) -> str:
        """The address of a path, or of a link that must stay in this environment."""
        if "://" not in path:
            return f"{self._root}{API}{path}"
        try:
            is_own = origin(path) == origin(self._root)
        except ValueError:  # a port that is no number
            is_own = False
        if not is_own:
            host = on_one_line(path.split("/")[2], LONGEST_MESSAGE)
            raise SourceError(f"{self.name} sent a link to {host}; it is not followed")
        return path

    def _repeat(self, request: _DataverseRequest, read: Callable[[bytes], _Result]) -> _Result:
        """Sends the request until there is an answer to trust; a refused token is renewed once."""
        what = f"{self.name}, {request.what}"
        attempts = self._policy.start(what, repeatable=request.method == "GET")
        token, renewed = self._tokens.get(), False
        while True:
            attempts.count += 1
            try:
                response = self._send(request, token)
                if response.is_success:
                    return read(_content(request, response))
            except (httpx.RequestError, EndlessBody) as fault:
                attempts.wait_after_fault(reason_of(fault))
                continue
            except MalformedBody as fault:
                attempts.wait_after_fault(str(fault))
                continue

            if response.status_code == HTTPStatus.UNAUTHORIZED and not renewed:
                token, renewed = self._tokens.renew(), True
            else:
                self._wait_after_error(attempts, response)

    def _send(self, request: _DataverseRequest, token: str) -> httpx.Response:
        self.calls += 1
        headers = {"Authorization": f"Bearer {token}", **request.headers}
        try:
            return exchange(
                self._http,
                self._clock,
                self._access.timeout,
                request.method,
                request.url,
                content=request.body,
                headers=headers,
            )
        except httpx.InvalidURL as error:
            raise SourceError(f"{self.name}, {request.what}: the address is not valid") from error

    def _wait_after_error(self, attempts: RequestAttempts, response: httpx.Response) -> None:
        """Waits after a limit or a fault of the service; raises a refusal."""
        token = response.request.headers["Authorization"].removeprefix("Bearer ")
        status, secrets = response.status_code, (token, self._access.client_secret)
        code, message = error_of(response.content, secrets)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            limit = LIMITS.get(code.lower(), "requests")
            reason = f"over the service's limit of {limit}"
            attempts.wait_over_limit(response.headers, reason)
        elif is_fault(status):
            attempts.wait_after_fault(f"{message} (HTTP {status})")
        else:
            raise refusal(attempts.what, status, code, message)


def _content(request: _DataverseRequest, response: httpx.Response) -> bytes:
    """The body. Raises `MalformedBody` if a write is answered like a page.

    Then a sign-in page or a proxy has answered, not Dataverse.
    """
    if request.method != "GET" and response.status_code != HTTPStatus.NO_CONTENT:
        raise MalformedBody(f"this is not the answer to a write (HTTP {response.status_code})")
    return response.content
