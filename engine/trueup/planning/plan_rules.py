"""Applies rules on the plan as a whole."""

from collections import Counter

from trueup.expressions.rules import STOPS, rule_findings
from trueup.model.change import Action
from trueup.model.plan import GuardExceeded, Money
from trueup.model.rule_scopes import PlanFacts, RuleOn, as_names
from trueup.planning.context import PlanContext
from trueup.planning.selection.select import Selection
from trueup.stages.guard import RULE


def apply_plan_rules(context: PlanContext, part: Selection | None = None) -> None:
    """Adds the findings of rules `on: plan`, about the selected part or the whole plan.

    An error is a limit that the plan exceeds: it stops the plan as a whole.
    """
    rules = context.rules.of("", RuleOn.PLAN)
    names = {
        "settings": context.project.settings,
        "plan": as_names(_facts(context, part)),
    }
    context.explained.saw(RuleOn.PLAN, "", "", names)
    for rule in rules:
        for finding in rule_findings([rule], names, ""):
            context.findings.append(finding)
            if finding.severity in STOPS:
                exceeded = GuardExceeded(RULE, f"{RULE}:{rule.name}", finding.text)
                context.exceeded.append(exceeded)


def _facts(context: PlanContext, part: Selection | None) -> PlanFacts:
    states = context.states
    changes = [
        change
        for state in states.values()
        for group in state.changes.values()
        for change in group
        if part is None or change.id in part.changes
    ]
    blocked = [
        (name, key)
        for name, state in states.items()
        for key in state.blocked
        if part is None or (name, key) in part.rows
    ]
    held = [line for line in context.ledger if line.held and (part is None or part.has_line(line))]
    actions = Counter(change.action for change in changes)
    return PlanFacts(
        as_of=context.as_of,
        creates=actions[Action.CREATE],
        updates=actions[Action.UPDATE],
        deactivates=actions[Action.DEACTIVATE],
        adjusts=actions[Action.ADJUST],
        monthly=Money.of(change.monthly for change in changes).net,
        prices_unknown=sum(1 for change in changes if change.price_unknown),
        blocked=len(blocked),
        held=len(held),
    )
