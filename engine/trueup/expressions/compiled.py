"""A mapping, compiled: everything that every row needs, in one call."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.expressions.context import used_joins
from engine.expressions.program import Implies, Program
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Severity
from engine.model.project import FieldSpec, Find, Manage, MappingSpec, Reference, Rule, Value


class Slot:
    """One field of the target: its spec, what the catalogue knows of it, its position among the values."""

    __slots__ = ("field", "identity", "name", "position", "spec")

    def __init__(self, spec: FieldSpec, field: Field, position: int, *, identity: bool) -> None:
        self.name, self.spec, self.field = spec.name, spec, field
        self.position, self.identity = position, identity

    @property
    def reference(self) -> Reference | None:
        """The reference that fills it, if one does."""
        return self.spec.value if isinstance(self.spec.value, Reference) else None

    @property
    def find(self) -> Find | None:
        """The look-up that fills it, if one does."""
        return self.spec.value if isinstance(self.spec.value, Find) else None


class Compiled:
    """One mapping's expressions. A row gives None (out of `where`) or a tuple: rules first, then slots.

    Slots that are compared at each plan come first, so that a row's owned values are one slice.
    """

    def __init__(self, mapping: MappingSpec, entity: Entity, rules: Sequence[Rule]) -> None:
        self.mapping, self.entity = mapping, entity
        self.rules = sorted(rules, key=lambda rule: rule.severity is not Severity.SKIP)
        self.slots = _slots(mapping, entity)
        self.compared = sum(1 for slot in self.slots if slot.spec.manage is Manage.ALWAYS)
        raws = [rule_raw(rule) for rule in self.rules] + [slot_raw(slot.spec) for slot in self.slots]
        where = mapping.source.where.raw if mapping.source.where else None
        self.program = Program(raws, guard=where)
        self.where = where
        self.joins = tuple(sorted(used_joins(_flat([*raws, where]))))
        self.first = len(self.rules)  # position of the first slot

    def slot(self, name: str) -> Slot | None:
        """The slot of that field."""
        return next((slot for slot in self.slots if slot.name == name), None)


def rule_raw(rule: Rule) -> object:
    """A rule's assertion, with its condition if it has one."""
    return Implies(rule.when.raw, rule.check.raw) if rule.when else rule.check.raw


def slot_raw(spec: FieldSpec) -> object:
    """What is evaluated for a field: its value, the key that it refers to, or the values it is looked up by."""
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
        )
        for position, spec in enumerate(ordered)
    ]


def _flat(raws: Iterable[Any]) -> Iterable[object]:
    for raw in raws:
        if isinstance(raw, Implies):
            yield from _flat((raw.when, raw.then))
        elif isinstance(raw, tuple):
            yield from _flat(raw)
        else:
            yield raw


def mapping_values(mapping: MappingSpec) -> Iterable[Value]:
    """Every value of a mapping, for finding what it refers to."""
    source = mapping.source
    yield from (value for value in (source.where, mapping.label, mapping.create) if value)
    yield from (join.where for join in source.joins.values() if join.where)
    groups: list[Mapping[str, FieldSpec]] = [mapping.fields, mapping.identity, *mapping.match]
    for group in groups:
        for spec in group.values():
            yield from spec_values(spec)
    yield from (value for value in mapping.target.where.values() if isinstance(value, Value))
    yield from mapping.deactivate.values()
    if mapping.ledger:
        yield mapping.ledger.quantity
    if mapping.repeat:
        yield mapping.repeat.when
        yield from mapping.repeat.set.values()
    if mapping.write_back:
        yield from mapping.write_back.set.values()
        yield from (value for value in (mapping.write_back.when,) if value)


def spec_values(spec: FieldSpec) -> Iterable[Value]:
    """The values inside a field's spec."""
    if isinstance(spec.value, Reference):
        yield spec.value.of
    elif isinstance(spec.value, Find):
        yield from spec.value.where.values()
    else:
        yield spec.value


def rule_values(rule: Rule) -> Iterable[Value]:
    """The values inside a rule."""
    yield from (value for value in (rule.when, rule.check, rule.message, rule.remedy) if value)
