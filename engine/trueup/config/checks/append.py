"""The check of `append`: changes of an entity that cannot be read back."""

from collections.abc import Iterator

from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import error
from trueup.config.checks.read_entities import DAYS, NUMBERS, check_read, check_type
from trueup.config.documents import Steps
from trueup.model.catalogue import Entity
from trueup.model.finding import Finding
from trueup.model.mapping import AppendSpec, MappingSpec, Reference
from trueup.model.suggestions import unknown


def check_append(mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Yields what is wrong with `append` of a mapping, or that it is missing."""
    entity = context.entity(mapping.target.entity)
    if entity:
        yield from _check_append_is_needed(mapping, entity, context)
    if mapping.append:
        yield from _check_append(mapping.append, mapping, entity, context)


def _check_append_is_needed(
    mapping: MappingSpec, entity: Entity, context: CheckContext
) -> Iterator[Finding]:
    """`append` is for entities that cannot be queried, and only for these."""
    readable = "query" in entity.operations
    if mapping.append and readable:
        text = f"{entity.name} can be queried, so it needs no `append`"
        yield error("append", text, mapping.append.place, "use identity and match")
    if not readable and not context.appends(mapping):
        text = f"{entity.name} cannot be queried"
        remedy = "use `append` instead of identity and match"
        yield error("append", text, mapping.target.place, remedy)
    if mapping.append and not readable:
        match_specs = (spec for match_key in mapping.match for spec in match_key.fields.values())
        for spec in (*mapping.identity.values(), *match_specs):
            text = f"{entity.name} cannot be queried, so no record can be found by {spec.name}"
            remedy = "`append` replaces identity and match"
            yield error("append", text, spec.place, remedy)


def _check_append(
    append: AppendSpec, mapping: MappingSpec, entity: Entity | None, context: CheckContext
) -> Iterator[Finding]:
    for name, steps in _own_fields(append):
        if name not in mapping.fields and not context.is_lost(mapping, name):
            text = f"append: {name!r} is not among the fields of mapping {mapping.name}"
            place = context.place(mapping, "append", *steps)
            yield unknown(text, name, context.known_fields(mapping), place)

    if entity:
        place = context.place(mapping, "append", "merge", "sum")
        yield from check_type(append.units_field, entity, NUMBERS, "a number", place)
        place = context.place(mapping, "append", "merge", "on", 1)
        yield from check_type(append.day_field, entity, DAYS, "a day", place)

    if all(name in mapping.fields for name, _ in _own_fields(append)):
        yield from _check_kept_apart(append, mapping, context)
    yield from _check_proof(append, mapping, context)


def _check_kept_apart(
    append: AppendSpec, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Changes are merged by the record and the day, and by nothing else."""
    spec = mapping.fields.get(append.in_turn)
    if spec and not isinstance(spec.value, Reference):
        text = f"append: {append.in_turn} is no reference, so it names no record to adjust"
        remedy = f"name a field with {{ref: …, of: …}}, or give {append.in_turn} one"
        yield error("append", text, context.place(mapping, "append", "in_turn"), remedy)
        return

    merged_by = append.service_field, append.day_field
    day = next((name for name in merged_by if name != append.in_turn), "DAY")
    expected = f"[{append.in_turn}, {day}]"
    place = context.place(mapping, "append", "merge", "on")
    if merged_by != (append.in_turn, day):
        text = "append: `merge: on` is the field of `in_turn`, then that of the day"
        yield error("append", text, place, f"write on: {expected}")
    elif set(append.once) != {*merged_by}:
        text = "append: `once` names other fields than `merge: on`, and would have no effect"
        place = context.place(mapping, "append", "once")
        yield error("append", text, place, f"write once: {expected}")

    row_field, record_field = append.proof.on
    if record_field != append.in_turn:
        text = f"append: rows are found by the field of `in_turn`, not by {record_field}"
        place = context.place(mapping, "append", "proof", "on", row_field)
        yield error("append", text, place, f"write on: {{{row_field}: {append.in_turn}}}")


def _check_proof(
    append: AppendSpec, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    proof, steps = append.proof, ("append", "proof")
    rows: dict[Steps, str] = {("rows", index): name for index, name in enumerate(proof.rows)}
    yield from check_read(proof.entity, proof.on.row, rows, steps, mapping, context)

    entity = context.entity(proof.entity)
    if entity:
        id_, *others = proof.rows
        if id_ != "id" and entity.field(id_):
            text = f"append: the first of `rows` is the id of a row, not {id_}"
            yield error("append", text, context.place(mapping, *steps, "rows", 0), "write id")
        types = (DAYS, "a day"), (DAYS, "a day"), (NUMBERS, "a number")
        for index, (name, (type_, what)) in enumerate(zip(others, types, strict=False), 1):
            place = context.place(mapping, *steps, "rows", index)
            yield from check_type(name, entity, type_, what, place)


def _own_fields(append: AppendSpec) -> Iterator[tuple[str, Steps]]:
    """Yields the mapping's own fields that `append` names, each with the steps to it."""
    yield append.service_field, ("merge", "on", 0)
    yield append.day_field, ("merge", "on", 1)
    yield append.units_field, ("merge", "sum")
    yield append.in_turn, ("in_turn",)
    for index, name in enumerate(append.once):
        yield name, ("once", index)
    yield append.proof.on.record, ("proof", "on", append.proof.on.row)
