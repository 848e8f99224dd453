"""Mutants of a project: each has one rule, field, expression or policy that is changed.

A mutant that no test notices shows a gap in the tests.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from trueup.expressions.compiled import mapping_values
from trueup.expressions.variants import variants
from trueup.model.finding import Place, Severity
from trueup.model.mapping import EffectiveDay, MappingSpec, PolicyPart, Value
from trueup.model.project import Project, Rule
from trueup.model.testing import Reached
from trueup.operations.mapped_fields import with_mapped_fields

_NOTHING = Value(None, Place(""))
_OTHER_SEVERITY = {
    Severity.ERROR: Severity.WARNING,
    Severity.HOLD: Severity.WARNING,
    Severity.SKIP: Severity.ERROR,
    Severity.WARNING: Severity.ERROR,
    Severity.INFO: Severity.HOLD,
}


class Mutant(Struct, frozen=True):
    """A project with one change. `reach` is the part that a test must reach to notice it."""

    place: Place
    text: str  # what was changed
    project: Project
    expression: str = ""
    field: tuple[str, str] | None = None
    rule: str = ""
    policy: Place | None = None

    def is_reached(self, reached: Reached) -> bool:
        """Whether a test that reached these parts may notice it."""
        return (
            (self.expression, 0) in reached.expressions
            or self.field in reached.fields
            or self.rule in reached.rules
            or self.policy in reached.policies
        )


def mutants(project: Project) -> Iterator[Mutant]:
    """Yields the mutants of a project, in a fixed order."""
    for rule in project.rules:
        yield from _of_rule(project, rule)
    for mapping in project.mappings.values():
        yield from _of_fields(project, mapping)
        yield from _of_expressions(project, mapping)
        yield from _of_policy(project, mapping)


def _of_rule(project: Project, rule: Rule) -> Iterator[Mutant]:
    def changed(other: Rule | None) -> Project:
        rules = (other if one is rule else one for one in project.rules)
        return replace(project, rules=tuple(one for one in rules if one is not None))

    name = f"rule {rule.name}"
    yield Mutant(rule.place, f"{name} is removed", changed(None), rule=rule.name)
    severity = _OTHER_SEVERITY[rule.severity]
    text = f"{name}: {rule.severity} → {severity}"
    other = replace(rule, severity=severity, when_linked=None)
    yield Mutant(rule.place, text, changed(other), rule=rule.name)
    if rule.when:
        text, raw = f"{name}: its `when` is removed", str(rule.when.raw)
        yield Mutant(rule.when.place, text, changed(replace(rule, when=None)), expression=raw)
    for value in [one for one in (rule.when, rule.check) if one and one.is_code]:
        for raw, what in variants(str(value.raw)):
            new = changed(_with_value(rule, value, raw))
            yield Mutant(value.place, f"{name}: {what}", new, expression=str(value.raw))


def _of_fields(project: Project, mapping: MappingSpec) -> Iterator[Mutant]:
    for name, spec in mapping.fields.items():
        other = {**mapping.fields, name: replace(spec, value=_NOTHING)}
        changed = _with_mapping(project, replace(mapping, fields=other))
        text = f"{mapping.name}: {name} has no value"
        yield Mutant(spec.place, text, changed, field=(mapping.name, name))


def _of_expressions(project: Project, mapping: MappingSpec) -> Iterator[Mutant]:
    values = {one.place: one for one in mapping_values(mapping) if one.is_code}
    if mapping.label:
        values.pop(mapping.label.place, None)
    for value in values.values():
        for raw, text in variants(str(value.raw)):
            changed = _with_mapping(project, _with_value(mapping, value, raw))
            what = f"{mapping.name}: {text}"
            yield Mutant(value.place, what, changed, expression=str(value.raw))


def _of_policy(project: Project, mapping: MappingSpec) -> Iterator[Mutant]:
    policy = mapping.policy
    for part in (PolicyPart.INCREASE, PolicyPart.DECREASE):
        value = policy.parts.get(part) if policy else None
        if policy is None or value is None or value.is_code:
            continue
        day = EffectiveDay.NEXT_PERIOD
        other = EffectiveDay.AS_DATED if value.raw == day else day
        changed = replace(policy, parts={**policy.parts, part: replace(value, raw=str(other))})
        text = f"{mapping.name}: {part}: {value.raw} → {other}"
        new = _with_mapping(project, replace(mapping, policy=changed))
        yield Mutant(value.place, text, new, policy=value.place)


def _with_mapping(project: Project, mapping: MappingSpec) -> Project:
    return replace(project, mappings={**project.mappings, mapping.name: mapping})


_Part = TypeVar("_Part")


def _with_value(part: _Part, old: Value, raw: str) -> _Part:
    """The part with another text in the place of a value's, at any depth."""
    return cast("_Part", _changed(part, old, replace(old, raw=raw)))


def _changed(part: Any, old: Value, new: Value) -> Any:  # noqa: ANN401 -- any part of a project
    if isinstance(part, Value):
        return new if part == old else part
    if isinstance(part, Mapping):
        return {name: _changed(one, old, new) for name, one in part.items()}
    if isinstance(part, tuple):
        return tuple(_changed(one, old, new) for one in part)
    if isinstance(part, Struct):
        return with_mapped_fields(part, lambda one: _changed(one, old, new))
    return part
