"""Resolves a change in doubt by what a person states of it.

A statement that contradicts what reading shows beyond doubt is refused: a resumed run records that.
"""

from datetime import datetime

from msgspec import Struct

from trueup.applying.created_record import Whose, recognising_fields
from trueup.applying.doubt_reading import read_doubts
from trueup.applying.preconditions import PreconditionChecker
from trueup.applying.run_state import RunState, effects
from trueup.applying.settle import settled_from
from trueup.errors import StateError
from trueup.model.change import Action, Change, System
from trueup.model.coerce import shown
from trueup.model.document import loads
from trueup.model.doubt import Doubt, PreparedSettlement, Trace
from trueup.model.mapping_state import Record
from trueup.model.outcome import ChangeStatus
from trueup.model.project import Project
from trueup.model.run import Effects, Entry, Lease, Run, RunStatus, Step
from trueup.model.wall_clock import shown_in
from trueup.planning.search import searched_fields
from trueup.ports.state import State
from trueup.ports.world import World

_RESUME = "`trueup apply --resume`"


class Settlement(Struct, frozen=True):
    """The outcome of a change in doubt, as a person determined it."""

    change: str
    landed: bool
    record: int | None  # of a create that landed, or of an adjustment that creates
    reason: str
    at: datetime


def settle(project: Project, state: State, lease: Lease, settlement: Settlement) -> str:
    """Records that the change took effect, or did not. Returns the run's id.

    Raises what `prepare` raises.
    """
    ready = prepare(project, state, settlement)
    state.settle(lease, ready.run, [ready.entry], ready.effects, reason=settlement.reason)
    return ready.run


def prepare(project: Project, state: State, settlement: Settlement) -> PreparedSettlement:
    """Returns what `settle` records; nothing is written, and neither system is read.

    Raises StateError for a change that is not in doubt, for one that is called absent while its
    request may still take effect, for a create that landed without its record's id, and for a
    record that belongs to another row.
    """
    run, run_state = _run_with(state, settlement.change)
    change = run_state.changes[settlement.change]
    data: dict[str, object] = {"settled": True, "by_hand": True, "reason": settlement.reason}
    if not settlement.landed:
        _require_time(project, change, run_state, settlement)
        absent = Entry(change.id, Step.NOT_LANDED, settlement.at, data)
        return PreparedSettlement(run.id, change, absent, Effects())

    if change.action is Action.CREATE or change.makes:
        if settlement.record is None:
            entity = change.makes.entity if change.makes else change.entity
            raise StateError(f"`record` is missing: give the id of the {entity} that was created")
        _require_unlinked(state, change, settlement.record)
        data["id"] = settlement.record
    entry = Entry(change.id, Step.DONE, settlement.at, data)
    run_state.note(entry)
    as_of = loads(run.plan).as_of
    effects_on_state = effects(change, run_state, run.id, entry.data, as_of)
    return PreparedSettlement(run.id, change, entry, effects_on_state)


def check_by_reading(project: Project, world: World, settlement: Settlement) -> str:
    """Compares a settlement with what the system that the change writes to shows now.

    Returns the display name of the record that a create made, "" if there is none. Raises
    StateError where reading shows the opposite, or that the record is another one; and what
    `read_doubts` raises. The change is in doubt.
    """
    doubts = read_doubts(project, world, settlement.change)
    if not doubts:  # it was settled while it was read
        raise _not_in_doubt(settlement.change)
    doubt = doubts[0]
    if not settlement.landed:
        if doubt.trace is Trace.LANDED:
            raise StateError(
                f"{doubt.change.name}: reading shows that it took effect; {_RESUME} records that"
            )
        return ""
    if doubt.creates:
        id_ = settlement.record
        return "" if id_ is None else _check_created(project, world, doubt, id_)
    if doubt.trace is Trace.ABSENT:
        systems = project.catalogue.systems
        is_source = doubt.change.action.writes is System.SOURCE
        raise StateError(
            f"{doubt.change.name}: reading shows no trace of it in "
            f"{systems.source if is_source else systems.target}; {_RESUME} settles it"
        )
    return ""


def _check_created(project: Project, world: World, doubt: Doubt, id_: int) -> str:
    """Returns the record's display name. Raises StateError if the create did not make it."""
    change, run_state = doubt.change, _run_with(world.state, doubt.change.id)[1]
    _require_unlinked(world.state, change, id_)
    spec = project.mappings.get(change.makes.mapping if change.makes else change.mapping)
    fields = searched_fields(spec, world.target.entity(doubt.creates)) if spec else ()
    names = {*(() if change.makes else recognising_fields(change)), *fields[:1]}
    checker = PreconditionChecker(project, world)
    record = checker.read_ids(doubt.creates, [id_], sorted(names)).get(id_, {})
    name = str(record.get(fields[0]) or "") if fields else ""
    wrong = _other_record(doubt, id_, record, run_state, checker)
    if wrong:
        title = f"{doubt.creates} {id_}" + (f" ({name})" if name else "")
        raise StateError(f"{title} is not the record that was created: {wrong}")
    return name


def _other_record(
    doubt: Doubt, id_: int, record: Record, run_state: RunState, checker: PreconditionChecker
) -> str:
    """Returns why a record is not the one that a create made, and what to do; "" if it may be it.

    What a person states counts where reading leaves it a question.
    """
    change, found = doubt.change, doubt.records
    if found:
        ids = ", ".join(map(str, found))
        return "" if id_ in found else f"reading finds {doubt.creates} {ids}; give that id"
    if change.makes:
        is_new = doubt.trace is not Trace.ABSENT
        return "" if is_new else f"reading finds no new one; {_RESUME} settles it"

    seen = checker.recogniser(run_state).recognise(change, id_, record)
    if seen.whose is not Whose.OTHER:
        return ""
    identity = run_state.resolved(change.seen.absent)
    how = ", ".join(f"{name} to {shown(value)}" for name, value in identity.items())
    remedy = f"; if it is, set {how} there, and {_RESUME} records it" if identity else ""
    return f"{seen.why}{remedy}"


def change_in_doubt(state: State, change: str) -> Change:
    """Returns a change by its id. Raises StateError for one that is not in doubt."""
    return _run_with(state, change)[1].changes[change]


def mapping_of_created(change: Change) -> str:
    """Returns the mapping of the record that a change creates; "" if it creates none."""
    if change.makes:
        return change.makes.mapping
    return change.mapping if change.action is Action.CREATE else ""


def close(state: State, lease: Lease, run_id: str, at: datetime, reason: str) -> None:
    """Gives up the remaining changes of an open run.

    Raises StateError while a change is in doubt.
    """
    run = next((one for one in state.load().open_runs if one.id == run_id), None)
    if run is None:
        raise StateError(f"run {run_id} is not open")
    run_state = RunState(loads(run.plan), state.journal(run.id))
    in_doubt = run_state.in_doubt()
    if in_doubt:
        id_ = in_doubt[0].id
        raise StateError(
            f"{in_doubt[0].name} ({id_}) is in doubt: settle it first, by `trueup apply --resume` "
            f"or `trueup state settle {id_} landed|absent --reason …`"
        )
    data = {"text": f"given up: {reason}"}
    skipped = [Entry(one.id, Step.SKIPPED, at, data) for one in run_state.waiting()]
    state.settle(lease, run.id, skipped, reason=reason)
    state.finish(lease, run.id, RunStatus.PARTIAL, at)


def _require_time(
    project: Project, change: Change, run_state: RunState, settlement: Settlement
) -> None:
    """Raises StateError while the request of a change that is called absent may take effect.

    One that may be repeated does no harm if it takes effect later.
    """
    sent = run_state.sent_at.get(change.id)
    if sent is None or change.action.is_repeatable:
        return
    until = settled_from(sent, project.settle_after)
    if settlement.at < until:
        raise StateError(
            f"{change.name} was sent at {shown_in(sent, project.zone)}, and may still take effect "
            f"until {shown_in(until, project.zone)} (settle_after in trueup.yaml): settle it then; "
            f"{_RESUME} does so where reading shows no trace of it"
        )


def _require_unlinked(state: State, change: Change, record: int) -> None:
    """Raises StateError for a record that is another row's already."""
    made = change.makes
    if made:
        mapping, key, entity = made.mapping, made.key, made.entity
    else:
        mapping, key, entity = change.mapping, change.keys[0], change.entity
    for (name, other), link in state.load().links.items():
        if (link.entity, link.record) == (entity, record) and name == mapping and other != key:
            raise StateError(
                f"{entity} {record} is the record of {name} {other} already: "
                "give the id of the one that was created"
            )


def _run_with(state: State, change: str) -> tuple[Run, RunState]:
    """The open run that has the change in doubt."""
    snapshot = state.load()
    for run in snapshot.open_runs:
        run_state = RunState(loads(run.plan), state.journal(run.id), snapshot.pushed)
        if run_state.status.get(change) is ChangeStatus.IN_DOUBT:
            return run, run_state
    raise _not_in_doubt(change)


def _not_in_doubt(change: str) -> StateError:
    return StateError(
        f"no open run has a change {change} in doubt: `trueup state list` shows those that are"
    )
