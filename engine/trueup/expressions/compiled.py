"""Compiles the expressions of a mapping that every row needs, into one call.

`Compiled` holds the call and what the positions of its result mean. `mapping_values` and
`rule_values` list all values of a mapping and a rule, for finding out what they refer to.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions.joins import used_joins
from trueup.expressions.program import Every, Implies, Program
from trueup.model.catalogue import Entity, Field, Type
from trueup.model.coerce import coerce, to_number
from trueup.model.finding import Severity
from trueup.model.mapping import FieldSpec, Find, Manage, MappingSpec, Reference, Value
from trueup.model.project import Rule


class Slot:
    """One field that a mapping fills.

    It has the field's spec, the field of the catalogue, its position among the slots, whether it is
    part of the identity, and whether it holds the units that a change adds.
    """

    __slots__ = ("field", "identity", "name", "position", "spec", "units")

    def __init__(
        self, spec: FieldSpec, field: Field, position: int, *, identity: bool, units: bool = False
    ) -> None:
        self.name, self.spec, self.field = spec.name, spec, field
        self.position, self.identity, self.units = position, identity, units

    @property
    def reference(self) -> Reference | None:
        """Returns the reference that fills the field, or None."""
        return self.spec.value if isinstance(self.spec.value, Reference) else None

    @property
    def find(self) -> Find | None:
        """Returns the look-up that fills the field, or None."""
        return self.spec.value if isinstance(self.spec.value, Find) else None

    def coerced(self, value: object) -> Any:  # noqa: ANN401 -- any value of a record
        """Returns the value as the field holds it. Raises CoercionError if it does not fit.

        Units may have parts until a policy has rounded them, whatever the type of the field.
        """
        if self.units and value is not None:
            return to_number(value)
        return coerce(value, self.field)


class Compiled:
    """The compiled expressions of one mapping.

    `program` returns None for a row out of `where`, else a tuple: whether all rules hold, if there
    are any, then the values of the slots. The slots that are compared at each plan come before the
    others, so that the values which the mapping owns are one slice.
    """

    def __init__(self, mapping: MappingSpec, entity: Entity, rules: Sequence[Rule]) -> None:
        self.mapping, self.entity = mapping, entity
        self.rules = sorted(rules, key=lambda rule: rule.severity is not Severity.SKIP)
        self.slots = _slots(mapping, entity)
        self.compared = sum(1 for slot in self.slots if slot.spec.manage is Manage.ALWAYS)
        self.first = 1 if self.rules else 0  # the position of the first slot in the result
        self.references = [
            (self.first + slot.position, slot.reference.mapping)
            for slot in self.slots
            if slot.reference
        ]
        """Each reference: its position in the result, and the mapping that it refers to."""

        rules_hold = Every(tuple(rule_raw(rule) for rule in self.rules))
        raws: list[object] = [rules_hold] if self.rules else []
        raws += [slot_raw(slot.spec) for slot in self.slots]
        self.where = mapping.source.where.raw if mapping.source.where else None
        self.program = Program(raws, guard=self.where)
        self.joins = tuple(sorted(used_joins(_flat([*raws, self.where]))))

    def slot(self, name: str) -> Slot | None:
        """Returns the slot of that field, or None."""
        return next((slot for slot in self.slots if slot.name == name), None)


def rule_raw(rule: Rule) -> object:
    """Returns what is evaluated for a rule: its assertion, with its condition if it has one."""
    return Implies(rule.when.raw, rule.check.raw) if rule.when else rule.check.raw


def slot_raw(spec: FieldSpec) -> object:
    """Returns what is evaluated for a field.

    That is its value, the key of the row that it refers to, or the values of its look-up.
    """
    if isinstance(spec.value, Reference):
        return spec.value.of.raw
    if isinstance(spec.value, Find):
        return tuple(value.raw for value in spec.value.where.values())
    return spec.value.raw


def _slots(mapping: MappingSpec, entity: Entity) -> list[Slot]:
    specs = {**mapping.fields, **mapping.identity}
    ordered = sorted(specs.values(), key=lambda spec: spec.manage is not Manage.ALWAYS)
    return [
        Slot(
            spec,
            entity.field(spec.name) or Field(spec.name, Type.TEXT),
            position,
            identity=spec.name in mapping.identity,
            units=mapping.append is not None and spec.name == mapping.append.units_field,
        )
        for position, spec in enumerate(ordered)
    ]


def _flat(raws: Iterable[Any]) -> Iterable[object]:
    """Yields the single values in rules with a condition and in look-ups."""
    for raw in raws:
        if isinstance(raw, Implies):
            yield from _flat((raw.when, raw.then))
        elif isinstance(raw, Every):
            yield from _flat(raw.values)
        elif isinstance(raw, tuple):
            yield from _flat(raw)
        else:
            yield raw


def mapping_values(mapping: MappingSpec) -> Iterable[Value]:
    """Yields every value of a mapping."""
    source = mapping.source
    values = (source.where, mapping.label, mapping.create, mapping.successor_of)
    yield from (value for value in values if value)
    yield from (join.where for join in source.joins.values() if join.where)
    groups: list[Mapping[str, FieldSpec]] = [
        mapping.fields,
        mapping.identity,
        *(one.fields for one in mapping.match),
    ]
    for group in groups:
        for spec in group.values():
            yield from spec_values(spec)
    yield from (value for value in mapping.target.where.values() if isinstance(value, Value))
    yield from mapping.deactivate.values()
    if mapping.ledger:
        yield mapping.ledger.quantity
    if mapping.policy:
        for parts in (
            mapping.policy.parts,
            *(override.parts for override in mapping.policy.overrides),
        ):
            yield from parts.values()
    if mapping.repeat:
        yield mapping.repeat.when
        yield from mapping.repeat.set.values()
    if mapping.write_back:
        yield from mapping.write_back.set.values()
        yield from (value for value in (mapping.write_back.when,) if value)


def spec_values(spec: FieldSpec) -> Iterable[Value]:
    """Yields the values in the spec of a field."""
    if isinstance(spec.value, Reference):
        yield spec.value.of
    elif isinstance(spec.value, Find):
        yield from spec.value.where.values()
    else:
        yield spec.value


def rule_values(rule: Rule) -> Iterable[Value]:
    """Yields the values of a rule."""
    yield from (value for value in (rule.when, rule.check, rule.message, rule.remedy) if value)
