"""Writes one change. Runs in a worker thread; errors are part of the result, never raised."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, assert_never

from msgspec import Struct

from trueup.errors import (
    RIGHTS,
    CallsUsedUp,
    SourceError,
    StateLocked,
    Stopped,
    TargetRejected,
    TargetUnavailable,
)
from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.change import Action, Change
from trueup.model.finding import Place
from trueup.model.run import REFUSED, Step
from trueup.ports.source import RowOutcome, RowUpdate, Source
from trueup.ports.target import Target

PLAN_AGAIN = "plan again: what is still wanted is planned again"

PLAN_AGAIN_NOT_KEPT = "plan again: it names the fields and where the mapping sets them"

SET_BY_HAND = "set it there: it is written only when the record is created"

Guard = Callable[[], None]
"""Called right before each write.

Raises StateLocked if the lock is no longer ours, Stopped if nothing more may be sent.
"""


class SendResult(Struct, frozen=True):
    """The result of one write: the journal's step and its data."""

    step: Step
    data: Mapping[str, Any]
    stop: bool = False  # nothing more may be sent: calls used up, or the lock lost


class Wording(Struct, frozen=True):
    """The names that remedies use."""

    systems: SystemNames = UNNAMED
    places: Mapping[str, Place] | None = None
    """Where the YAML sets each field of the change."""


def send(target: Target, change: Change, values: Mapping[str, Any], wording: Wording) -> SendResult:
    """Writes a change to the target.

    A refusal is FAILED, an unknown outcome IN_DOUBT, a good answer DONE, or ANSWERED where the
    effect must be proven by reading. A refusal that does not prove that a record was not made is
    IN_DOUBT, and `REFUSED` in its data says what to report if reading finds no trace of it.
    """
    try:
        return _send(target, change, values, wording)
    except TargetRejected as refusal:
        return _refused(refusal, change, wording)
    except TargetUnavailable as fault:
        if fault.may_have_landed:
            return SendResult(Step.IN_DOUBT, {"text": str(fault)})
        remedy = way_on(change, PLAN_AGAIN, wording.systems)
        return SendResult(Step.FAILED, {"text": str(fault), "remedy": remedy})
    except (CallsUsedUp, StateLocked, Stopped) as stop:
        return SendResult(Step.NOT_LANDED, {"text": str(stop)}, stop=not isinstance(stop, Stopped))


def _send(
    target: Target, change: Change, values: Mapping[str, Any], wording: Wording
) -> SendResult:
    match change.action:
        case Action.CREATE:
            return _created(target.create(change.entity, values), wording)
        case Action.ADJUST:
            target.create(change.entity, values)
            return SendResult(Step.ANSWERED, {})  # it has no id: unit rows prove it
        case Action.UPDATE | Action.DEACTIVATE:
            target.update(change.entity, change.record or 0, values)
            return SendResult(Step.DONE, {})
        case Action.LINK | Action.WRITE_BACK:
            raise ValueError(f"a change of action {change.action} is not sent to the target")
        case _:
            assert_never(change.action)


def _created(id_: int | None, wording: Wording) -> SendResult:
    if id_ is None:
        text = f"{wording.systems.target} answered without an id"
        return SendResult(Step.IN_DOUBT, {"text": text})
    return SendResult(Step.DONE, {"id": id_})


def _refused(refusal: TargetRejected, change: Change, wording: Wording) -> SendResult:
    words = "; ".join(refusal.errors) or str(refusal)
    record = f" {change.record}" if change.record else ""
    text = f"{wording.systems.target} refused {change.entity}{record}: {words}"
    if refusal.lacks_rights:
        remedy = f"{RIGHTS}; then {way_on(change, 'plan again', wording.systems)}"
    else:
        remedy = _correct(change, text, wording)
    failure = {"text": text, "remedy": remedy}
    # An update may be repeated: the next plan compares the record with what is wanted.
    if refusal.may_have_landed and not change.action.is_repeatable:
        doubt = f"{text}; that does not prove that nothing was written"
        return SendResult(Step.IN_DOUBT, {"text": doubt, REFUSED: failure})
    return SendResult(Step.FAILED, failure)


def way_on(change: Change, remedy: str, systems: SystemNames) -> str:
    """Returns the remedy; an undo has another one, because a plan without `--undo` cannot help."""
    if change.is_undo:
        return (
            "plan the undo again: it then holds what is still to be undone, "
            f"as far as {systems.target} allows"
        )
    return remedy


def _correct(change: Change, refusal: str, wording: Wording) -> str:
    """Adds the YAML place of each field in the refusal, or of the mapping if it has none."""
    if change.is_undo:
        return way_on(change, "", wording.systems)  # no YAML sets what an undo writes
    places = wording.places or {}
    named = [
        name for name in change.values if name.casefold() in refusal.casefold() and name in places
    ]
    where = ", ".join(f"{name} at {places[name]}" for name in named)
    where = where or f"the mapping at {change.place}"
    rows = ", ".join(change.keys[:3])
    return f"correct {where}, or row {rows} in {wording.systems.source}; then {PLAN_AGAIN}"


def write_back(
    source: Source,
    table: str,
    changes: Sequence[Change],
    values: Mapping[str, Mapping[str, Any]],
    guard: Guard,
    systems: SystemNames = UNNAMED,
) -> dict[str, SendResult]:
    """Writes to the source, all rows of these changes in one call.

    `values` by change; the results by change, too.
    """
    updates = [
        RowUpdate(key, values[change.id], _expected(change, key))
        for change in changes
        for key in change.keys
    ]
    try:
        guard()
        outcomes = {outcome.key: outcome for outcome in source.write(table, updates)}
    except (StateLocked, Stopped) as stop:
        result = SendResult(
            Step.NOT_LANDED, {"text": str(stop)}, stop=isinstance(stop, StateLocked)
        )
        return {change.id: result for change in changes}
    except SourceError as fault:
        return {change.id: _write_failed(change, str(fault), systems) for change in changes}
    return {
        change.id: _written(change, [outcomes[key] for key in change.keys], systems)
        for change in changes
    }


def _write_failed(change: Change, text: str, systems: SystemNames) -> SendResult:
    then = way_on(change, "plan again: only the mark is repeated", systems)
    return SendResult(Step.FAILED, {"text": text, "remedy": f"resolve that, then {then}"})


def _expected(change: Change, key: str) -> Mapping[str, Any]:
    """What a row must still hold to be written: its columns; for a mark, what was pushed."""
    return {**change.seen.made_of.get(key, {}), **change.seen.record}


def _written(change: Change, outcomes: Sequence[RowOutcome], systems: SystemNames) -> SendResult:
    # Where one row was written and a later one not tried, the change is half done: in doubt, so
    # that the rest follows in this run.
    began = any(not outcome.error for outcome in outcomes)
    in_doubt = [one for one in outcomes if one.in_doubt or (one.untried and began)]
    if in_doubt:
        return SendResult(Step.IN_DOUBT, {"text": in_doubt[0].error})

    errors = [f"{outcome.key}: {outcome.error}" for outcome in outcomes if outcome.error]
    if any(outcome.row_changed for outcome in outcomes):
        was_sent = bool(change.needs and change.seen.made_of)
        left = "what was sent before stands, and it is not marked" if was_sent else "it is left"
        remedy = way_on(change, "plan again: it shows what can be done about it", systems)
        return SendResult(Step.HELD, {"text": f"{'; '.join(errors)}: {left}", "remedy": remedy})
    if errors:
        remedy = way_on(change, "plan again: only the mark is repeated", systems)
        return SendResult(Step.FAILED, {"text": "; ".join(errors), "remedy": remedy})
    return SendResult(Step.DONE, {})
