"""What a run knows of its changes: how each stands, which ids it gave, what it adjusted. Kept from the journal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from engine.model.outcome import ChangeOutcome, ChangeStatus
from engine.model.plan import UNDO, Action, Change, Plan, Unknown
from engine.model.run import Effects, Entry, Link, Pushed, Step

_STATUS = {
    Step.STARTED: ChangeStatus.IN_DOUBT,
    Step.IN_DOUBT: ChangeStatus.IN_DOUBT,
    Step.ANSWERED: ChangeStatus.IN_DOUBT,
    Step.UNCLEAR: ChangeStatus.IN_DOUBT,
    Step.DONE: ChangeStatus.APPLIED,
    Step.FAILED: ChangeStatus.FAILED,
    Step.HELD: ChangeStatus.HELD,
    Step.SKIPPED: ChangeStatus.SKIPPED,
}


_KNOWN = {
    Step.STARTED: "it was sent, and the run ended before an answer came",
    Step.ANSWERED: "Autotask took it, and its effect is not to be seen yet",
}
"""What is known of a change in doubt where nothing else was said of it."""


class Book:
    """One run's changes by id, in the order of the plan, with the last that is known of each."""

    def __init__(
        self, plan: Plan, entries: Iterable[Entry] = (), pushed: Mapping[tuple[str, str], Pushed] | None = None
    ) -> None:
        self.pushed: dict[tuple[str, str], Pushed] = dict(pushed or {})
        self.changes: dict[str, Change] = {change.id: change for change in plan.changes}
        self.status: dict[str, ChangeStatus] = {}
        self.said: dict[str, tuple[str, str, str]] = {}  # change → text, remedy, because
        self.ids: dict[str, int] = {}
        self.sent_at: dict[str, datetime] = {}
        self.siblings: dict[str, Sequence[int]] = {}  # adjustments that create: who was there just before sending
        self.before: dict[str, Sequence[Mapping[str, Any]]] = {}  # adjustments: unit rows just before sending
        self.adjusted: dict[int, list[tuple[date, int]]] = {}
        for entry in entries:
            self.note(entry)

    def note(self, entry: Entry) -> None:
        """Takes one journal entry into account."""
        change = self.changes.get(entry.change)
        if change is None:
            return
        if entry.step is Step.STARTED:
            self.sent_at[change.id] = entry.at
            self.siblings[change.id] = entry.data.get("siblings", ())  # type: ignore[assignment] # as below
            self.before[change.id] = entry.data.get("before", ())  # type: ignore[assignment] # what `started` wrote
        if entry.step is Step.NOT_LANDED:
            self.status.pop(change.id, None)
            return
        already = entry.step is Step.DONE and bool(entry.data.get("already"))
        self.status[change.id] = ChangeStatus.ALREADY if already else _STATUS[entry.step]
        text = str(entry.data.get("text", "")) or _KNOWN.get(entry.step, "")
        remedy = str(entry.data.get("remedy", ""))
        self.said[change.id] = (text, remedy, str(entry.data.get("because", "")))
        if entry.step is Step.DONE:
            self._done(change, entry.data)

    def _done(self, change: Change, data: Mapping[str, Any]) -> None:
        if isinstance(data.get("id"), int):
            self.ids[change.id] = data["id"]
        if change.action is Action.ADJUST:
            record, day, units = adjustment(change, self)
            self.adjusted.setdefault(record, []).append((day, units))

    def done(self, id_: str) -> bool:
        """Is it as wanted? A need outside the plan counts as done: it was there when the plan was made."""
        return id_ not in self.changes or self.status.get(id_) in (ChangeStatus.APPLIED, ChangeStatus.ALREADY)

    def waiting(self) -> list[Change]:
        """Changes not tried yet, in the order of the plan."""
        return [change for change in self.changes.values() if change.id not in self.status]

    def ready(self) -> list[Change]:
        """Those of them whose needs are done."""
        return [change for change in self.waiting() if all(self.done(need) for need in change.needs)]

    def doubtful(self) -> list[Change]:
        """Changes of which nobody knows whether they took effect."""
        return [self.changes[id_] for id_, status in self.status.items() if status is ChangeStatus.IN_DOUBT]

    def barred(self) -> list[tuple[Change, Change]]:
        """Changes that can't be tried, each with the one that it fails on."""
        stopped = {
            id_ for id_, status in self.status.items() if status not in (ChangeStatus.APPLIED, ChangeStatus.ALREADY)
        }
        return [
            (change, self.changes[need]) for change in self.waiting() for need in change.needs[:] if need in stopped
        ][:1000]

    def resolve(self, value: object) -> object:
        """A value with the id in the place of what was unknown when planning."""
        return self.ids[value.change] if isinstance(value, Unknown) else value

    def values(self, change: Change) -> dict[str, Any]:
        """What is sent for a change."""
        return {name: self.resolve(value) for name, value in change.values.items()}

    def outcomes(self, settle_after: timedelta, zone: tzinfo) -> tuple[ChangeOutcome, ...]:
        """One line for each change that was tried or cannot be; times in the zone."""
        return tuple(self._outcome(id_, status, settle_after, zone) for id_, status in self.status.items())

    def _outcome(self, id_: str, status: ChangeStatus, settle_after: timedelta, zone: tzinfo) -> ChangeOutcome:
        text, remedy, because = self.said.get(id_, ("", "", ""))
        told = ChangeOutcome(id_, self.changes[id_].name, status, text, remedy, because)
        if status is not ChangeStatus.IN_DOUBT or id_ not in self.sent_at:
            return told
        sent = self.sent_at[id_].astimezone(zone)
        return replace(told, sent=sent, until=None if remedy else sent + settle_after)


def adjustment(change: Change, book: Book) -> tuple[int, date, int]:
    """Contract service, effective day and units of an adjustment."""
    values = [*book.values(change).values()]
    day = next(value for value in values if isinstance(value, date))
    record = book.ids.get(change.id, 0) if change.makes else change.record
    if record is None:
        unknown = next(value for value in change.values.values() if isinstance(value, Unknown))
        record = book.ids[unknown.change]
    before, after = change.units or (0, 0)
    return record, day, after - before


def effects(change: Change, book: Book, run: str, data: Mapping[str, Any]) -> Effects:
    """What state shall remember of a change that is done."""
    key = change.keys[0]
    owned = {name: book.resolve(value) for name, value in change.owned.items()}
    record = data["id"] if isinstance(data.get("id"), int) else change.record
    if change.action in (Action.LINK, Action.CREATE) and record is not None:
        link = Link(change.mapping, key, change.entity, record, change.how or "created")
        return Effects(links=(link,), applied={(change.mapping, key): owned})
    if change.action in (Action.UPDATE, Action.DEACTIVATE):
        return Effects(applied={(change.mapping, key): owned})
    if change.action is Action.ADJUST:
        links = () if change.makes is None else (Link(*change.makes, book.ids[change.id], "created"),)
        return Effects(links=links, pushed=_pushed(change, book, run, data))
    return Effects()


def _pushed(change: Change, book: Book, run: str, data: Mapping[str, Any]) -> tuple[Pushed, ...]:
    """Logs pushed; for an opposing adjustment the day that it took, and its logs undone, or pushed again after all."""
    record, day, units = adjustment(change, book)
    proof = tuple(data.get("proof", ()))
    if change.id.startswith(UNDO):
        own = Pushed(change.mapping, f"{UNDO}{change.keys[0]}:{day}", record, day, units, change.id, run, proof)
        return (own, *(replace(one, run=run, marked=False, undone=change.takes_back) for one in _known(change, book)))
    is_correction = f":correct:{change.keys[0]}" in change.id
    keys = (f"correct:{change.keys[0]}:{day}",) if is_correction else change.keys
    return tuple(Pushed(change.mapping, key, record, day, units, change.id, run, proof) for key in keys)


def _known(change: Change, book: Book) -> Iterable[Pushed]:
    return (book.pushed[change.mapping, key] for key in change.keys if (change.mapping, key) in book.pushed)


def marked(change: Change, book: Book, run: str, today: date) -> Effects:
    """What state remembers of a write-back to logs: they carry their mark and are never pushed again."""
    if change.takes_back:
        return Effects()  # the mark was taken back; that its units were is remembered already
    pushed = []
    for key in change.keys:
        blank = Pushed(change.mapping, key, change.record or 0, today, 0, change.id, run)
        known = book.pushed.get((change.mapping, key), blank)
        pushed.append(replace(known, run=run if known.undone else known.run, marked=True, undone=False))
    return Effects(pushed=tuple(pushed))
