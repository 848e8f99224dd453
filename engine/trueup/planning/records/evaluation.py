"""Evaluates the rows of a mapping: the first half of its turn."""

from functools import partial

from trueup.expressions.compiled import Compiled
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.rule_scopes import RuleOn
from trueup.planning.context import PlanContext
from trueup.planning.records.unreadable import block_unreadable, explain_unreadable
from trueup.stages.resolve import Resolver
from trueup.stages.transform import transform
from trueup.stages.validate import validate


def evaluate_rows(context: PlanContext, mapping: MappingSpec) -> MappingState:
    """Adds the mapping's state: its rows ready, blocked, skipped or out of scope."""
    name = mapping.name
    entity = context.entity(mapping.target.entity)
    compiled = Compiled(mapping, entity, context.rules.of(name, RuleOn.ROW))
    namespace = context.namespace_of(mapping)
    rows = context.tables[mapping.source.table]
    counted = partial(context.row_progress.counted, title=mapping.title)
    state, suspects = transform(compiled, rows, namespace, context.key_column(mapping), counted)

    context.compiled[name], context.namespaces[name] = compiled, namespace
    context.states[name] = state
    context.resolvers[name] = Resolver(
        compiled, context.states, context.reader.find, context.systems
    )
    block_unreadable(context, state)
    linked = context.links(name) if suspects else {}
    validate(compiled, suspects, state.rows, namespace, linked).apply_to(state)
    explain_unreadable(context, state, suspects)
    return state
