"""Undoes records: restores fields as they were before the run, deactivates created records.

Only as far as they are as the run left them: what was changed since stays, and is reported.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, assert_never

from msgspec import Struct

from trueup.model.catalogue import Entity, Field, Type
from trueup.model.change import Action, Change, FieldChange, Preconditions, Reason, UnitRow, Unknown
from trueup.model.coerce import empty, same, shown
from trueup.model.finding import Advice, Command, Severity
from trueup.model.mapping import Manage, MappingSpec, WhenMissing
from trueup.model.verdict import Verdict
from trueup.planning.undo.posted_periods import extends, posted_periods
from trueup.planning.undo.undone_run import UndoContext, reversing
from trueup.planning.undo.uses import Uses, off_values
from trueup.ports.target import Condition, Record
from trueup.stages.diff import UNDONE, display_text_in

_SHOWN = 3
"""How many of the records that use another one are named."""


class _Reversal(Struct, frozen=True):
    """One change of the run, and the values to restore."""

    change: Change
    record: int
    left: Mapping[str, Any]  # fields as the run left them, where the plan had them
    former: Mapping[str, Any]  # fields as they should be
    off: frozenset[str]  # those of them that switch the record off; empty if it stays on
    created: bool = False


def undo_records(context: UndoContext) -> None:
    """Adds the reversal of all that the run created, updated or switched off.

    The last change goes first: what it switches off no longer uses what the run created before it.
    """
    reversals = [
        reversal
        for change in reversed(context.done)
        if (reversal := _reversal(context, change)) is not None
    ]
    records = _read_records(context, reversals)
    posted = posted_periods(context, _earliest_ends(context, reversals))
    uses = Uses(context, _switched_off(reversals))
    for one in reversals:
        change = one.change
        record = records.get((change.entity, one.record))
        if record is None:
            text = (
                f"{context.systems.target} no longer returns {change.entity} {one.record}: "
                "it was deleted, or permissions hide it"
            )
            context.leave(change, text)
        else:
            _add(context, one, record, posted.get((change.mapping, one.record), ()), uses)


def _reversal(context: UndoContext, change: Change) -> _Reversal | None:
    record, kept = context.record_of(change), context.kept.get(change.id, {})
    match change.action:
        case Action.UPDATE | Action.DEACTIVATE if record is not None:
            left = {field.field: context.resolve(field.after) for field in change.fields}
            left |= {name: value for name, value in kept.items() if name in left}
            before = {field.field: field.before for field in change.fields}
            return _Reversal(change, record, left, before, _off_fields(context, change, before))
        case Action.CREATE if record is not None:
            wanted = _off_values(context, change)
            off = frozenset(wanted)
            return _Reversal(change, record, {}, wanted, off, created=True) if off else None
        case Action.CREATE | Action.UPDATE | Action.DEACTIVATE:
            return None  # its record is not known
        case Action.LINK | Action.ADJUST | Action.WRITE_BACK:
            return None  # undone elsewhere, or left as it is
        case _:
            assert_never(change.action)


def _off_values(context: UndoContext, change: Change) -> Mapping[str, Any]:
    """Returns the values that deactivate a record that the run created.

    Empty if its mapping has none: then the record stays, and that is reported.
    """
    wanted = off_values(context, context.project.mappings[change.mapping])
    if not wanted:
        text = (
            f"its record in {change.entity} stays: {context.systems.target} deletes none, "
            "and the mapping has no `deactivate`"
        )
        context.leave(change, text)
    return wanted


def _off_fields(context: UndoContext, change: Change, before: Mapping[str, Any]) -> frozenset[str]:
    """Returns the fields whose values before the run switch a record off that the run activated."""
    mapping = context.project.mappings[change.mapping]
    if not mapping.deactivate.keys() <= before.keys():
        return frozenset()
    off = off_values(context, mapping)
    is_off = all(same(before[name], value) for name, value in off.items())
    return frozenset(off) if is_off else frozenset()


def _switched_off(reversals: Iterable[_Reversal]) -> Mapping[str, list[int]]:
    """By mapping, the records that would be switched off."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for reversal in reversals:
        if reversal.off:
            found[reversal.change.mapping].append(reversal.record)
    return found


def _read_records(
    context: UndoContext, reversals: Sequence[_Reversal]
) -> dict[tuple[str, int], Record]:
    """The records as they are now, with the fields in question."""
    found: dict[tuple[str, int], Record] = {}
    for entity in dict.fromkeys(reversal.change.entity for reversal in reversals):
        group = [reversal for reversal in reversals if reversal.change.entity == entity]
        fields = sorted({name for one in group for name in one.former})
        ids = sorted({one.record for one in group})
        for record in context.world.target.read(entity, [Condition("id", "in", ids)], fields):
            found[entity, record["id"]] = record
    context.records += len(found)
    return found


def _add(
    context: UndoContext,
    reversal: _Reversal,
    now: Record,
    posted: Sequence[UnitRow],
    uses: Uses,
) -> None:
    """Plans to restore the fields of a record that may be restored, and reports the others.

    `uses` records what is restored and switched off: later parts of the undo depend on it.
    """
    change = reversal.change
    entity = context.world.target.entity(change.entity)
    names = _fields_to_restore(context, reversal, entity, now)
    if reversal.off.intersection(names) and _is_in_use(context, reversal, uses):
        names = [name for name in names if name not in reversal.off]
    fields = [
        _field_change(change, _field(entity, name), now.get(name), reversal.former[name])
        for name in names
        if not _cuts_posted_period(context, reversal, name, now, posted)
        and not _empties_required(context, reversal, _field(entity, name), now)
    ]
    if not fields:
        return
    uses.restore(change.entity, reversal.record, (field.field for field in fields))
    if reversal.off.intersection(field.field for field in fields):
        uses.switch_off(change.entity, reversal.record)
    _report_return(context, reversal, fields)
    after = {field.field: field.after for field in fields}
    context.changes.append(
        reversing(
            change,
            action=Action.DEACTIVATE if reversal.created else Action.UPDATE,
            record=reversal.record,
            values={**after, **_parent_values(context, change, entity)},
            owned=_owned(context, change, after),
            fields=tuple(fields),
            needs=(),
            seen=Preconditions(record={field.field: field.before for field in fields}),
            notes=tuple(_notes(context, reversal, fields)),
        )
    )


def _report_return(
    context: UndoContext, reversal: _Reversal, fields: Sequence[FieldChange]
) -> None:
    """Reports that the next plan makes the same changes: an undo does not change the cause."""
    change = reversal.change
    if reversal.created or change.takes_back:
        return
    mapping, source = context.project.mappings[change.mapping], context.systems.source
    if change.action is Action.DEACTIVATE:
        if mapping.when_missing is not WhenMissing.DEACTIVATE:
            return
        text = f"the next plan switches it off again while its row is gone from {source}"
        remedy = Advice(f"restore the row in {source}, or correct `when_missing` first")
    else:
        if all(_is_set_once(mapping, field.field) for field in fields):
            return
        text = f"the next plan writes it again while {source} holds what the run wrote"
        ignore = Command.decide(change.mapping, change.keys[0], Verdict.IGNORE)
        remedy = Advice.of(f"correct it in {source} or in the mapping first, or ", ignore)
    context.leave(change, text, remedy, code="comes-back")


def _is_set_once(mapping: MappingSpec, field: str) -> bool:
    """Whether no later plan writes the field of an existing record."""
    spec = mapping.fields.get(field) or mapping.identity.get(field)
    return spec is None or spec.manage is Manage.CREATE


def _field(entity: Entity, name: str) -> Field:
    return entity.field(name) or Field(name, Type.TEXT)


def _fields_to_restore(
    context: UndoContext, reversal: _Reversal, entity: Entity, now: Record
) -> list[str]:
    """Returns fields to restore; reports those that are restored already or were changed since."""
    former, left = reversal.former, reversal.left
    differ = [name for name, value in former.items() if not same(now.get(name), value)]
    if not differ:
        text = "is switched off already" if reversal.created else "is as before the run already"
        context.leave(reversal.change, text, code="as-before", severity=Severity.INFO)
    moved = [name for name in differ if name in left and not same(now.get(name), left[name])]
    for name in moved:
        field = _field(entity, name)
        text = (
            f"{name} is {display_text_in(field, now.get(name))} now, and the run left it as "
            f"{display_text_in(field, left[name])}: it was changed since and stays"
        )
        context.leave(reversal.change, text)
    return [name for name in differ if name not in moved]


def _is_in_use(context: UndoContext, reversal: _Reversal, uses: Uses) -> bool:
    """Whether anything that this undo leaves as it is still uses the record; reports it."""
    change = reversal.change
    users = uses.of(change.mapping, reversal.record)
    if not users:
        return False
    names = ", ".join(users[:_SHOWN])
    more = f" and {len(users) - _SHOWN:,} more" if len(users) > _SHOWN else ""
    verb = "use" if len(users) > 1 else "uses"
    text = f"its record in {change.entity} stays on: {names}{more} still {verb} it"
    remedy = Advice(
        "undo the runs that added them first, latest first, or switch it off in "
        f"{context.systems.target} once nothing uses it"
    )
    context.leave(change, text, remedy)
    return True


def _earliest_ends(
    context: UndoContext, reversals: Sequence[_Reversal]
) -> dict[tuple[str, int], date]:
    """Records whose end may go back, each with the earliest day that it may go back to."""
    found: dict[tuple[str, int], date] = {}
    for reversal in reversals:
        mapping = context.project.mappings[reversal.change.mapping]
        days = [
            day
            for name, day in reversal.former.items()
            if isinstance(day, date) and extends(mapping, name)
        ]
        if days:
            found[mapping.name, reversal.record] = min(days)
    return found


def _cuts_posted_period(
    context: UndoContext,
    reversal: _Reversal,
    name: str,
    now: Record,
    posted: Sequence[UnitRow],
) -> bool:
    """Whether the field's earlier day would delete a posted period, which the target refuses."""
    former = reversal.former[name]
    mapping = context.project.mappings[reversal.change.mapping]
    if not extends(mapping, name) or not isinstance(former, date):
        return False
    after = [row.end for row in posted if row.end > former]
    if after:
        text = (
            f"{name} stays {shown(now.get(name))} and does not go back to {former}: "
            f"its services are posted until {max(after)}"
        )
        context.leave(reversal.change, text)
    return bool(after)


def _empties_required(context: UndoContext, reversal: _Reversal, field: Field, now: Record) -> bool:
    """Whether a field that was empty before the run is one that the target requires a value for."""
    if not (field.required and empty(reversal.former[field.name])):
        return False
    text = (
        f"{field.name} stays {display_text_in(field, now.get(field.name))}: it was empty before "
        f"the run, and {context.systems.target} requires a value"
    )
    context.leave(reversal.change, text)
    return True


def _field_change(change: Change, field: Field, now: object, former: object) -> FieldChange:
    """Returns the change with the run's display texts, so that references have their names."""
    earlier = next((one for one in change.fields if one.field == field.name), None)
    if earlier is None or change.action is Action.CREATE:
        shown_now, shown_former = display_text_in(field, now), display_text_in(field, former)
    else:
        # The run could show a record that it created itself by its name only.
        is_new = isinstance(earlier.after, Unknown)
        shown_now = str(now) if is_new else earlier.shown_after
        shown_former = earlier.shown_before
    return FieldChange(field.name, now, former, Reason.UNDO, shown_now, shown_former)


def _parent_values(context: UndoContext, change: Change, entity: Entity) -> dict[str, object]:
    """The parent's id, where a write goes through the parent."""
    names = {name for name in change.values if name not in {field.field for field in change.fields}}
    if change.action is Action.CREATE:
        names = {entity.parent.key} if entity.parent and entity.writes_via == "parent" else set()
    return {name: context.resolve(change.values[name]) for name in sorted(names)}


def _owned(context: UndoContext, change: Change, after: Mapping[str, object]) -> dict[str, object]:
    """Returns the values for the state: those last applied, changed by these.

    Each of them is marked as written by an undo.
    """
    last = context.snapshot.applied.get((change.mapping, change.keys[0]))
    if last is None:
        last = {name: context.resolve(value) for name, value in change.owned.items()}
    marks = {f"{UNDONE}{name}" for name in after}
    kept = {name: value for name, value in last.items() if name not in marks}
    added = {} if change.takes_back else dict.fromkeys(sorted(marks), context.run.id)
    return {**kept, **after, **added}


def _notes(
    context: UndoContext, reversal: _Reversal, fields: Sequence[FieldChange]
) -> Iterable[str]:
    if reversal.created:
        yield "created by the run that is undone"
        if fee := reversal.change.one_off:
            amount = f"{fee:,.2f} {context.project.currency}".rstrip()
            yield f"its one-off amount of {amount} is not taken back"
    mapping = context.project.mappings[reversal.change.mapping]
    target = context.systems.target
    for field in fields:
        if extends(mapping, field.field):
            yield (
                f"{field.field} goes back to an earlier day: "
                f"{target} deletes the periods after it for good"
            )
