"""Sends a request until its outcome is known: in its turn, within the limits, with repeats."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from random import SystemRandom
from typing import Any, TypeVar

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
        self,
        request: ApiRequest,
        zone: Callable[[], Zone],
        read: Callable[[Any], _Result],
        has_moved: Callable[[Zone], bool] | None = None,
    ) -> _Result:
        """Sends until there is a response to trust, and returns what `read` makes of it.

        `zone` returns the zone to send to. `read` raises `MalformedResponse` for a payload that is
        not what it must be, which then counts as a fault. `has_moved` is asked after a 401 whether
        the tenant is in another zone than that one by now; without it a 401 is final.
        Raises `TargetRejected` (not carried out), `TargetUnavailable` (see `may_have_landed`), and
        `CallsUsedUp` (not sent).
        """
        until = self._clock.now() + timedelta(seconds=self._limits.deadline)
        attempts = RequestAttempts(request, until, self._limits.attempts)
        while True:
            used = zone()
            verdict = self._attempt(attempts, used)
            if isinstance(verdict, Done):
                try:
                    return read(verdict.payload)
                except MalformedResponse as fault:
                    verdict = Unclear(f"unexpected response: {fault}")

            if isinstance(verdict, Rejected):
                self._after_refusal(attempts, verdict, used, has_moved)
            elif not self._sleep(self._wait_before_repeat(attempts, verdict)):
                raise attempts.failure("stopped before it was sent again")

    def _attempt(self, attempts: RequestAttempts, zone: Zone) -> Verdict:
        """Makes one attempt, in its turn and in a free slot."""
        wait = self.budget.turn()
        if self._too_late(attempts, wait):
            text = f"requests wait for {wait:.0f} seconds because of the hourly limit"
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

    def _after_refusal(
        self,
        attempts: RequestAttempts,
        refused: Rejected,
        zone: Zone,
        has_moved: Callable[[Zone], bool] | None,
    ) -> None:
        """Raises, unless the tenant has moved to another zone meanwhile."""
        unauthorized = refused.status == HTTPStatus.UNAUTHORIZED
        is_certain = not (refused.may_have_landed and attempts.request.writes)
        if unauthorized and has_moved and not attempts.moved and is_certain:
            attempts.moved = True
            try:
                if has_moved(zone):
                    return
            except (TargetError, CallsUsedUp) as fault:
                if attempts.in_doubt:
                    raise attempts.failure(str(fault)) from None
                raise

        errors = tuple(self._public(error) for error in refused.errors)
        text = "; ".join(errors)
        if unauthorized:
            text = (
                "the user name or the secret is wrong,"
                " or the user has no API security level (HTTP 401)"
            )
        raise attempts.refusal(
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
