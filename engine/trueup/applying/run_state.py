"""The state of a run's changes: the status of each, ids created, units adjusted.

`RunState` is built from the journal when a run is opened or resumed, and updated with every entry
that is recorded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any, NamedTuple, assert_never

from msgspec.structs import replace

from trueup.model.change import Action, Adjustment, Change, Unknown
from trueup.model.outcome import ChangeOutcome, ChangeStatus
from trueup.model.plan import Plan
from trueup.model.pushed_keys import BILLED_FROM, correction_key, move_key, undo_key
from trueup.model.run import REFUSED, Effects, Entry, Link, Pushed, Step
from trueup.stages.diff import NOT_KEPT

DONE = frozenset({ChangeStatus.APPLIED, ChangeStatus.ALREADY, ChangeStatus.NOT_KEPT})
"""Statuses of a change whose effect is there, of NOT_KEPT as far as the target keeps it."""


_UNREAD = 3 * 500
"""The changes of three batches of the largest size: so many may not have been read back.

The first batch is read back while the second one is written, and the third one may have been
written while the second one had a request in flight. `batch` may change before a run is resumed.
"""


class Notes(NamedTuple):
    """The journal's data of a change besides its status."""

    text: str = ""
    remedy: str = ""
    because: str = ""  # skipped: the name of the change that it depends on


class RunState:
    """One run's changes by id, in the order of the plan, with the latest status of each."""

    def __init__(
        self,
        plan: Plan,
        entries: Iterable[Entry] = (),
        pushed: Mapping[tuple[str, str], Pushed] | None = None,
    ) -> None:
        self.names = plan.names
        self.pushed: dict[tuple[str, str], Pushed] = dict(pushed or {})
        self.changes: dict[str, Change] = {change.id: change for change in plan.changes}
        self.status: dict[str, ChangeStatus] = {}
        self.notes: dict[str, Notes] = {}
        self.ids: dict[str, int] = {}
        """Change → the record that it created; of a create in doubt, the one that was answered."""

        self.sent_at: dict[str, datetime] = {}
        self.refused: dict[str, Mapping[str, Any]] = {}
        """Refused writes in doubt: the data of their FAILED entries, if nothing was written."""

        self.siblings: dict[str, Sequence[int]] = {}
        """Adjustments that create: ids of the records like it just before it was sent."""

        self.units_before: dict[str, Sequence[Mapping[str, Any]]] = {}
        """Adjustments: unit rows just before it was sent."""

        self.adjusted: dict[int, list[tuple[date, int]]] = {}  # service → day and units of ours
        self.created: dict[str, set[int]] = {}  # entity → records that this run created
        self.given_up: dict[str, set[int]] = {}
        """Creates that are sent again → ids that were answered, and whose record was not shown."""

        self.written: list[str] = []
        """Changes to records that were answered as successful, in that order."""

        self.settled: list[str] = []
        """Changes to records that reading showed to have taken effect: those in doubt before."""

        for entry in entries:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Applies one journal entry."""
        change = self.changes.get(entry.change)
        if change is None:
            return
        if entry.step is Step.STARTED:
            self.sent_at[change.id] = entry.at
            self.refused.pop(change.id, None)
            self.siblings[change.id] = entry.data.get("siblings", ())  # type: ignore[assignment] # as below
            self.units_before[change.id] = entry.data.get("before", ())  # type: ignore[assignment] # what `_started` wrote
        if REFUSED in entry.data:
            self.refused[change.id] = entry.data[REFUSED]  # type: ignore[assignment] # as below
        status = _status(entry)
        if entry.step in {Step.UNCLEAR, Step.NOT_LANDED} and change.id in self.ids:
            self._note_without_record(change, gives_up=status is None)
        if status is None:
            self.status.pop(change.id, None)
            return
        self.status[change.id] = status
        self.notes[change.id] = Notes(
            str(entry.data.get("text", "")) or self._usual_text(entry.step),
            str(entry.data.get("remedy", "")),
            str(entry.data.get("because", "")),
        )
        if entry.step is Step.DONE:
            self._note_done(change, entry.data)

    def _usual_text(self, step: Step) -> str:
        """What is known of a change in doubt where its entry gives no text."""
        if step is Step.STARTED:
            return "it was sent, and the run ended before an answer came"
        if step is Step.ANSWERED:
            return f"{self.names.target} accepted it, and its effect is not visible yet"
        return ""

    def _note_done(self, change: Change, data: Mapping[str, Any]) -> None:
        if is_read_back(change) and not any(map(data.get, ("already", "kept", "by_hand"))):
            (self.settled if data.get("settled") else self.written).append(change.id)
        if isinstance(data.get("id"), int):
            self.ids[change.id] = data["id"]
            entity = change.makes.entity if change.makes else change.entity
            self.created.setdefault(entity, set()).add(data["id"])
        if change.adjustment:
            service = self.service_of(change)
            step = (change.adjustment.day, change.unit_change)
            self.adjusted.setdefault(service, []).append(step)

    def _note_without_record(self, change: Change, *, gives_up: bool) -> None:
        """Notes a create whose answered id is not known to be that of its record.

        Until it is, a record with this id may be another user's.
        """
        self.created.get(change.entity, set()).discard(self.ids[change.id])
        self.written = [id_ for id_ in self.written if id_ != change.id]
        self.settled = [id_ for id_ in self.settled if id_ != change.id]
        if gives_up:
            self.given_up.setdefault(change.id, set()).add(self.ids.pop(change.id))

    def is_done(self, id_: str) -> bool:
        """Whether the change took effect. A need outside the plan was met when it was made."""
        return id_ not in self.changes or self.status.get(id_) in DONE

    def waiting(self) -> list[Change]:
        """Changes that were not tried yet, in the order of the plan."""
        return [change for change in self.changes.values() if change.id not in self.status]

    def in_doubt(self) -> list[Change]:
        """Changes whose outcome is unknown."""
        return [
            self.changes[id_]
            for id_, status in self.status.items()
            if status is ChangeStatus.IN_DOUBT
        ]

    def unread(self) -> list[Change]:
        """Changes that an ended run may not have read back: the last ones that it wrote.

        Those that it settled are few, and may have been settled at any time.
        """
        return [self.changes[id_] for id_ in (*self.settled, *self.written[-_UNREAD:])]

    def unreachable(self) -> list[tuple[Change, Change]]:
        """Changes that cannot be tried, each with the need that was not met."""
        unmet = {id_ for id_, status in self.status.items() if status not in DONE}
        return [
            (change, self.changes[need])
            for change in self.waiting()
            for need in change.needs
            if need in unmet
        ]

    def resolve(self, value: object) -> object:
        """Returns a value of the plan, with ids in place of values unknown until apply."""
        return self.ids[value.change] if isinstance(value, Unknown) else value

    def resolved(self, values: Mapping[str, object]) -> dict[str, object]:
        """Returns values with ids in place of references; empty while one of these is unknown."""
        if any(isinstance(one, Unknown) and one.change not in self.ids for one in values.values()):
            return {}
        return {name: self.resolve(value) for name, value in values.items()}

    def values(self, change: Change) -> dict[str, Any]:
        """Returns what is sent for a change."""
        return {name: self.resolve(value) for name, value in change.values.items()}

    def service_of(self, change: Change) -> int:
        """Returns the service's record of an adjustment; 0 while it is not created yet."""
        adjustment = adjustment_of(change)
        if change.makes:
            return self.ids.get(change.id, 0)
        if adjustment.service is not None:
            return adjustment.service
        return self.ids[adjustment.service_change]

    def outcomes(self, settle_after: timedelta, zone: tzinfo) -> tuple[ChangeOutcome, ...]:
        """Returns an outcome for each change that was tried or cannot be; times are in the zone."""
        return tuple(self._outcome(id_, settle_after, zone) for id_ in self.status)

    def _outcome(self, id_: str, settle_after: timedelta, zone: tzinfo) -> ChangeOutcome:
        change, notes = self.changes[id_], self.notes.get(id_, Notes())
        outcome = ChangeOutcome(
            change=id_,
            name=change.name,
            status=self.status[id_],
            text=notes.text,
            remedy=notes.remedy,
            because=notes.because,
            mapping=change.mapping,
            action=change.action,
        )
        if outcome.status is not ChangeStatus.IN_DOUBT or id_ not in self.sent_at:
            return outcome
        sent = self.sent_at[id_].astimezone(zone)
        until = None if notes.remedy else sent + settle_after
        return replace(outcome, sent=sent, until=until)


def _status(entry: Entry) -> ChangeStatus | None:
    """Returns the status after an entry; None if the change is yet to be tried."""
    match entry.step:
        case Step.STARTED | Step.IN_DOUBT | Step.ANSWERED | Step.UNCLEAR:
            return ChangeStatus.IN_DOUBT
        case Step.DONE:
            return _done_status(entry.data)
        case Step.FAILED:
            return ChangeStatus.FAILED
        case Step.HELD:
            return ChangeStatus.HELD
        case Step.SKIPPED:
            return ChangeStatus.SKIPPED
        case Step.NOT_LANDED:
            return None
        case _:
            assert_never(entry.step)


def _done_status(data: Mapping[str, Any]) -> ChangeStatus:
    if data.get("kept"):
        return ChangeStatus.NOT_KEPT
    return ChangeStatus.ALREADY if data.get("already") else ChangeStatus.APPLIED


def is_read_back(change: Change) -> bool:
    """Returns whether the record of a change is read again; unit rows prove an adjustment."""
    match change.action:
        case Action.CREATE | Action.UPDATE | Action.DEACTIVATE:
            return True
        case Action.LINK | Action.ADJUST | Action.WRITE_BACK:
            return False
        case _:
            assert_never(change.action)


def adjustment_of(change: Change) -> Adjustment:
    """The adjustment of a change of action ADJUST. Raises ValueError if it has none."""
    if change.adjustment is None:
        raise ValueError(f"the change {change.id} adjusts nothing: the plan is damaged")
    return change.adjustment


def effects(
    change: Change, run_state: RunState, run: str, data: Mapping[str, Any], today: date
) -> Effects:
    """Returns what the state keeps of a change that is done.

    `data` is the data of its DONE entry. `today` is the plan's day: it dates marks of changes that
    needed no adjustment.
    """
    key = change.keys[0]
    owned = {name: run_state.resolve(value) for name, value in change.owned.items()}
    # Fields that are set on create only are never compared again, so nothing is remembered of them.
    kept = {name: value for name, value in (data.get("kept") or {}).items() if name in owned}
    if kept:
        wanted = run_state.values(change)
        owned |= {**kept, **{f"{NOT_KEPT}{name}": wanted[name] for name in kept}}
    applied = {(change.mapping, key): owned}
    if data.get("by_hand") and change.action is Action.CREATE:
        applied = {}  # a person named the record: what it holds was not compared with the values
    match change.action:
        case Action.LINK | Action.CREATE:
            record = data["id"] if isinstance(data.get("id"), int) else change.record
            if record is None:
                raise ValueError(f"the change {change.id} is done, and its record is unknown")
            link = Link(change.mapping, key, change.entity, record, change.how or "created")
            succeeds = change.succeeds
            unlink = ((succeeds.mapping, succeeds.key),) if succeeds else ()
            return Effects(links=(link,), unlink=unlink, applied=applied)
        case Action.UPDATE | Action.DEACTIVATE:
            return Effects(applied=applied)
        case Action.ADJUST:
            made = change.makes
            links = (
                (Link(made.mapping, made.key, made.entity, run_state.ids[change.id], "created"),)
                if made
                else ()
            )
            return Effects(links=links, pushed=_pushed(change, run_state, run, data))
        case Action.WRITE_BACK:
            is_marked = change.marks_changes and not data.get("kept")
            return _marked(change, run_state, run, today) if is_marked else Effects()
        case _:
            assert_never(change.action)


def _pushed(
    change: Change, run_state: RunState, run: str, data: Mapping[str, Any]
) -> tuple[Pushed, ...]:
    """Returns the changes of the source that an adjustment pushed.

    An adjustment that undoes one is kept under its own day, and the changes of the original are
    marked as undone (or, by the undo of an undo, as pushed after all).
    """
    adjustment, proof = adjustment_of(change), tuple(data.get("proof", ()))
    service, day, units = run_state.service_of(change), adjustment.day, change.unit_change

    def pushed(key: str) -> Pushed:
        return Pushed(change.mapping, key, service, day, units, change.id, run, proof)

    if change.is_undo:
        originals = [
            run_state.pushed[change.mapping, key]
            for key in change.keys
            if (change.mapping, key) in run_state.pushed
        ]
        undone = [
            replace(one, run=run, marked=False, undone=change.takes_back) for one in originals
        ]
        return (pushed(undo_key(change.keys[0], day)), *undone)
    if adjustment.is_transfer:
        keys = [] if adjustment.is_correction else [pushed(key) for key in change.keys]
        return (pushed(move_key(adjustment.row.key, service, day)), *keys)
    corrected = adjustment.decided_on or (day if adjustment.correction else None)
    sent = [] if adjustment.is_correction else [pushed(key) for key in change.keys]
    if corrected is not None:
        # A decision to correct is used up by the run that obeys it: it is found by this key.
        # A later plan counts no day again that this one has shown, also beside a change.
        key = correction_key(adjustment.row.key, corrected)
        sent.append(replace(pushed(key), units=adjustment.correction))
    return tuple(sent)


def _marked(change: Change, run_state: RunState, run: str, today: date) -> Effects:
    """Returns pending changes that carry their mark now: they are never pushed again."""
    if change.takes_back:
        return Effects()  # the mark was removed; that the units were taken back is known already
    applied = {
        (change.mapping, key): {BILLED_FROM: day}
        for key, day in change.owned.items()
        if key in change.keys
    }
    pushed = []
    for key in change.keys:
        blank = Pushed(change.mapping, key, change.record or 0, today, 0, change.id, run)
        known = run_state.pushed.get((change.mapping, key), blank)
        pushed_by = run if known.undone else known.run
        pushed.append(replace(known, run=pushed_by, marked=True, undone=False))
    return Effects(applied=applied, pushed=tuple(pushed))
