"""Keeps decided links of rows that are blocked or left out, because their units count."""

from msgspec.structs import replace

from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.records.change_parts import link_change
from trueup.stages.match import BY_DECISION, MatchResult


def keep_decided_links(context: PlanContext, mapping: MappingSpec, matched: MatchResult) -> None:
    """Keeps links that were decided, for the ledger alone: nothing of such a row is written."""
    if not mapping.ledger:
        return
    state = context.states[mapping.name]
    for key, how in matched.how.items():
        if how == BY_DECISION and key in state.rows and key not in state.ready:
            link = link_change(context, mapping, key, how, {})
            notes = ("it is kept out all the same: only its units count",)
            state.changes[key] = [replace(link, notes=notes)]
