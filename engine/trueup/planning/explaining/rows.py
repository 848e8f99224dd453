"""One row of a mapping: its status, its record, its fields, rules and decisions."""

from collections.abc import Iterable

from trueup.model.change import Change
from trueup.model.evaluation import SourceRow
from trueup.model.explanation import DecisionExplanation, RowExplanation, RowStatus
from trueup.model.finding import Finding
from trueup.model.plan import Plan
from trueup.planning.context import PlanContext
from trueup.planning.explaining.fields import explain_fields
from trueup.planning.explaining.formulas import formula
from trueup.planning.explaining.rules import explain_rules


def explain_row(context: PlanContext, plan: Plan, mapping: str, key: str) -> RowExplanation:
    """Returns all that the plan knows of a row, without its changes and its ledger line."""
    spec, state = context.project.mappings[mapping], context.states[mapping]
    findings = _findings(context, plan, mapping, key)
    changes = changes_of(plan, mapping, key)
    has_row = state.has(key)
    where = spec.source.where
    names = context.names(mapping, key) if has_row else {}
    blocked = next((one for one in plan.blocked if (one.mapping, one.key) == (mapping, key)), None)
    record = state.record_ids.get(key, state.inferred_links.get(key))
    return RowExplanation(
        mapping=mapping,
        key=key,
        name=context.label(mapping, key),
        title=spec.title,
        place=spec.place,
        row=SourceRow(spec.source.table, key),
        status=_status(context, mapping, key),
        findings=findings,
        because=blocked.because if blocked else (),
        scope=formula(context, spec, where, names) if where and has_row else None,
        entity=spec.target.entity,
        is_appended=spec.append is not None,
        pushed=context.snapshot.pushed.get((mapping, key)),
        record=record,
        how=_how(context, mapping, key, changes, record),
        fields=explain_fields(context, spec, key, changes, plan.undo_of) if has_row else (),
        rules=explain_rules(context, spec, key, findings) if has_row else (),
        decisions=tuple(
            DecisionExplanation(decision, context.is_in_force(decision))
            for decision in context.project.decisions
            if (decision.mapping, decision.key) == (mapping, key)
        ),
    )


def changes_of(plan: Plan, mapping: str, key: str) -> list[Change]:
    """The changes of the plan that come from a row."""
    return [change for change in plan.changes if change.mapping == mapping and key in change.keys]


def _findings(context: PlanContext, plan: Plan, mapping: str, key: str) -> tuple[Finding, ...]:
    state = context.states[mapping]
    found: list[Finding] = [*state.blocked.get(key, ())]
    if key in state.skipped:
        found.append(state.skipped[key])
    found += [
        finding for finding in plan.findings if (finding.mapping, finding.key) == (mapping, key)
    ]
    return tuple(_unique(found))


def _unique(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Returns each finding once, with or without the row's name."""
    return {(finding.code, finding.text): finding for finding in findings}.values()


def _status(context: PlanContext, mapping: str, key: str) -> RowStatus:
    state = context.states[mapping]
    if key in state.succeeded_by:
        return RowStatus.SUCCEEDED
    for keys, status in (
        (state.blocked, RowStatus.BLOCKED),
        (state.skipped, RowStatus.LEFT_OUT),
        (state.out_of_scope, RowStatus.OUT_OF_SCOPE),
        (state.ready, RowStatus.READY),
    ):
        if key in keys:
            return status
    return RowStatus.GONE


def _how(
    context: PlanContext, mapping: str, key: str, changes: Iterable[Change], record: int | None
) -> str:
    """Returns how the row's record was found."""
    if record is None:
        return ""
    if key in context.links(mapping):
        return f"linked before ({context.snapshot.links[mapping, key].how})"
    if key in context.states[mapping].inferred_links:
        return "fits it, and is not linked"
    found = next((change.how for change in changes if change.how), "")
    return f"linked by this plan ({found})" if found else "found by this plan"
