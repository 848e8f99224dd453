"""Records that are switched off in Autotask while their row is there: by an undo, by a person, or by an earlier run.

Autotask refuses references to them, so the row is held, and with it what refers to it, until a person says what
shall be. A mapping that manages one of the fields itself switches them on by its own word, and nothing is held.
"""

from collections.abc import Mapping
from typing import Any

from engine.expressions import EVALUATION_ERRORS
from engine.model.finding import Finding, Severity
from engine.model.fit import Misfit, empty, same
from engine.model.project import About, Manage, MappingSpec, Verdict
from engine.planning.draft import Draft
from engine.stages.diff import UNDONE, deactivation, shown_in
from engine.stages.validate import broken

_OWN_WORD = frozenset({Manage.ALWAYS, Manage.EXTEND})


def hold_switched_off(draft: Draft, mapping: MappingSpec) -> set[str]:
    """Holds each row whose record is switched off; gives those that a person decided to switch on again."""
    off = _off(draft, mapping)
    if not off:
        return set()
    standing, decisions = draft.standings[mapping.name], draft.decisions(mapping.name, About.SWITCH)
    wanted = [*off.items()]
    idle = {id_ for id_, one in standing.records.items() if all(one.get(name) == value for name, value in wanted)}
    rows = [key for key, id_ in standing.ids.items() if id_ in idle and key in standing.ready] if idle else []
    decided = {key for key in rows if key in decisions and decisions[key].verdict is Verdict.ACTIVATE}
    for key in rows:
        if key not in decided:
            standing.block(key, _finding(draft, mapping, key, off))
    return decided


def _off(draft: Draft, mapping: MappingSpec) -> Mapping[str, Any]:
    """The values by which a record is known to be switched off; nothing where they do not tell."""
    managed = any(name in mapping.fields and mapping.fields[name].manage in _OWN_WORD for name in mapping.deactivate)
    if managed or not mapping.deactivate:
        return {}
    try:
        names = draft.contexts[mapping.name].base()
        _, off = deactivation(mapping, draft.entity(mapping.target.entity), {}, names)
    except (Misfit, *EVALUATION_ERRORS) as fault:
        draft.standings[mapping.name].findings.append(broken(mapping.name, "", "deactivate", mapping.place, fault))
        return {}
    return {} if all(empty(value) for value in off.values()) else off


def _finding(draft: Draft, mapping: MappingSpec, key: str, off: Mapping[str, Any]) -> Finding:
    """In words that rows share, so that many are told in one go."""
    entity = draft.entity(mapping.target.entity)
    shown = ", ".join(f"{name}: {shown_in(field, off[name])}" for name in off if (field := entity.field(name)))
    last = draft.memory.applied.get((mapping.name, key), {})
    undone = next((last[f"{UNDONE}{name}"] for name in off if f"{UNDONE}{name}" in last), None)
    text = f"its record in {entity.name} is inactive ({shown}) {_since(last, off, undone)}"
    decide = f"`trueup decide {mapping.name} {key}"
    ways = [f"{decide} activate --reason …` switches it on again"] if can_activate(mapping) else []
    ways += [f"{decide} ignore --reason …` leaves it alone"]
    ways += [f"`trueup plan --undo {undone}` says how to do all of that run again"] if undone else []
    place = next(iter(mapping.deactivate.values())).place
    remedy = f"{', '.join(ways)}, or switch it on in Autotask"
    return Finding("switched-off", Severity.HOLD, text, remedy, place, mapping.name, key)


def _since(last: Mapping[str, Any], off: Mapping[str, Any], undone: object) -> str:
    if undone:
        return f"since run {undone} was undone"
    if all(name in last and same(last[name], value) for name, value in off.items()):
        return "since a run switched it off, when its row was gone from Work 365"
    return "since somebody switched it off in Autotask: no run of ours did"


def can_activate(mapping: MappingSpec) -> bool:
    """Do the mapping's own fields say how a record is that is switched on?"""
    return bool(mapping.deactivate) and all(name in mapping.fields for name in mapping.deactivate)
