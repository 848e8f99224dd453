"""Rows that take the place of another one: renewals, and what was cancelled and bought again.

Where both are the same service on the same contract, the target has one record for them: it is
handed over with its units and with the pending changes of the row that ends. Where the service is
another one, both keep a record of their own, and the ledger pairs their changes.

Which row succeeds which is a decision, or what `successor_of` in the mapping evaluates to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.rules import expression_failed
from trueup.model.finding import Advice, Command, Finding, Place, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Action, Change
from trueup.model.project import FieldSpec, MappingSpec, Reference, Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.planning.records.key_values import KeyValues
from trueup.stages.diff import FOLLOWS, SUCCEEDS
from trueup.stages.match import BY_SUCCESSION, RecordIndex


@dataclass(slots=True)
class Successions:
    """What matching needs to know of them."""

    records: dict[str, int] = field(default_factory=dict)  # successor → record handed over
    owners: dict[str, str] = field(default_factory=dict)  # successor → row that had the record


def find_successions(context: PlanContext, mapping: MappingSpec) -> Successions:
    """Finds the successions among the mapping's ready rows.

    Rows whose record is handed over are left out; rows with a succession that cannot be right are
    blocked.
    """
    if mapping.ledger is None:
        return Successions()
    return _SuccessionFinder(context, mapping).find()


def note_handovers(context: PlanContext, mapping: MappingSpec, successions: Successions) -> None:
    """Lets the change that links a successor remove the link of the row before it."""
    state = context.states[mapping.name]
    for key, predecessor in successions.owners.items():
        state.changes[key] = [
            _handing_over(context, change, predecessor) for change in state.changes.get(key, [])
        ]
    for key, predecessor in state.moved_from.items():
        for position, change in enumerate(state.changes.get(key, [])):
            if change.action in (Action.CREATE, Action.LINK):
                owned = {**change.owned, FOLLOWS: predecessor}
                state.changes[key][position] = replace(change, owned=owned)


def _handed_over(context: PlanContext, mapping: MappingSpec, key: str) -> tuple[str, ...]:
    """The rows that had the row's record before it, the last of them first, as the state has them.

    They stay known after their links are gone: the record carries the identity of the first.
    """
    mark = context.snapshot.applied.get((mapping.name, key), {}).get(SUCCEEDS)
    return tuple(map(str, mark)) if isinstance(mark, list | tuple) else (str(mark),) * bool(mark)


def _handing_over(context: PlanContext, change: Change, predecessor: str) -> Change:
    mapping = context.project.mappings[change.mapping]
    owned = {
        **change.owned,
        SUCCEEDS: [predecessor, *_handed_over(context, mapping, predecessor)],
    }
    if change.how != BY_SUCCESSION:
        return replace(change, owned=owned)
    row = context.labels.ref(change.mapping, predecessor)
    notes = (*change.notes, f"takes over from {row.name}")
    return replace(change, owned=owned, succeeds=row, notes=notes)


class _SuccessionFinder:
    """Finds the successions of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state: MappingState = context.states[mapping.name]
        self._links = context.links(mapping.name)
        self._decisions = context.decisions(mapping.name, Topic.RECORD)
        self._keys = KeyValues(context, mapping)
        self._references = _references(mapping)
        self._found = Successions()

    def find(self) -> Successions:
        predecessors = {
            key: predecessor
            for key in [*self._state.ready]
            if (predecessor := self._predecessor(key))
        }
        predecessors = self._without_conflicts(predecessors)
        for key in [*predecessors]:
            for later, earlier in pairwise(self._handed_over(key)):
                predecessors.setdefault(later, earlier)
        succeeded = {*predecessors.values()}
        for key, predecessor in predecessors.items():
            if key not in succeeded:  # the last of a chain takes the record of the first
                self._hand_over(key, predecessor, predecessors)
        for key in self._links.keys() - self._state.ready.keys():  # also of a row that is blocked
            for predecessor in self._handed_over(key):
                self._withdraw(predecessor, key)
        return self._found

    # Which row succeeds which

    def _predecessor(self, key: str) -> str:
        """The key of the row whose place this one takes; empty where it takes none."""
        decision, record = self._decisions.get(key), self._links.get(key)
        is_gone = decision is not None and decision.of not in self._state.rows
        if decision and decision.verdict is Verdict.SUCCEED and not (record and is_gone):
            return decision.of if self._exists(key, decision.of, decision.place) else ""
        # Once handed over, a succession stands: the record carries the old row's identity.
        handed_over = self._handed_over(key)
        if record and handed_over and (decision is None or decision.record in (None, record)):
            return handed_over[0]
        if record and decision is None and not self._has_left(key, record):
            last = self._context.snapshot.applied.get((self._mapping.name, key), {})
            return str(last.get(FOLLOWS, ""))
        if decision or self._mapping.successor_of is None:
            return ""
        return self._evaluated(
            key, self._mapping.successor_of.raw, self._mapping.successor_of.place
        )

    def _handed_over(self, key: str) -> tuple[str, ...]:
        return _handed_over(self._context, self._mapping, key)

    def _has_left(self, key: str, record: int) -> bool:
        """Whether the row refers to others than its record does: it may take another one over."""
        raw, values = self._state.ready[key], self._state.records.get(record, {})
        return any(
            isinstance(raw[position], str) and values.get(name) != referable.get(raw[position])
            for position, name, referable in self._referring
        )

    @cached_property
    def _referring(self) -> list[tuple[int, str, Mapping[str, object]]]:
        """Position in a row's values, field, and what keys become, of each reference."""
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
        self._block(key, "successor-unclear", text, Advice(remedy), place)
        return False

    def _without_conflicts(self, predecessors: Mapping[str, str]) -> dict[str, str]:
        """Blocks rows that succeed the same one, or each other in a circle."""
        successors: dict[str, list[str]] = {}
        for key, predecessor in predecessors.items():
            successors.setdefault(predecessor, []).append(key)
        kept = dict(predecessors)
        for predecessor, keys in successors.items():
            for key in keys if len(keys) > 1 else ():
                others = [self._label(other) for other in keys if other != key]
                text = f"succeeds {self._label(predecessor)}, and so does {' and '.join(others)}"
                commands = [
                    Command(
                        "decide", self._mapping.name, one, f"succeed --of {predecessor} --reason …"
                    )
                    for one in keys
                ]
                remedy = Advice.of("decide which: ", commands[0], ", or ", *commands[1:2])
                self._block(key, "successor-unclear", text, remedy, self._place)
                kept.pop(key, None)
        for key in [*kept]:
            if key in _ancestors(kept, key):
                remedy = Advice("correct `successor_of`, or the decisions")
                text = "succeeds itself through others"
                self._block(key, "successor-unclear", text, remedy, self._place)
                kept.pop(key)
        return kept

    # What becomes of the record

    def _hand_over(self, key: str, predecessor: str, predecessors: Mapping[str, str]) -> None:
        """Hands the record of the predecessor over, or of the one before that."""
        chain = [predecessor, *_ancestors(predecessors, predecessor)]
        linked = next((one for one in chain if self._record_of(one) is not None), None)
        record = self._record_of(linked) if linked else None
        if not self._takes_record(key, predecessor, record):
            if predecessor in self._state.rows:
                self._state.moved_from[key] = predecessor
            return
        if record is not None and linked and self._links.get(key) != record:
            self._found.records[key] = record
            self._found.owners[key] = linked
        for one in chain:
            self._withdraw(one, key)

    def _takes_record(self, key: str, predecessor: str, record: int | None) -> bool:
        """Whether one record serves both rows; `record` is the one that the predecessor has."""
        own, has_link = self._links.get(key), predecessor in self._links
        if own is None and record is not None:
            return self._is_same_service(key, record)
        if own is not None and not has_link and predecessor in self._handed_over(key):
            return True  # whatever became of the record since
        if own is not None and record not in (None, own):
            # Each has its own, unless the row has moved to where the other one's is.
            has_moved = own in self._state.records and not self._is_same_service(key, own)
            return has_moved and self._is_same_service(key, record)
        is_asked = own is None or key in self._decisions
        return is_asked and predecessor in self._state.rows and self._refers_alike(key, predecessor)

    def _withdraw(self, predecessor: str, successor: str) -> None:
        """Leaves the row out: its record and its pending changes are its successor's."""
        self._state.succeeded_by[predecessor] = successor
        if predecessor not in self._state.rows:
            return
        text = f"succeeded by {self._label(successor)}"
        finding = Finding(
            "succeeded", Severity.SKIP, text, "", self._place, self._mapping.name, predecessor
        )
        self._state.blocked.pop(predecessor, None)
        self._state.because.pop(predecessor, None)
        self._state.skip(predecessor, finding)

    def _record_of(self, key: str) -> int | None:
        """The record of a row by its link, or by its identity."""
        record = self._links.get(key)
        if record is not None:
            return record if record in self._state.records else None
        specs = self._mapping.identity if self._state.has(key) else {}
        looked_up = self._keys.lookup(key, specs) if specs else None
        if looked_up is None or looked_up.unknown or looked_up.absent:
            return None
        records = self._index.having(looked_up.values.values())
        taken = {*self._links.values()}
        return records[0] if len(records) == 1 and records[0] not in taken else None

    @cached_property
    def _index(self) -> RecordIndex:
        names = tuple(self._mapping.identity)
        return RecordIndex(self._state.records, names)

    def _is_same_service(self, key: str, record: int) -> bool:
        """Whether the record refers to what the row refers to."""
        looked_up = self._keys.lookup(key, self._references)
        values = self._state.records[record]
        return not looked_up.unknown and all(
            values.get(name) == value for name, value in looked_up.values.items()
        )

    def _refers_alike(self, key: str, other: str) -> bool:
        """Whether both rows refer to the same rows."""
        return [*self._reference_keys(key)] == [*self._reference_keys(other)]

    def _reference_keys(self, key: str) -> Iterator[object]:
        names = self._context.names(self._mapping.name, key)
        for spec in self._references.values():
            if isinstance(spec.value, Reference):
                try:
                    yield evaluate(spec.value.of.raw, names)
                except EVALUATION_ERRORS:  # not alike: no two rows share their key
                    yield key

    @property
    def _place(self) -> Place:
        successor_of = self._mapping.successor_of
        return successor_of.place if successor_of else self._mapping.place

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


def _references(mapping: MappingSpec) -> dict[str, FieldSpec]:
    """The fields by which a record belongs to others: contract and service."""
    return {
        name: spec for name, spec in mapping.fields.items() if isinstance(spec.value, Reference)
    }


def _ancestors(predecessors: Mapping[str, str], key: str) -> list[str]:
    """The rows before it, nearest first; a circle ends with the row itself."""
    found: list[str] = []
    step = predecessors.get(key)
    while step and step not in found:
        found.append(step)
        step = predecessors.get(step)
    return found
