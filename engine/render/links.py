"""What state remembers, as a terminal shows it: links, and all that is known of one row."""

from collections.abc import Mapping, Sequence

from engine.model.run import Lease, Link, Pushed, Run
from engine.render.harmless import clean
from engine.render.history import said
from engine.render.layout import Cell, Line, free
from engine.render.style import PLAIN, Style
from engine.render.text import page

NONE = "No links yet: nothing was applied from this project."


def links_text(links: Sequence[Link], style: Style = PLAIN) -> str:
    """All links in a table, in the order given."""
    if not links:
        return f"{NONE}\n"
    lines = [Line(tuple(Cell(text, style.heading) for text in ("Mapping", "Key", "Record", "How")), "link")]
    for link in links:
        cells = (clean(link.mapping), clean(link.key), f"{clean(link.entity)} {link.record}", clean(link.how))
        lines.append(Line(tuple(Cell(text) for text in cells), "link"))
    return page([lines])


def standing_text(holder: Lease | None, open_runs: Sequence[Run], doubts: Sequence[tuple[str, str]]) -> str:
    """What is going on: who holds the lock, runs that can be resumed, changes in doubt; nothing if all is quiet."""
    lines = []
    if holder:
        since = holder.since.isoformat(" ", "seconds")
        lines.append(f"Locked by {clean(holder.holder)} on {clean(holder.host)} since {since}.")
    lines += [f"Run {clean(run.id)} is {run.status}: `trueup apply --resume` goes on." for run in open_runs]
    lines += [f"In doubt: change {clean(change)} of run {clean(run)}." for run, change in doubts]
    return "".join(f"{line}\n" for line in lines)


def row_text(link: Link | None, applied: Mapping[str, object], pushed: Pushed | None, style: Style = PLAIN) -> str:
    """All that state knows of one row."""
    lines = []
    if link:
        lines.append(_about("Record", f"{clean(link.entity)} {link.record}"))
        lines.append(_about("How", clean(link.how)))
    if pushed:
        lines += _pushed(pushed)
    if applied:
        lines.append(free("Values last applied", style.heading))
        shown = [(name, value) for name, value in applied.items() if not name.startswith("~")]  # our own notes
        lines += [Line((Cell(clean(name)), Cell(said(value))), "value", 2) for name, value in shown]
    return page([lines])


def _about(name: str, value: str) -> Line:
    return Line((Cell(name), Cell(value)), "about")


def _pushed(pushed: Pushed) -> list[Line]:
    found = [
        _about("Pushed", f"{pushed.units:+} units from {pushed.day.isoformat()}, contract service {pushed.record}"),
        _about("By", f"change {clean(pushed.change)} of run {clean(pushed.run)}"),
        _about("Marked", "yes" if pushed.marked else "not yet"),
    ]
    return found + [_about("Proof", said(row)) for row in pushed.proof]
