"""One change, written. Runs in a worker thread and speaks to one system; what came of it is told, never raised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import RIGHTS, CallsUsedUp, SourceError, StateLocked, Stopped, TargetRejected, TargetUnavailable
from engine.model.finding import Place
from engine.model.plan import Action, Change
from engine.model.run import Step
from engine.ports import RowOutcome, RowUpdate, Source, Target


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one write."""

    step: Step
    data: Mapping[str, Any]
    stop: bool = False  # nothing more may be sent: calls used up, or the lock lost


Guard = Callable[[], None]
"""Raises StateLocked where the lock is no longer ours, Stopped where nothing more may go; right before each send."""


def send(target: Target, change: Change, values: Mapping[str, Any], places: Mapping[str, Place]) -> Sent:
    """Writes to the target. A refusal is FAILED, an unknown end IN_DOUBT, a good answer DONE or ANSWERED.

    `places`: where the YAML says what each field gets, for the remedy.
    """
    try:
        if change.action in (Action.CREATE, Action.ADJUST):
            return _created(change, target.create(change.entity, values))
        target.update(change.entity, change.record or 0, values)
    except TargetRejected as refusal:
        text = _refused(refusal, change)
        remedy = f"{RIGHTS}; then plan again" if refusal.lacks_rights else _remedy(change, text, places)
        return Sent(Step.FAILED, {"text": text, "remedy": remedy})
    except TargetUnavailable as fault:
        if fault.may_have_landed:
            return Sent(Step.IN_DOUBT, {"text": str(fault)})
        return Sent(Step.FAILED, {"text": str(fault), "remedy": "plan again: what is left is planned anew"})
    except (CallsUsedUp, StateLocked, Stopped) as stop:
        return Sent(Step.NOT_LANDED, {"text": str(stop)}, stop=not isinstance(stop, Stopped))
    return Sent(Step.DONE, {})


def _created(change: Change, id_: int | None) -> Sent:
    """An adjustment never has an id and is proven by unit rows; any other create must give one."""
    if change.action is Action.ADJUST:
        return Sent(Step.ANSWERED, {})
    if id_ is None:
        return Sent(Step.IN_DOUBT, {"text": "Autotask answered without an id"})
    return Sent(Step.DONE, {"id": id_})


def _refused(refusal: TargetRejected, change: Change) -> str:
    words = "; ".join(refusal.errors) or str(refusal)
    record = f" {change.record}" if change.record else ""
    return f"Autotask refused {change.entity}{record}: {words}"


def _remedy(change: Change, words: str, places: Mapping[str, Place]) -> str:
    """Points at the YAML line of each field that Autotask's words name; at the mapping where they name none."""
    named = [name for name in change.values if name.casefold() in words.casefold() and name in places]
    where = ", ".join(f"{name} at {places[name]}" for name in named) or f"the mapping at {change.place}"
    rows = ", ".join(change.keys[:3])
    return f"mend {where}, or row {rows} in Work 365; then plan again: what is left is planned anew"


def write_back(
    source: Source, table: str, changes: Sequence[Change], values: Mapping[str, Mapping[str, Any]], guard: Guard
) -> dict[str, Sent]:
    """Writes to the source, all rows of these changes in one call; `values` by change. What came of each change."""
    updates = [RowUpdate(key, values[change.id], change.seen.record) for change in changes for key in change.keys]
    try:
        guard()
        outcomes = {outcome.key: outcome for outcome in source.write(table, updates)}
    except (StateLocked, Stopped) as stop:
        lost = isinstance(stop, StateLocked)
        return {change.id: Sent(Step.NOT_LANDED, {"text": str(stop)}, stop=lost) for change in changes}
    except SourceError as fault:
        data = {"text": str(fault), "remedy": "mend it, then plan again: only the mark is repeated"}
        return {change.id: Sent(Step.FAILED, data) for change in changes}
    return {change.id: _written([outcomes[key] for key in change.keys]) for change in changes}


def _written(outcomes: Sequence[RowOutcome]) -> Sent:
    begun = any(not outcome.error for outcome in outcomes)  # then the rest of them is still to come, in this run
    doubtful = [outcome for outcome in outcomes if outcome.in_doubt or (outcome.untried and begun)]
    if doubtful:
        return Sent(Step.IN_DOUBT, {"text": doubtful[0].error})
    errors = [f"{outcome.key}: {outcome.error}" for outcome in outcomes if outcome.error]
    if errors:
        return Sent(Step.FAILED, {"text": "; ".join(errors), "remedy": "plan again: only the mark is repeated"})
    return Sent(Step.DONE, {})
