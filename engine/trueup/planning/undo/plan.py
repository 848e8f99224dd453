"""The reverse of a run, as a plan like any other.

Units are taken back by opposing adjustments, fields are restored, created records are switched off.
What cannot be undone is reported. The next plan without `--undo` wants the same changes again,
unless source, mapping or a decision change first; license changes that were undone wait for a new
decision.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from msgspec.structs import replace

from trueup.model.change import Action, Change, FieldChange, Preconditions, Reason
from trueup.model.finding import Advice, Command, Finding, Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.planning.call_costs import apply_calls
from trueup.planning.plan_frame import plan_frame
from trueup.planning.undo.records import undo_records
from trueup.planning.undo.undone_run import UndoContext, load_run, opposite_of, reversing
from trueup.planning.undo.units import undo_units
from trueup.ports.world import World
from trueup.stages.guard import guard
from trueup.stages.order import order
from trueup.stages.summary import Counts, summarize


def undo(project: Project, world: World, run_id: str, as_of: date) -> Plan:
    """Returns the plan that undoes run `run_id`, without what a later run undid already.

    Raises StateError for an unknown run, and while a run is open or a mapping is missing.
    """
    calls_before = world.target.calls
    context = load_run(project, world, run_id, as_of)
    undo_units(context)
    undo_records(context)
    _undo_marks(context)
    _report_what_stays(context)
    _reverse_order(context)
    return _plan(context, world.target.calls + world.target.spared - calls_before)


def _undo_marks(context: UndoContext) -> None:
    """Removes the marks of license changes once their units are undone.

    The mark that a record's row carries stays, as the record's link does.
    """
    source = context.systems.source
    for mark in context.done:
        if mark.action is not Action.WRITE_BACK:
            continue
        reversed_first = tuple(
            change.id for change in context.changes if change.undoes in mark.needs
        )
        names = ", ".join(mark.values)
        if mark.marks_changes and (reversed_first or _was_left(context, mark)):
            context.changes.append(_unmarked(context, mark, reversed_first))
        elif mark.needs or not mark.marks_changes:
            text = f"its mark in {source} ({names}) stays"
            context.leave(mark, text, code="mark-stays", severity=Severity.INFO)
        else:
            text = f"was marked in {source} ({names}) and not pushed by the run: the mark stays"
            context.leave(mark, text)


def _was_left(context: UndoContext, mark: Change) -> bool:
    """Returns whether an earlier undo removed the units, and not the mark."""
    pushed = [context.snapshot.pushed.get((mark.mapping, key)) for key in mark.keys]
    taken_back = all(one is not None and one.undone is not mark.takes_back for one in pushed)
    return taken_back and any(need in context.before for need in mark.needs)


def _unmarked(context: UndoContext, mark: Change, needs: tuple[str, ...]) -> Change:
    if mark.takes_back:
        note = "counts as pushed again"
    else:
        note = "waits for a new decision before it can be pushed again"
    written = {name: context.resolve(value) for name, value in mark.values.items()}
    return reversing(
        mark,
        values=dict(mark.seen.record),
        fields=tuple(_swapped(field) for field in mark.fields),
        needs=needs,
        seen=Preconditions(record=written),
        monthly=opposite_of(mark.monthly),
        lost=opposite_of(mark.lost),
        notes=(note,),
    )


def _swapped(change: FieldChange) -> FieldChange:
    return FieldChange(
        field=change.field,
        before=change.after,
        after=change.before,
        reason=Reason.UNDO,
        shown_before=change.shown_after,
        shown_after=change.shown_before,
    )


def _report_what_stays(context: UndoContext) -> None:
    """Reports links, and records that adjustments created: the target never deletes them."""
    for change in context.done:
        if change.action is Action.LINK:
            command = Command.forget(change.mapping, change.keys[0])
            remedy = Advice.of(command, " removes it")
            text = "its link stays, and does no harm"
            context.leave(change, text, remedy, code="link-stays", severity=Severity.INFO)
        elif change.makes:
            target = context.systems.target
            text = f"its record in {change.makes.entity} stays: {target} deletes none"
            context.leave(change, text)


def _reverse_order(context: UndoContext) -> None:
    """Makes changes wait until changes that needed them are undone, also indirectly."""
    planned, done = context.planned, {change.id: change for change in context.done}
    reversal = {change.undoes: change.id for change in context.changes}
    before: dict[str, list[str]] = defaultdict(list)
    for change in context.done:
        if change.id not in planned or change.action is Action.WRITE_BACK:
            continue
        for need in _nearest_planned(change.needs, planned, done):
            # Adjustments of one service are in order already.
            if not change.action is done[need].action is Action.ADJUST:
                before[reversal[need]].append(reversal[change.id])
    context.changes = [
        replace(change, needs=tuple(dict.fromkeys((*change.needs, *before.get(change.id, ())))))
        for change in context.changes
    ]


def _nearest_planned(
    needs: Iterable[str], planned: set[str], done: Mapping[str, Change]
) -> list[str]:
    """Returns which of these needs this plan undoes; for a need that stays, its own needs."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = [*needs]
    while stack:
        need = stack.pop()
        if need in seen or need not in done:
            continue
        seen.add(need)
        if need in planned:
            found[need] = None
        else:
            stack.extend(done[need].needs)
    return sorted(found)


def _plan(context: UndoContext, read_calls: int) -> Plan:
    project, world, snapshot = context.project, context.world, context.snapshot
    waves, cycles = order(context.changes, context.systems)
    by_id = {change.id: change for change in context.changes}
    changes = tuple(by_id[id_] for wave in waves for id_ in wave)
    linked = snapshot.links.by_entity()
    calls = apply_calls(changes, project.batch, {}, world.target.call_costs)
    summary = summarize(Counts(0, 0, context.records, read_calls, calls), changes)
    return replace(
        plan_frame(project, world, snapshot, context.as_of, summary),
        changes=changes,
        waves=waves,
        findings=tuple(sorted((*context.findings, *cycles), key=_infos_last)),
        exceeded=tuple(guard(project.guards, changes, linked, calls)),
        selection=f"undoes run {context.run.id}",
        undo_of=context.run.id,
    )


def _infos_last(one: Finding) -> tuple[object, ...]:
    """Sorts what cannot be undone first."""
    return one.severity is Severity.INFO, one.mapping, one.code, one.name, one.key, one.text
