"""Decisions of people about rows: the entries of mappings/decisions.yaml."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from trueup.model.finding import Command, Place


class Topic(StrEnum):
    """What a decision is about; a row has at most one decision on each topic."""

    RECORD = "record"  # which record it is
    SWITCH = "switch"  # whether its record is switched on
    UNITS = "units"  # what becomes of its units


class Verdict(StrEnum):
    """The kinds of decisions."""

    LINK = "link"
    CREATE = "create"
    ACTIVATE = "activate"  # its record is switched off: switch it on again
    SUCCEED = "succeed"  # it takes the place of another row: that row's record is handed over
    IGNORE = "ignore"
    ARCHIVE = "archive"  # a pending change: the target has it already; mark it, send nothing
    PUSH = "push"
    """A held change: send it anyway, on the first open day where its own is posted."""

    CORRECT = "correct"  # a ledger difference: adjust the target to the source's quantity

    @property
    def topics(self) -> frozenset[Topic]:
        """The topics that it decides. A row that is ignored takes no other decision."""
        return _TOPICS[self]


DECIDE_WORDS = tuple(str(verdict) for verdict in Verdict if verdict is not Verdict.LINK)
"""What `trueup decide` takes; `link` is a command of its own."""


def decided_by(command: Command) -> Verdict | None:
    """What a `trueup decide` command decides: its first argument. None for another command."""
    word = command.rest.partition(" ")[0]
    return Verdict(word) if command.verb == "decide" and word in DECIDE_WORDS else None


_TOPICS = {
    Verdict.LINK: frozenset({Topic.RECORD}),
    Verdict.CREATE: frozenset({Topic.RECORD}),
    Verdict.SUCCEED: frozenset({Topic.RECORD}),
    Verdict.ACTIVATE: frozenset({Topic.SWITCH}),
    Verdict.IGNORE: frozenset(Topic),
    Verdict.ARCHIVE: frozenset({Topic.UNITS}),
    Verdict.PUSH: frozenset({Topic.UNITS}),
    Verdict.CORRECT: frozenset({Topic.UNITS}),
}


@dataclass(frozen=True, slots=True)
class SeenDifference:
    """The ledger difference that a decision to correct applies to, and no other difference."""

    units: Decimal  # that the target bills, with all pending changes
    quantity: Decimal
    day: date  # on which both were compared; a correction takes effect from it on


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's decision about a row."""

    mapping: str
    key: str
    verdict: Verdict
    place: Place
    record: int | None = None  # link: to which record
    reason: str = ""
    until: date | None = None  # last day on which it holds
    after: str = ""  # archive, push: the run whose undo it answers
    seen: SeenDifference | None = None  # correct: the difference that the person saw
    on: date | None = None  # push: the day from which the change is billed
    by: str = ""  # who decided
    of: str = ""  # succeed: the key of the row whose place it takes
