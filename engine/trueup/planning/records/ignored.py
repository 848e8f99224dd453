"""Leaves out rows that a person decided to ignore, if a rule or a value keeps them out already.

Matching leaves out the other ignored rows.
"""

from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.stages.match import IGNORED, ignored_text


def leave_out_ignored(context: PlanContext, mapping: MappingSpec) -> None:
    """Leaves ignored rows out, so that they need no other decision.

    A row with a change in doubt stays: the change is settled first.
    """
    state = context.states[mapping.name]
    for key, decision in context.decisions(mapping.name, Topic.RECORD).items():
        is_in_doubt = (mapping.name, key) in context.in_doubt.rows
        if decision.verdict is Verdict.IGNORE and key in state.blocked and not is_in_doubt:
            text = ignored_text(decision)
            finding = Finding(
                IGNORED, Severity.SKIP, text, place=decision.place, mapping=mapping.name, key=key
            )
            state.leave_out(key, finding)
