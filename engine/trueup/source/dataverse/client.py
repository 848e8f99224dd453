"""Requests to one Dataverse environment: tokens, headers, limits of the service, repeats.

The only module of the source that knows HTTP. What is repeated: any request that was answered 429, after
the time that Dataverse names; reads that were not answered, or with a fault of the service. A write without
an answer is never repeated here: `Unavailable` says that it may have been done.
"""

import json
import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx

from engine.errors import SourceError
from engine.ports import Clock
from engine.source.dataverse.faults import Unavailable, refusal, said, short
from engine.source.dataverse.tokens import Login, Tokens

API = "/api/data/v9.2/"
LIMITS = {"0x80072322": "requests", "0x80072321": "execution time", "0x80072326": "concurrent requests"}
"""The three service protection limits, by Dataverse's code: of 300 seconds, for each user and web server."""

_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS = {
    "Accept": "application/json",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "If-None-Match": "null",
    "User-Agent": "trueup",
}
_Read = TypeVar("_Read")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """Where the environment is, who asks, and how long to be patient."""

    url: str  # https://<environment>.crm.dynamics.com
    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    authority: str = "https://login.microsoftonline.com"
    timeout: float = 120.0  # seconds for one answer
    deadline: float = 900.0  # seconds for one request with all its repeats
    attempts: int = 6

    def login(self) -> Login:
        """For the token."""
        authority = f"{self.authority.rstrip('/')}/{self.tenant}"
        scheme = "https" if _is_here(self.authority) else urlsplit(self.authority).scheme
        url = urlunsplit(urlsplit(authority)._replace(scheme=scheme))
        return Login(url, self.client_id, self.client_secret, f"{self.url.rstrip('/')}/.default", authority)


class Garbled(Exception):
    """An answer that should be good is not as it must be; the text says in what."""


class DataverseClient:
    """One connection to one environment; close it, or use it as a context manager."""

    def __init__(self, access: Access, clock: Clock) -> None:
        """Nothing is sent yet. Raises SourceError on an address that no secret may be sent to."""
        for name, url in (("url", access.url), ("authority", access.authority)):
            if urlsplit(url).scheme != "https" and not _is_here(url):
                raise SourceError(f"source.{name} must begin with https://")
        self._access, self._clock = access, clock
        self._root = access.url.rstrip("/")
        self._http = _http(access.timeout, _HEADERS, here=_is_here(access.url))
        self._tokens = Tokens(access.login(), _TokenHttp(access.timeout))
        self.calls = 0  # requests sent, those for tokens left out

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
        """The environment, as people call it."""
        return urlsplit(self._root).netloc

    def get(self, path: str, what: str, read: Callable[[bytes], _Read], *, prefer: str = "") -> _Read:
        """What `read` makes of the answer; it raises Garbled for one that is not as it must be.

        `path` may be a link that Dataverse gave, which is used as it is. Raises SourceError.
        """
        headers = {"Prefer": prefer} if prefer else {}
        return self._repeat(_Request("GET", self._address(path), what, headers), read)

    def patch(self, path: str, values: str, what: str, *, tag: str) -> None:
        """Sets columns of the row that still has this tag. Raises Refused, or Unavailable: may be done."""
        headers = {"If-Match": tag, "Content-Type": "application/json"}
        self._repeat(_Request("PATCH", self._address(path), what, headers, values.encode()), lambda _: None)

    def _address(self, path: str) -> str:
        if "://" not in path:
            return f"{self._root}{API}{path}"
        ours, theirs = urlsplit(self._root), urlsplit(path)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise SourceError(f"{self.name} sent a link to {short(theirs.netloc)}; it is not followed")
        return path

    def _repeat(self, request: "_Request", read: Callable[[bytes], _Read]) -> _Read:
        until = self._clock.now() + timedelta(seconds=self._access.deadline)
        token, tries, renewed = self._tokens.get(), 0, False
        while True:
            tries += 1
            try:
                response = self._send(request, token)
                if response.is_success:
                    return read(_content(request, response))
            except httpx.RequestError as error:
                self._wait(request, until, tries, f"no answer ({type(error).__name__})")
                continue
            except Garbled as fault:
                self._wait(request, until, tries, str(fault))
                continue
            if response.status_code == HTTPStatus.UNAUTHORIZED and not renewed:
                token, renewed = self._tokens.renew(), True
                continue
            self._judge(request, response, until, tries)

    def _send(self, request: "_Request", token: str) -> httpx.Response:
        self.calls += 1
        headers = {"Authorization": f"Bearer {token}", **request.headers}
        try:
            return self._http.request(request.method, request.url, content=request.body, headers=headers)
        except httpx.InvalidURL as error:
            raise SourceError(f"{self.name}, {request.what}: the address is none") from error

    def _judge(self, request: "_Request", response: httpx.Response, until: datetime, tries: int) -> None:
        """Waits, or raises what there is to say of an answer that is not good."""
        status, body = response.status_code, self._without_secrets(response)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            asked = _seconds(response.headers.get("Retry-After", ""), self._clock.now())
            limit = LIMITS.get(said(body)[0].lower(), "requests")
            self._pause(request, until, asked, f"over the service's limit of {limit}")
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED:
            self._wait(request, until, tries, f"{said(body)[1]} (HTTP {status})")
        else:
            raise refusal(f"{self.name}, {request.what}", status, body)

    def _without_secrets(self, response: httpx.Response) -> bytes:
        """What it says, should it repeat what it was shown."""
        token = response.request.headers["Authorization"].removeprefix("Bearer ")
        body = response.content
        for secret in filter(None, (token, self._access.client_secret)):
            for form in (secret, json.dumps(secret)[1:-1]):
                body = body.replace(form.encode(), b"***")
        return body

    def _wait(self, request: "_Request", until: datetime, tries: int, why: str) -> None:
        """After a fault: longer each time; raises where repeating is of no use, or of harm."""
        if request.method != "GET" or tries >= self._access.attempts:
            raise Unavailable(f"{self.name}, {request.what}: {why}")
        self._pause(request, until, 2.0 ** (tries - 1), why)

    def _pause(self, request: "_Request", until: datetime, seconds: float, why: str) -> None:
        """Only after an answer that nothing was done, or to a read: it raises what leaves no doubt."""
        if self._clock.now() + timedelta(seconds=seconds) > until:
            raise SourceError(f"{self.name}, {request.what}: {why}; no time is left to wait {seconds:.0f} seconds")
        _log.info("%s: %s; again in %.0f s", request.what, why, seconds)
        self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    what: str  # for people: `reading license_change`
    headers: Mapping[str, str]
    body: bytes | None = None


def _content(request: _Request, response: httpx.Response) -> bytes:
    """Raises Garbled where a write is answered as a page would be: a sign-in or a proxy that knows nothing of it."""
    if request.method != "GET" and response.status_code != HTTPStatus.NO_CONTENT:
        raise Garbled(f"the answer is not that of a write (HTTP {response.status_code})")
    return response.content


class _TokenHttp:
    """The HTTP client that msal is given: the words of httpx under the names that it expects."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._clients: dict[bool, httpx.Client] = {}  # by whether the other side is this machine

    def post(self, url: str, **more: object) -> httpx.Response:
        """A form; `params`, `data` and `headers` are understood."""
        return self._send("POST", url, more)

    def get(self, url: str, **more: object) -> httpx.Response:
        """`params` and `headers` are understood."""
        return self._send("GET", url, more)

    def close(self) -> None:
        """Closes the connections."""
        for http in self._clients.values():
            http.close()

    def _send(self, method: str, url: str, more: Mapping[str, Any]) -> httpx.Response:
        kept = {name: more[name] for name in ("params", "data", "headers") if more.get(name)}
        here = _is_here(url)
        if here not in self._clients:
            self._clients[here] = _http(self._timeout, here=here)
        if here:
            url = urlunsplit(urlsplit(url)._replace(scheme="http"))
        try:
            return self._clients[here].request(method, url, **kept)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise Unavailable(f"no token: {urlsplit(url).netloc} gave no answer ({type(error).__name__})") from error


def _http(timeout: float, headers: Mapping[str, str] | None = None, *, here: bool) -> httpx.Client:
    """On this machine there is no proxy in between and nobody to be trusted: those who vouch are many to load."""
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if here else True
    return httpx.Client(timeout=timeout, trust_env=not here, verify=verify, headers=headers)


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in _HERE


def _seconds(retry_after: str, now: datetime) -> float:
    """How long Dataverse asks to wait: seconds, or a date; five seconds if it does not say."""
    if retry_after.isdigit():
        return float(retry_after)
    try:
        return max((parsedate_to_datetime(retry_after) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return 5.0
