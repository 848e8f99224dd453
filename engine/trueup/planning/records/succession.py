"""Finds rows that take the place of another one: renewals and repurchases.

If both rows are the same service on the same contract, the target has one record for them: it is
handed over with its units and with the pending changes of the row that ends. If the service is
another one, both keep a record of their own, and the ledger pairs their changes. A decision
determines which row succeeds which, or `successor_of` in the mapping.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.rules import expression_failed
from trueup.model.finding import Advice, Finding, Place, Severity, named_apart
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.planning.records.handovers import (
    Handovers,
    Successions,
    ancestors,
    handed_over,
    known_steps,
    rows_with_steps,
    succession_place,
)
from trueup.planning.records.renewal_order import LONGEST_OVERLAP, RenewalOrder
from trueup.planning.records.succession_remedies import SuccessionRemedies
from trueup.planning.records.unit_days import UnreadChange

SUCCESSOR_UNCLEAR = "successor-unclear"
"""Code of the finding of a row that cannot succeed the row that is configured."""


def find_successions(context: PlanContext, mapping: MappingSpec) -> Successions:
    """Finds the successions among the mapping's ready rows.

    Rows whose record is handed over are left out; rows with a succession that cannot be right are
    blocked.
    """
    if mapping.ledger is None:
        return Successions()
    return _SuccessionFinder(context, mapping).find()


class _SuccessionFinder:
    """Finds the successions of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state: MappingState = context.states[mapping.name]
        self._links = context.links(mapping.name)
        self._decisions = context.decisions(mapping.name, Topic.RECORD)
        self._handovers = Handovers(context, mapping)
        self._given_by_expression: set[str] = set()
        self._unclear: dict[str, str] = {}  # row → the row of which it is unclear if it succeeds it
        self._with_steps = rows_with_steps(context, mapping)

    def find(self) -> Successions:
        # Also of rows that are blocked: the row before such a one must not end without it.
        blocked = [key for key in self._state.blocked if key in self._state.rows]
        predecessors = {
            key: predecessor
            for key in [*self._rows_to_look_at(), *blocked]
            if (predecessor := self._predecessor(key))
        }
        predecessors = self._without_conflicts(predecessors)
        for predecessor, key in self._unclear.items():
            if predecessor not in predecessors.values():
                self._state.wanted_by.setdefault(predecessor, key)
        self._add_earlier(predecessors)
        self._handovers.settle(predecessors)
        return self._handovers.found

    # Which row succeeds which

    def _rows_to_look_at(self) -> list[str]:
        """Ready rows that may succeed another one. Nearly all rows stay on the record they have."""
        links, records, referring = self._links, self._state.records, self._referring
        special = self._decisions.keys() | self._with_steps
        found: list[str] = []
        for key, raw in self._state.ready.items():
            record = links.get(key)
            if not record or key in special or _has_left(raw, records.get(record, {}), referring):
                found.append(key)
        return found

    def _predecessor(self, key: str) -> str:
        """The key of the row whose place this one takes; empty if it takes none."""
        decision, record = self._decisions.get(key), self._links.get(key)
        if decision is None and key not in self._with_steps:
            return self._given(key, record)
        is_gone = decision is not None and decision.of not in self._state.rows
        if decision and decision.verdict is Verdict.SUCCEED and not (record and is_gone):
            return decision.of if self._exists(key, decision.of, decision.place) else ""
        # Once handed over, a succession stands: the record carries the old row's identity.
        is_handed_over = bool(handed_over(self._context, self._mapping, key))
        stands = is_handed_over and (decision is None or decision.record in (None, record))
        is_undecided = decision is None or is_gone
        if record and (stands or (is_undecided and not self._has_left(key, record))):
            return self._known_steps(key).get(key, "")
        return "" if decision else self._given(key, None)

    def _given(self, key: str, record: int | None) -> str:
        """Returns the key of `successor_of`; "" for a row that stays on `record`, its own."""
        given = self._mapping.successor_of
        if given is None or (record and not self._has_left(key, record)):
            return ""
        predecessor = self._evaluated(key, given.raw, given.place)
        # A row that moved here had its units elsewhere: its days mean nothing for this place.
        if predecessor and not record and self._is_beside(key, predecessor, given.place):
            return ""
        return predecessor

    def _is_beside(self, key: str, predecessor: str, place: Place) -> bool:
        """Whether both rows had units side by side: then none of them renews the other one.

        A row that had begun before the other one, or with it, takes no other one's place. One that
        begins during the other one is blocked, unless the overlap is that of an early renewal. So
        is one where a change that may be theirs cannot be read.
        """
        renewals = self._renewals
        if unread := renewals.days.unread(key, predecessor):
            why = f"but a change that may be theirs cannot be read: {unread.why}"
            self._ask(key, predecessor, why, place, unread)
            return True
        together = renewals.days_together(key, predecessor)
        if together is None:
            return False
        if renewals.begins_after(key, predecessor):
            if together <= LONGEST_OVERLAP:
                return False
            self._ask(key, predecessor, f"but both run for {together.days} days", place)
        return True

    def _ask(
        self, key: str, predecessor: str, why: str, place: Place, unread: UnreadChange | None = None
    ) -> None:
        """Blocks a row that would succeed the other one, which waits for the answer."""
        named = named_apart({one: self._label(one) for one in (predecessor, key)})
        remedy = self._remedies.of_one(key, predecessor, unread)
        self._block(
            key, SUCCESSOR_UNCLEAR, f"would succeed {named[predecessor]}, {why}", remedy, place
        )
        self._unclear.setdefault(predecessor, key)

    @cached_property
    def _renewals(self) -> RenewalOrder:
        return RenewalOrder(self._context, self._mapping)

    @property
    def _remedies(self) -> SuccessionRemedies:
        return SuccessionRemedies(self._context, self._mapping, self._renewals)

    def _add_earlier(self, predecessors: dict[str, str]) -> None:
        """Adds the rows before these predecessors, by the state.

        What is found already takes precedence over the state.
        """
        rows = [*dict.fromkeys((*predecessors, *predecessors.values()))]
        added, succeeded, known = {*rows}, {*predecessors.values()}, dict[str, str]()
        for row in rows:
            _add_missing(known, self._known_steps(row))
        for row in rows:  # it grows
            earlier = known.get(row)
            if row in predecessors or earlier is None or earlier in succeeded:
                continue
            if row in (earlier, *ancestors(predecessors, earlier)):
                continue
            predecessors[row] = earlier
            succeeded.add(earlier)
            if earlier not in added:
                rows.append(earlier)
                added.add(earlier)
                _add_missing(known, self._known_steps(earlier))

    def _known_steps(self, key: str) -> dict[str, str]:
        return known_steps(self._context, self._mapping, key)

    def _has_left(self, key: str, record: int) -> bool:
        """Whether the row refers to others than its record does: it may take another one over."""
        raw, values = self._state.ready.get(key), self._state.records.get(record, {})
        return raw is not None and _has_left(raw, values, self._referring)

    @cached_property
    def _referring(self) -> "_Referring":
        """Returns position in a row's values, field, and keys of its targets, of each reference."""
        compiled = self._context.compiled[self._mapping.name]
        return [
            (
                compiled.first + number,
                slot.name,
                self._context.states[slot.reference.mapping].referable,
            )
            for number, slot in enumerate(compiled.slots)
            if slot.reference
        ]

    def _evaluated(self, key: str, raw: object, place: Place) -> str:
        self._given_by_expression.add(key)
        try:
            value = evaluate(raw, self._context.names(self._mapping.name, key))
        except EVALUATION_ERRORS as fault:
            finding = expression_failed(self._mapping.name, key, "successor_of", place, fault)
            self._state.block(key, finding)
            return ""
        if value is None or value == "":
            return ""
        return str(value) if self._exists(key, str(value), place) else ""

    def _exists(self, key: str, predecessor: str, place: Place) -> bool:
        if predecessor in self._state.rows and predecessor != key:
            return True
        if predecessor == key:
            text, remedy = "succeeds itself", "name another row"
        else:
            text = f"succeeds {self._mapping.name} {predecessor}, which is not found"
            remedy = "correct the key, or the expression at this place"
        self._block(key, SUCCESSOR_UNCLEAR, text, Advice(remedy), place)
        return False

    def _without_conflicts(self, predecessors: Mapping[str, str]) -> dict[str, str]:
        """Blocks rows that succeed the same one, or each other in a cycle.

        A decision or the state takes precedence over an expression.
        """
        successors: dict[str, list[str]] = {}
        for key, predecessor in predecessors.items():
            successors.setdefault(predecessor, []).append(key)
        kept = dict(predecessors)
        for predecessor, keys in successors.items():
            firm = [key for key in keys if key not in self._given_by_expression]
            undecided = [key for key in keys if len(firm) != 1 or key not in firm]
            named = named_apart({key: self._label(key) for key in (predecessor, *keys)})
            for key in undecided if len(keys) > 1 else ():
                others = [named[other] for other in keys if other != key]
                text = f"succeeds {named[predecessor]}, and so does {' and '.join(others)}"
                is_given = self._given_by_expression.issuperset(undecided)
                remedy = self._remedies.of_several(predecessor, keys, undecided, is_given=is_given)
                self._block(key, SUCCESSOR_UNCLEAR, text, remedy, succession_place(self._mapping))
                kept.pop(key, None)
            if len(undecided) > 1:
                self._state.wanted_by[predecessor] = undecided[0]
        for key in [key for key in kept if key in ancestors(kept, key)]:
            remedy = Advice("correct `successor_of`, or the decisions")
            text = "succeeds itself through others"
            self._block(key, SUCCESSOR_UNCLEAR, text, remedy, succession_place(self._mapping))
            kept.pop(key)
        return kept

    def _label(self, key: str) -> str:
        return self._context.label(self._mapping.name, key)

    def _block(self, key: str, code: str, text: str, remedy: Advice, place: Place) -> None:
        self._state.block(
            key,
            Finding(
                code,
                Severity.HOLD,
                text,
                remedy.text,
                place,
                self._mapping.name,
                key,
                commands=remedy.commands,
            ),
        )


_Referring = list[tuple[int, str, Mapping[str, object]]]


def _has_left(raw: Sequence[Any], values: Mapping[str, Any], referring: _Referring) -> bool:
    """Whether a row with these evaluated values refers to others than its record does."""
    for position, name, referable in referring:
        other = raw[position]
        if isinstance(other, str) and values.get(name) != referable.get(other):
            return True
    return False


def _add_missing(known: dict[str, str], steps: Mapping[str, str]) -> None:
    """Adds the steps of rows that have none yet."""
    for row, earlier in steps.items():
        known.setdefault(row, earlier)
