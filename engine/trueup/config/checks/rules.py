"""The check of rules: each name once, a mapping that exists, and the names in their expressions.

A rule must not have the name of a check of trueup's own either: a finding has the name as its code,
and planning does with findings of such a code what that check asks for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import assert_never

from trueup.config.checks.context import CheckContext
from trueup.config.checks.expressions import check_expression
from trueup.config.checks.fields import check_mapping_name, error
from trueup.config.checks.settings import paths
from trueup.config.error_limit import ErrorLimit
from trueup.expressions import EVALUATION_ERRORS, as_text, evaluate
from trueup.expressions.rules import STOPS
from trueup.model.finding import Finding, Place, Severity
from trueup.model.finding_codes import PLAN_CODES
from trueup.model.mapping import MappingSpec
from trueup.model.project import Rule
from trueup.model.rule_scopes import RuleOn, scope
from trueup.model.suggestions import unknown


def check_rules(
    rules: Iterable[Rule],
    context: CheckContext,
    mapping_places: Mapping[Place, Place],
    limit: ErrorLimit,
) -> Iterator[Finding]:
    """Yields what is wrong with the rules, as far as `limit` allows.

    `mapping_places` gives, by the place of a rule, the place where it names its mapping.
    """
    by_name: dict[str, Rule] = {}
    for rule in rules:
        if rule.name in by_name:
            first = by_name[rule.name].place
            text = f"rule {rule.name} is defined twice; the first is at {first}"
            yield error("duplicate", text, rule.place, "give one of them another name")
        elif rule.name in PLAN_CODES:
            text = f"{rule.name} is the name of a check of trueup's own"
            yield error("duplicate", text, rule.place, "give the rule another name")
        by_name.setdefault(rule.name, rule)
        findings = _check_rule(rule, context, mapping_places.get(rule.place, rule.place))
        yield from limit.take(findings, rule.place)


def _check_rule(rule: Rule, context: CheckContext, mapping_place: Place) -> Iterator[Finding]:
    mapping = context.mappings.get(rule.for_)
    if scope(rule.on).row:
        name_findings = [*check_mapping_name(rule.for_, context, mapping_place)]
        yield from name_findings
        if mapping is not None:
            yield from _check_scope(rule, mapping, context)
            yield from _check_when_linked(rule, mapping, context)
        elif not name_findings:
            return  # its mapping has errors of its own

    names = context.of_scope(rule.on, mapping)
    findings: list[Finding] = []
    for value in (rule.when, rule.check):
        if value:
            findings += check_expression(value, names, single=True, guarded=True).findings
    findings += check_expression(rule.message, names, guarded=True).findings
    of_remedy = {**names, **context.of_remedy(rule)}
    findings += check_expression(rule.remedy, of_remedy, guarded=True).findings
    yield from findings or _check_settings(rule, context)


def _check_settings(rule: Rule, context: CheckContext) -> Iterator[Finding]:
    """Reports a rule on the settings alone that does not hold: no row is needed to see it."""
    values = [value for value in (rule.when, rule.check, rule.message, rule.remedy) if value]
    used = [path for value in values for path in sorted(paths(value))]
    if context.settings is None or {path[0] for path in used} - {"settings"}:
        return
    if {steps[0] for steps in context.unknown_settings} & {path[1] for path in used if path[1:]}:
        return
    names = {"settings": context.settings}
    try:
        applies = rule.when is None or evaluate(rule.when.raw, names)
        if not applies or evaluate(rule.check.raw, names):
            return
        text, remedy = (
            as_text(evaluate(value.raw, names)) for value in (rule.message, rule.remedy)
        )
    except EVALUATION_ERRORS as fault:
        text, remedy = f"rule {rule.name} can never be evaluated: {fault}", "correct the rule"
        yield error("expression", text, rule.check.place, remedy)
        return
    severity = Severity.ERROR if rule.severity in STOPS else Severity.WARNING
    places = (context.place_of_setting(path[1:]) for path in used)
    place = next((place for place in places if place), rule.place)
    yield Finding("settings", severity, text, remedy, place)


def _check_when_linked(
    rule: Rule, mapping: MappingSpec, context: CheckContext
) -> Iterator[Finding]:
    """Reports a `when_linked` that has no effect, and `fields` that the mapping does not write."""
    if rule.when_linked and not (scope(rule.on).record or rule.on is RuleOn.ROW):
        text = f"`when_linked` is for rows and their records, not for `on: {rule.on}`"
        yield error("rule", text, rule.place, "remove `when_linked` and `fields`")
    for name in rule.fields:
        if name not in mapping.fields and not context.is_lost(mapping, name):
            text = f"fields: {name!r} is not among the fields of mapping {mapping.name}"
            yield unknown(text, name, context.known_fields(mapping), rule.place)


def _check_scope(rule: Rule, mapping: MappingSpec, context: CheckContext) -> Iterator[Finding]:
    """Reports a rule on records, changes or a ledger that the mapping does not have."""
    match rule.on:
        case RuleOn.LEDGER:
            if not context.keeps_ledger(mapping):
                yield error("rule", f"mapping {mapping.name} has no ledger to check", rule.place)
        case RuleOn.CHANGE:
            if not context.appends(mapping):
                text = f"mapping {mapping.name} appends no changes to check"
                yield error("rule", text, rule.place, "check its records: `on: record`")
        case RuleOn.RECORD:
            if context.appends(mapping):
                text = f"mapping {mapping.name} appends changes and has no records to check"
                yield error("rule", text, rule.place, "check its changes: `on: change`")
        case RuleOn.ROW | RuleOn.PLAN:
            pass
        case _:
            assert_never(rule.on)
