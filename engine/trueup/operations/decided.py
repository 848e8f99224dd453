"""Lists decisions: by whom they are, until when, and what they still affect."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from trueup import wiring
from trueup.errors import EngineError
from trueup.model.change import Change, RowRef
from trueup.model.decision import Decision
from trueup.model.decision_effect import (
    RowEffect,
    Standing,
    StandingDecision,
    StandingDecisions,
)
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.verdict import Verdict
from trueup.operations.decision_effects import effect, labels_of
from trueup.operations.listener import SILENT, Listener
from trueup.operations.plan import plan_in
from trueup.operations.rows import require_mapping
from trueup.planning.shared_reads import shared
from trueup.planning.unused_decisions import WITHOUT_ROW
from trueup.ports.state import StateSnapshot

_BY_LINK = frozenset({Verdict.CREATE, Verdict.SUCCEED})
"""Verdicts that are done once the row is linked."""

_BY_PUSH = frozenset({Verdict.ARCHIVE, Verdict.PUSH})
"""Verdicts that are done once the change is pushed or marked."""


def standing_decisions(
    project: Project, mapping: str = "", listener: Listener = SILENT
) -> StandingDecisions:
    """Returns the project's decisions, or those of one mapping, with what they still affect.

    Compares the plan with one without any of these decisions. If no plan can be made, their effect
    is unknown. Raises EngineError for an unknown mapping.
    """
    if mapping:
        require_mapping(project, mapping)
    listed = [decision for decision in project.decisions if mapping in ("", decision.mapping)]
    if not listed:
        return StandingDecisions((), None)
    others = tuple(decision for decision in project.decisions if decision not in listed)
    try:
        with wiring.open_world(project) as opened:
            world = shared(opened, (project,))
            after = plan_in(world, project, listener=listener)
            before = plan_in(world, replace(project, decisions=others))
            snapshot = world.state.load()
    except EngineError as error:
        unknown = tuple(StandingDecision(one, "", Standing.UNKNOWN) for one in listed)
        return StandingDecisions(unknown, None, str(error))

    names = {**_by_row(before), **_by_row(after)}
    rows = [_ref(one, names) for one in listed]
    follows = effect(before, after, zip(rows, (one.verdict for one in listed), strict=True))
    gone = {finding.place for finding in after.findings if finding.code == WITHOUT_ROW}
    found = []
    for one, on_row in zip(listed, follows.rows, strict=True):
        standing = _standing(one, on_row, after.as_of, snapshot)
        if one.place in gone:
            standing = Standing.GONE
        left = _changes_of(on_row.row, before) if one.verdict is Verdict.IGNORE else []
        monthly = sum((change.monthly or Decimal(0) for change in left), Decimal(0))
        name = on_row.row.name
        found.append(StandingDecision(one, name, standing, on_row, len(left), monthly))
    return StandingDecisions(tuple(found), follows)


def _standing(
    decision: Decision, on_row: RowEffect, as_of: date, snapshot: StateSnapshot
) -> Standing:
    row = (decision.mapping, decision.key)
    link, pushed = snapshot.links.get(row), snapshot.pushed.get(row)
    if decision.until is not None and decision.until < as_of:
        return Standing.ENDED
    if decision.verdict is Verdict.LINK and link and link.record == decision.record:
        return Standing.DONE
    if decision.verdict in _BY_LINK and link:
        return Standing.DONE
    if decision.verdict in _BY_PUSH and pushed and not pushed.undone:
        return Standing.DONE
    if decision.verdict is Verdict.IGNORE or _differs(on_row):
        return Standing.WORKS
    return Standing.NOTHING


def _differs(on_row: RowEffect) -> bool:
    before, after = on_row.before, on_row.after
    return (before.state, before.reason) != (after.state, after.reason) or (
        [_content(change) for change in before.changes]
        != [_content(change) for change in after.changes]
    )


def _content(change: Change) -> object:
    return change.action, change.record, change.units, change.values


def _changes_of(row: RowRef, plan: Plan) -> list[Change]:
    """The changes of a row and of all rows under it."""
    return [
        change
        for change in plan.changes
        if (change.mapping == row.mapping and row.key in change.keys)
        or any(above[:2] == row[:2] for above in change.under)
    ]


def _ref(decision: Decision, names: Mapping[tuple[str, str], str]) -> RowRef:
    row = (decision.mapping, decision.key)
    return RowRef(*row, names.get(row, ""))


def _by_row(plan: Plan) -> dict[tuple[str, str], str]:
    return {
        (mapping, key): name
        for mapping, labels in labels_of(plan).items()
        for key, name in labels.items()
    }
