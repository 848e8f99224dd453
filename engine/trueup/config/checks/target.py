"""A mapping's target in; unknown, read-only, unfilled and unfitting fields out."""

from collections.abc import Iterator

from engine.config.checks.expression import read
from engine.config.checks.fields import (
    check_linked,
    check_spec,
    check_value,
    check_values,
    error,
    no_entity,
    no_field,
    not_queryable,
)
from engine.config.checks.ground import Ground, specs
from engine.config.checks.settings import paths
from engine.config.checks.shapes import A_VALUE, Known, Plain
from engine.config.complaints import shown
from engine.config.near import hint
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Finding
from engine.model.project import FieldSpec, Linked, Manage, MappingSpec, Reference, Value, WhenMissing

CREATE = ("auto", "ask", "never")


def check_target(mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    """Everything that names fields of the entity; where that is not known, the expressions alone."""
    names = ground.of_row(mapping)
    entity = ground.entity(mapping.target.entity)
    if entity is None:
        yield no_entity(mapping.target.entity, ground, mapping.target.place)
    else:
        yield from _rights(mapping, entity)
        yield from _keys(mapping, entity, ground)
        yield from _unfilled(mapping, entity, ground)
        yield from _similar(mapping, entity, ground)
    for spec in specs(mapping):
        yield from check_spec(spec, entity, ground, names)
    yield from _where(mapping, entity, ground)
    yield from _deactivate(mapping, entity, ground)
    yield from _create(mapping, ground)
    if mapping.label:
        yield from read(mapping.label, names).findings


def creates(mapping: MappingSpec) -> bool:
    """May it ever create a record?"""
    return mapping.create.raw != "never"


def _rights(mapping: MappingSpec, entity: Entity) -> Iterator[Finding]:
    """May these fields be written, and so?"""
    place = mapping.target.place
    if not entity.operations & {"create", "update"}:
        yield error("read-only", f"Autotask takes no changes of {entity.name}", place)
        return
    if creates(mapping) and "create" not in entity.operations:
        text = f"Autotask takes no new {entity.name}"
        yield error("read-only", text, mapping.create.place, "write `create: never`")
    for spec in mapping.fields.values():
        yield from _right(spec, entity)


def _right(spec: FieldSpec, entity: Entity) -> Iterator[Finding]:
    field = entity.field(spec.name)
    if field is None:
        return
    name = f"{entity.name}.{spec.name}"
    if not field.writable_on_create():
        yield error("read-only", f"{name} is read-only", spec.place, "take the field out")
    if spec.manage is Manage.EXTEND and field.type not in {Type.DAY, Type.INSTANT}:
        yield error("does-not-fit", f"{name} is no date, so it cannot be extended", spec.place)
    if spec.clear and field.required and spec.manage is not Manage.CREATE:
        yield error("required-field", f"{name} is required, so it cannot be cleared", spec.place)


def _keys(mapping: MappingSpec, entity: Entity, ground: Ground) -> Iterator[Finding]:
    """Identity and match must be such that Autotask can be asked for them."""
    if "query" not in entity.operations:
        return  # an append, checked as such
    needed = creates(mapping) and not mapping.identity
    if needed and not ground.missing(mapping.name, "identity"):
        text = f"mapping {mapping.name} has no identity: a create in doubt could not be found again"
        yield error("identity", text, mapping.place, "name a field that can hold the row's own key")
    for spec in mapping.identity.values():
        field = entity.field(spec.name)
        yield from not_queryable(spec.name, entity, spec.place, "it cannot be an identity")
        if field and creates(mapping) and not field.writable_on_create():
            text = f"{entity.name}.{spec.name} is read-only, so it cannot hold an identity"
            yield error("read-only", text, spec.place)
        remedy = "give it the row's own key"
        yield from _none(spec, mapping, ground, "no record could be found again by it", remedy)
    for group in mapping.match:
        for spec in group.values():
            yield from not_queryable(spec.name, entity, spec.place, "nothing can be matched by it")
            yield from _none(spec, mapping, ground, "nothing can be matched by it", "take it out")


def _none(spec: FieldSpec, mapping: MappingSpec, ground: Ground, so: str, remedy: str) -> Iterator[Finding]:
    """A key that no row can have."""
    if _always_none(spec, mapping, ground):
        unset = _unset(spec)
        why = f": {unset} is not set" if unset else ""
        yield error("always-none", f"{spec.name} is always none, so {so}{why}", spec.place, remedy)


def _unfilled(mapping: MappingSpec, entity: Entity, ground: Ground) -> Iterator[Finding]:
    """Fields that a create must carry and that nothing fills."""
    if not creates(mapping) or "create" not in entity.operations or ground.missing(mapping.name, "identity"):
        return
    filled = {name for name in entity.fields if _fills(name, mapping, ground)}
    for field in entity.fields.values():
        wanted = field.required and field.writable_on_create()
        via = entity.writes_via == "parent" and entity.parent is not None and entity.parent.key == field.name
        if field.name not in filled and (wanted or via or _asked_for(field.required_if, filled)):
            yield _empty(field, mapping)


def _empty(field: Field, mapping: MappingSpec) -> Finding:
    """A required field that is not there, or whose setting is not."""
    said = f"{mapping.target.entity}.{field.name}, which Autotask requires"
    spec = mapping.fields.get(field.name)
    unset = _unset(spec) if spec else ""
    if spec and unset:
        text = f"nothing fills {said}: {unset} is not set"
        return error("required-field", text, spec.place, "set it in trueup.yaml")
    why = f" ({field.required_if})" if field.required_if else ""
    return error("required-field", f"nothing fills {said}{why}", mapping.target.place, "add it to `fields`")


def _unset(spec: FieldSpec) -> str:
    """The settings that leave it empty."""
    value = _said(spec)
    return " and ".join(sorted(".".join(path) for path in paths(value) if path[0] == "settings")) if value else ""


def _said(spec: FieldSpec) -> Value | None:
    """The one value that fills it, or names the row that does."""
    if isinstance(spec.value, Reference):
        return spec.value.of
    return spec.value if isinstance(spec.value, Value) else None


def _asked_for(condition: str, filled: set[str]) -> bool:
    """`contractID + serviceID absent`: true where not all of these are filled."""
    names, absent, _ = condition.partition(" absent")
    return bool(absent) and not filled.issuperset(names.split(" + "))


def _fills(name: str, mapping: MappingSpec, ground: Ground) -> bool:
    if ground.missing(mapping.name, "fields", name):
        return True
    found = [group[name] for group in (mapping.fields, mapping.identity) if name in group]
    return any(not _always_none(spec, mapping, ground) for spec in found)


def _always_none(spec: FieldSpec, mapping: MappingSpec, ground: Ground) -> bool:
    """A literal none, or a setting that is not set."""
    value = _said(spec)
    gives = read(value, ground.of_row(mapping)).gives if value else ()
    return bool(gives) and all(isinstance(shape, Known) and shape.value is None for shape in gives)


def _similar(mapping: MappingSpec, entity: Entity, ground: Ground) -> Iterator[Finding]:
    for index, name in enumerate(mapping.similar):
        place = ground.place(mapping, "similar", index)
        yield from no_field(name, entity, place)
        known = name in mapping.fields or name in mapping.identity or ground.missing(mapping.name, "fields", name)
        if entity.field(name) and not known:
            text = f"similar: nothing fills {name}, so no record can resemble a row by it"
            yield error("unknown-name", text, place, hint(name, mapping.fields))


def _where(mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    names = ground.constants()
    for name, value in mapping.target.where.items():
        field = entity.field(name) if entity else None
        if entity:
            yield from no_field(name, entity, value.place)
            yield from not_queryable(name, entity, value.place, "nothing can be asked for by it")
        if isinstance(value, Linked):
            yield from check_linked(value, field, entity, ground)
        else:
            yield from check_value(value, field, entity, names)


def _deactivate(mapping: MappingSpec, entity: Entity | None, ground: Ground) -> Iterator[Finding]:
    """The row may be gone, so there is no `source`."""
    yield from check_values(mapping.deactivate, entity, ground.constants())
    for name, value in mapping.deactivate.items():
        field = entity.field(name) if entity else None
        if field and not field.writable_on_update():
            text = f"{mapping.target.entity}.{name} cannot be changed, so it cannot switch a record off"
            yield error("read-only", text, value.place)
    wanted = mapping.when_missing is WhenMissing.DEACTIVATE and not mapping.deactivate
    if wanted and not ground.missing(mapping.name, "deactivate"):
        text = "when_missing: deactivate, but nothing says how"
        yield error("deactivate", text, ground.place(mapping, "when_missing"), "add `deactivate: {field: value}`")


def _create(mapping: MappingSpec, ground: Ground) -> Iterator[Finding]:
    seen = read(mapping.create, ground.of_row(mapping), alone=True)
    yield from seen.findings
    for shape in seen.gives:
        if isinstance(shape, Known) and shape.value not in CREATE:
            text = f"create gives {shown(shape.value)}, which is none of {', '.join(CREATE)}"
            yield error("does-not-fit", text, mapping.create.place, hint(str(shape.value), CREATE))
        elif isinstance(shape, Plain) and shape.type and shape.what != A_VALUE and not {*CREATE} & {*shape.choices}:
            what = f"{shape.what} ({', '.join(shape.choices) or shape.type})"
            text = f"create gives {what}, which is none of {', '.join(CREATE)}"
            yield error("does-not-fit", text, mapping.create.place, "say when: {{ 'auto' if … else 'never' }}")
