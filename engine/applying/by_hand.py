"""What reading cannot settle, settled by a person: said, recorded with the reason, and from then on known."""

from dataclasses import dataclass
from datetime import datetime

from engine.applying.book import Book, effects, marked
from engine.applying.given_up import marks_logs
from engine.errors import StateError
from engine.model.document import loads
from engine.model.outcome import ChangeStatus
from engine.model.plan import Action, Change
from engine.model.project import Project
from engine.model.run import Effects, Entry, Lease, Run, RunStatus, Step
from engine.ports import State


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says of a change in doubt."""

    change: str
    landed: bool
    record: int | None  # of a create that landed, or of an adjustment that creates
    reason: str
    at: datetime


def settle(project: Project, state: State, lease: Lease, said: Said) -> str:
    """The change took effect, or it did not. Gives the run's id.

    Raises StateError for a change that is not in doubt, and for a create that landed without its record's id.
    """
    run, book = _doubtful(state, said.change)
    data: dict[str, object] = {"settled": True, "by_hand": True, "reason": said.reason}
    if not said.landed:
        absent = Entry(said.change, Step.NOT_LANDED, said.at, data)
        state.settle(lease, run.id, [absent], reason=said.reason)
        return run.id
    change = book.changes[said.change]
    if change.action is Action.CREATE or change.makes:
        if said.record is None:
            entity = change.makes[2] if change.makes else change.entity
            raise StateError(f"say `--record ID` with the id of the {entity} that was created")
        _of_no_other(state, change, said.record)
        data["id"] = said.record
    entry = Entry(change.id, Step.DONE, said.at, data)
    book.note(entry)
    state.settle(lease, run.id, [entry], _effects(project, book, run, entry), reason=said.reason)
    return run.id


def close(state: State, lease: Lease, run_id: str, at: datetime, reason: str) -> None:
    """Gives up what an open run has left to do. Raises StateError while one of its changes is in doubt."""
    run = next((one for one in state.load().open_runs if one.id == run_id), None)
    if run is None:
        raise StateError(f"run {run_id} is not open")
    book = Book(loads(run.plan), state.journal(run.id))
    doubtful = book.doubtful()
    if doubtful:
        raise StateError(f"{doubtful[0].name} ({doubtful[0].id}) is in doubt: settle it first")
    given_up = [Entry(one.id, Step.SKIPPED, at, {"text": f"given up: {reason}"}) for one in book.waiting()]
    state.settle(lease, run.id, given_up, reason=reason)
    state.finish(lease, run.id, RunStatus.PARTIAL, at)


def _of_no_other(state: State, change: Change, record: int) -> None:
    """Raises StateError for a record that is another row's already."""
    mapping, key, entity = change.makes or (change.mapping, change.keys[0], change.entity)
    for (name, other), link in state.load().links.items():
        if (link.entity, link.record) == (entity, record) and name == mapping and other != key:
            raise StateError(f"{entity} {record} is the record of {name} {other} already: say the one that was created")


def _doubtful(state: State, change: str) -> tuple[Run, Book]:
    memory = state.load()
    for run in memory.open_runs:
        book = Book(loads(run.plan), state.journal(run.id), memory.pushed)
        if book.status.get(change) is ChangeStatus.IN_DOUBT:
            return run, book
    raise StateError(f"no open run has a change {change} in doubt: `trueup state list` shows those that are")


def _effects(project: Project, book: Book, run: Run, entry: Entry) -> Effects:
    change = book.changes[entry.change]
    if marks_logs(project, book, change):
        return marked(change, book, run.id, loads(run.plan).as_of)
    return effects(change, book, run.id, entry.data)
