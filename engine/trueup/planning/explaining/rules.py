"""The result of each rule on one row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.compiled import spec_values
from trueup.model.explanation import RuleExplanation, RuleStatus
from trueup.model.finding import Finding
from trueup.model.mapping import MappingSpec, Value
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn
from trueup.planning.context import PlanContext
from trueup.planning.needs import used_paths
from trueup.planning.records.rules import record_rule_names
from trueup.planning.references import record_after


def explain_rules(
    context: PlanContext, mapping: MappingSpec, key: str, findings: Sequence[Finding]
) -> tuple[RuleExplanation, ...]:
    """Every rule about the rows of the mapping; `findings` are those about this row."""
    rules = [rule for rule in context.project.rules if rule.for_ == mapping.name]
    failed = {finding.code: finding for finding in findings}
    return tuple(
        RuleExplanation(
            name=rule.name,
            place=rule.place,
            on=rule.on,
            severity=failed[rule.name].severity if rule.name in failed else rule.severity,
            status=_status(context, mapping, key, rule, failed),
            text=failed[rule.name].text if rule.name in failed else "",
        )
        for rule in rules
    )


def _status(
    context: PlanContext,
    mapping: MappingSpec,
    key: str,
    rule: Rule,
    failed: Mapping[str, Finding],
) -> RuleStatus:
    if rule.name in failed:
        return RuleStatus.FAILS
    state = context.states[mapping.name]
    if rule.on is RuleOn.ROW:
        return _evaluated(rule, context.names(mapping.name, key))
    if key not in state.ready:
        return RuleStatus.NOT_REACHED
    if rule.on is RuleOn.RECORD:
        after = record_after(context, mapping.name, key)
        return _evaluated(rule, record_rule_names(context, mapping, key, after))
    return RuleStatus.NO_FINDING


def _evaluated(rule: Rule, names: Mapping[str, Any]) -> RuleStatus:
    """The status of a rule without a finding; it may be false if planning did not reach it."""
    try:
        if rule.when and not evaluate(rule.when.raw, names):
            return RuleStatus.DOES_NOT_APPLY
        return RuleStatus.HOLDS if evaluate(rule.check.raw, names) else RuleStatus.NOT_REACHED
    except EVALUATION_ERRORS:  # another finding about the row says so
        return RuleStatus.NOT_REACHED


def rules_about(context: PlanContext, mapping: MappingSpec, field: str) -> frozenset[str]:
    """Returns the names of rules that concern a field, or a value that it is computed from.

    A rule does so if it names the field itself, or a column that the field's expression uses.
    """
    spec = {**mapping.fields, **mapping.identity}[field]
    used = {path for path in used_paths(spec_values(spec)) if path[0] in ("source", "related")}
    used |= {(side, *field.split(".")) for side in ("before", "after")}
    return frozenset(
        rule.name
        for rule in context.project.rules
        if rule.for_ == mapping.name
        and (field in rule.fields or used & {*used_paths(_tested(rule))})
    )


def _tested(rule: Rule) -> Iterable[Value]:
    return (rule.when, rule.check) if rule.when else (rule.check,)
