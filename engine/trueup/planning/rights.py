"""Holds changes that the API user may not make, before anything is written."""

from typing import assert_never

from trueup.errors import RIGHTS
from trueup.model.change import Action, Change
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext


def may_not(context: PlanContext, entity: str, action: Action) -> bool:
    """Returns whether the API user may not make changes of this action; read once per entity."""
    operation = _operation(action)
    return operation is not None and operation in context.denied(entity)


def _operation(action: Action) -> str | None:
    """Returns the operation of the target for an action; None if it needs none."""
    match action:
        case Action.CREATE | Action.ADJUST:
            return "create"
        case Action.UPDATE | Action.DEACTIVATE:
            return "update"
        case Action.LINK | Action.WRITE_BACK:
            return None
        case _:
            assert_never(action)


def denied_finding(mapping: MappingSpec, entity: str, action: Action, key: str) -> Finding:
    """Returns the finding of a row with a change that the API user may not make."""
    text = f"the API user may not {_operation(action)} {entity}"
    return Finding(
        "right-missing", Severity.HOLD, text, RIGHTS, mapping.target.place, mapping.name, key
    )


def hold_denied(context: PlanContext, mapping: MappingSpec) -> None:
    """Blocks rows whose record cannot be created, and drops updates that cannot be made.

    A row whose update is dropped keeps its record: what refers to it is planned.
    """
    state = context.states[mapping.name]
    for key, changes in [*state.changes.items()]:
        denied = [one for one in changes if may_not(context, one.entity, one.action)]
        for change in denied:
            finding = denied_finding(mapping, change.entity, change.action, key)
            if change.action is Action.CREATE:
                state.block(key, finding)
            else:
                state.findings.append(finding)
                _drop(state.changes[key], change)
        if key in state.changes and not state.changes[key]:
            del state.changes[key]


def _drop(changes: list[Change], change: Change) -> None:
    changes[:] = [one for one in changes if one is not change]
