"""The check of `append`: changes of an entity that cannot be read back."""

from collections.abc import Iterator

from trueup.config.checks.context import CheckContext
from trueup.config.checks.fields import error
from trueup.config.checks.read_entities import NUMBERS, check_read, check_type
from trueup.config.documents import Steps
from trueup.model.catalogue import Entity
from trueup.model.finding import Finding
from trueup.model.project import AppendSpec, MappingSpec
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
        if name not in mapping.fields and not context.is_removed(mapping.name, "fields", name):
            text = f"append: {name!r} is not among the fields of mapping {mapping.name}"
            yield unknown(text, name, mapping.fields, context.place(mapping, "append", *steps))

    if entity:
        place = context.place(mapping, "append", "merge", "sum")
        yield from check_type(append.merge_sum, entity, NUMBERS, "a number", place)

    proof = append.proof
    rows: dict[Steps, str] = {("rows", index): name for index, name in enumerate(proof.rows)}
    yield from check_read(proof.entity, proof.on[0], rows, ("append", "proof"), mapping, context)


def _own_fields(append: AppendSpec) -> Iterator[tuple[str, Steps]]:
    """Yields the mapping's own fields that `append` names, each with the steps to it."""
    for index, name in enumerate(append.merge_on):
        yield name, ("merge", "on", index)
    yield append.merge_sum, ("merge", "sum")
    yield append.in_turn, ("in_turn",)
    for index, name in enumerate(append.once):
        yield name, ("once", index)
    yield append.proof.on[1], ("proof", "on", append.proof.on[0])
