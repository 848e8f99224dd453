"""What a person may decide about a row, and what each decision is about."""

from enum import StrEnum


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
