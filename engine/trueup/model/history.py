"""The history of a state: runs with their journals, manual edits, changes in doubt.

These types cross the state port, or operations return them to be rendered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from trueup.model.approval import ApprovalStated
from trueup.model.change import Action, Change
from trueup.model.finding import Finding
from trueup.model.plan import Plan
from trueup.model.run import OPEN, Effects, Entry, Lease, Link, Pushed, Run, Step

NOT_TRIED = "not tried"
"""The status of a change without entries."""


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


@dataclass(frozen=True, slots=True)
class UndoneBy:
    """A later run that undid changes of a run."""

    run: Run
    changes: int  # how many changes it undid
    undone_by: Sequence[str] = ()  # the runs that undid this one


@dataclass(frozen=True, slots=True)
class RunHistory:
    """One run: who applied which plan when, and each entry of its journal."""

    run: Run
    plan: Plan
    entries: Sequence[Entry]
    audit: Sequence[AuditEntry] = ()  # manual edits of this run
    undone: Sequence[UndoneBy] = ()

    def changes_written(self) -> int:
        """How many changes took effect because of this run; a link writes nothing."""
        return sum(
            1
            for change, entries in self.by_change()
            if change.action is not Action.LINK and _written(entries)
        )

    def by_change(self) -> list[tuple[Change, list[Entry]]]:
        """Each change of the plan with its entries, in the order of the plan."""
        entries: dict[str, list[Entry]] = {}
        for entry in self.entries:
            entries.setdefault(entry.change, []).append(entry)
        return [(change, entries.get(change.id, [])) for change in self.plan.changes]


def _written(entries: Sequence[Entry]) -> bool:
    already = any(entry.data.get("already") for entry in entries)
    return change_status(entries) == Step.DONE and not already


def change_status(entries: Sequence[Entry]) -> str:
    """The status of a change after these entries: `done`, `failed`, `in doubt`, `not tried`."""
    if not entries:
        return NOT_TRIED
    last = entries[-1].step
    return "in doubt" if last in OPEN else str(last)


def change_data(entries: Sequence[Entry]) -> Mapping[str, object]:
    """Returns the data of all entries of a change: answer, proof, error. Later entries win."""
    data: dict[str, object] = {}
    for entry in entries:
        data |= entry.data
    return data


@dataclass(frozen=True, slots=True)
class RunsOverview:
    """All runs without their plans, oldest first."""

    runs: Sequence[Run]
    audit: Sequence[AuditEntry] = ()
    undone: Mapping[str, Sequence[UndoneBy]] = field(default_factory=dict)  # by run


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a check of the journal: no findings if it is unchanged."""

    findings: Sequence[Finding]
    lines: int  # lines in the journal
    head: str  # hash of the last line


@dataclass(frozen=True, slots=True)
class ChangeInDoubt:
    """A change whose outcome is unknown."""

    run: str
    change: str
    name: str
    since: datetime  # when its last entry was written


class Trace(StrEnum):
    """The evidence that reading finds of a write in doubt."""

    LANDED = "it took effect"
    ABSENT = "no trace of it"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change in doubt with all evidence; times are in the business time zone."""

    run: str
    change: Change
    text: str  # what the journal says, the target's own words first
    data: Mapping[str, object]  # of its journal: values sent, units before
    sent: datetime | None = None
    until: datetime | None = None  # without a trace of it by then, it did not take effect
    trace: Trace | None = None  # None: nothing was read
    found: Mapping[str, object] = field(default_factory=dict)  # by reading: records, unit rows

    @property
    def creates(self) -> str:
        """The entity of the record that it creates, whose id a person must name; mostly ""."""
        if self.change.makes:
            return self.change.makes.entity
        return self.change.entity if self.change.action is Action.CREATE else ""


@dataclass(frozen=True, slots=True)
class DoubtReport:
    """All changes in doubt."""

    doubts: Sequence[Doubt]
    unread: str = ""  # why nothing could be read

    @property
    def settles(self) -> datetime | None:
        """When reading settles all writes without a trace; None if there is nothing to wait for."""
        return max((doubt.until for doubt in self.doubts if doubt.until), default=None)


@dataclass(frozen=True, slots=True)
class PreparedSettlement:
    """What settling a change in doubt manually records."""

    run: str
    change: Change
    entry: Entry
    effects: Effects


@dataclass(frozen=True, slots=True)
class StateOverview:
    """The links, and what needs attention."""

    links: Sequence[Link]
    names: Mapping[tuple[str, str], str]  # of the rows, by mapping and key
    holder: Lease | None = None
    open_runs: Sequence[Run] = ()
    in_doubt: Sequence[ChangeInDoubt] = ()
    audit: Sequence[AuditEntry] = ()


@dataclass(frozen=True, slots=True)
class RowState:
    """All that the state has about one row."""

    name: str = ""
    link: Link | None = None
    applied: Mapping[str, object] = field(default_factory=dict)
    pushed: Pushed | None = None
    audit: Sequence[AuditEntry] = ()
