"""The outcome of a run: how each of its changes ended."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from trueup.model.change import Action


class ChangeStatus(StrEnum):
    """How one change ended."""

    APPLIED = "applied"
    ALREADY = "already"  # the target was as wanted before anything was sent
    NOT_KEPT = "not kept"  # accepted, and the target keeps another value of a field
    FAILED = "failed"  # refused; it did not take effect
    SKIPPED = "skipped"  # not tried, because of another change
    IN_DOUBT = "in doubt"  # sent, and it is not known yet whether it took effect
    HELD = "held"  # not tried: what planning saw has moved


class ChangeOutcome(Struct, frozen=True):
    """The result of one change."""

    change: str
    name: str
    status: ChangeStatus
    mapping: str
    action: Action
    text: str = ""  # why, the target's own words first
    remedy: str = ""
    because: str = ""  # skipped: the name of the change that it depends on
    sent: datetime | None = None  # in doubt: when it was sent, in the business time zone
    until: datetime | None = None  # in doubt: without a trace of it by then, it did not take effect


class CallsNeeded(Struct, frozen=True):
    """The API calls that a run needs at most: to continue, and to reach its end."""

    next: int  # for the next batch: with fewer, a run may read and get no further
    rest: int  # for all that is left


class Outcome(Struct, frozen=True):
    """The result of a run."""

    run: str
    changes: tuple[ChangeOutcome, ...]
    interrupted: bool = False  # stopped by a user or a signal, and there is more to do
    calls: int = 0  # API calls that were sent
    remaining: int = 0  # changes that were never tried: stopped, or out of calls
    has_unread: bool = False  # records that were written could not be read back
    stopped: str = ""  # why nothing more could be done: calls used up, a side that cannot be read
    undo_of: str = ""  # the run that it took back
    calls_needed: CallsNeeded | None = None  # where it stopped and its calls are limited

    @property
    def complete(self) -> bool:
        """Whether every change is known to have taken effect, or was not needed."""
        done = {ChangeStatus.APPLIED, ChangeStatus.ALREADY}
        return not self.is_open and all(change.status in done for change in self.changes)

    @property
    def is_open(self) -> bool:
        """Whether the run can be resumed."""
        return bool(
            self.remaining
            or self.has_unread
            or any(change.status is ChangeStatus.IN_DOUBT for change in self.changes)
        )

    @property
    def settles(self) -> datetime | None:
        """When reading has settled the writes that it can settle; None if it can settle none."""
        return max((change.until for change in self.changes if change.until), default=None)
