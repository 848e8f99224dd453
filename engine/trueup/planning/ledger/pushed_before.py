"""Handles changes that were pushed before: never sent again, marked if their mark is missing."""

from datetime import date

from trueup.expressions.value_filters import as_text
from trueup.model.finding import Advice, Command, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.pushed_keys import BILLED_FROM
from trueup.model.run import Pushed
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.ledger.archive_marks import ArchiveMarks
from trueup.planning.ledger.change_decisions import (
    NAMED_AFTER_UNDO,
    ChangeDecisions,
    pushed_change,
)
from trueup.planning.ledger.change_values import ChangeValues, change_finding


class PushedBefore:
    """Pushed changes of one append-only mapping, in the state."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        state: MappingState,
        values: ChangeValues,
        decisions: ChangeDecisions,
        marks: ArchiveMarks,
    ) -> None:
        self._context, self._mapping, self._state = context, mapping, state
        self._values, self._decisions, self._marks = values, decisions, marks
        self._last_adjusted: dict[int, date] = {}  # service → last day of an adjustment of ours
        for one in context.snapshot.pushed.values():
            if one.units:
                last = self._last_adjusted.get(one.record, one.day)
                self._last_adjusted[one.record] = max(one.day, last)

    def of(self, key: str) -> Pushed | None:
        """Returns how the change was pushed, or None."""
        return pushed_change(self._context, self._mapping, key)

    def last_adjusted(self, service: int | None) -> date | None:
        """Returns the last day on which trueup adjusted a service, by a correction too."""
        return None if service is None else self._last_adjusted.get(service)

    def last_day(self, key: str) -> date | None:
        """Returns the last day of a push, also that of an undo of it on a later day.

        Of a mark without a push it is the day that the mark keeps, not the one of its writing.
        """
        pushed = self.of(key)
        if pushed is None:
            return None
        if not pushed.units:
            return self.billed_from(key)
        return max(pushed.day, self._last_adjusted.get(pushed.record, pushed.day))

    def billed_from(self, key: str) -> date | None:
        """Returns the day that a mark without a push keeps; None in states of earlier versions."""
        kept = self._context.snapshot.applied.get((self._mapping.name, key), {})
        day = kept.get(BILLED_FROM)
        return day if isinstance(day, date) else None

    def hold_undone(self, key: str, pushed: Pushed | None) -> None:
        """Holds a change whose units an undo reversed, until a person decides about it again."""
        decision = self._decisions.get(key)
        is_decided = decision is not None and decision.verdict in NAMED_AFTER_UNDO
        if not pushed or key not in self._state.ready or is_decided:
            return
        text = f"was pushed, and run {pushed.run} took it back: it waits for a new decision"
        remedy = Advice.of(self._decide(key, Verdict.PUSH), ", or archive")
        if outdated := self._decisions.outdated.get(key):
            text += f"; {outdated.verdict} was decided before that"
            remedy += f"; or add the line `after: '{pushed.run}'` to {outdated.place}"
        self._state.block(
            key, change_finding(self._mapping, "undone", Severity.HOLD, text, key, remedy)
        )

    def repeat_mark(self, key: str, pushed: Pushed) -> None:
        """Repeats the missing mark of a pushed change, which is never pushed again.

        One that was edited since is held: its mark would hide the edit.
        """
        if key not in self._state.ready and key not in self._state.blocked:
            return
        for place in (self._state.ready, self._state.blocked):
            place.pop(key, None)
        decision, edited = self._decisions.get(key), self._edits_since(key, pushed)
        if not edited:
            self._marks.add_alone(key, "pushed before; only its mark is repeated")
        elif decision and decision.verdict is Verdict.ARCHIVE:
            why = f"pushed before and edited since; marked as it is, as decided: {decision.reason}"
            self._marks.add_alone(key, why)
        else:
            text = (
                f"run {pushed.run} took it as {edited}: what was sent stands, and it is not marked"
            )
            remedy = self._ways_out_of_edit(key)
            finding = change_finding(
                self._mapping, "edited-since", Severity.HOLD, text, key, remedy
            )
            self._state.block(key, finding)

    def _edits_since(self, key: str, pushed: Pushed) -> str:
        """The columns that were edited since the push, with both values; may be empty."""
        if self._mapping.write_back is None:
            return ""
        row = self._state.rows[key]
        before = self._context.pushed_changes.values_at_push(pushed)
        return "; ".join(
            f"{name} {_shown(was)}, which is {_shown(row.get(name))} now"
            for name, was in before.items()
            if row.get(name) != was
        )

    def _ways_out_of_edit(self, key: str) -> Advice:
        owner = self._context.project.ledger_of(self._mapping.name)
        if owner is None:
            raise LookupError(self._mapping.name)
        owner_key = self._values.owner_of(key) or "KEY"
        correct = Command.decide(owner.name, owner_key, Verdict.CORRECT)
        systems = self._context.systems
        return Advice.of(
            f"restore it in {systems.source}; or ",
            self._decide(key, Verdict.ARCHIVE),
            " marks it as it is, and ",
            correct,
            f" adjusts {systems.target} where the ledger differs",
        )

    def _decide(self, key: str, verdict: Verdict) -> Command:
        return Command.decide(self._mapping.name, key, verdict)


def _shown(value: object) -> str:
    """Returns a column's value as display text."""
    return "nothing" if value is None else as_text(value)
