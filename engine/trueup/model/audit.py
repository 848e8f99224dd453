"""The audit trail of a state: manual edits, statements about plans, locks that were taken over."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from trueup.model.approval import ApprovalStated


class LinkForgotten(Struct, frozen=True):
    """A person removed the link of a row; the next plan looks for its record again."""

    mapping: str
    key: str
    name: str = ""  # the name of the row in the latest plan


class SettledChange(Struct, frozen=True):
    """The outcome of a change that was in doubt."""

    change: str  # id of the change in the run's plan
    landed: bool  # it took effect


class ChangesSettled(Struct, frozen=True):
    """A person determined the outcome of changes in doubt."""

    changes: tuple[SettledChange, ...]


class RunClosed(Struct, frozen=True):
    """A person gave up the remaining changes of an open run."""


class SystemsAdopted(Struct, frozen=True):
    """The state is about these systems from now on: `source` and `target` with their identities."""

    systems: Mapping[str, str]


class LockTaken(Struct, frozen=True):
    """The lock was taken from another holder: by force, or because that process had ended."""

    holder: str
    host: str
    forced: bool


class TextOnly(Struct, frozen=True):
    """An edit of which the journal holds only a text, as versions before 1.0 wrote it."""

    text: str


Edit = LinkForgotten | ChangesSettled | RunClosed | SystemsAdopted
"""What a person may change in the state."""

AuditEvent = Edit | ApprovalStated | LockTaken | TextOnly


class AuditEntry(Struct, frozen=True):
    """A manual edit of the state, a statement about a plan, or a lock that was taken over."""

    seq: int  # line of the journal
    at: datetime
    who: str
    host: str
    reason: str
    event: AuditEvent
    run: str = ""  # the run that was settled or closed
