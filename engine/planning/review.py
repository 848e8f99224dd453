"""Rules on the plan as a whole."""

from collections import Counter
from decimal import Decimal

from engine.model.plan import Action
from engine.model.project import RuleOn
from engine.planning.draft import Draft
from engine.stages.validate import rule_findings


def review(draft: Draft) -> None:
    """Adds what rules `on: plan` say of the figures."""
    rules = [rule for rule in draft.project.rules if rule.on is RuleOn.PLAN]
    if not rules:
        return
    changes = [
        change for standing in draft.standings.values() for group in standing.changes.values() for change in group
    ]
    actions = Counter(change.action for change in changes)
    monthly = sum((change.monthly for change in changes if change.monthly is not None), Decimal(0))
    names = {
        "settings": draft.project.settings,
        "plan": {
            "as_of": draft.as_of,
            "creates": actions[Action.CREATE],
            "updates": actions[Action.UPDATE],
            "deactivates": actions[Action.DEACTIVATE],
            "adjusts": actions[Action.ADJUST],
            "monthly": monthly,
            "blocked": sum(len(standing.blocked) for standing in draft.standings.values()),
            "held": sum(1 for line in draft.ledger if str(line.class_) == "held"),
        },
    }
    draft.findings.extend(rule_findings(rules, names, ""))
