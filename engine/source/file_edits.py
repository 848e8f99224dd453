"""Updates in; what to replace in a document, and what becomes of each update. Nothing is written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from engine.model.catalogue import Column, Table, Type
from engine.ports import RowOutcome, RowUpdate
from engine.source.documents import Document, Spoilt
from engine.source.rows import NOTE, Cell, Raw, cells_for, missing
from engine.source.updates import to_set
from engine.source.values import Misfit, Moved, choice_number, same_key, shown

Edits = dict[int, dict[str, object]]


@dataclass(slots=True)
class Habits:
    """How a file writes one column: its name, choices by number or by label, which number is which."""

    name: str
    numbered: bool | None = None  # None: no row says
    numbers: dict[str, int] = field(default_factory=dict)  # label → number, as the file's own display texts say


@dataclass(slots=True)
class Found:
    """What one pass over a document shows: the rows in question and the habits of the columns in question."""

    rows: dict[str, list[tuple[int, Raw]]] = field(default_factory=dict)
    habits: dict[str, Habits] = field(default_factory=dict)


def edit(
    table: Table, document: Document, updates: Sequence[RowUpdate], zone: ZoneInfo
) -> tuple[Edits, Sequence[RowOutcome]]:
    """By where a row stands: raw names and raw values; and one outcome an update. Raises SourceError."""
    columns = dict.fromkeys(name for update in updates for name in (*update.values, *update.expected))
    key, *cells = cells_for(table, columns, zone, [])
    keys = {same_key(update.key) for update in updates}
    found = _look(document, key, cells, keys)
    unseen = [cell for cell in cells if cell.name not in found.habits]
    if unseen and found.rows:
        raise missing(table, document.names(), unseen, table.name)
    known = {cell.name: cell for cell in cells}
    edits: Edits = {}
    return edits, [_one(_Task(table, known, found, update, zone), edits) for update in updates]


def _look(document: Document, key: Cell, cells: Sequence[Cell], keys: Iterable[str]) -> Found:
    found, wanted = Found(), frozenset(keys)
    for where, raw in document.rows():
        if isinstance(raw, Spoilt):
            continue
        if (name := _key_of(key, raw)) in wanted:
            found.rows.setdefault(name, []).append((where, raw))
        for cell in cells:
            _learn(cell, raw, found.habits)
    return found


def _key_of(key: Cell, raw: Raw) -> str:
    try:
        return str(key.value(raw) or "")
    except Misfit:
        return ""


def _learn(cell: Cell, raw: Raw, habits: dict[str, Habits]) -> None:
    name = cell.name_in(raw)
    if name is None:
        return
    habit = habits.setdefault(cell.name, Habits(name))
    value, note = raw[name], raw.get(name + NOTE)
    if value is None or value == "":
        return
    number = choice_number(value)
    habit.numbered = number is not None if habit.numbered is None else habit.numbered
    if number is not None and isinstance(note, str):
        habit.numbers[note.strip().casefold()] = number


@dataclass(frozen=True, slots=True)
class _Task:
    table: Table
    cells: Mapping[str, Cell]
    found: Found
    update: RowUpdate
    zone: ZoneInfo


def _one(task: _Task, edits: Edits) -> RowOutcome:
    key = task.update.key
    rows = task.found.rows.get(same_key(key), [])
    if len(rows) != 1:
        fault = "it is there more than once" if rows else "it is not there any more, and nothing is created"
        return RowOutcome(key, fault)
    where, raw = rows[0]
    try:
        changed = _changed(task, raw)
    except Misfit as error:
        return RowOutcome(key, str(error), moved=isinstance(error, Moved))
    if changed:
        edits.setdefault(where, {}).update(changed)
        task.found.rows[same_key(key)] = [(where, {**raw, **changed})]
    return RowOutcome(key)


def _changed(task: _Task, raw: Raw) -> Mapping[str, object]:
    """Raw names and values to set; none where all is as wanted. Raises Moved where the row has moved."""
    changed: dict[str, object] = {}
    for name, value in to_set(task.table, task.cells, task.update, raw, task.zone).items():
        changed |= _raw(task.table.columns[name], value, raw, task.found.habits[name])
    return changed


def _raw(column: Column, value: object, raw: Raw, habit: Habits) -> Mapping[str, object]:
    """One value as this file writes it, with its display text where the row has one."""
    name = next((each for each in (habit.name, column.logical, column.name) if each in raw), habit.name)
    if column.type is not Type.LOOKUP and name == f"_{column.logical}_value":
        raise Misfit(f"{column.name} is a look-up in this file and cannot be set")
    label = value if column.type is Type.CHOICE else None
    note = {name + NOTE: label} if name + NOTE in raw else {}
    return {name: _plain(column, value, habit), **note}


def _plain(column: Column, value: object, habit: Habits) -> object:
    if column.type is Type.CHOICE and isinstance(value, str) and habit.numbered:
        return _number(column, value, habit)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def _number(column: Column, label: str, habit: Habits) -> int:
    """The number of a label as the file has it; as the catalogue has it where the two do not contradict."""
    if label.casefold() in habit.numbers:
        return habit.numbers[label.casefold()]
    ours = {known.casefold(): number for number, known in column.choices.items()}
    contradicted = [said for said, number in habit.numbers.items() if ours.get(said, number) != number]
    if contradicted or label.casefold() not in ours:
        raise Misfit(f"the number of {column.name} {shown(label)} is not known; name it in the profile")
    return ours[label.casefold()]
