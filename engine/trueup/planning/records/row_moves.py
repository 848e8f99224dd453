"""Rows that move: their parents are others than those of their record, which keeps its parents.

A row with a quantity then gets another record where it belongs now, and the ledger moves its units
there.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from trueup.model.coerce import empty, same
from trueup.model.mapping import Manage, MappingSpec
from trueup.planning.context import PlanContext
from trueup.stages.match import BY_IDENTITY, BY_SUCCESSION


class RecordThere(Struct, frozen=True):
    """An existing record where a row belongs now."""

    record: int
    how: str  # how the row is linked to it


class RowMoves:
    """Knows which rows of one mapping have moved, and whether a record waits for them."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state = context.states[mapping.name]
        self._compiled = context.compiled[mapping.name]
        self.reference_names = [
            slot.name for slot in self._compiled.slots if slot.reference and slot.field.create_only
        ]
        """Fields by which a record belongs to others, once and for all."""

    def has_moved(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether, of the fixed fields, the record differs only in those for its parents."""
        if self._mapping.ledger is None:
            return False
        differing = {
            slot.name
            for slot in self._compiled.slots
            if slot.field.create_only
            and not slot.identity
            and slot.spec.manage is not Manage.CREATE
            and not same(values.get(slot.name), record.get(slot.name))
        }
        return differing <= {*self.reference_names}

    def hands_on(self, key: str) -> bool:
        """Whether a successor has a record where the row belongs now, which ends its units."""
        ready, slots = self._state.ready, self._compiled.slots
        places = [
            self._compiled.first + position
            for position, slot in enumerate(slots)
            if slot.name in self.reference_names
        ]
        successors = [
            self._state.holder(later)
            for later, before in self._state.moved_from.items()
            if before == key
        ]
        return any(
            all(ready[successor][place] == ready[key][place] for place in places)
            for successor in successors
            if successor in ready
        )

    def record_there(self, key: str, values: Mapping[str, Any]) -> RecordThere | None:
        """Returns a record that the row can have where it belongs now; None: it needs a new one.

        That is the record of a row that it succeeds, or one that it had there before.
        """
        succeeded = self._succeeded(key, values)
        if succeeded is not None:
            return RecordThere(succeeded, BY_SUCCESSION)
        own = self._own_before(values)
        return None if own is None else RecordThere(own, BY_IDENTITY)

    def _succeeded(self, key: str, values: Mapping[str, Any]) -> int | None:
        """Returns the record there of a row that this one succeeds."""
        links, records = self._context.links(self._mapping.name), self._state.records
        for predecessor, successor in self._state.succeeded_by.items():
            record = links.get(predecessor)
            if (
                successor == key
                and record in records
                and self._belongs_there(values, records[record])
            ):
                return record
        return None

    def _own_before(self, values: Mapping[str, Any]) -> int | None:
        """Returns the only free record there with the row's identity."""
        taken = {
            *self._state.record_ids.values(),
            *self._context.links(self._mapping.name).values(),
        }
        own = [
            id_
            for id_, record in self._state.records.items()
            if id_ not in taken
            and self._is_own(values, record)
            and self._belongs_there(values, record)
        ]
        return own[0] if len(own) == 1 else None

    def leave_former(self, key: str, values: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        """Notes the record that a row leaves by a decision for another one of its own.

        Its units go there.
        """
        state = self._state
        old = self._context.links(self._mapping.name).get(key)
        if self._mapping.ledger is None or old is None or old not in state.records:
            return
        is_free = old not in state.record_ids.values()
        if is_free and all(self._is_own(values, one) for one in (record, state.records[old])):
            state.left_records[key] = old

    def _is_own(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether the record carries the row's own identity."""
        names = [*self._mapping.identity]
        return bool(names) and all(
            not empty(values.get(name)) and same(values[name], record.get(name)) for name in names
        )

    def _belongs_there(self, values: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether the record has the same parents as the row has now."""
        names = self.reference_names
        return bool(names) and all(same(values[name], record.get(name)) for name in names)
