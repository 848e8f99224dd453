"""Requests to the Autotask REST API: the zone, the headers, the limits of the service, and repeats.

The only module of the target that knows HTTP. Facts: autotask-api.md, sections 1, 2 and 4.
"""

import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from http import HTTPStatus
from random import SystemRandom
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from engine.errors import CallsUsedUp, EngineError, TargetError, TargetRejected
from engine.ports import Clock, Threshold
from engine.target.answers import (
    Answer,
    Busy,
    Garbled,
    Good,
    NotSent,
    Refused,
    Unclear,
    Verdict,
    clean,
    judge,
)
from engine.target.credentials import Credentials
from engine.target.limits import Calls, Limits, Slots
from engine.target.repeating import Effort, Request
from engine.target.zones import Zone, read_zone, zone_at

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of one answer that are read; a page of 500 wide records has about two million."""

_LONGEST_CONNECT = 30.0
_NO_THRESHOLD = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_NOT_CONNECTED = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class AutotaskClient:
    """One connection to one tenant, shared by threads; close it, or use it as a context manager."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        clock: Clock,
        limits: Limits | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`url` is the look-up host, `https://webservices.autotask.net`. Raises TargetError."""
        try:
            self._start = zone_at(url)
        except ValueError as fault:
            raise TargetError(f"target.url in trueup.yaml: {fault}") from None
        self._credentials = credentials
        self._clock = clock
        self._limits = limits or Limits()
        self._calls = Calls(clock, self._limits.max_calls)
        self._slots = Slots(self._limits.workers)
        self._zone: Zone | None = None
        self._zone_lock = threading.Lock()
        self._asking = threading.Lock()
        self._stopping = threading.Event()
        self.guard: Callable[[], None] = lambda: None  # right before each write is sent; what it raises ends it unsent
        self._random = SystemRandom()
        here = self._start.is_here()
        workers, timeout = self._limits.workers, self._limits.timeout
        self._http = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(timeout, connect=min(_LONGEST_CONNECT, timeout)),
            limits=httpx.Limits(max_connections=workers, max_keepalive_connections=workers),
            trust_env=not here,  # no proxy stands between us and this machine
            verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if here else True,  # and nobody to be trusted
            headers={"Accept": "application/json", "User-Agent": "trueup"},
        )

    def __repr__(self) -> str:
        return f"AutotaskClient({self._start.root!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    @property
    def identity(self) -> str:
        """Which tenant: the host that is asked for its zone, and the user by whose name it is found.

        Never the zone: a tenant may move to another one (autotask-api.md, section 1).
        """
        return f"{self._start.host()}, {self._credentials.known_as()}"

    def stop(self) -> None:
        """From now on nothing is repeated or waited for: what is in flight ends, and says how."""
        self._stopping.set()

    def keep_back(self, calls: int) -> None:
        """From now on a request is sent only if so many can be sent after it; else it raises CallsUsedUp."""
        self._calls.keep_back(calls)

    @property
    def calls(self) -> int:
        """Requests sent so far, zone look-ups and questions for the threshold included."""
        return self._calls.count

    @property
    def workers(self) -> int:
        """Requests that may be in flight at a time, over all endpoints."""
        return self._limits.workers

    def zone(self) -> Zone:
        """Where the tenant lives; looked up once. Raises TargetError."""
        with self._zone_lock:
            if self._zone is None:
                self._zone = self._look_up()
            return self._zone

    def threshold(self) -> Threshold:
        """Calls used of the hour, asked afresh. Raises TargetError."""
        self.zone()
        what = "asking for the hour's calls"
        threshold = self._repeat(Request("GET", "ThresholdInformation", "ThresholdInformation", what), _threshold)
        self._calls.learn(threshold)
        return threshold

    def call(self, request: Request, read: Callable[[Any], _T]) -> _T:
        """Sends until there is an answer to trust; what `read` makes of it.

        `read` raises Garbled for an answer that is not as it must be, which is then a fault like others.
        Raises TargetRejected (not carried out), TargetUnavailable (`may_have_landed` says), and
        CallsUsedUp (not sent).
        """
        self.zone()
        self._know_threshold()
        return self._repeat(request, read)

    def _look_up(self) -> Zone:
        """Asks the look-up host, without credentials."""
        path = f"ZoneInformation?user={quote(self._credentials.username, safe='')}"
        zone = self._repeat(Request("GET", path, "", "looking up the zone"), read_zone)
        if self._start.root.startswith("https:") and not zone.root.startswith("https:"):
            raise TargetError("the zone look-up leads from https to http; the secret is not sent there")
        _log.info("zone %s at %s", zone.name, zone.root)
        return zone

    def _has_moved(self, used: Zone, effort: Effort) -> bool:
        """After a 401: is the tenant elsewhere by now?"""
        with self._zone_lock:
            if self._zone is used:
                try:
                    self._zone = self._look_up()
                except (TargetError, CallsUsedUp) as fault:
                    if effort.in_doubt:
                        raise effort.failure(str(fault)) from None
                    raise
            return self._zone != used

    def _know_threshold(self) -> None:
        if not self._calls.due():
            return
        with self._asking:
            if self._calls.due():
                try:
                    self.threshold()
                except TargetRejected as refusal:
                    if refusal.status not in _NO_THRESHOLD:
                        raise
                    self._calls.learn(Threshold(0, 0))

    def _repeat(self, request: Request, read: Callable[[Any], _T]) -> _T:
        until = self._clock.now() + timedelta(seconds=self._limits.deadline)
        effort = Effort(request, until, self._limits.attempts)
        while True:
            zone = self._zone if request.endpoint else None
            verdict = self._try(effort, zone or self._start)
            if isinstance(verdict, Good):
                try:
                    return read(verdict.payload)
                except Garbled as fault:
                    verdict = Unclear(f"the answer is not as it must be: {fault}")
            if isinstance(verdict, Refused):
                self._after_refusal(effort, verdict, zone)
            elif not self._sleep(self._wait(effort, verdict)):
                raise effort.failure("stopped before it was sent again")

    def _try(self, effort: Effort, zone: Zone) -> Verdict:
        """One try, in its turn and in its place."""
        wait = self._calls.turn()
        if self._too_late(effort, wait):
            return NotSent(f"requests are held back for {wait:.0f} seconds, for the hour's limit", again=False)
        if not self._sleep(wait):
            return NotSent("stopped before it was sent", again=False)
        with self._slots.hold(effort.request.endpoint):
            if self._too_late(effort):
                return NotSent("no time was left when its place was free", again=False)
            self._let_go(effort)
            try:
                self._calls.take()
            except CallsUsedUp as used_up:
                if effort.in_doubt:
                    return NotSent(str(used_up), again=False)
                raise
            return self._exchange(effort, zone)

    def _exchange(self, effort: Effort, zone: Zone) -> Verdict:
        try:
            return judge(self._send(effort.request, zone), self._clock.now())
        except _NOT_CONNECTED as fault:
            again = "certificate" not in str(fault).lower()
            return NotSent(f"no connection ({type(fault).__name__}: {fault})", again=again)
        except (httpx.TransportError, httpx.DecodingError) as fault:
            return Unclear(f"no answer ({type(fault).__name__}: {fault})")
        except httpx.InvalidURL:
            return NotSent("the address of the request is none", again=False)
        except Garbled as fault:
            return Unclear(str(fault), again=False)

    def _let_go(self, effort: Effort) -> None:
        """The guard's word on a write; where an earlier try of it may have taken effect, it stays in doubt."""
        if not effort.request.writes:
            return
        try:
            self.guard()
        except EngineError as refusal:
            if effort.in_doubt:
                raise effort.failure(str(refusal)) from None
            raise

    def _send(self, request: Request, zone: Zone) -> Answer:
        headers = self._credentials.headers() if request.endpoint else {}
        content = None
        if request.body is not None:
            content = json.dumps(request.body, allow_nan=False)
            headers[b"Content-Type"] = b"application/json"
        url = zone.address(request.path)
        with self._http.stream(request.method, url, content=content, headers=headers) as response:
            named = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, named, self._whole(response.iter_bytes()))

    def _whole(self, pieces: Iterable[bytes]) -> bytes:
        """A body, unless it is without end in size or in time. Raises Garbled."""
        until = self._clock.now() + timedelta(seconds=self._limits.timeout)
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > LARGEST_BODY or self._clock.now() > until:
                raise Garbled("an answer without end")
        return bytes(body)

    def _wait(self, effort: Effort, verdict: Busy | NotSent | Unclear) -> float:
        """Seconds until the next try; raises where there must be none."""
        may = effort.may_repeat(verdict)
        asked = 0.0 if isinstance(verdict, NotSent) else verdict.wait or 0.0
        if isinstance(verdict, Busy):
            self._calls.hold_back(asked)
        wait = max(asked, effort.backoff(self._random.random()))
        text = self._said(verdict.text)
        if self._too_late(effort, wait):
            text, may = f"{text}; no time is left to wait {wait:.0f} seconds", False
        if not may or self._stopping.is_set():
            raise effort.failure(text)
        _log.info("%s: %s; again in %.1f s", effort.request.what, text, wait)
        return wait

    def _after_refusal(self, effort: Effort, refused: Refused, zone: Zone | None) -> None:
        """Raises, unless the tenant has moved to another zone meanwhile."""
        unauthorized = refused.status == HTTPStatus.UNAUTHORIZED
        if unauthorized and zone and not effort.moved:
            effort.moved = True
            if self._has_moved(zone, effort):
                return
        errors = tuple(self._said(error) for error in refused.errors)
        text = "; ".join(errors)
        if unauthorized:
            text = "the user name or the secret is wrong, or the user has no API security level (HTTP 401)"
        raise effort.refusal(text, errors, refused.status)

    def _too_late(self, effort: Effort, wait: float = 0) -> bool:
        return self._clock.now() + timedelta(seconds=wait) > effort.until

    def _sleep(self, seconds: float) -> bool:
        """Waits; False where it was told to stop meanwhile."""
        while seconds > 0:
            if self._stopping.is_set():
                return False
            self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0
        return True

    def _said(self, text: str) -> str:
        return clean(self._credentials.hide(text))


def _threshold(payload: object) -> Threshold:
    said = payload if isinstance(payload, dict) else {}
    used, limit = said.get("currentTimeframeRequestCount"), said.get("externalRequestThreshold")
    if not isinstance(used, int) or not isinstance(limit, int):
        raise Garbled("the hour's calls are not numbers")
    return Threshold(used, limit)
