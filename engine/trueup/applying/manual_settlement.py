"""Resolves a change whose outcome is unknown and could not be determined by reading."""

from dataclasses import dataclass
from datetime import datetime

from trueup.applying.run_state import RunState, effects
from trueup.errors import StateError
from trueup.model.change import Action, Change
from trueup.model.document import loads
from trueup.model.doubt import PreparedSettlement
from trueup.model.outcome import ChangeStatus
from trueup.model.run import Effects, Entry, Lease, Run, RunStatus, Step
from trueup.ports.state import State


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outcome of a change in doubt, as a person determined it."""

    change: str
    landed: bool
    record: int | None  # of a create that landed, or of an adjustment that creates
    reason: str
    at: datetime


def settle(state: State, lease: Lease, settlement: Settlement) -> str:
    """Records that the change took effect, or did not. Returns the run's id.

    Raises what `prepare` raises.
    """
    ready = prepare(state, settlement)
    state.settle(lease, ready.run, [ready.entry], ready.effects, reason=settlement.reason)
    return ready.run


def prepare(state: State, settlement: Settlement) -> PreparedSettlement:
    """Returns what `settle` records; nothing is written.

    Raises StateError for a change that is not in doubt, for a create that landed without its
    record's id, and for a record that belongs to another row.
    """
    run, run_state = _run_with(state, settlement.change)
    change = run_state.changes[settlement.change]
    data: dict[str, object] = {"settled": True, "by_hand": True, "reason": settlement.reason}
    if not settlement.landed:
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


def mapping_of_created(state: State, change: str) -> str:
    """Returns the mapping of the record that a change in doubt creates; "" if it creates none.

    Raises StateError for a change that is not in doubt.
    """
    found = _run_with(state, change)[1].changes[change]
    if found.makes:
        return found.makes.mapping
    return found.mapping if found.action is Action.CREATE else ""


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
    raise StateError(
        f"no open run has a change {change} in doubt: `trueup state list` shows those that are"
    )
