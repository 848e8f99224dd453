"""The audit trail of a state: manual edits, statements about plans, locks that were taken over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trueup.model.approval import ApprovalStated


@dataclass(frozen=True, slots=True)
class LinkForgotten:
    """A person removed the link of a row; the next plan looks for its record again."""

    mapping: str
    key: str
    name: str = ""  # the name of the row in the latest plan


@dataclass(frozen=True, slots=True)
class SettledChange:
    """The outcome of a change that was in doubt."""

    change: str  # id of the change in the run's plan
    landed: bool  # it took effect


@dataclass(frozen=True, slots=True)
class ChangesSettled:
    """A person determined the outcome of changes in doubt."""

    changes: tuple[SettledChange, ...]


@dataclass(frozen=True, slots=True)
class RunClosed:
    """A person gave up the remaining changes of an open run."""


@dataclass(frozen=True, slots=True)
class SystemsAdopted:
    """The state is about these systems from now on: `source` and `target` with their identities."""

    systems: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LockTaken:
    """The lock was taken from another holder: by force, or because that process had ended."""

    holder: str
    host: str
    forced: bool


@dataclass(frozen=True, slots=True)
class TextOnly:
    """An edit of which the journal holds only a text, as versions before 1.0 wrote it."""

    text: str


Edit = LinkForgotten | ChangesSettled | RunClosed | SystemsAdopted
"""What a person may change in the state."""

AuditEvent = Edit | ApprovalStated | LockTaken | TextOnly


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A manual edit of the state, a statement about a plan, or a lock that was taken over."""

    seq: int  # line of the journal
    at: datetime
    who: str
    host: str
    reason: str
    event: AuditEvent
    run: str = ""  # the run that was settled or closed
