"""Checks of names and values for the fields of an entity, shared by the checks of all parts.

`check_spec` and `check_values` take what a mapping writes to fields. They report unknown fields,
wrong references and values that do not fit. If the entity itself is unknown, only the expressions
are checked.
"""

from collections.abc import Iterator, Mapping

from trueup.config.checks.catalogue_names import unknown_entity, unknown_field
from trueup.config.checks.coercion import check_assignable
from trueup.config.checks.context import CheckContext
from trueup.config.checks.expressions import CheckedExpression, Names, check_expression
from trueup.config.checks.shapes import UNNAMED, Constant, Scalar
from trueup.config.schema_errors import shown
from trueup.model.catalogue import UDF, Entity, Field, Table, Type
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import FieldSpec, Find, Linked, MappingSpec, Reference, Value
from trueup.model.requirements import has_label
from trueup.model.suggestions import unknown


def error(code: str, text: str, place: Place, remedy: str = "") -> Finding:
    """Returns a finding that prevents the project from being used."""
    return Finding(code, Severity.ERROR, text, remedy, place)


def check_mapping_name(name: str, context: CheckContext, place: Place) -> Iterator[Finding]:
    """Reports a mapping that does not exist, provided that the names of all mappings are known."""
    known = context.mapping_names
    if known is not None and name not in known and name not in context.meant_mappings:
        yield unknown(f"there is no mapping {name!r}", name, known, place)


def check_field_name(name: str, entity: Entity, place: Place) -> Iterator[Finding]:
    """Reports a field that the entity does not have."""
    if entity.field(name) is not None:
        return
    if name.startswith(UDF):
        yield error("unknown-name", f"{entity.name} has no user-defined fields", place)
    else:
        yield unknown_field(name, entity, place)


def check_queryable(name: str, entity: Entity, place: Place, consequence: str) -> Iterator[Finding]:
    """Reports a field that Autotask does not accept in a query."""
    field = entity.field(name)
    if field and not field.queryable:
        text = f"{entity.name}.{name} cannot be queried, so {consequence}"
        yield error("not-queryable", text, place)


def check_value(
    value: Value, field: Field | None, entity: Entity | None, names: Names
) -> Iterator[Finding]:
    """Checks a literal, expression or template, and whether what it gives fits the field."""
    checked = check_expression(value, names)
    yield from checked.findings
    if field and entity:
        yield from check_assignable(checked.shapes, entity, field, value.place)


def check_values(
    values: Mapping[str, Value], entity: Entity | None, names: Names
) -> Iterator[Finding]:
    """Checks values by the name of their field."""
    for name, value in values.items():
        if entity:
            yield from check_field_name(name, entity, value.place)
        yield from check_value(value, entity.field(name) if entity else None, entity, names)


def check_spec(
    spec: FieldSpec, entity: Entity | None, context: CheckContext, names: Names
) -> Iterator[Finding]:
    """Checks a field of a mapping and how it gets its value."""
    if entity:
        yield from check_field_name(spec.name, entity, spec.place)

    field = entity.field(spec.name) if entity else None
    match spec.value:
        case Value():
            yield from check_value(spec.value, field, entity, names)
        case Reference():
            yield from _check_ref(spec.value, field, entity, context, names)
        case Find():
            yield from _check_find(spec.value, field, entity, context, names)


def _check_ref(
    reference: Reference,
    field: Field | None,
    entity: Entity | None,
    context: CheckContext,
    names: Names,
) -> Iterator[Finding]:
    """Checks `{ref: mapping, of: key}`."""
    yield from check_mapping_name(reference.mapping, context, reference.place)
    checked = check_expression(reference.of, names)
    yield from checked.findings

    mapping = context.mappings.get(reference.mapping)
    if mapping is None:
        return
    if context.entity(mapping.target.entity):
        who = f"mapping {mapping.name} writes"
        yield from check_reference(field, entity, mapping.target.entity, who, reference.place)
    if table := context.table(mapping.source.table):
        yield from check_key(checked, table, mapping.name, reference.of.place)
    if field and entity:
        yield from _check_record(field, entity, mapping, reference, context)


def _check_record(
    field: Field, entity: Entity, mapping: MappingSpec, reference: Reference, context: CheckContext
) -> Iterator[Finding]:
    """Reports a mapping whose records the field cannot refer to, as `referenceIs` has it."""
    referred = context.entity(mapping.target.entity)
    for name, label in field.reference_is.items() if referred else ():
        value = mapping.fields[name].value if name in mapping.fields else None
        shapes = (
            check_expression(value, context.of_row(mapping)).shapes
            if isinstance(value, Value)
            else ()
        )
        for shape in shapes:
            if not isinstance(shape, Constant) or shape.value is None or not referred:
                continue
            if not has_label(referred.field(name), shape.value, label):
                setting = f"{shape.named}: " if shape.named else ""
                text = (
                    f"{setting}mapping {mapping.name} makes {referred.name} whose {name} is "
                    f"{shown(shape.value)}; {entity.name}.{field.name} needs {shown(label)}"
                )
                place = shape.place or reference.place
                yield error("reference", text, place, f"make it {shown(label)}")


def check_key(
    checked: CheckedExpression, table: Table, mapping: str, place: Place
) -> Iterator[Finding]:
    """Reports an expression that does not give keys of the table that the mapping is about.

    A column of text may hold keys, unless it is the title of the rows.
    """
    for shape in checked.shapes:
        if not isinstance(shape, Scalar) or shape.what == UNNAMED or shape.key_of == table.name:
            continue
        is_title = shape.what == f"{table.name}.{table.title}"
        if shape.key_of or is_title or shape.type is not Type.TEXT:
            text = (
                f"mapping {mapping} is about table {table.name};"
                f" {shape.what} is not a key of that table"
            )
            yield error("reference", text, place)


def check_reference(
    field: Field | None, entity: Entity | None, to: str, who: str, place: Place
) -> Iterator[Finding]:
    """Reports a field that cannot hold the id of a record of entity `to`.

    `who` begins the part of the message that names the origin of the id: `mapping x writes`.
    """
    if field is None or entity is None or field.name.startswith(UDF):
        return

    name = f"{entity.name}.{field.name}"
    if field.reference and field.reference != to:
        yield error("reference", f"{name} refers to {field.reference}, {who} {to}", place)
    elif field.type is not Type.INTEGER or field.picklist is not None:
        kind = "a picklist" if field.picklist is not None else field.type
        yield error("reference", f"{name} ({kind}) cannot hold the id of a record", place)


def check_linked(
    linked: Linked, field: Field | None, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    """Checks `{linked: mapping}` for the field."""
    yield from check_mapping_name(linked.mapping, context, linked.place)
    mapping = context.mappings.get(linked.mapping)
    if mapping and context.entity(mapping.target.entity):
        who = f"mapping {mapping.name} writes"
        yield from check_reference(field, entity, mapping.target.entity, who, linked.place)


def _check_find(
    find: Find, field: Field | None, entity: Entity | None, context: CheckContext, names: Names
) -> Iterator[Finding]:
    """Checks `{find: entity, where: {…}}`."""
    found_entity = context.entity(find.entity)
    if found_entity is None:
        yield unknown_entity(find.entity, context.catalogue, find.place)
        yield from check_values(find.where, None, names)
        return

    if "query" not in found_entity.operations:
        yield error("not-queryable", f"{found_entity.name} cannot be queried", find.place)
    yield from check_reference(field, entity, found_entity.name, "this finds", find.place)
    yield from check_values(find.where, found_entity, names)
    for name, value in find.where.items():
        consequence = "no record can be found by it"
        yield from check_queryable(name, found_entity, value.place, consequence)
