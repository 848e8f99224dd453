"""The reverse of a run, as a plan like any other: opposing adjustments, fields back, created records switched off.

What cannot be undone is said. The next plan without `--undo` wants the same changes again, unless the
source, the mapping or a decision changes first; logs that were undone wait for a new decision.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from engine.model.finding import Finding, Severity
from engine.model.plan import UNDO, Action, Change, FieldChange, Plan, Reason, Seen, Summary
from engine.model.project import Project
from engine.planning.calls import apply_calls
from engine.planning.undo_records import records
from engine.planning.undo_units import units
from engine.planning.undoing import Undoing, look_back
from engine.ports import World
from engine.stages.guard import guard
from engine.stages.order import order


def undo(project: Project, world: World, run_id: str, as_of: date) -> Plan:
    """The plan that takes back what run `run_id` did and no later run took back, as far as Autotask allows.

    Raises StateError for no such run, and while a run is open or a mapping that it wrote by is missing.
    """
    before = world.target.calls
    work = look_back(project, world, run_id, as_of)
    units(work)
    records(work)
    _marks(work)
    _stays(work)
    _in_reverse(work)
    return _plan(work, world.target.calls - before)


def _marks(work: Undoing) -> None:
    """Logs' marks in the source, each taken back once the units are; that of a record stays as its link does."""
    planned = work.planned
    for mark in work.done:
        if mark.action is not Action.WRITE_BACK:
            continue
        opposites = tuple(f"{UNDO}{need}" for need in mark.needs if need in planned)
        names = ", ".join(mark.values)
        if work.project.mappings[mark.mapping].append and (opposites or _was_left(work, mark)):
            work.changes.append(_unmarked(work, mark, opposites))
        elif mark.needs or not work.project.mappings[mark.mapping].append:
            work.say(mark, f"its mark in Work 365 ({names}) stays", code="mark-stays", severity=Severity.INFO)
        else:
            work.say(mark, f"was marked in Work 365 ({names}) and not pushed by the run: the mark stays")


def _was_left(work: Undoing, mark: Change) -> bool:
    """Did an earlier undo take back the units, and not the mark?"""
    logs = [work.memory.pushed.get((mark.mapping, key)) for key in mark.keys]
    taken = all(one is not None and one.undone is not mark.takes_back for one in logs)
    return taken and any(need in work.before for need in mark.needs)


def _unmarked(work: Undoing, mark: Change, needs: tuple[str, ...]) -> Change:
    again = "counts as pushed again" if mark.takes_back else "waits for a new decision before it can be pushed again"
    return replace(
        mark,
        id=f"{UNDO}{mark.id}",
        values=dict(mark.seen.record),
        fields=tuple(_swapped(one) for one in mark.fields),
        needs=needs,
        seen=Seen(record={name: work.known(value) for name, value in mark.values.items()}),
        notes=(again,),
    )


def _swapped(change: FieldChange) -> FieldChange:
    return replace(
        change, before=change.after, after=change.before, shown_before=change.shown_after,
        shown_after=change.shown_before, reason=Reason.UNDO,
    )  # fmt: skip


def _stays(work: Undoing) -> None:
    """Links, and what adjustments made: nothing in Autotask is ever deleted."""
    for change in work.done:
        if change.action is Action.LINK:
            text = "its link stays, and does no harm"
            remedy = f"`trueup state forget {change.mapping} {change.keys[0]} --reason …` takes it away"
            work.say(change, text, remedy, code="link-stays", severity=Severity.INFO)
        elif change.makes:
            work.say(change, f"its record in {change.makes[2]} stays: Autotask deletes none")


def _in_reverse(work: Undoing) -> None:
    """What needed a change, be it through others that stay, is undone before it."""
    planned, known = work.planned, {change.id: change for change in work.done}
    before: dict[str, list[str]] = defaultdict(list)
    for change in work.done:
        if change.id in planned and change.action is not Action.WRITE_BACK:
            for need in _first_of(change.needs, planned, known):
                if not (change.action is known[need].action is Action.ADJUST):  # these are in their turn already
                    before[f"{UNDO}{need}"].append(f"{UNDO}{change.id}")
    work.changes = [
        replace(change, needs=tuple(dict.fromkeys((*change.needs, *before.get(change.id, ())))))
        for change in work.changes
    ]


def _first_of(needs: Iterable[str], planned: set[str], known: Mapping[str, Change]) -> list[str]:
    """The nearest of what is needed, directly or through others, that this plan takes back."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    stack = [*needs]
    while stack:
        need = stack.pop()
        if need in seen or need not in known:
            continue
        seen.add(need)
        if need in planned:
            found[need] = None
        else:
            stack.extend(known[need].needs)
    return sorted(found)


def _plan(work: Undoing, read_calls: int) -> Plan:
    waves, cycles = order(work.changes)
    known = {change.id: change for change in work.changes}
    changes = tuple(known[id_] for wave in waves for id_ in wave)
    monthly = sum((one.monthly for one in changes if one.monthly is not None), Decimal(0))
    linked = Counter(link.entity for link in work.memory.links.values())
    calls = apply_calls(changes, work.project.batch, {})
    return Plan(
        project=work.project.digest,
        as_of=work.as_of,
        lineage=work.memory.lineage,
        serial=work.memory.serial,
        source=work.world.source.describe(),
        target=work.world.target.describe(),
        currency=work.project.currency,
        changes=changes,
        waves=waves,
        findings=tuple(sorted((*work.findings, *cycles), key=_by_name)),
        blocked=(),
        left_out=(),
        ledger=(),
        exceeded=tuple(guard(work.project.guards, changes, linked, calls)),
        summary=_summary(work, changes, read_calls, calls, monthly),
        selection=f"undoes run {work.run.id}",
        undo_of=work.run.id,
    )


def _by_name(one: Finding) -> tuple[object, ...]:
    """What cannot be undone first, what is only said after it."""
    return one.severity is Severity.INFO, one.mapping, one.code, one.name, one.key, one.text


def _summary(work: Undoing, changes: Sequence[Change], read_calls: int, calls: int, monthly: Decimal) -> Summary:
    adjusting = [change for change in changes if change.action is Action.ADJUST]
    return Summary(
        source_rows=0,
        source_tables=0,
        records=work.records,
        read_calls=read_calls,
        apply_calls=calls,
        monthly=monthly,
        prices_unknown=sum(1 for one in adjusting if one.price_unknown),
        prices_zero=sum(1 for one in adjusting if one.monthly == 0 and one.units),
        actions=dict(sorted(Counter(str(one.action) for one in changes).items())),
        blocked=0,
        held=0,
    )
