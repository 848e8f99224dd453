"""Decides which row has the record when one row takes the place of another.

If both rows refer to the same rows, one record serves both: it is handed over. Otherwise each row
has its own record, and the ledger pairs their changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.change import Action, Change
from trueup.model.finding import Finding, Place, Severity, named_apart
from trueup.model.mapping import FieldSpec, MappingSpec, Reference
from trueup.model.mapping_state import MappingState
from trueup.model.verdict import Topic
from trueup.planning.context import PlanContext
from trueup.planning.records.key_values import KeyValues
from trueup.stages.diff import FOLLOWS, SUCCEEDS
from trueup.stages.match import BY_SUCCESSION, RecordIndex

SUCCEEDED = "succeeded"
"""Code of the finding of a row whose place another one took."""


class Successions(Struct):
    """What matching needs to know of successions."""

    records: dict[str, int] = {}  # successor → record handed over
    owners: dict[str, str] = {}  # successor → row that had the record
    members: dict[str, tuple[str, ...]] = {}
    """Row that has a record → the rows before it that the record serves, the last one first."""


def note_handovers(context: PlanContext, mapping: MappingSpec, successions: Successions) -> None:
    """Records in changes which rows came before theirs, and ends the link of the former row."""
    state = context.states[mapping.name]
    for key, changes in state.changes.items():
        members, owner = successions.members.get(key, ()), successions.owners.get(key)
        rows = [key, *members]
        follows = {row: state.moved_from[row] for row in rows if row in state.moved_from}
        if members or follows:
            state.changes[key] = [
                _handing_over(context, _following(change, follows), members, owner)
                for change in changes
            ]


def rows_with_steps(context: PlanContext, mapping: MappingSpec) -> frozenset[str]:
    """Returns the rows that succeed another row, as far as the state knows.

    Most projects have few of them, so callers check this set before they look up a single row.
    """
    return frozenset(
        key
        for (name, key), values in context.snapshot.applied.items()
        if (SUCCEEDS in values or FOLLOWS in values) and name == mapping.name
    )


def handed_over(context: PlanContext, mapping: MappingSpec, key: str) -> tuple[str, ...]:
    """Returns the rows that had the row's record before it, newest first, by the state.

    They stay known after their links are gone: the record carries the identity of the first.
    """
    mark = context.snapshot.applied.get((mapping.name, key), {}).get(SUCCEEDS)
    return tuple(map(str, mark)) if isinstance(mark, list | tuple) else (str(mark),) * bool(mark)


def known_steps(context: PlanContext, mapping: MappingSpec, key: str) -> dict[str, str]:
    """Returns, for the row and those that had its record, the row before each, by the state.

    If the state has no other row, that is the one that had the record before.
    """
    follows = context.snapshot.applied.get((mapping.name, key), {}).get(FOLLOWS, {})
    if isinstance(follows, Mapping):
        steps = {str(later): str(earlier) for later, earlier in follows.items()}
    else:  # earlier versions kept only the row before this one
        steps = {key: str(follows)}
    for later, earlier in pairwise((key, *handed_over(context, mapping, key))):
        steps.setdefault(later, earlier)
    return steps


def _following(change: Change, follows: Mapping[str, str]) -> Change:
    """Returns the change with the rows before its row, if its record is created or linked."""
    if not follows or change.action not in (Action.CREATE, Action.LINK):
        return change
    return replace(change, owned={**change.owned, FOLLOWS: follows})


def _handing_over(
    context: PlanContext, change: Change, members: Sequence[str], owner: str | None
) -> Change:
    """The change of a row whose record serves the members as well; `owner` is linked to it."""
    if not members:
        return change
    mapping = context.project.mappings[change.mapping]
    before = [*members]
    for member in members:
        before += handed_over(context, mapping, member)
    change = replace(change, owned={**change.owned, SUCCEEDS: [*dict.fromkeys(before)]})
    if change.how != BY_SUCCESSION or owner is None:
        return change
    row = context.labels.ref(change.mapping, owner)
    key = change.keys[0]
    before_it = context.states[change.mapping].predecessors.get(key, owner)
    named = named_apart(
        {one: context.label(change.mapping, one) for one in (key, owner, before_it)}
    )
    note = f"takes over from {named[owner]}"
    if before_it != owner:  # the succession came back to a record of an earlier row
        note = f"succeeds {named[before_it]}, and {note}"
    return replace(change, succeeds=row, notes=(*change.notes, note))


class Handovers:
    """Hands records over among the rows of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state: MappingState = context.states[mapping.name]
        self._links = context.links(mapping.name)
        self._decisions = context.decisions(mapping.name, Topic.RECORD)
        self._keys = KeyValues(context, mapping)
        self._references = _references(mapping)
        self._followers: dict[str, str] = {}  # row → the row that succeeds it
        self.found = Successions()

    def settle(self, predecessors: Mapping[str, str]) -> None:
        """Decides who has which record, along all chains of rows that succeed each other."""
        self._state.predecessors.update(predecessors)
        for later, earlier in self._state.predecessors.items():
            self._followers.setdefault(earlier, later)
        succeeded = {*predecessors.values()}
        for key in predecessors:
            if key not in succeeded:
                self._settle_chain([key, *ancestors(predecessors, key)])
        for key in self._links:
            if key not in self._state.ready:  # also of a row that is blocked, or gone
                for one in self._former([key]):
                    self._withdraw(one, self._state.holder(key))

    def _settle_chain(self, rows: Sequence[str]) -> None:
        """Decides one chain, given with its last row first.

        Of rows that refer to the same others, wherever they are in the chain, the last one has the
        record. If a row refers to others than the one before it, the ledger pairs the two.
        """
        groups: list[list[str]] = []
        for row in rows:
            group = next((one for one in groups if self._shares(one, row)), None)
            if group is None:
                groups.append([row])
            else:
                group.append(row)
        for group in groups:
            self._hand_over(*group, *(one for one in self._former(group) if one not in rows))
        holders = {row: group[0] for group in groups for row in group}
        for later, earlier in pairwise(rows):
            holder = holders[earlier]
            is_there = holder in self._state.rows or holder in self._links
            if is_there and holder != holders[later]:
                self._state.moved_from[later] = earlier

    def _hand_over(self, holder: str, *others: str) -> None:
        """Gives the holder the record that one of the others has, the last of them first."""
        linked = next((other for other in others if self._record_of(other) is not None), None)
        record = self._record_of(linked) if linked else None
        if linked and record is not None and self._links.get(holder) != record:
            self.found.records[holder] = record
            self.found.owners[holder] = linked
        if others:
            self.found.members[holder] = others
        for other in others:
            self._withdraw(other, holder)

    def _shares(self, group: Sequence[str], row: str) -> bool:
        """Whether one record serves the row and those of the group; its first row has it."""
        if row in self._former(group):
            return True  # even if the record was changed since
        holder, record = group[0], self._record_of(row)
        own, is_ready = self._links.get(holder), holder in self._state.ready
        if holder not in self._state.rows or (own is None and not is_ready):
            return False  # it takes none
        if record is None or record == own:
            may_share = own is None or any(one in self._decisions for one in group)
            return may_share and row in self._state.rows and self._refers_alike(holder, row)
        if own is not None:
            # Each has its own, unless the row has moved to where the other one's is.
            has_moved = own in self._state.records and not self._is_same_service(holder, own)
            return is_ready and has_moved and self._is_same_service(holder, record)
        others = {self._record_of(one) for one in group[1:]}
        return others <= {None, record} and self._is_same_service(holder, record)

    def _former(self, group: Sequence[str]) -> list[str]:
        """Returns the rows that had a record of the group before, and have none now."""
        found = (one for row in group for one in handed_over(self._context, self._mapping, row))
        return [key for key in dict.fromkeys(found) if key not in self._links]

    def _withdraw(self, predecessor: str, successor: str) -> None:
        """Leaves the row out: its record and its pending changes are those of a later row."""
        self._state.succeeded_by[predecessor] = successor
        if predecessor not in self._state.rows:
            return
        following = self._followers.get(predecessor, successor)
        rows = (predecessor, following, successor)
        named = named_apart({key: self._context.label(self._mapping.name, key) for key in rows})
        text = f"succeeded by {named[following]}"
        if following != successor:
            text += f"; its record goes to {named[successor]}"
        place = succession_place(self._mapping)
        finding = Finding(
            SUCCEEDED, Severity.SKIP, text, "", place, self._mapping.name, predecessor
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
        return records[0] if len(records) == 1 and records[0] not in self._linked else None

    @cached_property
    def _linked(self) -> frozenset[int]:
        """Records that a row is linked to."""
        return frozenset(self._links.values())

    @cached_property
    def _index(self) -> RecordIndex:
        names = tuple(self._mapping.identity)
        return RecordIndex(self._state.records, names)

    def _is_same_service(self, key: str, record: int) -> bool:
        """Whether the record refers to what the row refers to."""
        looked_up = self._keys.lookup(key, self._references)
        values = self._state.records[record]
        if looked_up.unknown or looked_up.absent:
            return False
        return all(values.get(name) == value for name, value in looked_up.values.items())

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
    """Returns the rows before it, nearest first; a cycle ends with the row itself."""
    found: list[str] = []
    step = predecessors.get(key)
    while step and step not in found:
        found.append(step)
        step = predecessors.get(step)
    return found
