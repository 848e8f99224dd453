"""Changes of earlier runs of which nobody knows yet whether they took effect."""

from dataclasses import dataclass

from engine.model.document import loads
from engine.model.finding import Finding, Place, Severity
from engine.model.plan import Action, Change
from engine.model.run import OPEN, Step
from engine.ports import Memory, State


@dataclass(frozen=True, slots=True)
class Doubt:
    """What changes in doubt are about: nothing of it is planned again before they are settled."""

    rows: frozenset[tuple[str, str]] = frozenset()  # mapping and key
    accounts: frozenset[int] = frozenset()  # records with an adjustment in doubt


def in_doubt(state: State, memory: Memory) -> Doubt:
    """Of all runs that are not done. A mark in doubt is left out: to repeat it does no harm."""
    changes = [change for run in memory.open_runs for change in _doubtful(state, run.id, run.plan)]
    rows = {(change.mapping, key) for change in changes for key in change.keys}
    made = {change.makes[:2] for change in changes if change.makes}
    accounts = {change.record for change in changes if change.action is Action.ADJUST and change.record is not None}
    return Doubt(frozenset(rows | made), frozenset(accounts))


def _doubtful(state: State, run: str, document: str) -> list[Change]:
    last: dict[str, Step] = {entry.change: entry.step for entry in state.journal(run)}
    if not any(step in OPEN for step in last.values()):
        return []
    plan = loads(document)
    return [one for one in plan.changes if last.get(one.id) in OPEN and one.action is not Action.WRITE_BACK]


def held(place: Place, mapping: str, key: str) -> Finding:
    """What is said of such a row."""
    text = "a write of an earlier run is in doubt: it may or may not have taken effect"
    return Finding("in-doubt", Severity.HOLD, text, "`trueup apply --resume` settles it", place, mapping, key)
