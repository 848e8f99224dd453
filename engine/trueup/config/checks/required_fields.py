"""The check of required fields: what Autotask requires for a create, the mapping must fill."""

from collections.abc import Iterator

from trueup.config.checks.context import CheckContext
from trueup.config.checks.expressions import check_expression
from trueup.config.checks.fields import error
from trueup.config.checks.settings import paths
from trueup.config.checks.shapes import Constant
from trueup.model.catalogue import Entity, Field
from trueup.model.finding import Finding
from trueup.model.mapping import FieldSpec, MappingSpec, Reference, Value
from trueup.model.requirements import is_required

_DEPENDS = object()
"""Stands for a value that depends on the row."""


def creates(mapping: MappingSpec) -> bool:
    """Returns whether the mapping may ever create a record."""
    return mapping.create.raw != "never"


def check_required(
    mapping: MappingSpec, entity: Entity, context: CheckContext
) -> Iterator[Finding]:
    """Reports fields that a create must carry and that nothing fills."""
    can_create = creates(mapping) and "create" in entity.operations
    if not can_create or context.is_removed(mapping.name, "identity"):
        return

    filled = {
        name: constant_of(mapping, name, context)
        for name in entity.fields
        if _is_filled(name, mapping, context)
    }
    # A request that goes through the parent has the parent's id in its path.
    parent_key = entity.parent.key if entity.parent and entity.writes_via == "parent" else None
    for field in entity.fields.values():
        needed = field.name == parent_key or is_required(field, entity, filled)
        if needed and field.name not in filled:
            yield _not_filled(field, mapping)


def constant_of(mapping: MappingSpec, name: str, context: CheckContext) -> object:
    """Returns the one value that a field always has; another object if it depends on the row."""
    spec = mapping.fields.get(name)
    value = spec.value if spec else None
    if not isinstance(value, Value):
        return _DEPENDS
    shapes = check_expression(value, context.of_row(mapping)).shapes
    constants = [shape.value for shape in shapes if isinstance(shape, Constant)]
    return constants[0] if len(constants) == len(shapes) == 1 else _DEPENDS


def _not_filled(field: Field, mapping: MappingSpec) -> Finding:
    """Returns the finding for a required field that is missing, or whose setting is not set."""
    text = f"nothing fills {mapping.target.entity}.{field.name}, which is required"
    spec = mapping.fields.get(field.name)
    unset = unset_settings(spec) if spec else ""
    if spec and unset:
        text = f"{text}: {unset} is not set"
        return error("required-field", text, spec.place, "set it in trueup.yaml")

    condition = f" ({field.required_if})" if field.required_if else ""
    place = mapping.target.place
    return error("required-field", f"{text}{condition}", place, "add it to `fields`")


def unset_settings(spec: FieldSpec) -> str:
    """Returns the settings that the value of the field uses, joined by `and`."""
    value = _value(spec)
    if value is None:
        return ""
    settings = [".".join(path) for path in paths(value) if path[0] == "settings"]
    return " and ".join(sorted(settings))


def _value(spec: FieldSpec) -> Value | None:
    """Returns the one value that fills the field, or that is the key of the row referred to."""
    if isinstance(spec.value, Reference):
        return spec.value.of
    return spec.value if isinstance(spec.value, Value) else None


def _is_filled(name: str, mapping: MappingSpec, context: CheckContext) -> bool:
    if context.is_lost(mapping, name):
        return True
    specs = [group[name] for group in (mapping.fields, mapping.identity) if name in group]
    return any(not always_none(spec, mapping, context) for spec in specs)


def always_none(spec: FieldSpec, mapping: MappingSpec, context: CheckContext) -> bool:
    """Returns whether the field never has a value: a literal none, or a setting that is not set."""
    value = _value(spec)
    shapes = check_expression(value, context.of_row(mapping)).shapes if value else ()
    return bool(shapes) and all(
        isinstance(shape, Constant) and shape.value is None for shape in shapes
    )
