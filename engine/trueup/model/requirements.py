"""Fields that a new record must have because of its other fields: `requiredIf` of the catalogue.

A condition is `a + b absent`, or `a is LABEL` for a picklist.
"""

from collections.abc import Mapping

from trueup.model.catalogue import Entity, Field
from trueup.model.coerce import empty, label


def is_required(field: Field, entity: Entity, values: Mapping[str, object]) -> bool:
    """Returns whether a create with these values must set the field.

    Picklist values are numbers or labels.
    """
    if not field.writable_on_create():
        return False
    return field.required or is_condition_met(field.required_if, entity, values)


def is_condition_met(condition: str, entity: Entity, values: Mapping[str, object]) -> bool:
    """Returns whether a `requiredIf` applies to these values.

    `a + b absent`: at least one of the two is absent.
    """
    names, absent, _ = condition.partition(" absent")
    if absent:
        return any(empty(values.get(name)) for name in names.split(" + "))
    name, _, wanted = condition.partition(" is ")
    return bool(wanted) and has_label(entity.field(name), values.get(name), wanted)


def has_label(field: Field | None, value: object, wanted: str) -> bool:
    """Returns whether a picklist's value, a number or a label, has that label."""
    return str(label(value, field)).casefold() == wanted.casefold()
