"""What became of a plan: one line a change, in Autotask's words and ours."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeStatus(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    ALREADY = "already"  # it was as wanted before anything was sent
    FAILED = "failed"  # refused; it did not take effect
    SKIPPED = "skipped"  # not tried, because of another
    IN_DOUBT = "in doubt"  # sent, and nobody knows yet whether it took effect
    HELD = "held"  # not tried: what was seen when planning has moved


@dataclass(frozen=True, slots=True)
class ChangeOutcome:
    """One change's end. `text` is what was said of it, Autotask's own words first."""

    change: str
    name: str
    status: ChangeStatus
    text: str = ""
    remedy: str = ""
    because: str = ""  # skipped: the name of the change that it depends on
    sent: datetime | None = None  # in doubt: when it was sent, in the business time zone
    until: datetime | None = None  # in doubt: without a trace of it by then, it did not take effect


@dataclass(frozen=True, slots=True)
class Outcome:
    """One apply's end. `remaining` are changes that were never tried: stopped, or out of calls."""

    run: str
    changes: tuple[ChangeOutcome, ...]
    interrupted: bool = False
    calls: int = 0
    remaining: int = 0
    stopped: str = ""  # why nothing more could be done: calls used up, a side that cannot be read
    undo_of: str = ""  # the run that it took back

    @property
    def complete(self) -> bool:
        """Is every change applied, or was it as wanted already?"""
        done = {ChangeStatus.APPLIED, ChangeStatus.ALREADY}
        return not self.interrupted and not self.remaining and all(c.status in done for c in self.changes)
