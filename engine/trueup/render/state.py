"""Renders the state for a terminal: links, what needs attention, and all data of a row."""

from datetime import tzinfo

from trueup.model.run import Pushed
from trueup.model.state_overview import RowState, StateOverview
from trueup.render.audit import NO_AMOUNTS, audit_lines, audit_text
from trueup.render.formatting import known_as
from trueup.render.history import value_text
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import page

NONE = "No links yet: nothing was applied from this project."

FEW = 5
"""Manual edits that are shown below the links, the latest; `trueup history` shows all."""

NOTES = "~"
"""Names of applied values that begin so are the engine's own notes and are not shown."""


def overview_text(
    overview: StateOverview, zone: tzinfo, currency: str, style: Style = PLAIN
) -> str:
    """The links; below them what needs attention and the latest manual edits."""
    sections = (
        _links(overview, style),
        attention_text(overview, zone),
        audit_text(overview.audit[-FEW:], zone, currency, style),
    )
    return "\n".join(section for section in sections if section)


def _links(overview: StateOverview, style: Style) -> str:
    if not overview.links:
        return f"{NONE}\n"
    heading = ("Mapping", "Key", "Name", "Record", "How")
    lines = [Line(tuple(Cell(text, style.heading) for text in heading), "link")]
    for link in overview.links:
        cells = (
            sanitize(link.mapping),
            sanitize(link.key),
            known_as(overview.names.get((link.mapping, link.key), "")),
            f"{sanitize(link.entity)} {link.record}",
            sanitize(link.how),
        )
        lines.append(Line(tuple(Cell(text) for text in cells), "link"))
    return page([lines], style.columns)


def attention_text(overview: StateOverview, zone: tzinfo) -> str:
    """Who holds the lock, runs that can be resumed, changes in doubt; empty if there are none."""
    lines = []
    if overview.holder:
        holder, host = sanitize(overview.holder.holder), sanitize(overview.holder.host)
        since = in_zone(overview.holder.since, zone)
        lines.append(f"Locked by {holder} on {host} since {since}.")
    lines += [
        f"Run {sanitize(run.id)} is {run.status}: `trueup apply --resume` continues it."
        for run in overview.open_runs
    ]
    for change in overview.in_doubt:
        since = in_zone(change.since, zone)
        of_run = f"(change {sanitize(change.change)} of run {sanitize(change.run)})"
        lines.append(f"In doubt since {since}: {known_as(change.name)} {of_run}.")
    return "".join(f"{line}\n" for line in lines)


def row_text(row: RowState, zone: tzinfo, style: Style = PLAIN) -> str:
    """Returns all that the state has about one row."""
    lines = [_about("Name", known_as(row.name))] if row.name else []
    if row.link:
        lines.append(_about("Record", f"{sanitize(row.link.entity)} {row.link.record}"))
        lines.append(_about("How", sanitize(row.link.how)))
    if row.pushed:
        lines += _pushed(row.pushed)
    if row.applied:
        lines.append(free("Values last applied", style.heading))
        lines += [
            Line((Cell(sanitize(name)), Cell(value_text(value))), "value", 2)
            for name, value in row.applied.items()
            if not name.startswith(NOTES)
        ]
    lines += audit_lines(row.audit, zone, NO_AMOUNTS, style)
    return page([lines], style.columns)


def _about(name: str, value: str) -> Line:
    return Line((Cell(name), Cell(value)), "about")


def _pushed(pushed: Pushed) -> list[Line]:
    change, run = sanitize(pushed.change), sanitize(pushed.run)
    day, record = pushed.day.isoformat(), pushed.record
    lines = [
        _about("Pushed", f"{pushed.units:+} units from {day}, contract service {record}"),
        # The run of an undone change is the run that undid it.
        _about("By", f"change {change}" if pushed.undone else f"change {change} of run {run}"),
    ]
    if pushed.undone:
        lines.append(_about("Undone", f"by run {run}"))
    lines.append(_about("Marked", "yes" if pushed.marked else "not yet"))
    return lines + [_about("Proof", value_text(proof)) for proof in pushed.proof]
