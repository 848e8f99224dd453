"""The check of a mapping's target: its entity, the fields it writes and reads, and how it creates.

Start with `check_target`. Required fields are checked in `required_fields.py`, the values of fields
in `fields.py`.
"""

from collections.abc import Iterator, Mapping, Sequence

from trueup.config.checks.catalogue_names import unknown_entity
from trueup.config.checks.context import CheckContext, Names, specs
from trueup.config.checks.expressions import check_expression
from trueup.config.checks.fields import (
    check_field_name,
    check_linked,
    check_queryable,
    check_spec,
    check_value,
    check_values,
    error,
)
from trueup.config.checks.read_entities import NUMBERS
from trueup.config.checks.required_fields import (
    always_none,
    check_required,
    creates,
    unset_settings,
)
from trueup.config.checks.shapes import Constant, Scalar, Shape, has_other_words
from trueup.config.schema_errors import shown
from trueup.model.catalogue import UDF, Entity, Type
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import (
    FieldSpec,
    Linked,
    Manage,
    MappingSpec,
    Reference,
    Value,
    WhenMissing,
)
from trueup.model.suggestions import hint, unknown

CREATE = ("auto", "ask", "never")


def check_target(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with the target of a mapping and with everything that names its fields.

    If the entity is unknown, only the expressions are checked.
    """
    names = context.of_row(mapping)
    entity = context.entity(mapping.target.entity)
    if entity is None:
        yield unknown_entity(mapping.target.entity, context.catalogue, mapping.target.place)
    # First, because wrong expressions end the checks of a file that has too many of them.
    for spec in specs(mapping):
        yield from check_spec(spec, entity, context, names)
    if entity is not None:
        yield from _check_writable(mapping, entity)
        yield from _check_identity(mapping, entity, context)
        yield from _check_match(mapping, entity, context)
        yield from check_required(mapping, entity, context)
        yield from _check_similar(mapping, entity, context)
        yield from _check_search(mapping, entity, context)

    yield from _check_charges(mapping, entity, context)
    yield from _check_where(mapping, entity, context)
    yield from _check_deactivate(mapping, entity, context)
    yield from _check_create(mapping, context)
    if mapping.label:
        yield from check_expression(mapping.label, names).findings


def _check_charges(
    mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    """Reports charges that the mapping does not write, or that are no amounts.

    A user-defined field may hold an amount: its type is known in the tenant only.
    """
    for index, name in enumerate(mapping.charges):
        place = context.place(mapping, "charges", index)
        spec, field = mapping.fields.get(name), entity.field(name) if entity else None
        if spec is None:
            if not context.is_lost(mapping, name):
                text = f"charges: {name!r} is not among the fields of mapping {mapping.name}"
                yield unknown(text, name, context.known_fields(mapping), place)
            continue
        if field is None:
            continue
        is_number = field.type in NUMBERS and field.picklist is None and not field.reference
        if not isinstance(spec.value, Value) or not (is_number or name.startswith(UDF)):
            text = f"charges: {mapping.target.entity}.{name} is not an amount"
            yield error("does-not-fit", text, place, "name a field that holds money")


def _check_writable(mapping: MappingSpec, entity: Entity) -> Iterator[Finding]:
    """Reports an entity or fields that the target does not let the mapping write."""
    place = mapping.target.place
    if not entity.operations & {"create", "update"}:
        yield error("read-only", f"{entity.name} can be neither created nor changed", place)
        return

    if creates(mapping) and "create" not in entity.operations:
        text = f"no new {entity.name} can be created"
        yield error("read-only", text, mapping.create.place, "write `create: never`")
    for spec in mapping.fields.values():
        yield from _check_writable_field(spec, entity)


def _check_writable_field(spec: FieldSpec, entity: Entity) -> Iterator[Finding]:
    field = entity.field(spec.name)
    if field is None:
        return

    name = f"{entity.name}.{spec.name}"
    if not field.writable_on_create():
        yield error("read-only", f"{name} is read-only", spec.place, "remove the field")
    if spec.manage is Manage.EXTEND and field.type not in {Type.DAY, Type.INSTANT}:
        yield error("does-not-fit", f"{name} is not a date, so it cannot be extended", spec.place)
    if spec.clear and field.required and spec.manage is not Manage.CREATE:
        yield error("required-field", f"{name} is required, so it cannot be cleared", spec.place)


def _check_identity(
    mapping: MappingSpec, entity: Entity, context: CheckContext
) -> Iterator[Finding]:
    """Reports a missing identity, and one by which Autotask cannot be queried."""
    if "query" not in entity.operations:
        return  # an append, checked in ledger.py

    is_missing = creates(mapping) and not mapping.identity
    if is_missing and not context.is_removed(mapping.name, "identity"):
        text = (
            f"mapping {mapping.name} has no identity:"
            " a create whose outcome is unknown could not be found again"
        )
        remedy = "name a field that can hold the row's own key"
        yield error("identity", text, mapping.place, remedy)

    remedy = "give it the row's own key"
    for spec in mapping.identity.values():
        yield from check_queryable(spec.name, entity, spec.place, "it cannot be an identity")
        field = entity.field(spec.name)
        if field and creates(mapping) and not field.writable_on_create():
            text = f"{entity.name}.{spec.name} is read-only, so it cannot hold an identity"
            yield error("read-only", text, spec.place)
        consequence = "no record can be found again by it"
        yield from _check_always_none(spec, mapping, context, consequence, remedy)
    yield from _check_same_for_all(mapping.identity, mapping, context, remedy)


def _check_match(mapping: MappingSpec, entity: Entity, context: CheckContext) -> Iterator[Finding]:
    """Reports match fields by which Autotask cannot be queried."""
    if "query" not in entity.operations:
        return

    consequence = "no record can be matched by it"
    for match_key in mapping.match:
        fields = match_key.fields
        for spec in fields.values():
            yield from check_queryable(spec.name, entity, spec.place, consequence)
            yield from _check_always_none(spec, mapping, context, consequence, "remove it")
        if all(map(entity.field, fields)):
            yield from _check_same_for_all(fields, mapping, context, "remove it")


def _check_same_for_all(
    fields: Mapping[str, FieldSpec], mapping: MappingSpec, context: CheckContext, remedy: str
) -> Iterator[Finding]:
    """Reports a key that is the same for every row. One of its fields may be: others differ."""
    names = context.of_row(mapping)
    if not fields or not all(_is_same_for_all(spec, names) for spec in fields.values()):
        return
    listed = " and ".join(fields)
    verb, it = ("is", "it identifies") if len(fields) == 1 else ("are", "they identify")
    text = f"{listed} {verb} the same for every row, so {it} none"
    place = next(iter(fields.values())).place
    # Right in a mapping of one row, which its `where` may select.
    yield Finding("same-for-all", Severity.WARNING, text, remedy, place)


def _is_same_for_all(spec: FieldSpec, names: Names) -> bool:
    match spec.value:
        case Value():
            values = [spec.value]
        case Reference():
            values = [spec.value.of]
        case _:
            values = [*spec.value.where.values()]
    return all(_is_stated(check_expression(value, names).shapes) for value in values)


def _is_stated(shapes: Sequence[Shape]) -> bool:
    """Returns whether a value is one that the files state; none is reported elsewhere."""
    only = shapes[0] if len(shapes) == 1 else None
    return isinstance(only, Constant) and only.value is not None


def _check_always_none(
    spec: FieldSpec, mapping: MappingSpec, context: CheckContext, consequence: str, remedy: str
) -> Iterator[Finding]:
    """Reports a key that no row can have."""
    if always_none(spec, mapping, context):
        unset = unset_settings(spec)
        why = f": {unset} is not set" if unset else ""
        text = f"{spec.name} is always none, so {consequence}{why}"
        yield error("always-none", text, spec.place, remedy)


def _check_similar(
    mapping: MappingSpec, entity: Entity, context: CheckContext
) -> Iterator[Finding]:
    """Reports fields of `similar` and `evidence` that do not exist or that nothing fills."""
    named = [("similar", index, name) for index, name in enumerate(mapping.similar)]
    named += [("evidence", index, name) for index, name in enumerate(mapping.evidence)]
    for key, index, name in named:
        place = context.place(mapping, key, index)
        yield from check_field_name(name, entity, place)

        is_filled = name in mapping.fields or context.is_lost(mapping, name)
        if entity.field(name) and not is_filled:
            text = f"{key}: nothing fills {name}, so nothing can be compared by it"
            yield error("unknown-name", text, place, hint(name, context.known_fields(mapping)))


def _check_search(mapping: MappingSpec, entity: Entity, context: CheckContext) -> Iterator[Finding]:
    """Reports fields of `search` that do not exist, that are no text, or that no query takes."""
    for index, name in enumerate(mapping.search):
        place = context.place(mapping, "search", index)
        yield from check_field_name(name, entity, place)
        yield from check_queryable(name, entity, place, "it cannot be searched")
        field = entity.field(name)
        if field and (field.type is not Type.TEXT or field.picklist is not None):
            text = f"search: {name} is no text, so no part of it can be searched"
            yield error("not-text", text, place, "name a text field")


def _check_where(
    mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    names = context.constants()
    for name, value in mapping.target.where.items():
        field = entity.field(name) if entity else None
        if entity:
            consequence = "records cannot be selected by it"
            yield from check_field_name(name, entity, value.place)
            yield from check_queryable(name, entity, value.place, consequence)
        if isinstance(value, Linked):
            yield from check_linked(value, field, entity, context)
        else:
            yield from check_value(value, field, entity, names)


def _check_deactivate(
    mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    """Checks the values of `deactivate`. The row may be gone, so they have no `source`."""
    yield from check_values(mapping.deactivate, entity, context.constants())
    for name, value in mapping.deactivate.items():
        field = entity.field(name) if entity else None
        if field and not field.writable_on_update():
            who = f"{mapping.target.entity}.{name}"
            text = f"{who} cannot be changed, so it cannot deactivate a record"
            yield error("read-only", text, value.place)

    is_missing = mapping.when_missing is WhenMissing.DEACTIVATE and not mapping.deactivate
    if is_missing and not context.is_removed(mapping.name, "deactivate"):
        text = "`when_missing: deactivate` needs `deactivate`, which is missing"
        place = context.place(mapping, "when_missing")
        yield error("deactivate", text, place, "add `deactivate: {field: value}`")


def _check_create(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Reports a `create` that gives something else than auto, ask and never."""
    checked = check_expression(mapping.create, context.of_row(mapping), single=True)
    yield from checked.findings
    for shape in checked.shapes:
        if isinstance(shape, Constant) and shape.value not in CREATE:
            text = f"create gives {shown(shape.value)}, which is not one of {', '.join(CREATE)}"
            yield error("does-not-fit", text, mapping.create.place, hint(str(shape.value), CREATE))
        elif isinstance(shape, Scalar) and has_other_words(shape, CREATE):
            what = f"{shape.what} ({', '.join(shape.choices) or shape.type})"
            text = f"create gives {what}, which is not one of {', '.join(CREATE)}"
            remedy = "write a condition: {{ 'auto' if … else 'never' }}"
            yield error("does-not-fit", text, mapping.create.place, remedy)
