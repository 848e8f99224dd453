"""Runs as a terminal shows them: all in a table, or one with each change, its answer and its proof."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from engine.model.plan import Action, Change
from engine.model.run import Entry, Run
from engine.render.by_hand import by_hand_lines
from engine.render.changes import after, before, symbol, units, where
from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free
from engine.render.style import PLAIN, Style
from engine.render.text import page
from engine.render.told import Told, Undone, data, status
from engine.render.words import count, known_as
from engine.state.journal import AuditLine

NONE = "No runs yet: nothing was applied from this project.\n"
WORDS = {"values": "sent", "before": "units before", "id": "Autotask's id", "text": "said", "because": "waits for"}
"""What people call the things that a journal line holds."""

EMPTY: Mapping[str, Sequence[Undone]] = {}

SHORT = 12
"""Characters of a digest that people compare."""


def runs_text(
    runs: Sequence[Run],
    zone: tzinfo,
    style: Style = PLAIN,
    by_hand: Sequence[AuditLine] = (),
    undone: Mapping[str, Sequence[Undone]] = EMPTY,
) -> str:
    """All runs, the latest last; then what was done by hand. `undone`: run → the later runs that took it back."""
    if not runs:
        return NONE + page([by_hand_lines(by_hand, zone, style)])
    heading = [Cell(text, style.heading) for text in ("Run", "Started", "Status", "Who", "Plan")]
    lines = [Line((*heading, Cell("")), "run")]
    for run in runs:
        undo = [f"undoes {clean(run.undo_of)}"] if run.undo_of else []
        undo += [f"undone by {clean(one.run.id)}" for one in undone.get(run.id, ())]
        who = f"{clean(run.who)} on {clean(run.host)}"
        cells = (
            clean(run.id),
            moment(run.started, zone),
            str(run.status),
            who,
            run.plan_digest[:SHORT],
            ", ".join(undo),
        )
        lines.append(Line(tuple(Cell(text) for text in cells), "run"))
    return page(section for section in (lines, by_hand_lines(by_hand, zone, style)) if section)


def run_text(told: Told, zone: tzinfo, style: Style = PLAIN) -> str:
    """One run, whole: nothing is folded, for this is what is read in a dispute."""
    changes = [line for change, entries in told.by_change() for line in _change(change, entries, zone, style)]
    sections = (_head(told, zone), by_hand_lines(told.by_hand, zone, style), changes)
    return page(section for section in sections if section)


def moment(instant: datetime, zone: tzinfo) -> str:
    """An instant in the business time zone, with its offset."""
    return instant.astimezone(zone).isoformat(" ", "seconds")


def _head(told: Told, zone: tzinfo) -> list[Line]:
    run = told.run
    rows = [
        ("Run", clean(run.id)),
        ("Status", str(run.status)),
        ("Who", f"{clean(run.who)} on {clean(run.host)}"),
        ("Started", moment(run.started, zone)),
        ("Ended", moment(run.ended, zone) if run.ended else "not yet"),
        ("Plan", run.plan_digest),
    ]
    if run.undo_of:
        rows.append(("Undoes", f"run {clean(run.undo_of)}"))
    rows += [("Undone", _undone(one, told.wrote(), zone)) for one in told.undone]
    return [Line((Cell(name), Cell(value)), "about") for name, value in rows]


def _undone(undone: Undone, wrote: int, zone: tzinfo) -> str:
    """By which run, and how much of it; whether that was undone in turn."""
    much = "all" if undone.changes == wrote else f"{undone.changes:,}"
    said = (
        f"by run {clean(undone.run.id)} of {moment(undone.run.started, zone)}: {much} of its {count(wrote, 'change')}"
    )
    return said + "".join(f"; undone in turn by run {clean(run)}" for run in undone.by)


def _change(change: Change, entries: Sequence[Entry], zone: tzinfo, style: Style) -> list[Line]:
    head = (
        Cell(f"{symbol(change.action)} {known_as(change.name)}", style.heading),
        Cell(status(entries)),
        Cell(where(change)),
        Cell(units(change) if change.action is Action.ADJUST else ""),
    )
    lines = [Line(head, "change")]
    from_rows = ", ".join(clean(key) for key in change.keys)
    lines.append(free(f"from {count(len(change.keys), change.mapping)}: {from_rows}", style.dim, 4))
    for field in change.fields:
        cells = (Cell(clean(field.field)), Cell(before(field)), Cell("→"), Cell(after(field)))
        lines.append(Line(cells, "field", 4, gap=2))
    for name, value in data(entries).items():
        if not said(value):
            continue
        lines.append(free(f"{WORDS.get(name, clean(name))}: {said(value)}", indent=4))
    lines += [free(f"{moment(entry.at, zone)}  {entry.step}", style.dim, 4) for entry in entries]
    return lines


def said(value: object) -> str:
    """Any value of the journal in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(name)} {said(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(said(item) for item in value)
    return clean(value)
