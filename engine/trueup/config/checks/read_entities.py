"""Checks of an entity that a mapping reads beside its own target, such as unit rows."""

from collections.abc import Iterator, Mapping

from trueup.config.checks.catalogue_names import unknown_entity
from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import check_field_name, check_queryable, error
from trueup.config.documents import Steps
from trueup.model.catalogue import Entity, Type
from trueup.model.finding import Finding, Place
from trueup.model.mapping import MappingSpec

NUMBERS = frozenset({Type.INTEGER, Type.DECIMAL})
DAYS = frozenset({Type.DAY})
TIMES = frozenset({Type.DAY, Type.INSTANT})


def check_read(
    name: str,
    key_field: str,
    fields: Mapping[Steps, str],
    steps: Steps,
    mapping: MappingSpec,
    context: CheckContext,
) -> Iterator[Finding]:
    """Checks an entity that is only read, by `key_field`.

    `fields` are the fields that are read, by their steps below `steps`.
    """
    entity = context.entity(name)
    if entity is None:
        yield unknown_entity(name, context.catalogue, context.place(mapping, *steps, "entity"))
        return

    if "query" not in entity.operations:
        place = context.place(mapping, *steps, "entity")
        yield error("not-queryable", f"{name} cannot be queried", place)
    place = context.key_place(mapping, *steps, "on", key_field)
    yield from check_field_name(key_field, entity, place)
    yield from check_queryable(key_field, entity, place, "records cannot be selected by it")
    for field_steps, field in fields.items():
        yield from check_field_name(field, entity, context.place(mapping, *steps, *field_steps))


def check_type(
    name: str, entity: Entity, types: frozenset[Type], what: str, place: Place
) -> Iterator[Finding]:
    """Reports a field of another type, or a picklist."""
    field = entity.field(name)
    if field and (field.type not in types or field.picklist is not None):
        yield error("does-not-fit", f"{entity.name}.{name} is not {what}", place)
