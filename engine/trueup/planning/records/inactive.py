"""Holds rows whose record is inactive in the target.

An undo, a user or an earlier run deactivated it. The target refuses references to it, so the row is
held, and with it what refers to it, until a person decides. A mapping that manages one of the
fields itself activates such records by itself, and nothing is held.
"""

from collections.abc import Mapping
from typing import Any

from trueup.expressions import EVALUATION_ERRORS
from trueup.expressions.rules import expression_failed
from trueup.model.catalogue import Entity
from trueup.model.coerce import CoercionError, empty, same
from trueup.model.finding import Advice, Command, Finding, Severity, join_advice
from trueup.model.mapping import Manage, MappingSpec
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.stages.diff import UNDONE, deactivation, display_text_in

_SELF_MANAGED = frozenset({Manage.ALWAYS, Manage.EXTEND})


def hold_inactive(context: PlanContext, mapping: MappingSpec) -> set[str]:
    """Holds each row whose record is inactive.

    Returns the keys of those that a person decided to activate again.
    """
    off = _off_values(context, mapping)
    if not off:
        return set()
    state, decisions = context.states[mapping.name], context.decisions(mapping.name, Topic.SWITCH)
    inactive = {
        id_
        for id_, record in state.records.items()
        if all(record.get(name) == value for name, value in off.items())
    }
    if not inactive:
        return set()
    rows = [key for key, id_ in state.record_ids.items() if id_ in inactive and key in state.ready]
    decided = {
        key for key in rows if key in decisions and decisions[key].verdict is Verdict.ACTIVATE
    }
    for key in rows:
        if key not in decided:
            state.block(key, _finding(context, mapping, key, off))
    return decided


def _off_values(context: PlanContext, mapping: MappingSpec) -> Mapping[str, Any]:
    """As `off_values`; a value that cannot be evaluated is a finding."""
    try:
        names = context.namespaces[mapping.name].base()
        return off_values(mapping, context.entity(mapping.target.entity), names)
    except (CoercionError, *EVALUATION_ERRORS) as fault:
        finding = expression_failed(mapping.name, "", "deactivate", mapping.place, fault)
        context.states[mapping.name].findings.append(finding)
        return {}


def off_values(mapping: MappingSpec, entity: Entity, names: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the values by which a record is known to be inactive, so that its row is held.

    `names` are what expressions may use: settings and the plan. Empty if the values do not show it.
    Raises CoercionError or one of EVALUATION_ERRORS.
    """
    managed = any(
        name in mapping.fields and mapping.fields[name].manage in _SELF_MANAGED
        for name in mapping.deactivate
    )
    if managed or not mapping.deactivate:
        return {}
    _, off = deactivation(mapping, entity, {}, names)
    return {} if all(empty(value) for value in off.values()) else off


def _finding(
    context: PlanContext, mapping: MappingSpec, key: str, off: Mapping[str, Any]
) -> Finding:
    """Returns a finding whose text many rows share, so that they are shown together."""
    entity = context.entity(mapping.target.entity)
    values = ", ".join(
        f"{name}: {display_text_in(field, off[name])}"
        for name in off
        if (field := entity.field(name))
    )
    last = context.snapshot.applied.get((mapping.name, key), {})
    undone = next((last[f"{UNDONE}{name}"] for name in off if f"{UNDONE}{name}" in last), None)
    text = (
        f"its record in {entity.name} is inactive ({values}) {_since(context, last, off, undone)}"
    )

    activate = Command.decide(mapping.name, key, Verdict.ACTIVATE)
    ignore = Command.decide(mapping.name, key, Verdict.IGNORE)
    ways = [Advice.of(activate, " switches it on again")] if can_activate(mapping) else []
    ways.append(Advice.of(ignore, " leaves it alone"))
    if undone:
        ways.append(Advice(f"`trueup plan --undo {undone}` shows how to do all of that run again"))
    remedy = join_advice(", ", ways) + f", or switch it on in {context.systems.target}"
    place = next(iter(mapping.deactivate.values())).place
    return Finding(
        "switched-off",
        Severity.HOLD,
        text,
        remedy.text,
        place,
        mapping.name,
        key,
        commands=remedy.commands,
    )


def _since(
    context: PlanContext, last: Mapping[str, Any], off: Mapping[str, Any], undone: object
) -> str:
    systems = context.systems
    if undone:
        return f"since run {undone} was undone"
    if all(name in last and same(last[name], value) for name, value in off.items()):
        return f"since a run switched it off, when its row was gone from {systems.source}"
    return f"since a user switched it off in {systems.target}: no run of trueup did"


def can_activate(mapping: MappingSpec) -> bool:
    """Returns whether the mapping's own fields set the values of an active record."""
    return bool(mapping.deactivate) and all(name in mapping.fields for name in mapping.deactivate)
