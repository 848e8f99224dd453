"""Renders runs for a terminal: all in a table, or one with each change, answer and proof."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from trueup.model.change import Action, Change
from trueup.model.history import RunHistory, RunsOverview, UndoneBy, change_data, change_status
from trueup.model.run import Entry
from trueup.render.audit import SHORT, audit_lines
from trueup.render.changes import after, before, symbol, units, where
from trueup.render.formatting import count, known_as
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import page

NONE = "No runs yet: nothing was applied from this project.\n"
WORDS = {
    "values": "sent",
    "before": "units before",
    "id": "id of the record",
    "text": "message",
    "because": "waits for",
}
"""Labels of the values in a journal entry."""


def runs_text(overview: RunsOverview, zone: tzinfo, currency: str, style: Style = PLAIN) -> str:
    """All runs in a table, the latest last, and the manual edits below it."""
    edits = audit_lines(overview.audit, zone, currency, style)
    if not overview.runs:
        return NONE + page([edits], style.columns)
    heading = [Cell(text, style.heading) for text in ("Run", "Started", "Status", "Who", "Plan")]
    lines = [Line((*heading, Cell("")), "run")]
    for run in overview.runs:
        undo = [f"undoes {sanitize(run.undo_of)}"] if run.undo_of else []
        undo += [f"undone by {sanitize(by.run.id)}" for by in overview.undone.get(run.id, ())]
        cells = (
            sanitize(run.id),
            in_zone(run.started, zone),
            str(run.status),
            f"{sanitize(run.who)} on {sanitize(run.host)}",
            run.plan_digest[:SHORT],
            ", ".join(undo),
        )
        lines.append(Line(tuple(Cell(text) for text in cells), "run"))
    return page((section for section in (lines, edits) if section), style.columns)


def run_text(history: RunHistory, zone: tzinfo, style: Style = PLAIN) -> str:
    """One run in full. Nothing is collapsed: this is the proof in a dispute."""
    changes = [
        line
        for change, entries in history.by_change()
        for line in _change(change, entries, history, zone, style)
    ]
    edits = audit_lines(history.audit, zone, history.plan.currency, style)
    sections = (_head(history, zone), edits, changes)
    return page((section for section in sections if section), style.columns)


def _head(history: RunHistory, zone: tzinfo) -> list[Line]:
    return [Line((Cell(name), Cell(value)), "about") for name, value in about(history, zone)]


def about(history: RunHistory, zone: tzinfo) -> list[tuple[str, str]]:
    """Returns the properties of a run, each with its label."""
    run = history.run
    rows = [
        ("Run", sanitize(run.id)),
        ("Status", str(run.status)),
        ("Who", f"{sanitize(run.who)} on {sanitize(run.host)}"),
        ("Started", in_zone(run.started, zone)),
        ("Ended", in_zone(run.ended, zone) if run.ended else "not yet"),
        ("Plan", run.plan_digest),
    ]
    if run.undo_of:
        rows.append(("Undoes", f"run {sanitize(run.undo_of)}"))
    written = history.changes_written()
    rows += [("Undone", _undone(undone, written, zone)) for undone in history.undone]
    return rows


def _undone(undone: UndoneBy, written: int, zone: tzinfo) -> str:
    """Returns the run that undid it, how many of its changes, and the runs that undid that run."""
    run = undone.run
    share = "all" if undone.changes == written else f"{undone.changes:,}"
    text = f"by run {sanitize(run.id)} of {in_zone(run.started, zone)}"
    text += f": {share} of its {count(written, 'change')}"
    return text + "".join(f"; undone in turn by run {sanitize(by)}" for by in undone.undone_by)


def _change(
    change: Change, entries: Sequence[Entry], history: RunHistory, zone: tzinfo, style: Style
) -> list[Line]:
    head = (
        Cell(f"{symbol(change.action)} {known_as(change.name)}", style.heading),
        Cell(change_status(entries)),
        Cell(where(change, history.plan.names)),
        Cell(units(change) if change.action is Action.ADJUST else ""),
    )
    lines = [Line(head, "change")]
    from_rows = ", ".join(sanitize(key) for key in change.keys)
    lines.append(free(f"from {count(len(change.keys), change.mapping)}: {from_rows}", style.dim, 4))
    for field in change.fields:
        cells = (Cell(sanitize(field.field)), Cell(before(field)), Cell("→"), Cell(after(field)))
        lines.append(Line(cells, "field", 4, gap=2))
    for name, value in change_data(entries).items():
        if text := value_text(value):
            lines.append(free(f"{WORDS.get(name, sanitize(name))}: {text}", indent=4))
    lines += [free(f"{in_zone(entry.at, zone)}  {entry.step}", style.dim, 4) for entry in entries]
    return lines


def value_text(value: object) -> str:
    """Any value of the journal on one line."""
    if isinstance(value, Mapping):
        parts = (f"{sanitize(name)} {value_text(item)}" for name, item in value.items())
        return ", ".join(parts)
    if isinstance(value, list | tuple):
        return "; ".join(value_text(item) for item in value)
    return sanitize(value)
