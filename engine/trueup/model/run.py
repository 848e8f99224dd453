"""What state remembers: links, values last applied, what was pushed, runs and their journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Link:
    """A row is a record, and how that came to be: created, decision, identity, match."""

    mapping: str
    key: str
    entity: str
    record: int
    how: str


@dataclass(frozen=True, slots=True)
class Pushed:
    """A log that was pushed or settled by hand, with its proof; it is never pushed again."""

    mapping: str
    key: str
    record: int  # the contract service
    day: date  # effective date as sent
    units: int  # what the whole merged adjustment changed
    change: str
    run: str  # that pushed it; of one that is undone the run that took it back
    proof: tuple[Mapping[str, object], ...] = ()
    marked: bool = False  # the source row carries its mark
    undone: bool = False  # an undo took its units back: a person must say whether it is pushed again


class Step(StrEnum):
    """What a journal entry says of a change."""

    STARTED = "started"  # about to be sent
    IN_DOUBT = "in doubt"  # sent, and no answer that can be trusted came
    ANSWERED = "answered"  # a good answer came, effect not yet seen
    DONE = "done"  # known to have taken effect
    FAILED = "failed"  # known not to have taken effect; refused
    NOT_LANDED = "not landed"  # settled: it never took effect
    SKIPPED = "skipped"  # not tried, because of another
    HELD = "held"  # not tried: what was seen when planning has moved
    UNCLEAR = "unclear"  # settling by reading was not possible; a person must say


OPEN = frozenset({Step.STARTED, Step.IN_DOUBT, Step.ANSWERED, Step.UNCLEAR})
"""Steps after which a change is in doubt."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    change: str  # id of the change in the run's plan
    step: Step
    at: datetime
    data: Mapping[str, object] = field(default_factory=dict)  # answer, proof, error, what is known
    seq: int = 0  # given by the store


class RunStatus(StrEnum):
    """How a run stands."""

    OPEN = "open"
    DONE = "done"
    PARTIAL = "applied in part"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Run:
    """One apply. `plan` is the whole plan document, so that it can be resumed from here."""

    id: str
    plan_digest: str
    plan: str
    who: str
    host: str
    started: datetime
    status: RunStatus = RunStatus.OPEN
    ended: datetime | None = None
    undo_of: str = ""
    systems: Mapping[str, str] = field(default_factory=dict)  # which source and target; not read back


@dataclass(frozen=True, slots=True)
class Effects:
    """What an entry changes in the state, committed with it or not at all."""

    links: tuple[Link, ...] = ()
    unlink: tuple[tuple[str, str], ...] = ()  # mapping, key
    applied: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    pushed: tuple[Pushed, ...] = ()
    unpush: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """The lock, as its holder has it."""

    token: int
    holder: str
    host: str
    pid: int
    since: datetime
    expires: datetime
