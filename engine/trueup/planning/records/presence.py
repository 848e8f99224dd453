"""Finds the records of rows that are kept out, because the target bills for them too.

Blocking stops writes, never reading. For each such row the record is found, known to be absent, or
unknown; the ledger then shows it as unknown instead of zero. Nothing of this is written.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property

from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.planning.context import PlanContext
from trueup.planning.needs import entity_fields
from trueup.planning.records.identity import carriers
from trueup.planning.records.key_values import KeyLookup, KeyValues
from trueup.stages.match import MatchEvidence, RecordIndex

MOST = 5
"""Records that are named where several fit."""


def find_presence(context: PlanContext, mapping: MappingSpec) -> None:
    """Adds inferred links, and the rows whose record is not known, to the mapping's state."""
    if mapping.name not in context.ledger_mappings:
        return
    finder = _PresenceFinder(context, mapping)
    finder.find(list(finder.kept_out()))


class _PresenceFinder:
    """One mapping: by identity among its records, then anywhere, then by its match keys."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state = context.states[mapping.name]
        self._keys = KeyValues(context, mapping)
        self._index = _Indexes(self._state)
        placeholders = context.project.placeholders
        self._evidence = MatchEvidence(self._state, self._keys.values, self._index, placeholders)

    def kept_out(self) -> Iterable[str]:
        """Rows that are blocked, left out or out of scope, and no record as far as known."""
        state = self._state
        keys = (*state.blocked, *state.skipped, *sorted(state.out_of_scope))
        # A record that the row's successor left behind belongs to no row, despite its identity.
        return (
            key
            for key in dict.fromkeys(keys)
            if key not in state.record_ids and key not in state.succeeded_by
        )

    def find(self, keys: list[str]) -> None:
        """Finds the records of these rows."""
        state = self._state
        fits = self._by_identity(keys)
        for key in keys:
            if key not in fits:
                found = self._by_match_keys(key)
                if isinstance(found, int):
                    fits[key] = found
                elif found:
                    state.unknown_records.setdefault(key, found)
        self._add(fits)

    def _add(self, fits: dict[str, int]) -> None:
        """Adds the links; a record that fits several rows, or is another row's, is not linked."""
        state = self._state
        owners: dict[int, list[str]] = {}
        for key, record in fits.items():
            owners.setdefault(record, []).append(key)
        for record, keys in owners.items():
            name = f"{self._mapping.target.entity} {record}"
            if record in self._taken:
                self._mark_unknown(keys, f"it fits {name}, which is another row's")
            elif len(keys) > 1:
                state.contested_records.add(record)
                self._mark_unknown(keys, f"{len(keys)} rows fit {name}")
            else:
                state.inferred_links[keys[0]] = record
                state.unknown_records.pop(keys[0], None)

    def _mark_unknown(self, keys: Iterable[str], why: str) -> None:
        for key in keys:
            self._state.unknown_records.setdefault(key, why)

    def _by_identity(self, keys: list[str]) -> dict[str, int]:
        """Rows whose identity one record carries: one of ours, or any that the target has."""
        specs = self._mapping.identity
        if not specs:
            return {}
        found: dict[str, int] = {}
        elsewhere: dict[str, dict[str, object]] = {}
        for key in keys:
            looked_up = self._keys.lookup(key, specs)
            if looked_up.unknown:
                self._state.unknown_records.setdefault(key, looked_up.unknown)
            if looked_up.unknown or looked_up.absent:
                continue
            records = self._index(tuple(specs)).having(looked_up.values.values())
            if len(records) == 1:
                found[key] = records[0]
            elif records:
                self._mark_unknown([key], self._several(records))
            else:
                elsewhere[key] = looked_up.values
        return found | self._anywhere(elsewhere)

    def _anywhere(self, identities: dict[str, dict[str, object]]) -> dict[str, int]:
        """Returns records outside `target.where`; one read for 500 rows, none without such rows."""
        if not identities or not self._mapping.target.where:
            return {}
        entity = self._context.entity(self._mapping.target.entity)
        fields = entity_fields(self._context.project, self._mapping)
        found = carriers(entity, identities, self._context.reader.read, fields)
        inferred: dict[str, int] = {}
        for key, records in found.items():
            if len(records) == 1:
                record = records[0]
                self._state.records.setdefault(record["id"], record)
                inferred[key] = record["id"]
        return inferred

    def _by_match_keys(self, key: str) -> int | str:
        """Returns the record that the match keys find; why it is unknown; "" if it is absent."""
        unknown = ""
        for match_key in self._mapping.match:
            looked_up = self._keys.lookup(key, match_key.fields)
            if looked_up.unknown:
                unknown = unknown or looked_up.unknown
            elif not looked_up.absent:
                records = self._having(looked_up)
                if len(records) > 1:
                    return self._several(records)
                if records:
                    found = looked_up.values
                    doubt = self._evidence.doubt(key, match_key, found, records[0])
                    if not doubt:
                        return records[0]
                    name = f"{self._mapping.target.entity} {records[0]}"
                    unknown = unknown or f"it may be {name}: {doubt}"
        return unknown

    def _several(self, records: Sequence[int]) -> str:
        shown = ", ".join(map(str, records[:MOST]))
        return f"{len(records)} {self._mapping.target.entity} fit it: {shown}"

    def _having(self, looked_up: KeyLookup) -> list[int]:
        """Returns records with these values, without those of other rows."""
        index = self._index(tuple(looked_up.values))
        records = index.having(looked_up.values.values())
        return [record for record in records if record not in self._taken]

    @cached_property
    def _taken(self) -> frozenset[int]:
        """Records of rows. None is added while records are looked for."""
        return frozenset(self._state.record_ids.values())


class _Indexes:
    """The records of a mapping by some of their fields, each index made once.

    It is an object of its own, because the evidence holds it and the finder holds the evidence:
    such a cycle would keep all rows of the plan in memory until the collector finds it.
    """

    def __init__(self, state: MappingState) -> None:
        self._state = state
        self._known: dict[tuple[str, ...], RecordIndex] = {}

    def __call__(self, names: tuple[str, ...]) -> RecordIndex:
        if names not in self._known:
            self._known[names] = RecordIndex(self._state.records, names)
        return self._known[names]
