"""Sends a request until its outcome is known: in its turn, within the limits, with repeats."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from random import SystemRandom
from typing import Any, Protocol, TypeVar

from trueup.errors import CallsUsedUp, EngineError, TargetError
from trueup.ports.world import Clock
from trueup.target.autotask.credentials import Credentials
from trueup.target.autotask.limits import CallBudget, RunLimits, Slots
from trueup.target.autotask.responses import (
    Busy,
    Done,
    MalformedResponse,
    NotSent,
    Rejected,
    Unclear,
    Verdict,
    clean_message,
)
from trueup.target.autotask.retry import ApiRequest, RequestAttempts
from trueup.target.autotask.transport import Transport
from trueup.target.autotask.zones import Zone

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Destination(Protocol):
    """Where requests are sent, and whether they should have been sent elsewhere."""

    def zone(self) -> Zone:
        """Returns the zone to send to. Raises `TargetError`."""

    def is_doubtful(self, zone: Zone) -> bool:
        """Returns whether it may be the wrong one."""

    def confirm(self, zone: Zone) -> None:
        """Notes that the zone has answered."""

    def has_moved(self, used: Zone) -> bool:
        """Returns whether the right zone is another one by now. Raises `TargetError`."""


class LookUpHost:
    """The host at which zones are looked up: there is no other one."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone

    def zone(self) -> Zone:
        """Returns the host's root."""
        return self._zone

    def is_doubtful(self, zone: Zone) -> bool:
        """Returns false."""
        del zone
        return False

    def confirm(self, zone: Zone) -> None:
        """Needs no note."""

    def has_moved(self, used: Zone) -> bool:
        """Returns false."""
        del used
        return False


def no_guard() -> None:
    """Allows every write."""


class Sender:
    """Sends requests of one API user; shared by threads.

    `guard` is called right before each write is sent; an error that it raises prevents the write.
    """

    def __init__(
        self, transport: Transport, credentials: Credentials, clock: Clock, limits: RunLimits
    ) -> None:
        self.budget = CallBudget(clock, limits.max_calls)
        self.guard: Callable[[], None] = no_guard
        self._transport = transport
        self._credentials = credentials
        self._clock = clock
        self._limits = limits
        self._slots = Slots(limits.workers)
        self._stopping = threading.Event()
        self._random = SystemRandom()

    def stop(self) -> None:
        """Stops repeats and waits: each request is sent once."""
        self._stopping.set()

    def send(
        self, request: ApiRequest, destination: Destination, read: Callable[[Any], _Result]
    ) -> _Result:
        """Sends until there is a response to trust, and returns what `read` makes of it.

        `read` raises `MalformedResponse` for a payload that is not what it must be, which then
        counts as a fault. Once, `destination` is asked whether the tenant has moved: after a 401,
        and after any failure of a read at a zone that is doubtful.
        Raises `TargetRejected` and `TargetUnavailable` (with `may_have_landed` a write may have
        been carried out), and `CallsUsedUp` (not sent).
        """
        until = self._clock.now() + timedelta(seconds=self._limits.deadline)
        attempts = RequestAttempts(request, until, self._limits.attempts)
        while True:
            used = destination.zone()
            verdict = self._attempt(attempts, used)
            if isinstance(verdict, Done):
                try:
                    result = read(verdict.payload)
                except MalformedResponse as fault:
                    verdict = Unclear(f"unexpected response: {fault}")
                else:
                    destination.confirm(used)
                    return result

            if self._has_moved(attempts, verdict, used, destination):
                continue
            if isinstance(verdict, Rejected):
                raise self._refusal(attempts, verdict)
            if not self._sleep(self._wait_before_repeat(attempts, verdict)):
                raise attempts.failure("stopped before it was sent again")

    def _attempt(self, attempts: RequestAttempts, zone: Zone) -> Verdict:
        """Makes one attempt, in its turn and in a free slot."""
        wait = self.budget.turn()
        if self._too_late(attempts, wait):
            text = f"requests wait for {wait:.0f} seconds because of Autotask's limits"
            return NotSent(text, again=False)
        if not self._sleep(wait):
            return NotSent("stopped before it was sent", again=False)

        with self._slots.hold(attempts.request.endpoint):
            if self._too_late(attempts):
                return NotSent("no time was left when a slot was free", again=False)
            self._check_guard(attempts)
            try:
                self.budget.take()
            except CallsUsedUp as used_up:
                if attempts.in_doubt:
                    return NotSent(str(used_up), again=False)
                raise
            return self._transport.send(attempts.request, zone)

    def _check_guard(self, attempts: RequestAttempts) -> None:
        """Calls the guard before a write. Its error becomes a failure if the write is in doubt."""
        if not attempts.request.writes:
            return
        try:
            self.guard()
        except EngineError as refusal:
            if attempts.in_doubt:
                raise attempts.failure(str(refusal)) from None
            raise

    def _wait_before_repeat(
        self, attempts: RequestAttempts, verdict: Busy | NotSent | Unclear
    ) -> float:
        """The seconds until the next attempt. Raises `TargetUnavailable` if there must be none."""
        may_repeat = attempts.may_repeat(verdict)
        requested_wait = 0.0 if isinstance(verdict, NotSent) else verdict.wait or 0.0
        if isinstance(verdict, Busy):
            self.budget.hold_back(requested_wait)
        wait = max(requested_wait, attempts.backoff(self._random.random()))
        text = self._public(verdict.text)
        if self._too_late(attempts, wait):
            text, may_repeat = f"{text}; no time is left to wait {wait:.0f} seconds", False
        if not may_repeat or self._stopping.is_set():
            raise attempts.failure(text)
        _log.info("%s: %s; again in %.1f s", attempts.request.what, text, wait)
        return wait

    def _has_moved(
        self,
        attempts: RequestAttempts,
        failed: Rejected | Busy | NotSent | Unclear,
        used: Zone,
        destination: Destination,
    ) -> bool:
        """Whether the request is to be sent to another zone, because of how it failed at this one.

        It is asked once for each request. A write is sent elsewhere only after a 401 that proves
        that it had no effect.
        """
        if isinstance(failed, Rejected) and failed.status == HTTPStatus.UNAUTHORIZED:
            is_sign = not (attempts.request.writes and failed.may_have_landed)
        else:
            may_be_sent_elsewhere = not attempts.request.writes and not isinstance(failed, Busy)
            is_sign = may_be_sent_elsewhere and destination.is_doubtful(used)
        if not is_sign or attempts.moved:
            return False
        attempts.moved = True
        try:
            return destination.has_moved(used)
        except (TargetError, CallsUsedUp) as fault:
            if attempts.in_doubt:
                raise attempts.failure(str(fault)) from None
            raise

    def _refusal(self, attempts: RequestAttempts, refused: Rejected) -> TargetError:
        """The error of a refusal."""
        errors = tuple(self._public(error) for error in refused.errors)
        text = "; ".join(errors)
        if refused.status == HTTPStatus.UNAUTHORIZED:
            text = (
                "the user name or the secret is wrong,"
                " or the user has no API security level (HTTP 401)"
            )
        return attempts.refusal(
            text, errors, refused.status, may_have_landed=refused.may_have_landed
        )

    def _too_late(self, attempts: RequestAttempts, wait: float = 0) -> bool:
        return self._clock.now() + timedelta(seconds=wait) > attempts.until

    def _sleep(self, seconds: float) -> bool:
        """Waits, and returns whether the wait ended without a stop."""
        while seconds > 0:
            if self._stopping.is_set():
                return False
            self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0
        return True

    def _public(self, text: str) -> str:
        """The text on one line, without secrets."""
        return clean_message(self._credentials.hide(text))
