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
    names, wanted = parts(condition)
    if not wanted:
        return any(empty(values.get(name)) for name in names)
    return has_label(entity.field(names[0]), values.get(names[0]), wanted)


def parts(condition: str) -> tuple[list[str], str]:
    """Returns the fields that a condition names, and the label that the only one must have.

    The label is empty if the fields must be absent. No field: the condition cannot be read.
    """
    name, _, wanted = condition.partition(" is ")
    if wanted:
        return [name], wanted
    names = condition.removesuffix(" absent")
    return (names.split(" + "), "") if names != condition else ([], "")


def has_label(field: Field | None, value: object, wanted: str) -> bool:
    """Returns whether a picklist's value, a number or a label, has that label."""
    return str(label(value, field)).casefold() == wanted.casefold()
