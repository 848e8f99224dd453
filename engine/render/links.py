"""What state remembers, as a terminal shows it: links, and all that is known of one row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from engine.model.run import Lease, Link, Pushed, Run
from engine.render.by_hand import by_hand_lines
from engine.render.harmless import clean
from engine.render.history import said
from engine.render.json_ import Names
from engine.render.layout import Cell, Line, free
from engine.render.style import PLAIN, Style
from engine.render.text import page
from engine.render.words import known_as
from engine.state.journal import AuditLine


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change of which nobody knows whether it took effect."""

    run: str
    change: str
    name: str
    since: datetime  # when the last was heard of it


@dataclass(frozen=True, slots=True)
class Known:
    """All that state knows of one row."""

    name: str = ""
    link: Link | None = None
    applied: Mapping[str, object] = field(default_factory=dict)
    pushed: Pushed | None = None
    by_hand: Sequence[AuditLine] = ()


NONE = "No links yet: nothing was applied from this project."


def links_text(links: Sequence[Link], names: Names, style: Style = PLAIN) -> str:
    """All links in a table, in the order given."""
    if not links:
        return f"{NONE}\n"
    lines = [Line(tuple(Cell(text, style.heading) for text in ("Mapping", "Key", "Name", "Record", "How")), "link")]
    for link in links:
        name = known_as(names.get((link.mapping, link.key), ""))
        record = f"{clean(link.entity)} {link.record}"
        cells = (clean(link.mapping), clean(link.key), name, record, clean(link.how))
        lines.append(Line(tuple(Cell(text) for text in cells), "link"))
    return page([lines])


def standing_text(holder: Lease | None, open_runs: Sequence[Run], doubts: Sequence[Doubt]) -> str:
    """What is going on: who holds the lock, runs that can be resumed, changes in doubt; nothing if all is quiet."""
    lines = []
    if holder:
        since = holder.since.isoformat(" ", "seconds")
        lines.append(f"Locked by {clean(holder.holder)} on {clean(holder.host)} since {since}.")
    lines += [f"Run {clean(run.id)} is {run.status}: `trueup apply --resume` goes on." for run in open_runs]
    for one in doubts:
        since = one.since.isoformat(" ", "seconds")
        lines.append(
            f"In doubt since {since}: {known_as(one.name)} (change {clean(one.change)} of run {clean(one.run)})."
        )
    return "".join(f"{line}\n" for line in lines)


def row_text(known: Known, zone: tzinfo, style: Style = PLAIN) -> str:
    """All that state knows of one row."""
    link, applied, pushed = known.link, known.applied, known.pushed
    lines = [_about("Name", known_as(known.name))] if known.name else []
    if link:
        lines.append(_about("Record", f"{clean(link.entity)} {link.record}"))
        lines.append(_about("How", clean(link.how)))
    if pushed:
        lines += _pushed(pushed)
    if applied:
        lines.append(free("Values last applied", style.heading))
        shown = [(name, value) for name, value in applied.items() if not name.startswith("~")]  # our own notes
        lines += [Line((Cell(clean(name)), Cell(said(value))), "value", 2) for name, value in shown]
    lines += by_hand_lines(known.by_hand, zone, style)
    return page([lines])


def _about(name: str, value: str) -> Line:
    return Line((Cell(name), Cell(value)), "about")


def _pushed(pushed: Pushed) -> list[Line]:
    found = [
        _about("Pushed", f"{pushed.units:+} units from {pushed.day.isoformat()}, contract service {pushed.record}"),
        _about("By", f"change {clean(pushed.change)}" + (f" of run {clean(pushed.run)}" if not pushed.undone else "")),
        *([_about("Undone", f"by run {clean(pushed.run)}")] if pushed.undone else []),
        _about("Marked", "yes" if pushed.marked else "not yet"),
    ]
    return found + [_about("Proof", said(row)) for row in pushed.proof]
