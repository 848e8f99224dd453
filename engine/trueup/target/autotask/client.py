"""One connection to one tenant: its zone, its hourly threshold, and calls.

Facts: docs/explanation/autotask.md, sections 1, 2 and 4.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from trueup.errors import TargetError, TargetRejected, TargetUnavailable
from trueup.ports.target import Threshold
from trueup.ports.world import Clock
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.kept_answers import KeptAnswers
from trueup.target.autotask.kept_connection import HOUR, ZONE, KeptConnection
from trueup.target.autotask.limits import RunLimits
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.sender import Sender
from trueup.target.autotask.tenant_zone import TenantZone
from trueup.target.autotask.transport import Network, Transport
from trueup.target.autotask.zones import Zone, zone_at

_NO_THRESHOLD = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""Statuses of a service that does not report the threshold."""

_Result = TypeVar("_Result")


class AutotaskClient:
    """One connection to one tenant, shared by threads."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        clock: Clock,
        limits: RunLimits | None = None,
        network: Network | None = None,
        hosts: Collection[str] = (),
    ) -> None:
        """`url` is the look-up host, `https://webservices.autotask.net`. Sends nothing yet.

        `network` replaces the network in tests. `hosts` are those to which the look-up may lead,
        besides the look-up host and Autotask's own. Raises `TargetError` on an address that is
        invalid, or that would send the secret in clear to another machine.
        """
        try:
            self._start = zone_at(url)
        except ValueError as fault:
            raise TargetError(f"target.url in trueup.yaml: {fault}") from None
        if not self._start.is_secure():
            raise TargetError(
                "target.url in trueup.yaml must begin with https://:"
                " the secret would be sent in clear"
            )
        self._user = credentials.public_name()
        self._limits = limits or RunLimits()
        loopback = self._start.is_loopback()
        self._transport = Transport(
            credentials, clock, self._limits, loopback=loopback, network=network
        )
        self._sender = Sender(self._transport, credentials, clock, self._limits)
        self._zone = TenantZone(self._start, credentials, hosts, self._sender)
        self._kept: KeptConnection | None = None
        self._threshold_lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AutotaskClient({self._start.root!r})"

    def remember(self, kept: KeptAnswers) -> None:
        """Uses the zone and the hour's calls that earlier commands have kept; keeps new ones.

        It is called before the first request. Without it both are read.
        """
        self._kept = self._zone.kept = KeptConnection(kept, self._start, self._user)

    def close(self) -> None:
        """Closes the connections, and keeps what was found out about them."""
        self._transport.close()
        if self._kept:
            self._kept.save()

    @property
    def identity(self) -> str:
        """The look-up host, and the public name of the user by which it finds the tenant.

        It never names the zone, because a tenant may move to another one.
        """
        return f"{self._start.host()}, {self._user}"

    def reads_as(self, identity: str) -> str:
        """Returns what an answer depends on besides its request: tenant, API user, zone.

        `identity` is that of the tenant. Looks the zone up. Raises `TargetError`.
        """
        return f"{identity}, {self._user}, {self.zone().place()}"

    @property
    def calls(self) -> int:
        """Requests sent so far, including zone look-ups and readings of the threshold."""
        return self._sender.budget.count

    def kept_since(self) -> Mapping[str, datetime]:
        """Returns what is used and not read, because an earlier command has kept it: since when."""
        since: dict[str, datetime] = {}
        if self._kept and self._zone.is_kept:
            since["zone"] = self._kept.read_at[ZONE]
        if self._kept and self._sender.budget.is_assumed:
            since["hour's calls"] = self._kept.read_at[HOUR]
        return since

    @property
    def moves(self) -> int:
        """How often the tenant was found to be in another zone than before."""
        return self._zone.moves

    @property
    def workers(self) -> int:
        """Requests that may be in flight at a time, over all endpoints."""
        return self._limits.workers

    def before_write(self, guard: Callable[[], None]) -> None:
        """Calls the guard right before each write; its error prevents the write."""
        self._sender.guard = guard

    def stop(self) -> None:
        """Stops repeats and waits: each request is sent once."""
        self._sender.stop()

    def reserve_calls(self, calls: int) -> None:
        """Reserves calls of the run: a request that would leave fewer raises `CallsUsedUp`."""
        self._sender.budget.reserve_calls(calls)

    def zone(self) -> Zone:
        """Returns the tenant's zone: the kept one, or looked up, once. Raises `TargetError`."""
        return self._zone.zone()

    def threshold(self) -> Threshold | None:
        """Returns the calls of the current hour, read from the service.

        None if it does not report them. Raises `TargetError`.
        """
        self.zone()  # first, so that a refused look-up is not mistaken for a missing threshold
        path = "ThresholdInformation"
        request = ApiRequest("GET", path, endpoint=path, what="reading the hour's calls")
        try:
            threshold = self._send(request, _read_threshold)
        except TargetRejected as refusal:
            if refusal.status not in _NO_THRESHOLD:
                raise
            self._sender.budget.learn(Threshold(0, 0))
            return None
        self._sender.budget.learn(threshold)
        if self._kept:
            self._kept.put_threshold(threshold)
        return threshold

    def call(self, request: ApiRequest, read: Callable[[Any], _Result]) -> _Result:
        """Sends until there is a response to trust, and returns what `read` makes of it.

        `read` raises `MalformedResponse` for a payload that is not what it must be, which then
        counts as a fault. Raises `TargetRejected` and `TargetUnavailable` (with `may_have_landed` a
        write may have been carried out), and `CallsUsedUp` (not sent).
        """
        self._update_threshold()
        return self._send(request, read)

    def _send(self, request: ApiRequest, read: Callable[[Any], _Result]) -> _Result:
        """Sends a request. If it fails in a kept zone, the next command looks the zone up."""
        try:
            return self._sender.send(request, self._zone, read)
        except TargetUnavailable:
            self._zone.doubt()
            raise

    def _update_threshold(self) -> None:
        """Reads the threshold if it is due, in one thread."""
        budget = self._sender.budget
        if not budget.due():
            return
        with self._threshold_lock:
            if self._kept and budget.is_new and (threshold := self._kept.threshold()):
                budget.assume(threshold)
            if budget.due():
                self.threshold()


def _read_threshold(payload: object) -> Threshold:
    answer = payload if isinstance(payload, dict) else {}
    used = answer.get("currentTimeframeRequestCount")
    limit = answer.get("externalRequestThreshold")
    if not isinstance(used, int) or not isinstance(limit, int):
        raise MalformedResponse("the hour's calls are not numbers")
    return Threshold(used, limit)
