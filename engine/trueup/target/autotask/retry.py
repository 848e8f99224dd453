"""One request with its attempts: what may be sent again, and what its failure means.

- A request that was certainly not carried out (no connection, too many at a time or in this hour)
  may always be sent again.
- A read, and a PATCH with the same values, may also be sent again after a response that cannot be
  trusted. A create may not, because Autotask has no idempotency key.
- A refusal with Autotask's own message is final (docs/explanation/autotask.md, section 4). Whether
  it also proves that nothing was written is decided in `refusals`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from trueup.errors import RIGHTS, TargetError, TargetRejected, TargetUnavailable
from trueup.target.autotask.responses import Busy, NotSent, Unclear

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_MOST_BUSY = 60
_FORBIDDEN = 403
_NO_RIGHTS = "adequate permissions"
"""Part of the message of the HTTP 500 with which Autotask refuses a missing permission."""

_MOST_DOUBLINGS = 10


class ApiRequest(Struct, frozen=True):
    """One request. `path` is relative to the zone's root, or absolute on its host (next pages)."""

    method: str
    path: str
    endpoint: str  # the entity whose slots it takes; "" is the look-up host, without credentials
    what: str  # for messages: `reading Companies`
    body: Mapping[str, object] | None = None
    writes: bool = False
    repeatable: bool = True  # also after a response that cannot be trusted


class RequestAttempts(Struct):
    """A request with its attempts so far."""

    request: ApiRequest
    until: datetime  # no attempt begins after this
    most_faults: int
    faults: int = 0
    busy: int = 0
    in_doubt: bool = False  # an attempt may have taken effect
    moved: bool = False  # the zone was looked up again

    def may_repeat(self, verdict: Busy | NotSent | Unclear) -> bool:
        """Counts the outcome of an attempt, and returns whether the request may be sent again."""
        match verdict:
            case Busy():
                self.busy += 1
                return self.busy <= _MOST_BUSY
            case NotSent():
                self.faults += 1
                return verdict.again and self.faults < self.most_faults
            case Unclear():
                self.faults += 1
                self.in_doubt |= self.request.writes
                may_repeat = verdict.again and self.request.repeatable
                return may_repeat and self.faults < self.most_faults

    def backoff(self, jitter: float) -> float:
        """Returns the seconds before the next attempt, doubled each time.

        `jitter` (0 to 1) spreads the attempts of several threads.
        """
        doublings = min(self.faults + self.busy - 1, _MOST_DOUBLINGS)
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**doublings)
        return float(longest * (1 + jitter) / 2)

    def refusal(
        self, text: str, errors: Sequence[str], status: int, *, may_have_landed: bool
    ) -> TargetError:
        """Returns the error of a refusal: not carried out, unless an earlier attempt was.

        `may_have_landed`: the refusal does not prove that this attempt had no effect.
        """
        if self.in_doubt:
            return self.failure(text)
        message = f"Autotask refused {self.request.what}: {text}"
        lacks_rights = status == _FORBIDDEN or any(_NO_RIGHTS in error for error in errors)
        # Metadata requests have no body. They are what reads the rights, so the hint to read the
        # rights would be of no use there.
        if lacks_rights and self.request.body is not None:
            message += f"; {RIGHTS}"
        return TargetRejected(
            message,
            errors=errors,
            status=status,
            lacks_rights=lacks_rights,
            may_have_landed=may_have_landed and self.request.writes,
        )

    def failure(self, text: str) -> TargetUnavailable:
        """Returns the error after the last attempt, without a response to trust."""
        doubt = " It may still have taken effect." if self.in_doubt else ""
        return TargetUnavailable(
            f"{self.request.what} in Autotask failed: {text}.{doubt}", may_have_landed=self.in_doubt
        )
