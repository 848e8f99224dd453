"""Computes the effect of decisions, by comparing the plans with and without them."""

from collections.abc import Iterable

from trueup.model.change import Change, RowRef
from trueup.model.decision_effect import Effect, RowEffect, RowOutlook
from trueup.model.finding import Severity
from trueup.model.mapping_state import RowKey
from trueup.model.plan import Plan
from trueup.model.verdict import Verdict
from trueup.stages.summary import waits


def effect(before: Plan, after: Plan, rows: Iterable[tuple[RowRef, Verdict]]) -> Effect:
    """Returns the effect of the decisions about these rows."""
    outlooks = [_outlooks(before), _outlooks(after)]
    nothing = RowOutlook()
    return Effect(
        rows=tuple(
            RowEffect(row, verdict, *(outlook.get(row[:2], nothing) for outlook in outlooks))
            for row, verdict in rows
        ),
        before=before.summary,
        after=after.summary,
        left_out=_left_out(after) - _left_out(before),
    )


def labels_of(plan: Plan) -> dict[str, dict[str, str]]:
    """By mapping: keys with the names under which the plan shows their rows."""
    found: dict[str, dict[str, str]] = {}
    refs = [RowRef(finding.mapping, finding.key, finding.name) for finding in plan.findings]
    refs += [RowRef(one.mapping, one.key, one.name) for one in plan.blocked]
    refs += [row for change in plan.changes for row in change.under]
    refs += [RowRef(one.mapping, key, one.name) for one in plan.changes for key in one.keys]
    refs += [RowRef(one.mapping, one.key, one.name) for one in plan.ledger]
    for ref in refs:
        if ref.key and ref.name:
            found.setdefault(ref.mapping, {})[ref.key] = ref.name
    return found


def _outlooks(plan: Plan) -> dict[RowKey, RowOutlook]:
    """Each row that the plan changes, blocks or holds."""
    changes: dict[RowKey, list[Change]] = {}
    for change in plan.changes:
        rows = {(change.mapping, key) for key in change.keys}
        if change.adjustment:
            rows.add(change.adjustment.row[:2])
        for row in rows:
            changes.setdefault(row, []).append(change)
    stopped = {
        (finding.mapping, finding.key): ("held", finding.text)
        for finding in plan.findings
        if finding.severity is Severity.HOLD and finding.key
    }
    for blocked in plan.blocked:
        state = "held" if waits(blocked) else "blocked"
        stopped[blocked.mapping, blocked.key] = (state, blocked.findings[0].text)
    return {
        row: RowOutlook(tuple(changes.get(row, ())), *stopped.get(row, ("", "")))
        for row in {**changes, **stopped}
    }


def _left_out(plan: Plan) -> int:
    return sum(len(one.names) for one in plan.left_out)
