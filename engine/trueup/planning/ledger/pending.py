"""The changes of an append-only mapping: which are pending, held, or archived by a decision."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.finding import NO_ADVICE, Advice, Command, Finding, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.project import AppendSpec, Decision, MappingSpec, Reference, Topic, Verdict
from trueup.model.run import Pushed
from trueup.planning.context import PlanContext
from trueup.planning.in_doubt import in_doubt_finding
from trueup.planning.ledger.archive_marks import ArchiveMarks

WAITS = "waits-its-turn"
"""Code of the finding of a change that only an earlier one holds."""

NAMED_AFTER_UNDO = (Verdict.PUSH, Verdict.ARCHIVE)
"""Decisions about a change that was undone count only if they name the run that undid it."""


@dataclass(slots=True)
class Queue:
    """The changes of one row of the ledger, in their order."""

    sendable: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    """Held or blocked, and all that come after such a one."""

    archive: list[str] = field(default_factory=list)  # marked only, as decided
    unreadable: list[str] = field(default_factory=list)  # pending, by an unknown number of units
    last_day: date | None = None  # that any change is about, pending or not

    def extend(self, other: "Queue") -> None:
        """Adds the changes of another row whose ledger is the same."""
        self.sendable += other.sendable
        self.stopped += other.stopped
        self.archive += other.archive
        self.unreadable += other.unreadable
        days = [day for day in (self.last_day, other.last_day) if day is not None]
        self.last_day = max(days, default=None)


class PendingChanges:
    """Every change of one mapping, with its values coerced to the fields that it becomes."""

    def __init__(
        self, context: PlanContext, mapping: MappingSpec, spec: AppendSpec, state: MappingState
    ) -> None:
        self.context, self.mapping, self.spec, self.state = context, mapping, spec, state
        self.values: dict[str, dict[str, Any]] = {}  # key → coerced values
        self.unassigned: list[str] = []  # unreadable, and of an unknown row
        self.outdated: dict[str, Decision] = {}  # decisions from before the change was undone
        self.decisions = self._decisions()
        self.marks = ArchiveMarks(context, mapping, state)
        self._last_adjusted: dict[int, date] = {}  # service → last day of an adjustment of ours
        for one in context.snapshot.pushed.values():
            if one.units:
                last = self._last_adjusted.get(one.record, one.day)
                self._last_adjusted[one.record] = max(one.day, last)

    def _decisions(self) -> dict[str, Decision]:
        """Decisions that count: one from before an undo says nothing about what it took back."""
        decisions = self.context.decisions(self.mapping.name, Topic.UNITS)
        for key, decision in decisions.items():
            pushed = self._pushed(key)
            if (
                pushed
                and pushed.undone
                and decision.verdict in NAMED_AFTER_UNDO
                and decision.after != pushed.run
            ):
                self.outdated[key] = decision
        return {key: one for key, one in decisions.items() if key not in self.outdated}

    def _pushed(self, key: str) -> Pushed | None:
        return self.context.snapshot.pushed.get((self.mapping.name, key))

    def last_adjusted(self, service: int | None) -> date | None:
        """The last day on which trueup adjusted a service, a correction included."""
        return None if service is None else self._last_adjusted.get(service)

    @property
    def decided_days(self) -> Mapping[str, date]:
        """Changes with the day that a decision names for them."""
        return {key: one.on for key, one in self.decisions.items() if one.on is not None}

    # Values of single changes

    def day(self, key: str) -> date:
        """The day on which a sendable change takes effect."""
        day: date = self._value(key, self.spec.merge_on[1])
        return day

    def units(self, key: str) -> Decimal:
        """The units that a sendable change adds, or takes away where negative."""
        return Decimal(self._value(key, self.spec.merge_sum) or 0)

    def day_or_none(self, key: str) -> date | None:
        """The day of any change, also of a blocked one."""
        try:
            value = self._value(key, self.spec.merge_on[1])
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else None

    def units_or_zero(self, key: str) -> Decimal:
        """The units of any change, also of a blocked one."""
        try:
            return self.units(key)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return Decimal(0)

    def _value(self, key: str, field_name: str) -> Any:  # noqa: ANN401 -- any value of a row
        """The value for a field: coerced where the row was resolved, else as the source has it."""
        if key in self.values and field_name in self.values[key]:
            return self.values[key][field_name]
        raw = getattr(self.mapping.fields[field_name].value, "raw", None)
        return evaluate(raw, self.context.names(self.mapping.name, key))

    def owner_of(self, key: str) -> str | None:
        """The key of the row whose ledger the change moves; None where it is unknown."""
        reference = self.mapping.fields[self.spec.in_turn].value
        if not isinstance(reference, Reference):
            return None
        try:
            value = evaluate(reference.of.raw, self.context.names(self.mapping.name, key))
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None
        if value is None:
            return None
        successors = self.context.states[reference.mapping].succeeded_by
        return successors.get(str(value), str(value))

    # Sorting into queues

    def queues(self) -> dict[str, Queue]:
        """Key of the owning row → its changes, sorted."""
        queues: defaultdict[str, Queue] = defaultdict(Queue)
        for key in self._in_order():
            owner = self.owner_of(key)
            if owner is None:
                continue
            queue = queues[owner]
            self._note_day(key, queue)
            pushed = self._pushed(key)
            if pushed and not pushed.undone:
                self._repeat_mark(key, pushed)
            elif key in self.state.ready or key in self.state.blocked:
                self._hold_in_doubt(key)
                self._hold_undone(key, pushed)
                self._sort(key, queue)
        for key in sorted(self.state.unread):
            self._sort_unreadable(key, queues)
        return queues

    def _in_order(self) -> list[str]:
        """Keys in the order that the mapping names; rows without a value there come first."""
        column = self.context.key_column(self.mapping)
        names = (*self.mapping.source.order, column)

        def position(row: dict[str, Any]) -> tuple[str, ...]:
            return tuple(str(row.get(name) or "") for name in names)

        return [str(row[column]) for row in sorted(self.state.rows.values(), key=position)]

    def _note_day(self, key: str, queue: Queue) -> None:
        """The last day that any change is about: also that of a push or an undo on a later day."""
        pushed = self._pushed(key)
        day: date | None
        if pushed:
            day = max(pushed.day, self._last_adjusted.get(pushed.record, pushed.day))
        else:
            day = self.day_or_none(key)
        if day is not None:
            queue.last_day = max(day, queue.last_day or day)

    def _sort(self, key: str, queue: Queue) -> None:
        decision = self.decisions.get(key)
        if decision and decision.verdict is Verdict.IGNORE:
            text = f"ignored: {decision.reason}"
            self.state.skip(key, self.finding("ignored", Severity.SKIP, text, key))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            queue.archive.append(key)
        elif key in self.state.blocked:
            queue.stopped.append(key)
        elif self._resolve(key):
            self._queue_in_turn(key, queue)
        elif key in self.state.blocked:
            queue.stopped.append(key)

    def _queue_in_turn(self, key: str, queue: Queue) -> None:
        """After a change that is stopped, all later ones are."""
        if not queue.stopped:
            queue.sendable.append(key)
            return
        self.make_wait(key, self.state.blocked[queue.stopped[0]][0])
        queue.stopped.append(key)

    def make_wait(self, key: str, first: Finding) -> None:
        """Holds a change that comes after one that is stopped by `first`."""
        text = first.text
        if first.code != WAITS:
            text = f"waits for an earlier change of the same service: {first.text}"
        self.state.block(
            key,
            replace(
                first,
                code=WAITS,
                severity=Severity.HOLD,
                text=text,
                mapping=self.mapping.name,
                key=key,
            ),
        )

    def _resolve(self, key: str) -> bool:
        """Coerces the values of a change; False where that blocks it or leaves it out."""
        resolved = self.context.resolvers[self.mapping.name].row(key, self.state.ready[key])
        if resolved.skip:
            about = replace(resolved.skip, mapping=self.mapping.name)
            self.state.skip(key, about, resolved.because)
            return False
        for finding in resolved.findings:
            self.state.block(key, finding, resolved.because)
        self.values[key] = resolved.values
        return not resolved.findings

    # Special cases

    def _sort_unreadable(self, key: str, queues: defaultdict[str, Queue]) -> None:
        """A change that cannot be read: it may be pending, by an unknown number of units."""
        owner = self.owner_of(key)
        if owner is not None:
            self._note_day(key, queues[owner])
        pushed, decision = self._pushed(key), self.decisions.get(key)
        if key not in self.state.blocked or (pushed and not pushed.undone):
            return
        if decision and decision.verdict is Verdict.IGNORE:
            self.state.blocked.pop(key)
            text = f"ignored: {decision.reason}"
            self.state.skip(key, self.finding("ignored", Severity.SKIP, text, key))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            return  # nothing is pending any more; its mark follows once it can be read
        elif owner is None:
            self.unassigned.append(key)
        else:
            queues[owner].unreadable.append(key)

    def _hold_in_doubt(self, key: str) -> None:
        name = self.mapping.name
        if key in self.state.ready and (name, key) in self.context.in_doubt.rows:
            self.state.block(key, in_doubt_finding(self.mapping.place, name, key))

    def _hold_undone(self, key: str, pushed: Pushed | None) -> None:
        """A change whose units an undo took back waits until a person decides about it again."""
        decision = self.decisions.get(key)
        is_decided = decision is not None and decision.verdict in NAMED_AFTER_UNDO
        if not pushed or key not in self.state.ready or is_decided:
            return
        text = f"was pushed, and run {pushed.run} took it back: it waits for a new decision"
        remedy = Advice.of(self._decide(key, "push"), ", or archive")
        if outdated := self.outdated.get(key):
            text += f"; {outdated.verdict} was decided before that"
            remedy += f"; or add the line `after: '{pushed.run}'` to {outdated.place}"
        self.state.block(key, self.finding("undone", Severity.HOLD, text, key, remedy))

    def _repeat_mark(self, key: str, pushed: Pushed) -> None:
        """A change that was pushed before is never pushed again; a missing mark is repeated.

        One that was edited since is held: its mark would hide the edit.
        """
        if key not in self.state.ready and key not in self.state.blocked:
            return
        for place in (self.state.ready, self.state.blocked):
            place.pop(key, None)
        decision, edited = self.decisions.get(key), self._edits_since(key, pushed)
        if not edited:
            self.marks.add_alone(key, "pushed before; only its mark is repeated")
        elif decision and decision.verdict is Verdict.ARCHIVE:
            why = f"pushed before and edited since; marked as it is, as decided: {decision.reason}"
            self.marks.add_alone(key, why)
        else:
            text = (
                f"run {pushed.run} took it as {edited}: what was sent stands, and it is not marked"
            )
            remedy = self._ways_out_of_edit(key)
            finding = self.finding("edited-since", Severity.HOLD, text, key, remedy)
            self.state.block(key, finding)

    def _edits_since(self, key: str, pushed: Pushed) -> str:
        """The columns that were edited since the push, with both values; may be empty."""
        if self.mapping.write_back is None:
            return ""
        row = self.state.rows[key]
        before = self.context.pushed_changes.values_at_push(pushed)
        return "; ".join(
            f"{name} {_shown(was)}, which is {_shown(row.get(name))} now"
            for name, was in before.items()
            if row.get(name) != was
        )

    def _ways_out_of_edit(self, key: str) -> Advice:
        owner = self.ledger_mapping()
        owner_key = self.owner_of(key) or "KEY"
        correct = Command("decide", owner.name, owner_key, "correct --reason …")
        systems = self.context.systems
        return Advice.of(
            f"restore it in {systems.source}; or ",
            self._decide(key, "archive"),
            " marks it as it is, and ",
            correct,
            f" adjusts {systems.target} where the ledger differs",
        )

    def ledger_mapping(self) -> MappingSpec:
        """The mapping whose ledger these changes move."""
        return next(
            one
            for one in self.context.project.mappings.values()
            if one.ledger and one.ledger.pending == self.mapping.name
        )

    def _decide(self, key: str, verdict: str) -> Command:
        return Command("decide", self.mapping.name, key, f"{verdict} --reason …")

    def finding(
        self, code: str, severity: Severity, text: str, key: str, remedy: Advice = NO_ADVICE
    ) -> Finding:
        """A finding about a change."""
        return Finding(
            code,
            severity,
            text,
            remedy.text,
            self.mapping.place,
            self.mapping.name,
            key,
            commands=remedy.commands,
        )


def _shown(value: object) -> str:
    """A column's value as people read it."""
    if value is None:
        return "nothing"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
