"""Adds which changes must be done before which."""

from msgspec.structs import replace

from trueup.model.change import Change, Unknown
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.references import changes_before, references_of


def add_needs(context: PlanContext, mapping: MappingSpec) -> None:
    """Each change needs those of the rows that its row refers to; an update its row's own link."""
    state = context.states[mapping.name]
    for key, changes in state.changes.items():
        needs = dict.fromkeys(
            need
            for other, other_key in references_of(context, mapping.name, key)
            if _must_come_first(context, mapping, other, other_key)
            for need in changes_before(context, other, other_key)
        )
        chained: list[Change] = []
        for change in changes:
            own = [earlier.id for earlier in chained]
            chained.append(replace(change, needs=(*needs, *own)))
        state.changes[key] = chained


def _must_come_first(context: PlanContext, mapping: MappingSpec, other: str, key: str) -> bool:
    """Of rows of the same mapping only those that are created: their update can come later."""
    if other != mapping.name:
        return True
    return isinstance(context.states[mapping.name].referable.get(key), Unknown)
