"""What a person may decide about a row, what each decision is about, and which parts it has."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct


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

    @property
    def parts(self) -> frozenset[str]:
        """The parts that it may have beside those of every decision, such as a reason."""
        return _PARTS[self]


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

_PARTS = {
    Verdict.LINK: frozenset({"record"}),
    Verdict.CREATE: frozenset[str](),
    Verdict.SUCCEED: frozenset({"of"}),
    Verdict.ACTIVATE: frozenset[str](),
    Verdict.IGNORE: frozenset[str](),
    Verdict.ARCHIVE: frozenset({"after"}),
    Verdict.PUSH: frozenset({"on", "after"}),
    Verdict.CORRECT: frozenset({"seen"}),
}

_MEANINGS = {
    "record": "the id of the record",
    "of": "the row whose place the row takes",
    "on": "the day from which a pushed change is billed",
    "after": "the run that undid a pending change",
    "seen": "the difference that was seen",
}

_NEEDED = frozenset({"record", "of"})
"""Parts without which their decisions say nothing."""


class WrongPart(Struct, frozen=True):
    """A part that a decision lacks, or that does not go with it."""

    name: str
    text: str  # what the part is, and where it belongs
    is_missing: bool


def wrong_parts(verdict: Verdict, **parts: object) -> Iterator[WrongPart]:
    """Yields the parts that a decision of this kind lacks, and those that do not go with it.

    `parts` are all that the caller can have; one without a value is None or "".
    """
    for name, value in parts.items():
        is_there, is_known = value is not None and value != "", name in verdict.parts
        owners = " and ".join(one for one in Verdict if name in one.parts)
        if is_there and not is_known:
            text = f"{_MEANINGS[name]}: it goes with {owners}, not with {verdict}"
            yield WrongPart(name, text, is_missing=False)
        elif is_known and not is_there and name in _NEEDED:
            yield WrongPart(name, f"{_MEANINGS[name]}: {verdict} needs it", is_missing=True)
