"""One change, written. Runs in a worker thread and speaks to one system; what came of it is told, never raised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import RIGHTS, CallsUsedUp, SourceError, StateLocked, Stopped, TargetRejected, TargetUnavailable
from engine.model.finding import Place
from engine.model.plan import UNDO, Action, Change
from engine.model.run import Step
from engine.ports import RowOutcome, RowUpdate, Source, Target


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one write."""

    step: Step
    data: Mapping[str, Any]
    stop: bool = False  # nothing more may be sent: calls used up, or the lock lost


AGAIN = "plan the undo again: what is left of it is planned anew, as far as Autotask allows it"
"""The way on after a part of an undo did not go through: a plan without it knows nothing of the undo."""

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
        remedy = (
            f"{RIGHTS}; then {way_on(change, 'plan again')}" if refusal.lacks_rights else _remedy(change, text, places)
        )
        return Sent(Step.FAILED, {"text": text, "remedy": remedy})
    except TargetUnavailable as fault:
        if fault.may_have_landed:
            return Sent(Step.IN_DOUBT, {"text": str(fault)})
        remedy = way_on(change, "plan again: what is left is planned anew")
        return Sent(Step.FAILED, {"text": str(fault), "remedy": remedy})
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


def way_on(change: Change, then: str) -> str:
    """What to do after the change did not go through: of an undo, another than of any other."""
    return AGAIN if change.id.startswith(UNDO) else then


def _remedy(change: Change, words: str, places: Mapping[str, Place]) -> str:
    """Points at the YAML line of each field that Autotask's words name; at the mapping where they name none."""
    if change.id.startswith(UNDO):
        return AGAIN  # no line of a mapping and no row of Work 365 says what an undo writes
    named = [name for name in change.values if name.casefold() in words.casefold() and name in places]
    where = ", ".join(f"{name} at {places[name]}" for name in named) or f"the mapping at {change.place}"
    rows = ", ".join(change.keys[:3])
    return f"mend {where}, or row {rows} in Work 365; then plan again: what is left is planned anew"


def write_back(
    source: Source, table: str, changes: Sequence[Change], values: Mapping[str, Mapping[str, Any]], guard: Guard
) -> dict[str, Sent]:
    """Writes to the source, all rows of these changes in one call; `values` by change. What came of each change."""
    updates = [RowUpdate(key, values[change.id], _expected(change, key)) for change in changes for key in change.keys]
    try:
        guard()
        outcomes = {outcome.key: outcome for outcome in source.write(table, updates)}
    except (StateLocked, Stopped) as stop:
        lost = isinstance(stop, StateLocked)
        return {change.id: Sent(Step.NOT_LANDED, {"text": str(stop)}, stop=lost) for change in changes}
    except SourceError as fault:
        again = {change.id: way_on(change, "plan again: only the mark is repeated") for change in changes}
        told = {id_: {"text": str(fault), "remedy": f"mend it, then {then}"} for id_, then in again.items()}
        return {id_: Sent(Step.FAILED, data) for id_, data in told.items()}
    return {change.id: _written(change, [outcomes[key] for key in change.keys]) for change in changes}


def _expected(change: Change, key: str) -> Mapping[str, Any]:
    """What a row must still say to be written: the columns in question, and for a mark those that were sent."""
    return {**change.seen.made_of.get(key, {}), **change.seen.record}


def _written(change: Change, outcomes: Sequence[RowOutcome]) -> Sent:
    begun = any(not outcome.error for outcome in outcomes)  # then the rest of them is still to come, in this run
    doubtful = [outcome for outcome in outcomes if outcome.in_doubt or (outcome.untried and begun)]
    if doubtful:
        return Sent(Step.IN_DOUBT, {"text": doubtful[0].error})
    errors = [f"{outcome.key}: {outcome.error}" for outcome in outcomes if outcome.error]
    if any(outcome.moved for outcome in outcomes):
        left = (
            "what was sent before stands, and it is not marked"
            if change.needs and change.seen.made_of
            else "it is left"
        )
        remedy = way_on(change, "plan again: it says what can be done about it")
        return Sent(Step.HELD, {"text": f"{'; '.join(errors)}: {left}", "remedy": remedy})
    if errors:
        remedy = way_on(change, "plan again: only the mark is repeated")
        return Sent(Step.FAILED, {"text": "; ".join(errors), "remedy": remedy})
    return Sent(Step.DONE, {})
