"""The next step of a person for a row."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from trueup.model.change import Action, Change, RowRef
from trueup.model.decision import Decision
from trueup.model.finding import Command
from trueup.model.verdict import Verdict
from trueup.render.attention import Item, NeedKind
from trueup.render.formatting import known_as, word
from trueup.review.current_plan import CurrentPlan
from trueup.review.rows import Row, RowKey

BY_MATCH = frozenset({"match", "identity"})
"""How a link was found, if no person decided it."""


class StepKind(StrEnum):
    """The kinds of next steps."""

    LINKED = "linked"  # there is nothing to decide
    CONFIRM = "found by match: confirm"
    CHOOSE = "choose"  # its record is unknown: choose one, or add a new one
    NEW = "new"  # the next run creates its record
    DECIDE = "decide"  # it is held, or differs, until a decision
    WAITS = "waits"  # another row must be settled first
    BLOCKED = "blocked"  # a value must be corrected in one of the systems
    IGNORED = "ignored"


_TEXTS = {
    StepKind.LINKED: "Nothing is to be decided: what the plan does is done by the next run.",
    StepKind.CONFIRM: (
        "Its record was found by match. Once confirmed, it is this record whatever the names "
        "become. Or choose another one."
    ),
    StepKind.CHOOSE: "Choose its record, or add a new one.",
    StepKind.NEW: "The next run creates its record, unless you choose one.",
    StepKind.DECIDE: "Choose a decision.",
    StepKind.WAITS: "It goes through once another row does.",
    StepKind.BLOCKED: "Correct the value in the system that holds it, then plan again.",
}


class NextStep(Struct, frozen=True):
    """The next step, with what it needs."""

    step: StepKind
    record: int | None = None  # LINKED, CONFIRM: the record
    suggested: tuple[int, ...] = ()  # CHOOSE: records that the plan names
    waits_for: RowRef | None = None  # WAITS
    until: date | None = None  # IGNORED; None: for good

    @property
    def text(self) -> str:
        """Returns the step as a sentence."""
        if self.step is StepKind.WAITS and self.waits_for:
            row = self.waits_for
            return f"It goes through once {word(row.mapping)} {known_as(row.name or row.key)} does."
        if self.step is StepKind.IGNORED:
            until = f"until {self.until.isoformat()}" if self.until else "for good"
            return f"It is left alone {until}, as decided. Another decision ends that."
        return _TEXTS[self.step]


def next_step(current: CurrentPlan, ref: RowKey, row: Row | None, *, can_link: bool) -> NextStep:
    """Returns the first step that is missing until the row is billed correctly."""
    keys = row.keys if row else (ref.key,)
    ignored = _ignored(current, ref, keys)
    if ignored and not row:
        return NextStep(StepKind.IGNORED, until=ignored.until)
    record, changes = current.links.get(ref), row.changes if row else ()
    items = row.items if row else ()
    if stop := next((item for item in items if item.at_fault), None):
        return _stopped(stop, ref, is_open=can_link and record is None)
    if waiting := next((item for item in items if item.because), None):
        return NextStep(StepKind.WAITS, waits_for=waiting.because[-1])
    if items:
        return NextStep(StepKind.DECIDE)
    return _unstopped(changes, record, can_link=can_link)


def _unstopped(changes: Sequence[Change], record: int | None, *, can_link: bool) -> NextStep:
    """Returns the step of a row that nothing stops."""
    link = next((change for change in changes if change.action is Action.LINK), None)
    if link and link.how in BY_MATCH and can_link:
        return NextStep(StepKind.CONFIRM, link.record)
    if any(change.action is Action.CREATE for change in changes):
        return NextStep(StepKind.NEW)
    return NextStep(StepKind.LINKED, record if record is not None else _record_of(changes))


def _stopped(item: Item, ref: RowKey, *, is_open: bool) -> NextStep:
    """Returns the step of a row that needs a person itself."""
    commands = [command for finding in item.findings for command in finding.commands]
    own = [command for command in commands if (command.mapping, command.key) == ref]
    records = _records(own)
    creates = any(command.verdict is Verdict.CREATE for command in own)
    if records or (is_open and creates):
        return NextStep(StepKind.CHOOSE, suggested=records)
    if item.kind is NeedKind.BLOCKED and not own:
        return NextStep(StepKind.BLOCKED)
    return NextStep(StepKind.DECIDE)


def _records(commands: Sequence[Command]) -> tuple[int, ...]:
    """Returns the records to which a finding would link the row."""
    found = (command.record for command in commands if command.record is not None)
    return tuple(dict.fromkeys(found))


def _record_of(changes: Sequence[Change]) -> int | None:
    """Returns the record of the changes; that of an adjustment is of its service."""
    return next(
        (one.record for one in changes if one.record is not None and not one.is_append), None
    )


def _ignored(current: CurrentPlan, ref: RowKey, keys: Sequence[str]) -> Decision | None:
    """Returns the decision that ignores the row on the day of the plan."""
    return next(
        (
            decision
            for decision in current.project.decisions
            if (decision.mapping, decision.verdict) == (ref.mapping, Verdict.IGNORE)
            and decision.key in keys
            and (decision.until is None or decision.until >= current.plan.as_of)
        ),
        None,
    )
