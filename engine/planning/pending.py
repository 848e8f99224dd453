"""The logs of an append-only mapping, sorted: which are pending, which are stopped, which a person archived."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from engine.expressions import EVALUATION_ERRORS, evaluate
from engine.model.finding import Finding, Severity
from engine.model.project import About, AppendSpec, Decision, MappingSpec, Verdict
from engine.model.run import Pushed
from engine.model.work import Standing
from engine.planning.doubt import held
from engine.planning.draft import Draft
from engine.planning.marks import Marks

WAITS = "waits-its-turn"
"""The finding of a log that only an earlier one holds."""

AFTER = (Verdict.PUSH, Verdict.ARCHIVE)
"""What is decided of a log that was undone only by naming the run that took it back."""


@dataclass(slots=True)
class Pile:
    """The logs of one account in their order, and the last day that any log of it is about."""

    flowing: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)  # held or blocked, and all that come after such a one
    archive: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # pending, as far as one can read, and nobody knows by how much
    last_day: date | None = None


class Logs:
    """Every log of one mapping, with its values fitted to the fields that it becomes."""

    def __init__(self, draft: Draft, mapping: MappingSpec, spec: AppendSpec, standing: Standing) -> None:
        self.draft, self.mapping, self.spec, self.standing = draft, mapping, spec, standing
        self.values: dict[str, dict[str, Any]] = {}  # log key → fitted values
        self.stray: list[str] = []  # pending as far as one can read, and nobody knows of which account
        self.stale: dict[str, Decision] = {}  # what was decided of an undone log before it was undone
        self.decisions = self._decisions()
        self.marks = Marks(draft, mapping, standing)
        self.adjusted: dict[int, date] = {}  # contract service → the last day that took an adjustment of ours
        for one in draft.memory.pushed.values():
            if one.units:
                self.adjusted[one.record] = max(one.day, self.adjusted.get(one.record, one.day))

    def _decisions(self) -> dict[str, Decision]:
        """Those that count: what was said of a log before an undo took it back is not said of it now."""
        decided = self.draft.decisions(self.mapping.name, About.UNITS)
        for key, decision in decided.items():
            remembered = self.draft.memory.pushed.get((self.mapping.name, key))
            if remembered and remembered.undone and decision.verdict in AFTER and decision.after != remembered.run:
                self.stale[key] = decision
        return {key: decision for key, decision in decided.items() if key not in self.stale}

    def day(self, key: str) -> date:
        """The day on which a log takes effect."""
        day: date = self._log_value(key, self.spec.merge_on[1])
        return day

    def units_of(self, key: str) -> Decimal:
        """What a log changes."""
        return Decimal(self._log_value(key, self.spec.merge_sum) or 0)

    def told(self, key: str) -> tuple[date | None, Decimal]:
        """Day and units of any log, blocked ones too: no day where it has none, no units where they are no number."""
        return self._told_day(key), self._told_units(key)

    def _told_day(self, key: str) -> date | None:
        try:
            value = self._log_value(key, self.spec.merge_on[1])
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None
        if isinstance(value, datetime):
            return value.date()
        return value if isinstance(value, date) else None

    def _told_units(self, key: str) -> Decimal:
        try:
            return self.units_of(key)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return Decimal(0)

    def _log_value(self, key: str, name: str) -> Any:  # noqa: ANN401 -- any value of a row
        """A log's value by the mapping's own field, fitted where it fits, as the source has it where not."""
        if key in self.values and name in self.values[key]:
            return self.values[key][name]
        spec = self.mapping.fields[name]
        return evaluate(getattr(spec.value, "raw", None), self.draft.names(self.mapping.name, key))

    def _account_of(self, key: str) -> str | None:
        """The key of the row that a log belongs to."""
        spec = self.mapping.fields[self.spec.in_turn].value
        value = evaluate(getattr(getattr(spec, "of", None), "raw", None), self.draft.names(self.mapping.name, key))
        return None if value is None else str(value)

    def piles(self) -> dict[str, Pile]:
        """The key of the row that they belong to → its logs, sorted."""
        piles: defaultdict[str, Pile] = defaultdict(Pile)
        order = self.mapping.source.order
        rows = self.standing.rows
        column = self.draft.key_column(self.mapping)
        pushed = self.draft.memory.pushed
        ordered = sorted(rows.values(), key=lambda row: tuple(str(row.get(name) or "") for name in (*order, column)))
        for row in ordered:
            key = str(row[column])
            owner = self._safe_account(key)
            if owner is None:
                continue
            pile = piles[owner]
            self._note_day(key, pile)
            remembered = pushed.get((self.mapping.name, key))
            if remembered and not remembered.undone:
                self._remembered(key, remembered)
            elif key in self.standing.ready or key in self.standing.blocked:
                self._doubtful(key)
                self._undone(key, remembered)
                self._sort(key, pile)
        for key in sorted(self.standing.unread):
            self._unread(key, piles)
        return piles

    def _unread(self, key: str, piles: defaultdict[str, Pile]) -> None:
        """A log that cannot be read: it may be pending, and nobody knows by how much."""
        owner = self._safe_account(key)
        if owner is not None:
            self._note_day(key, piles[owner])
        remembered, decision = self.draft.memory.pushed.get((self.mapping.name, key)), self.decisions.get(key)
        if key not in self.standing.blocked or (remembered and not remembered.undone):
            return
        if decision and decision.verdict is Verdict.IGNORE:
            self.standing.blocked.pop(key)
            self.standing.leave(key, self.finding("ignored", Severity.SKIP, f"ignored: {decision.reason}", key))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            return  # nothing is pending any more; its mark follows once it can be read
        elif owner is None:
            self.stray.append(key)
        else:
            piles[owner].unread.append(key)

    def _safe_account(self, key: str) -> str | None:
        try:
            return self._account_of(key)
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return None

    def _note_day(self, key: str, pile: Pile) -> None:
        """The last day that any log, pending or not, or a push or an undo on a later day, is about."""
        remembered = self.draft.memory.pushed.get((self.mapping.name, key))
        day = max(remembered.day, self.adjusted.get(remembered.record, remembered.day)) if remembered else None
        day = day or self._told_day(key)
        if day is not None:
            pile.last_day = max(day, pile.last_day or day)

    def _undone(self, key: str, remembered: Pushed | None) -> None:
        """A log whose units an undo took back: pending again, and held until a person says what to do with it."""
        decision = self.decisions.get(key)
        decided = decision is not None and decision.verdict in AFTER
        if remembered and key in self.standing.ready and not decided:
            name = self.mapping.name
            text = f"was pushed, and run {remembered.run} took it back: it waits for a new decision"
            remedy = f"`trueup decide {name} {key} push --reason …`, or archive"
            if old := self.stale.get(key):
                text += f"; {old.verdict} was decided before that"
                remedy += f"; by hand, add the line `after: '{remembered.run}'` to {old.place}"
            self.standing.block(key, self.finding("undone", Severity.HOLD, text, key, remedy))

    def _doubtful(self, key: str) -> None:
        """A log that a run may have pushed, or not: it waits, and with it those after it."""
        name = self.mapping.name
        if key in self.standing.ready and (name, key) in self.draft.in_doubt.rows:
            self.standing.block(key, held(self.mapping.place, name, key))

    def _remembered(self, key: str, remembered: Pushed) -> None:
        """A log that was pushed before: never again; only its mark is repeated where the source lacks it."""
        if key not in self.standing.ready and key not in self.standing.blocked:
            return
        for place in (self.standing.ready, self.standing.blocked):
            place.pop(key, None)
        decision, edited = self.decisions.get(key), self._edited(key, remembered)
        if not edited:
            self.marks.alone(key, "pushed before; only its mark is repeated")
        elif decision and decision.verdict is Verdict.ARCHIVE:
            self.marks.alone(key, f"pushed before and edited since; marked as it is, as decided: {decision.reason}")
        else:
            text = f"run {remembered.run} took it as {edited}: what was sent stands, and it is not marked"
            self.standing.block(key, self.finding("edited-since", Severity.HOLD, text, key, self._ways_out(key)))

    def _edited(self, key: str, remembered: Pushed) -> str:
        """What a pushed log said when it was pushed and says otherwise now; nothing where all is as it was."""
        if self.mapping.write_back is None:
            return ""
        row, said = self.standing.rows[key], self.draft.pushes.said(remembered)
        return "; ".join(
            f"{name} {_plain(was)}, which is {_plain(row.get(name))} now"
            for name, was in said.items()
            if row.get(name) != was
        )

    def _ways_out(self, key: str) -> str:
        owner = next(one.name for one in self.draft.project.mappings.values() if self._keeps_ledger(one))
        return (
            f"put it back in Work 365; or `trueup decide {self.mapping.name} {key} archive --reason …` "
            f"marks it as it is, and `trueup decide {owner} {self._safe_account(key) or 'KEY'} correct --reason …` "
            "adjusts Autotask where the ledger differs"
        )

    def _keeps_ledger(self, mapping: MappingSpec) -> bool:
        return mapping.ledger is not None and mapping.ledger.pending == self.mapping.name

    def _sort(self, key: str, pile: Pile) -> None:
        decision = self.decisions.get(key)
        if decision and decision.verdict is Verdict.IGNORE:
            text = f"ignored: {decision.reason}"
            self.standing.leave(key, self.finding("ignored", Severity.SKIP, text, key))
        elif decision and decision.verdict is Verdict.ARCHIVE:
            pile.archive.append(key)
        elif key in self.standing.blocked:
            pile.stopped.append(key)
        elif self._resolved(key):
            self._in_turn(key, pile)
        elif key in self.standing.blocked:
            pile.stopped.append(key)

    def _in_turn(self, key: str, pile: Pile) -> None:
        """After one that is stopped, all are."""
        if not pile.stopped:
            pile.flowing.append(key)
            return
        first = self.standing.blocked[pile.stopped[0]][0]
        self.wait(key, first)
        pile.stopped.append(key)

    def wait(self, key: str, first: Finding) -> None:
        """Holds a log that comes after one that is stopped."""
        text = first.text if first.code == WAITS else f"waits for an earlier change of the same service: {first.text}"
        finding = replace(first, code=WAITS, severity=Severity.HOLD, text=text, mapping=self.mapping.name, key=key)
        self.standing.block(key, finding)

    def _resolved(self, key: str) -> bool:
        """Fits the log's values; blocks it or leaves it out where they cannot be."""
        resolved = self.draft.resolvers[self.mapping.name].slow(key, self.standing.ready[key])
        if resolved.left:
            self.standing.leave(key, replace(resolved.left, mapping=self.mapping.name))
            return False
        for finding in resolved.findings:
            self.standing.block(key, finding, resolved.because)
        self.values[key] = resolved.values
        return not resolved.findings

    def finding(self, code: str, severity: Severity, text: str, key: str, remedy: str = "") -> Finding:
        """Something to say of a log."""
        return Finding(code, severity, text, remedy, self.mapping.place, self.mapping.name, key)


def _plain(value: object) -> str:
    """A value of a row as people read it."""
    if value is None:
        return "nothing"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
