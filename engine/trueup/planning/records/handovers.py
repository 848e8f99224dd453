"""What becomes of the record of a row whose place another one takes.

Where both rows refer to the same others, one record serves them: it is handed over. Else each row
has its own, and the ledger pairs their changes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping_state import MappingState
from trueup.model.plan import Action, Change
from trueup.model.project import FieldSpec, MappingSpec, Reference, Topic
from trueup.planning.context import PlanContext
from trueup.planning.records.key_values import KeyValues
from trueup.stages.diff import FOLLOWS, SUCCEEDS
from trueup.stages.match import BY_SUCCESSION, RecordIndex


@dataclass(slots=True)
class Successions:
    """What matching needs to know of them."""

    records: dict[str, int] = field(default_factory=dict)  # successor → record handed over
    owners: dict[str, str] = field(default_factory=dict)  # successor → row that had the record


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


def handed_over(context: PlanContext, mapping: MappingSpec, key: str) -> tuple[str, ...]:
    """The rows that had the row's record before it, the last of them first, as the state has them.

    They stay known after their links are gone: the record carries the identity of the first.
    """
    mark = context.snapshot.applied.get((mapping.name, key), {}).get(SUCCEEDS)
    return tuple(map(str, mark)) if isinstance(mark, list | tuple) else (str(mark),) * bool(mark)


def _handing_over(context: PlanContext, change: Change, predecessor: str) -> Change:
    mapping = context.project.mappings[change.mapping]
    owned = {
        **change.owned,
        SUCCEEDS: [predecessor, *handed_over(context, mapping, predecessor)],
    }
    if change.how != BY_SUCCESSION:
        return replace(change, owned=owned)
    row = context.labels.ref(change.mapping, predecessor)
    notes = (*change.notes, f"takes over from {row.name}")
    return replace(change, owned=owned, succeeds=row, notes=notes)


class Handovers:
    """Hands records over among the rows of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state: MappingState = context.states[mapping.name]
        self._links = context.links(mapping.name)
        self._decisions = context.decisions(mapping.name, Topic.RECORD)
        self._keys = KeyValues(context, mapping)
        self._references = _references(mapping)
        self.found = Successions()

    def hand_over(self, key: str, predecessor: str, predecessors: Mapping[str, str]) -> None:
        """Hands the record of the predecessor over, or of the one before that."""
        chain = [predecessor, *ancestors(predecessors, predecessor)]
        linked = next((one for one in chain if self._record_of(one) is not None), None)
        record = self._record_of(linked) if linked else None
        if not self._takes_record(key, predecessor, record):
            if predecessor in self._state.rows:
                self._state.moved_from[key] = predecessor
            return
        if record is not None and linked and self._links.get(key) != record:
            self.found.records[key] = record
            self.found.owners[key] = linked
        for one in chain:
            self.withdraw(one, key)

    def _takes_record(self, key: str, predecessor: str, record: int | None) -> bool:
        """Whether one record serves both rows; `record` is the one that the predecessor has."""
        own, has_link = self._links.get(key), predecessor in self._links
        if own is None and record is not None:
            return self._is_same_service(key, record)
        former = handed_over(self._context, self._mapping, key)
        if own is not None and not has_link and predecessor in former:
            return True  # whatever became of the record since
        if own is not None and record not in (None, own):
            # Each has its own, unless the row has moved to where the other one's is.
            has_moved = own in self._state.records and not self._is_same_service(key, own)
            return has_moved and self._is_same_service(key, record)
        is_asked = own is None or key in self._decisions
        return is_asked and predecessor in self._state.rows and self._refers_alike(key, predecessor)

    def withdraw(self, predecessor: str, successor: str) -> None:
        """Leaves the row out: its record and its pending changes are its successor's."""
        self._state.succeeded_by[predecessor] = successor
        if predecessor not in self._state.rows:
            return
        text = f"succeeded by {self._context.label(self._mapping.name, successor)}"
        place = succession_place(self._mapping)
        finding = Finding(
            "succeeded", Severity.SKIP, text, "", place, self._mapping.name, predecessor
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


def _references(mapping: MappingSpec) -> dict[str, FieldSpec]:
    """The fields by which a record belongs to others: contract and service."""
    return {
        name: spec for name, spec in mapping.fields.items() if isinstance(spec.value, Reference)
    }


def succession_place(mapping: MappingSpec) -> Place:
    """Where the mapping says which row succeeds which."""
    return mapping.successor_of.place if mapping.successor_of else mapping.place


def ancestors(predecessors: Mapping[str, str], key: str) -> list[str]:
    """The rows before it, nearest first; a circle ends with the row itself."""
    found: list[str] = []
    step = predecessors.get(key)
    while step and step not in found:
        found.append(step)
        step = predecessors.get(step)
    return found
