"""Rules on the plan as a whole."""

from collections import Counter
from decimal import Decimal

from engine.model.plan import Action, GuardExceeded, LedgerClass
from engine.model.project import RuleOn
from engine.planning.draft import Draft
from engine.planning.selection import Part
from engine.stages.guard import RULE
from engine.stages.validate import STOPS, rule_findings


def review(draft: Draft, part: Part | None = None) -> None:
    """Adds what rules `on: plan` say of the figures: those of the part that a selection keeps, or of all.

    An error is a limit that the plan is over: it stops the plan as a whole.
    """
    rules = [rule for rule in draft.project.rules if rule.on is RuleOn.PLAN]
    if not rules:
        return
    standings = draft.standings
    changes = [change for one in standings.values() for group in one.changes.values() for change in group]
    blocked = [(name, key) for name, one in standings.items() for key in one.blocked]
    held = [line for line in draft.ledger if line.class_ is LedgerClass.HELD]
    if part:
        changes = [change for change in changes if change.id in part.changes]
        blocked = [row for row in blocked if row in part.rows]
        held = [line for line in held if part.weighs(line)]
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
            "blocked": len(blocked),
            "held": len(held),
        },
    }
    for rule in rules:
        for finding in rule_findings([rule], names, ""):
            draft.findings.append(finding)
            if finding.severity in STOPS:
                draft.exceeded.append(GuardExceeded(f"{RULE}{rule.name}", finding.text))
