"""When a request to Dataverse, or to the login, is sent again.

A request over a limit is sent again after the time that the service asks for. A request that
changes nothing is also sent again after no answer, or after a fault of the service.
Facts: docs/explanation/work365.md, section 6.6.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus

from msgspec import Struct

from trueup.errors import SourceError
from trueup.model.retry_after import retry_after
from trueup.ports.world import Clock
from trueup.source.dataverse.errors import DataverseUnavailable

_DEFAULT_WAIT = 5.0
"""Seconds to wait over a limit, if the service names no time."""

_log = logging.getLogger(__name__)


class RetryPolicy(Struct, frozen=True):
    """How often and how long requests are sent again."""

    clock: Clock
    deadline: float  # seconds for one request with all its repeats
    attempts: int  # of one request, while its answers are faults

    def start(self, what: str, *, repeatable: bool) -> "RequestAttempts":
        """Returns the attempts of a new request; `what` names it in messages.

        A request is `repeatable` if sending it twice does no harm.
        """
        until = self.clock.now() + timedelta(seconds=self.deadline)
        return RequestAttempts(self, what, until, repeatable=repeatable)


class RequestAttempts(Struct):
    """One request with its attempts so far."""

    policy: RetryPolicy
    what: str  # for messages
    until: datetime  # no wait may end after this
    repeatable: bool
    count: int = 0  # attempts so far

    def wait_over_limit(self, headers: Mapping[str, str], reason: str) -> None:
        """Waits as long as the response asks. The request was certainly not carried out."""
        seconds = retry_after(headers, self.policy.clock.now())
        self._pause(_DEFAULT_WAIT if seconds is None else seconds, reason)

    def wait_after_fault(self, reason: str) -> None:
        """Waits longer each time. Raises `DataverseUnavailable` if there must be no repeat."""
        if not self.repeatable or self.count >= self.policy.attempts:
            raise DataverseUnavailable(f"{self.what}: {reason}")
        self._pause(2.0 ** (self.count - 1), reason)

    def _pause(self, seconds: float, reason: str) -> None:
        """Waits, or raises `SourceError` if the deadline would pass.

        It is called for requests that change nothing or were certainly not carried out. So the
        error that it raises leaves no doubt.
        """
        clock = self.policy.clock
        if clock.now() + timedelta(seconds=seconds) > self.until:
            raise SourceError(
                f"{self.what}: {reason}; no time is left to wait {seconds:.0f} seconds"
            )
        _log.info("%s: %s; again in %.0f s", self.what, reason, seconds)
        clock.sleep(seconds)


def is_fault(status: int) -> bool:
    """Returns whether the service had a fault, so that the same request may succeed later."""
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.NOT_IMPLEMENTED
