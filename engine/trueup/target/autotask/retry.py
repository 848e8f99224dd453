"""One request and its repeats: what may be sent again, and what it means when it may not.

A request that was certainly not carried out (no connection, too many at a time or this hour) may always
be sent again; a read, and a PATCH with the same values, also after an answer that cannot be trusted; a
create never after such an answer, for Autotask knows no idempotency key. A refusal in Autotask's own
words is final (autotask-api.md, section 4).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.errors import RIGHTS, TargetError, TargetRejected, TargetUnavailable
from engine.target.answers import Busy, NotSent, Unclear

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_MOST_BUSY = 60
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` is relative to the zone's root, or absolute on its host (of a next page)."""

    method: str
    path: str
    endpoint: str  # the entity whose places in flight it takes; "" is the open look-up host
    what: str  # for messages: `reading Companies`
    body: Mapping[str, object] | None = None
    writes: bool = False
    repeatable: bool = True  # also after an answer that cannot be trusted


@dataclass(slots=True)
class Effort:
    """A request with its tries so far."""

    request: Request
    until: datetime  # no try begins after
    attempts: int  # that may end in a fault
    faults: int = 0
    busy: int = 0
    in_doubt: bool = False  # a try may have taken effect
    moved: bool = False  # the zone was looked up again

    def may_repeat(self, verdict: Busy | NotSent | Unclear) -> bool:
        """Counts how a try ended; may the request be sent again?"""
        match verdict:
            case Busy():
                self.busy += 1
                return self.busy <= _MOST_BUSY
            case NotSent():
                self.faults += 1
                return verdict.again and self.faults < self.attempts
            case Unclear():
                self.faults += 1
                self.in_doubt |= self.request.writes
                return verdict.again and self.request.repeatable and self.faults < self.attempts

    def backoff(self, jitter: float) -> float:
        """Seconds before the next try: doubling, spread by `jitter` (0 to 1) so that threads part."""
        doublings = min(self.faults + self.busy - 1, _MOST_DOUBLINGS)
        return float(min(_LONGEST_WAIT, _FIRST_WAIT * 2**doublings) * (1 + jitter) / 2)

    def refusal(self, text: str, errors: Sequence[str], status: int) -> TargetError:
        """What a refusal means: not carried out, unless an earlier try may have been."""
        if self.in_doubt:
            return self.failure(text)
        refusal = TargetRejected(f"Autotask refused {self.request.what}: {text}", errors=errors, status=status)
        if refusal.lacks_rights and self.request.body is not None:  # what asks for the rights themselves has none
            refusal.args = (f"{refusal}; {RIGHTS}",)
        return refusal

    def failure(self, text: str) -> TargetUnavailable:
        """No answer to trust, and no more tries."""
        doubt = " It may have taken effect all the same." if self.in_doubt else ""
        return TargetUnavailable(
            f"{self.request.what} in Autotask failed: {text}.{doubt}", may_have_landed=self.in_doubt
        )
