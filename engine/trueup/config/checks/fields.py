"""Values for fields of an entity in; unknown fields, wrong references and values that cannot fit out."""

from collections.abc import Iterator, Mapping

from engine.config.checks.expression import Names, Read, read
from engine.config.checks.fitting import misfits
from engine.config.checks.ground import Ground
from engine.config.checks.shapes import A_VALUE, Plain
from engine.config.near import unknown
from engine.model.catalogue import UDF, Entity, Field, Type
from engine.model.finding import Finding, Place, Severity
from engine.model.project import FieldSpec, Find, Linked, Reference, Value


def error(code: str, text: str, place: Place, remedy: str = "") -> Finding:
    """A finding that keeps the project from being used."""
    return Finding(code, Severity.ERROR, text, remedy, place)


def no_entity(name: str, ground: Ground, place: Place) -> Finding:
    """There is no such entity."""
    return unknown(f"there is no entity {name!r}", name, ground.catalogue.entities, place)


def no_mapping(name: str, ground: Ground, place: Place) -> Iterator[Finding]:
    """Says so if there is no such mapping, as far as the names of all are known."""
    if ground.names is not None and name not in ground.names:
        yield unknown(f"there is no mapping {name!r}", name, ground.names, place)


def no_field(name: str, entity: Entity, place: Place) -> Iterator[Finding]:
    """Says so if the entity has no such field."""
    if entity.field(name) is not None:
        return
    if name.startswith(UDF):
        yield error("unknown-name", f"{entity.name} has no user-defined fields", place)
    else:
        yield unknown(f"{entity.name} has no field {name!r}", name, entity.fields, place)


def not_queryable(name: str, entity: Entity, place: Place, use: str) -> Iterator[Finding]:
    """Says so if the field cannot be asked for."""
    known = entity.field(name)
    if known and not known.queryable:
        text = f"{entity.name}.{name} cannot be queried, so {use}"
        yield error("not-queryable", text, place)


def check_value(value: Value, field: Field | None, entity: Entity | None, names: Names) -> Iterator[Finding]:
    """A literal, expression or template for that field."""
    seen = read(value, names)
    yield from seen.findings
    if field and entity:
        yield from misfits(seen.gives, entity, field, value.place)


def check_values(values: Mapping[str, Value], entity: Entity | None, names: Names) -> Iterator[Finding]:
    """Values by field; where the entity is not known, their expressions alone."""
    for name, value in values.items():
        if entity:
            yield from no_field(name, entity, value.place)
        yield from check_value(value, entity.field(name) if entity else None, entity, names)


def check_spec(spec: FieldSpec, entity: Entity | None, ground: Ground, names: Names) -> Iterator[Finding]:
    """A field and how it gets its value; where the entity is not known, its expressions alone."""
    if entity:
        yield from no_field(spec.name, entity, spec.place)
    field = entity.field(spec.name) if entity else None
    match spec.value:
        case Value():
            yield from check_value(spec.value, field, entity, names)
        case Reference():
            yield from _reference(spec.value, field, entity, ground, names)
        case Find():
            yield from _find(spec.value, field, entity, ground, names)


def _reference(
    reference: Reference, field: Field | None, entity: Entity | None, ground: Ground, names: Names
) -> Iterator[Finding]:
    yield from no_mapping(reference.mapping, ground, reference.place)
    seen = read(reference.of, names)
    yield from seen.findings
    mapping = ground.mappings.get(reference.mapping)
    if mapping is None:
        return
    if ground.entity(mapping.target.entity):
        yield from refers(field, entity, mapping.target.entity, f"mapping {mapping.name} writes", reference.place)
    if ground.table(mapping.source.table):
        yield from _key(seen, mapping.source.table, reference)


def _key(seen: Read, table: str, reference: Reference) -> Iterator[Finding]:
    """`of` must give keys of the table that the other mapping is about."""
    for shape in seen.gives:
        if not isinstance(shape, Plain) or shape.what == A_VALUE or shape.key_of == table:
            continue
        if shape.key_of or shape.type is not Type.TEXT:
            text = f"mapping {reference.mapping} is about table {table}; {shape.what} is no key of it"
            yield error("reference", text, reference.of.place)


def refers(field: Field | None, entity: Entity | None, to: str, who: str, place: Place) -> Iterator[Finding]:
    """Can the field hold the id of such a record? `who` says where the id comes from, as `mapping x writes`."""
    if field is None or entity is None or field.name.startswith(UDF):
        return
    name = f"{entity.name}.{field.name}"
    if field.reference and field.reference != to:
        yield error("reference", f"{name} refers to {field.reference}, {who} {to}", place)
    elif field.type is not Type.INTEGER or field.picklist is not None:
        kind = "a picklist" if field.picklist is not None else field.type
        yield error("reference", f"{name} ({kind}) cannot hold the id of a record", place)


def check_linked(linked: Linked, field: Field | None, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    """`{linked: mapping}` for that field."""
    yield from no_mapping(linked.mapping, ground, linked.place)
    mapping = ground.mappings.get(linked.mapping)
    if mapping and ground.entity(mapping.target.entity):
        yield from refers(field, entity, mapping.target.entity, f"mapping {mapping.name} writes", linked.place)


def _find(find: Find, field: Field | None, entity: Entity | None, ground: Ground, names: Names) -> Iterator[Finding]:
    other = ground.entity(find.entity)
    if other is None:
        yield no_entity(find.entity, ground, find.place)
        yield from check_values(find.where, None, names)
        return
    if "query" not in other.operations:
        yield error("not-queryable", f"{other.name} cannot be queried", find.place)
    yield from refers(field, entity, other.name, "this finds", find.place)
    yield from check_values(find.where, other, names)
    for name, value in find.where.items():
        yield from not_queryable(name, other, value.place, "nothing can be looked up by it")
