"""Records taken back: fields as they were before the run, what it created switched off.

Only as far as they are still as the run left them: what somebody changed since is left alone and named.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.errors import ConfigError
from engine.expressions import EVALUATION_ERRORS
from engine.model.catalogue import Entity, Field, Type
from engine.model.finding import Severity
from engine.model.fit import Misfit, same
from engine.model.plan import UNDO, Action, Change, FieldChange, Reason, Seen, UnitRow, Unknown
from engine.planning.undo_posted import extends, posted_periods
from engine.planning.undoing import Undoing
from engine.ports import Condition, Record
from engine.stages.diff import UNDONE, deactivation, shown_in
from engine.stages.validate import broken


@dataclass(frozen=True, slots=True)
class _Way:
    """One change of the run and where its record goes back to."""

    change: Change
    record: int
    left: Mapping[str, Any]  # fields as the run left them, where it said so
    former: Mapping[str, Any]  # fields as they shall be
    created: bool = False


def records(work: Undoing) -> None:
    """Adds the way back of everything that the run created, updated or switched off."""
    ways = [way for change in reversed(work.done) if (way := _way(work, change))]
    now, posted = _now(work, ways), posted_periods(work, _ends(work, ways))
    for way in ways:
        record = now.get((way.change.entity, way.record))
        if record is None:
            text = f"{way.change.entity} {way.record} does not come back: it was deleted, or permissions hide it"
            work.say(way.change, text)
        else:
            _back(work, way, record, posted.get((way.change.mapping, way.record), ()))


def _way(work: Undoing, change: Change) -> _Way | None:
    record = work.record_of(change)
    if change.action in (Action.UPDATE, Action.DEACTIVATE) and record is not None:
        left = {one.field: work.known(one.after) for one in change.fields}
        return _Way(change, record, left, {one.field: one.before for one in change.fields})
    if change.action is Action.CREATE and record is not None:
        off = _off(work, change)
        return _Way(change, record, {}, off, created=True) if off else None
    return None


def _off(work: Undoing, change: Change) -> Mapping[str, Any]:
    """What switches off what the run created; nothing where its mapping does not say, and then that is said."""
    mapping, entity = work.project.mappings[change.mapping], work.world.target.entity(change.entity)
    names = {"settings": work.project.settings, "plan": {"as_of": work.as_of}}
    try:
        _, wanted = deactivation(mapping, entity, {}, names)
    except (Misfit, *EVALUATION_ERRORS) as fault:
        raise ConfigError([broken(mapping.name, "", "deactivate", mapping.place, fault)]) from fault
    if not wanted:
        text = (
            f"its record in {change.entity} stays: Autotask deletes none, and the mapping names nothing to switch off"
        )
        work.say(change, text)
    return wanted


def _now(work: Undoing, ways: Sequence[_Way]) -> dict[tuple[str, int], Record]:
    """Their records as they are, with the fields in question."""
    found: dict[tuple[str, int], Record] = {}
    for entity in dict.fromkeys(way.change.entity for way in ways):
        mine = [way for way in ways if way.change.entity == entity]
        fields = sorted({name for way in mine for name in way.former})
        ids = sorted({way.record for way in mine})
        for record in work.world.target.read(entity, [Condition("id", "in", ids)], fields):
            found[entity, record["id"]] = record
    work.records += len(found)
    return found


def _back(work: Undoing, way: _Way, now: Record, posted: Sequence[UnitRow]) -> None:
    change, entity = way.change, work.world.target.entity(way.change.entity)
    fields = [
        _field(change, entity.field(name) or Field(name, Type.TEXT), now.get(name), way.former[name])
        for name in _to_move(work, way, entity, now)
        if not _is_posted(work, way, name, now, posted)
    ]
    if not fields:
        return
    after = {one.field: one.after for one in fields}
    work.changes.append(
        replace(
            change,
            id=f"{UNDO}{change.id}",
            action=Action.DEACTIVATE if way.created else Action.UPDATE,
            record=way.record,
            values={**after, **_routing(work, change, entity)},
            owned=_owned(work, change, after),
            fields=tuple(fields),
            needs=(),
            seen=Seen(record={one.field: one.before for one in fields}),
            notes=tuple(_notes(work, way, fields)),
        )
    )


def _to_move(work: Undoing, way: _Way, entity: Entity, now: Record) -> list[str]:
    """Fields that go back. What is back already is said to be, what somebody changed since as well."""
    differ = [name for name, former in way.former.items() if not same(now.get(name), former)]
    if not differ:
        text = "is switched off already" if way.created else "is as before the run already"
        work.say(way.change, text, code="as-before", severity=Severity.INFO)
    moved = [name for name in differ if name in way.left and not same(now.get(name), way.left[name])]
    for name in moved:
        field = entity.field(name) or Field(name, Type.TEXT)
        is_, was = shown_in(field, now.get(name)), shown_in(field, way.left[name])
        work.say(way.change, f"{name} is {is_} now, and the run left it as {was}: it was changed since and stays")
    return [name for name in differ if name not in moved]


def _ends(work: Undoing, ways: Sequence[_Way]) -> dict[tuple[str, int], date]:
    """Records of which an end may go back, each with the earliest day that it may go back to."""
    found: dict[tuple[str, int], date] = {}
    for way in ways:
        mapping = work.project.mappings[way.change.mapping]
        days = [day for name, day in way.former.items() if isinstance(day, date) and extends(mapping, name)]
        if days:
            found[mapping.name, way.record] = min(days)
    return found


def _is_posted(work: Undoing, way: _Way, name: str, now: Record, posted: Sequence[UnitRow]) -> bool:
    """Would the field's earlier day delete a posted period? Autotask refuses that, so it is said and not planned."""
    former = way.former[name]
    if not extends(work.project.mappings[way.change.mapping], name) or not isinstance(former, date):
        return False
    after = [row.end for row in posted if row.end > former]
    if after:
        text = (
            f"{name} stays {now.get(name)} and does not go back to {former}: its services are posted until {max(after)}"
        )
        work.say(way.change, text)
    return bool(after)


def _field(change: Change, field: Field, now: object, former: object) -> FieldChange:
    """Shown as the run showed it, so that references have their names."""
    told = next((one for one in change.fields if one.field == field.name), None)
    if told is None or change.action is Action.CREATE:
        return FieldChange(field.name, now, former, Reason.UNDO, shown_in(field, now), shown_in(field, former))
    was = f"{told.shown_after.removesuffix(' (new)')} ({now})" if isinstance(told.after, Unknown) else told.shown_after
    return FieldChange(field.name, now, former, Reason.UNDO, was, told.shown_before)


def _routing(work: Undoing, change: Change, entity: Entity) -> dict[str, object]:
    """The parent's id, where the way to write leads through it."""
    names = {name for name in change.values if name not in {one.field for one in change.fields}}
    if change.action is Action.CREATE:
        names = {entity.parent.key} if entity.parent and entity.writes_via == "parent" else set()
    return {name: work.known(change.values[name]) for name in sorted(names)}


def _owned(work: Undoing, change: Change, after: Mapping[str, object]) -> dict[str, object]:
    """What state shall remember: the values last applied with these in them, and that an undo put them there."""
    last = work.memory.applied.get((change.mapping, change.keys[0]))
    if last is None:
        last = {name: work.known(value) for name, value in change.owned.items()}
    marks = {f"{UNDONE}{name}" for name in after}
    kept = {name: value for name, value in last.items() if name not in marks}
    said = {} if change.takes_back else dict.fromkeys(sorted(marks), work.run.id)
    return {**kept, **after, **said}


def _notes(work: Undoing, way: _Way, fields: Sequence[FieldChange]) -> Iterable[str]:
    if way.created:
        yield "created by the run that is undone"
    mapping = work.project.mappings[way.change.mapping]
    for one in fields:
        if extends(mapping, one.field):
            yield f"{one.field} goes back to an earlier day: Autotask deletes the periods after it for good"
