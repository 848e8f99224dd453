"""Evaluates expressions in the scopes of rules, on a row. Nothing is written."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from trueup import wiring
from trueup.errors import EngineError
from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.rules import decide_commands
from trueup.expressions.used_values import used_values
from trueup.model.explanation import Formula, RulePart, RuleStatus, RuleView
from trueup.model.mapping import MappingSpec, Value
from trueup.model.project import Project, Rule
from trueup.model.rule_scopes import RuleOn, scope
from trueup.model.suggestions import hint
from trueup.operating_system import shell_quoted
from trueup.operations.evaluate import OpenRow, open_row
from trueup.operations.plan import planned_in
from trueup.operations.source_places import with_places
from trueup.pipeline import PlanOptions
from trueup.planning.context import PlanContext
from trueup.ports.world import World


def find_rule(project: Project, name: str) -> Rule:
    """Returns the rule of that name. Raises EngineError for an unknown name."""
    rules = {rule.name: rule for rule in project.rules}
    if name not in rules:
        near = hint(name, rules)
        raise EngineError(f"there is no rule {name!r}" + (f": {near}" if near else ""))
    return rules[name]


def require_about(rule: Rule, mapping: str) -> None:
    """Raises EngineError for a rule about another mapping."""
    if rule.for_ != mapping:
        raise EngineError(f"rule {rule.name} is about {rule.for_}, not about {mapping}")


def needs_row(rule: Rule) -> bool:
    """Returns whether the rule is about a row, and not about the plan as a whole."""
    return scope(rule.on).row


@contextmanager
def open_in_scope(project: Project, mapping: str, key: str, on: RuleOn) -> Iterator[OpenRow]:
    """Returns one row with the names that rules of the scope see.

    Scopes other than `row` need a plan. Raises EngineError for an unknown row, and for one that no
    rule of the scope is about.
    """
    if on is RuleOn.ROW or mapping not in project.mappings:
        with open_row(project, mapping, key) as row:
            yield row
        return
    with wiring.open_world(project) as world:
        row = OpenRow(project, project.mappings[mapping], world.source, key)
        context = _context(world, project)
        row.see(on, _names(context, project.mappings[mapping], row.key, on))
        yield row


def view_rule(project: Project, rule: Rule, row: OpenRow) -> RuleView:
    """Returns the rule with the results of its expressions on one row of its mapping."""
    commands = decide_commands(rule.for_, row.key)
    names = {**row.names(), "decide": {word: f"`{one}`" for word, one in commands.items()}}
    return with_places(_view(project, rule, row.mapping, names), row.source)


def view_plan_rule(project: Project, rule: Rule) -> RuleView:
    """Returns a rule on the plan, with the results of its expressions on a new plan."""
    with wiring.open_world(project) as world:
        names = _context(world, project).explained.rule_names[RuleOn.PLAN, "", ""]
        # The expressions name no row, so that it does not matter of which mapping one would be.
        return _view(project, rule, next(iter(project.mappings.values())), names)


def _context(world: World, project: Project) -> PlanContext:
    context = planned_in(world, project, PlanOptions(explained=True)).context
    if context is None:
        raise AssertionError("a plan that undoes nothing was made without its context")
    return context


def _names(context: PlanContext, mapping: MappingSpec, key: str, on: RuleOn) -> Mapping[str, Any]:
    """Returns the names that rules of the scope see of the row."""
    seen = context.explained.rule_names.get((on, mapping.name, key))
    if seen is None:
        label = context.label(mapping.name, key)
        command = shell_quoted("trueup", "explain", f"{mapping.name}:{key}")
        raise EngineError(
            f"this plan has nothing on: {on} for {label}: `{command}` shows what it has"
        )
    return seen


def _view(project: Project, rule: Rule, mapping: MappingSpec, names: Mapping[str, Any]) -> RuleView:
    status = _status(rule, names)
    values = {"when": rule.when, "assert": rule.check}
    if status is RuleStatus.FAILS:
        values |= {"message": rule.message, "remedy": rule.remedy}
    parts = tuple(
        RulePart(part, _formula(project, mapping, value, names))
        for part, value in values.items()
        if value and value.raw
    )
    return RuleView(rule.name, rule.on, rule.place, status, parts)


def _status(rule: Rule, names: Mapping[str, Any]) -> RuleStatus:
    try:
        if rule.when and not evaluate(rule.when.raw, names):
            return RuleStatus.DOES_NOT_APPLY
        return RuleStatus.HOLDS if evaluate(rule.check.raw, names) else RuleStatus.FAILS
    except EVALUATION_ERRORS:  # the expression says why
        return RuleStatus.NOT_REACHED


def _formula(
    project: Project, mapping: MappingSpec, value: Value, names: Mapping[str, Any]
) -> Formula:
    uses = used_values([value.raw], mapping, project.catalogue, names)
    text = str(value.raw) if value.is_code else ""
    try:
        return Formula(value.place, text, evaluate(value.raw, names), uses=uses)
    except EVALUATION_ERRORS as fault:
        return Formula(value.place, text, None, str(fault), uses)
