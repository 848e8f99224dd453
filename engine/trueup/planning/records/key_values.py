"""The values of identity and match fields, which find a row's record."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.compiled import Slot, slot_raw
from trueup.model.catalogue import Field, Type
from trueup.model.coerce import empty
from trueup.model.mapping import FieldSpec, MappingSpec, Reference
from trueup.planning.context import PlanContext
from trueup.stages.resolve import Resolved


class KeyLookup(Struct):
    """The values of some fields by which a row's record is looked up."""

    values: dict[str, Any] = {}  # all of them, where neither is set below
    absent: bool = False  # a row that it refers to has no record, so this one has none either
    unknown: str = ""  # why they find nothing


class KeyValues:
    """Evaluates identity and match fields for single rows of one mapping."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._entity = context.entity(mapping.target.entity)
        self._resolver = context.resolvers[mapping.name]

    def values(self, key: str, specs: Mapping[str, FieldSpec]) -> Mapping[str, Any] | None:
        """Returns coerced values of the fields in `specs`; None if one cannot be evaluated."""
        names = self._context.names(self._mapping.name, key)
        resolved = Resolved()
        for name, spec in specs.items():
            try:
                value = _evaluated(slot_raw(spec), names)
            except EVALUATION_ERRORS:  # the row's own fields report it; as a key it finds nothing
                return None
            self._resolver.slot(key, self._slot(name, spec), value, resolved)
        return None if resolved.findings or resolved.skip else resolved.values

    def lookup(self, key: str, specs: Mapping[str, FieldSpec]) -> KeyLookup:
        """As `values`, for a row that is kept out, perhaps with the rows that it refers to."""
        names = self._context.names(self._mapping.name, key)
        found = KeyLookup()
        for name, spec in specs.items():
            try:
                value = _evaluated(slot_raw(spec), names)
            except EVALUATION_ERRORS as fault:
                return KeyLookup(unknown=f"its {name} cannot be evaluated: {fault}")
            if isinstance(spec.value, Reference):
                self._refer(name, spec.value, value, found)
            else:
                self._add(key, name, spec, value, found)
            if found.unknown:
                return found
        return found

    def _slot(self, name: str, spec: FieldSpec) -> Slot:
        known = self._entity.field(name) or Field(name, Type.TEXT)
        return Slot(spec, known, 0, identity=False)

    def _refer(self, name: str, reference: Reference, value: object, found: KeyLookup) -> None:
        """Adds the record of a referenced row, whatever keeps that row out."""
        other, key = self._context.states[reference.mapping], str(value)
        record = other.record_ids.get(key, other.inferred_links.get(key))
        if record is not None:
            found.values[name] = record
        elif value is None or not other.has(key):
            found.unknown = f"it refers to no {reference.mapping} that exists"
        elif key in other.unknown_records:
            label = self._context.label(reference.mapping, key)
            why = other.unknown_records[key]
            found.unknown = f"the record of its {reference.mapping} {label} is not known: {why}"
        else:
            found.absent = True

    def _add(self, key: str, name: str, spec: FieldSpec, value: object, found: KeyLookup) -> None:
        resolved = Resolved()
        self._resolver.slot(key, self._slot(name, spec), value, resolved)
        if resolved.findings:
            found.unknown = resolved.findings[0].text
        elif empty(resolved.values.get(name)):
            found.unknown = f"its {name} is empty"
        else:
            found.values[name] = resolved.values[name]


def _evaluated(raw: object, names: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any value of a row
    if isinstance(raw, tuple):
        return tuple(evaluate(part, names) for part in raw)
    return evaluate(raw, names)
