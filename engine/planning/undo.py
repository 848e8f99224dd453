"""The reverse of a run, as a plan like any other: opposing adjustments, fields back, created records switched off.

What cannot be undone is said. The next plan without `--undo` wants the same changes again, unless the
source, the mapping or a decision changes first; logs that were undone wait for a decision.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from engine.errors import StateError
from engine.expressions import evaluate
from engine.model.document import loads
from engine.model.finding import Finding, Severity
from engine.model.fit import fit
from engine.model.plan import Action, Change, FieldChange, Plan, Reason, Seen, Summary, UnitRow, Unknown
from engine.model.project import AppendSpec, LedgerSpec, Project
from engine.model.run import Run, Step
from engine.model.units import DAY, units_on
from engine.planning.calls import apply_calls
from engine.planning.reading import Records
from engine.ports import Memory, World
from engine.stages.guard import guard
from engine.stages.ledger import DAYS_A_MONTH, adjusted_days
from engine.stages.order import order

_LEFT = "cannot-be-undone"


@dataclass(slots=True)
class _Undoing:
    """One run, seen backwards."""

    project: Project
    world: World
    as_of: date
    memory: Memory
    done: list[Change]
    ids: dict[str, int]  # change → record that it created
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def say(self, change: Change, text: str) -> None:
        """Something that this undo leaves as it is."""
        self.findings.append(
            Finding(_LEFT, Severity.WARNING, text, "", change.place, change.mapping, change.keys[0], change.name)
        )

    def known(self, value: object) -> object:
        """A value of the run's plan, with the id in the place of what the run alone could know."""
        return self.ids[value.change] if isinstance(value, Unknown) else value

    def owned(self, change: Change, now: Mapping[str, object]) -> dict[str, object]:
        """What state shall remember of the record once it is as `now` says."""
        return {**{name: self.known(value) for name, value in change.owned.items()}, **now}

    def record_of(self, change: Change) -> int | None:
        """The record that a change wrote to."""
        if change.record is not None:
            return change.record
        unknown = next((value for value in change.values.values() if isinstance(value, Unknown)), None)
        return self.ids.get(change.id) or (self.ids.get(unknown.change) if unknown else None)


def undo(project: Project, world: World, run_id: str, as_of: date) -> Plan:
    """The plan that takes back what run `run_id` did, as far as Autotask allows. Raises StateError for no such run."""
    memory = world.state.load()
    run = _run(world, run_id)
    before = world.target.calls
    work = _open(project, world, run, as_of, memory)
    _adjustments(work)
    for change in reversed(work.done):
        _reverse(work, change)
    _in_reverse(work)
    return _plan(work, run, world.target.calls - before)


def _run(world: World, run_id: str) -> Run:
    runs = [one for one in world.state.runs() if one.id.startswith(run_id)]
    if not runs:
        raise StateError(f"there is no run {run_id!r}: `trueup history` lists them")
    if len(runs) > 1:
        raise StateError(f"{run_id!r} may be run {' or '.join(one.id for one in runs)}: say more of it")
    return runs[0]


def _reverse(work: _Undoing, change: Change) -> None:
    """Everything but adjustments and their marks."""
    if change.action in (Action.UPDATE, Action.DEACTIVATE):
        _update(work, change)
    elif change.action is Action.CREATE:
        _create(work, change)
    elif change.action is Action.LINK:
        work.say(change, f"the link to {change.entity} {change.record} stays; `trueup state forget` takes it away")
    elif change.makes:
        work.say(change, f"{change.makes[2]} {work.record_of(change)} stays: Autotask deletes none")
    elif change.action is Action.WRITE_BACK and f"undo:{change.id}" not in {one.id for one in work.changes}:
        work.say(change, f"the mark in Work 365 stays: {', '.join(change.values)}")


def _open(project: Project, world: World, run: Run, as_of: date, memory: Memory) -> _Undoing:
    steps: dict[str, Step] = {}
    ids: dict[str, int] = {}
    already: set[str] = set()  # as wanted before the run: not its doing
    for entry in world.state.journal(run.id):
        steps[entry.change] = entry.step
        if entry.data.get("already"):
            already.add(entry.change)
        if entry.step is Step.DONE and isinstance(entry.data.get("id"), int):
            ids[entry.change] = int(str(entry.data["id"]))
    done = [one for one in loads(run.plan).changes if steps.get(one.id) is Step.DONE and one.id not in already]
    return _Undoing(project, world, as_of, memory, done, ids)


def _adjustments(work: _Undoing) -> None:
    """Opposing adjustments, each on the next free open day after the one that it takes back."""
    adjusts = [change for change in work.done if change.action is Action.ADJUST]
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in adjusts:
        groups[change.mapping].append(change)
    for mapping, changes in groups.items():
        append, ledger = _specs(work.project, mapping)
        records = [record for change in changes if (record := work.record_of(change)) is not None]
        since = min([_day(change, append) for change in changes], default=work.as_of)
        reader = Records(work.project, work.world.target, {})
        rows = reader.units(ledger, append, records, since)
        taken = _taken(work.memory)
        for change in changes:  # after the last of them, the latest first: units pass no day that they never passed
            if (record := work.record_of(change)) is not None:
                taken[record].update(_until(taken[record], _day(change, append)))
        last: dict[int, str] = {}
        for change in sorted(changes, key=lambda one: _day(one, append), reverse=True):
            _opposite(work, change, append, rows, taken, last)


def _specs(project: Project, mapping: str) -> tuple[AppendSpec, LedgerSpec]:
    append = project.mappings[mapping].append
    ledger = next(
        (one.ledger for one in project.mappings.values() if one.ledger and one.ledger.pending == mapping), None
    )
    if append is None or ledger is None:
        raise StateError(f"the mapping {mapping} no longer appends: the run cannot be undone with this configuration")
    return append, ledger


def _until(taken: set[date], day: date) -> set[date]:
    """All days from the first that is taken to this one: none of them is free for an opposing adjustment."""
    first = min(taken, default=day)
    return {first + timedelta(days=number) for number in range((day - first).days + 1)}


def _taken(memory: Memory) -> dict[int, set[date]]:
    taken: dict[int, set[date]] = defaultdict(set)
    for one in memory.pushed.values():
        if one.units:
            taken[one.record].add(one.day)
    return taken


def _day(change: Change, append: AppendSpec) -> date:
    value = change.values[append.merge_on[1]]
    return value if isinstance(value, date) else date.max


def _opposite(
    work: _Undoing,
    change: Change,
    append: AppendSpec,
    rows: Mapping[int, Sequence[UnitRow]],
    taken: dict[int, set[date]],
    last: dict[int, str],
) -> None:
    record, first = work.record_of(change), _day(change, append)
    if record is None:
        work.say(change, "its contract service is not known any more")
        return
    now, units = rows.get(record, ()), -_units(change)
    day = _free(now, taken[record] | adjusted_days(now), first)
    if not any(row.start <= day <= row.end for row in now):
        work.say(change, f"no open day is left for {units:+d} units: its periods are posted, or the contract has ended")
        return
    taken[record].add(day)
    monthly = None if change.monthly is None else -change.monthly
    between = (day - first).days
    kept = None if change.monthly is None else change.monthly * between / DAYS_A_MONTH
    start = units_on(now, day)
    kept_values = {} if change.makes else change.values
    opposite = replace(
        change,
        id=f"undo:{change.id}",
        record=record,
        entity=work.project.mappings[change.mapping].target.entity,
        values={**kept_values, append.merge_on[0]: record, append.merge_on[1]: day, append.merge_sum: units},
        fields=tuple(_opposed(one, append, day, units) for one in change.fields),
        needs=(last[record],) if record in last else (),
        seen=Seen(units=tuple(now)),
        monthly=monthly,
        one_off=kept,
        units=(start, start + units),
        makes=None,
        notes=(f"takes back {-units:+d} of {first}; the {between} days from then to {day} stay billed",),
    )
    last[record] = opposite.id
    work.changes.append(opposite)
    _unmark(work, change, opposite)


def _opposed(change: FieldChange, append: AppendSpec, day: date, units: int) -> FieldChange:
    after = {append.merge_on[1]: day, append.merge_sum: units}.get(change.field, change.after)
    return replace(
        change, after=after, shown_after=str(after) if change.field in append.merge_on[1:] else change.shown_after
    )


def _units(change: Change) -> int:
    before, after = change.units or (0, 0)
    return after - before


def _free(rows: Sequence[UnitRow], taken: set[date], first: date) -> date:
    """The next day after `first` that no adjustment took and no posted row covers."""
    posted = max((row.end for row in rows if row.posted), default=date.min)
    day = max(first, posted) + DAY if posted >= first else first
    while day in taken:
        day += timedelta(days=1)
    return day


def _unmark(work: _Undoing, change: Change, opposite: Change) -> None:
    """The logs' mark in the source, taken back once the units are."""
    mark = next(
        (
            one
            for one in work.done
            if one.action is Action.WRITE_BACK and change.id in one.needs and one.keys == change.keys
        ),
        None,
    )
    if mark is None:
        return
    work.changes.append(
        replace(
            mark,
            id=f"undo:{mark.id}",
            values=dict(mark.seen.record),
            fields=tuple(_back(one) for one in mark.fields),
            needs=(opposite.id,),
            seen=Seen(record=dict(mark.values)),
            notes=("waits for a decision before it can be pushed again",),
        )
    )


def _back(change: FieldChange) -> FieldChange:
    return replace(
        change, before=change.after, after=change.before, shown_before=change.shown_after,
        shown_after=change.shown_before, reason=Reason.UNDO,
    )  # fmt: skip


def _update(work: _Undoing, change: Change) -> None:
    unknown = [one.field for one in change.fields if isinstance(one.after, Unknown)]
    after = {one.field: work.known(one.after) for one in change.fields}
    former = {one.field: one.before for one in change.fields}
    routing = {name: work.known(value) for name, value in change.values.items() if name not in after}
    work.changes.append(
        replace(
            change,
            id=f"undo:{change.id}",
            action=Action.UPDATE,
            values={**former, **routing},
            owned=work.owned(change, former),
            fields=tuple(_back(one) for one in change.fields),
            needs=(),
            seen=Seen(record=after),
            notes=(f"{', '.join(unknown)} referred to what the run created",) if unknown else (),
        )
    )


def _create(work: _Undoing, change: Change) -> None:
    mapping = work.project.mappings[change.mapping]
    record = work.ids.get(change.id)
    entity = work.world.target.entity(change.entity)
    if record is None or not mapping.deactivate:
        work.say(
            change,
            f"{change.entity} {record} stays: Autotask deletes none, and the mapping names nothing to switch off",
        )
        return
    off = {
        name: fit(evaluate(value.raw, {"settings": work.project.settings, "plan": {"as_of": work.as_of}}), one)
        for name, value in mapping.deactivate.items()
        if (one := entity.field(name))
    }
    parent = entity.parent
    routing = {}
    if parent and entity.writes_via == "parent":
        routing = {parent.key: work.known(change.values[parent.key])}
    was = {name: change.values.get(name) for name in off if name in change.values}
    work.changes.append(
        replace(
            change,
            id=f"undo:{change.id}",
            action=Action.DEACTIVATE,
            record=record,
            values={**off, **routing},
            owned=work.owned(change, off),
            fields=tuple(
                FieldChange(name, was.get(name), value, Reason.UNDO, str(was.get(name, "–")), str(value))
                for name, value in off.items()
            ),
            needs=(),
            seen=Seen(record=was),
            notes=("created by the run that is undone",),
        )
    )


def _in_reverse(work: _Undoing) -> None:
    """What needed a change is undone before it."""
    undone = {change.id for change in work.changes}
    wants: dict[str, list[str]] = defaultdict(list)
    for change in work.done:
        for need in change.needs:
            if f"undo:{change.id}" in undone and f"undo:{need}" in undone and change.action is not Action.WRITE_BACK:
                wants[f"undo:{need}"].append(f"undo:{change.id}")
    turns = {change.id for change in work.changes if change.action is Action.ADJUST}
    work.changes = [
        change if change.id in turns or change.action is Action.WRITE_BACK
        else replace(change, needs=tuple(dict.fromkeys((*change.needs, *wants[change.id]))))
        for change in work.changes
    ]  # fmt: skip


def _plan(work: _Undoing, run: Run, read_calls: int) -> Plan:
    waves, cycles = order(work.changes)
    known = {change.id: change for change in work.changes}
    changes = tuple(known[id_] for wave in waves for id_ in wave)
    monthly = sum((one.monthly for one in changes if one.monthly is not None), Decimal(0))
    linked = Counter(link.entity for link in work.memory.links.values())
    calls = apply_calls(changes, work.project.batch, {})
    summary = Summary(
        source_rows=0, source_tables=0, records=0, read_calls=read_calls, apply_calls=calls, monthly=monthly,
        prices_unknown=sum(1 for one in changes if one.price_unknown), prices_zero=0,
        actions=dict(sorted(Counter(str(one.action) for one in changes).items())), blocked=0, held=0,
    )  # fmt: skip
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
        findings=(*work.findings, *cycles),
        blocked=(),
        left_out=(),
        ledger=(),
        exceeded=tuple(guard(work.project.guards, changes, linked, monthly, calls)),
        summary=summary,
        selection=f"undoes run {run.id}",
        undo_of=run.id,
    )
