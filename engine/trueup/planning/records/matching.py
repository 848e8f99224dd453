"""Reads a mapping's records and matches its rows with them."""

from trueup.model.change import Unknown
from trueup.model.mapping import MappingSpec
from trueup.model.verdict import Topic
from trueup.planning.change_ids import change_id
from trueup.planning.context import PlanContext
from trueup.planning.in_doubt import in_doubt_finding
from trueup.planning.records.handovers import Successions
from trueup.planning.records.key_values import KeyValues
from trueup.stages.match import MatchInputs, MatchResult, match


def read_records(context: PlanContext, mapping: MappingSpec) -> None:
    """Reads the mapping's own records, those that rows are linked to, and those of decisions."""
    decisions = context.decisions(mapping.name, Topic.RECORD)
    wanted = [*context.links(mapping.name).values()]
    wanted += [decision.record for decision in decisions.values() if decision.record is not None]
    state = context.states[mapping.name]
    state.records = context.reader.of(mapping, context.states, wanted)


def match_rows(context: PlanContext, mapping: MappingSpec, successions: Successions) -> MatchResult:
    """Matches the ready rows; a row with a write in doubt is held and left as it is."""
    state = context.states[mapping.name]
    _hold_in_doubt(context, mapping)
    keys = KeyValues(context, mapping)
    links = context.links(mapping.name)
    if state.succeeded_by:
        links = {key: record for key, record in links.items() if key not in state.succeeded_by}
    matched = match(
        state,
        MatchInputs(
            links=links,
            handed_over=successions.records,
            decisions=context.decisions(mapping.name, Topic.RECORD),
            as_of=context.as_of,
            names=lambda key: context.names(mapping.name, key),
            label=lambda key: context.label(mapping.name, key),
            values=keys.values,
            in_doubt=frozenset(key for name, key in context.in_doubt.rows if name == mapping.name),
            placeholders=context.project.placeholders,
            systems=context.systems,
        ),
    )
    matched.apply_to(state)
    state.referable.update({key: Unknown(change_id(mapping.name, key)) for key in matched.create})
    return matched


def _hold_in_doubt(context: PlanContext, mapping: MappingSpec) -> None:
    state = context.states[mapping.name]
    for name, key in sorted(context.in_doubt.rows):
        if name == mapping.name and key in state.ready:
            state.block(key, in_doubt_finding(mapping.place, name, key))
