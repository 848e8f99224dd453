"""Renders changes in doubt, what is known of them, and what settling one manually records."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from trueup.model.catalogue import SystemNames
from trueup.model.change import Action
from trueup.model.doubt import Doubt, DoubtReport, PreparedSettlement, Trace
from trueup.model.plan_json import encode
from trueup.model.run import Step
from trueup.render.changes import units, where
from trueup.render.formatting import count, known_as
from trueup.render.history import WORDS, value_text
from trueup.render.json_ import as_json
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import page

NONE = "Nothing is in doubt.\n"

_SENT = ("values", "before", "error")
"""Keys of journal data that show what was sent, and how it was just before."""


def doubts_text(report: DoubtReport, names: SystemNames, zone: tzinfo, style: Style = PLAIN) -> str:
    """The whole page."""
    if not report.doubts:
        return NONE
    sections = [
        [
            free(f"{known_as(doubt.change.name)} ({sanitize(doubt.change.id)})", style.heading),
            *(
                Line((Cell(label), Cell(text)), "doubt", 2)
                for label, text in doubt_rows(doubt, names, zone)
            ),
        ]
        for doubt in report.doubts
    ]
    if report.unread:
        sections.append([free(f"Nothing was read: {sanitize(report.unread)}", style.warn)])
    return page(sections, style.columns)


def doubt_rows(doubt: Doubt, names: SystemNames, zone: tzinfo) -> Sequence[tuple[str, str]]:
    """Returns what is known of a change in doubt, each part with its label."""
    change = doubt.change
    wanted = units(change) if change.action is Action.ADJUST else ""
    rows = [
        ("Run", sanitize(doubt.run)),
        ("Change", ", ".join(filter(None, (str(change.action), where(change, names), wanted)))),
        ("Sent", in_zone(doubt.sent, zone) if doubt.sent else ""),
        ("Journal", sanitize(doubt.text)),
        *(
            (WORDS.get(name, name).capitalize(), value_text(doubt.data[name]))
            for name in _SENT
            if doubt.data.get(name)
        ),
        ("Reading now", _reading(doubt, zone)),
        *((WORDS.get(name, name).capitalize(), value_text(v)) for name, v in doubt.found.items()),
    ]
    return [(label, text) for label, text in rows if text]


def _reading(doubt: Doubt, zone: tzinfo) -> str:
    match doubt.trace:
        case Trace.LANDED:
            return "it took effect; resuming the run records it"
        case Trace.ABSENT:
            until = f" at {in_zone(doubt.until, zone)}" if doubt.until else ""
            return f"no trace of it; without one{until} it counts as not carried out"
        case Trace.UNCLEAR:
            return f"{sanitize(doubt.unclear)}; a person must look"
        case None:
            return ""


def doubts_json(report: DoubtReport, zone: tzinfo) -> str:
    """`{"doubts": […], "unread": …}`."""
    return as_json(
        {
            "doubts": [_as_json(doubt, zone) for doubt in report.doubts],
            "unread": report.unread,
        }
    )


def _as_json(doubt: Doubt, zone: tzinfo) -> Mapping[str, object]:
    return {
        "run": doubt.run,
        "change": doubt.change.id,
        "name": doubt.change.name,
        "text": doubt.text,
        "sent": in_zone(doubt.sent, zone) if doubt.sent else None,
        "until": in_zone(doubt.until, zone) if doubt.until else None,
        "journal": encode(doubt.data),
        "reading": str(doubt.trace) if doubt.trace else None,
        "found": encode(doubt.found),
        "creates": doubt.creates,
    }


def settlement_lines(ready: PreparedSettlement) -> list[str]:
    """Returns what settling a change records, one sentence each."""
    name, run = known_as(ready.change.name), sanitize(ready.run)
    if ready.entry.step is not Step.DONE:
        return [
            f"{name} counts as not carried out.",
            f"Run {run} sends it again, after all checks, when it is resumed.",
        ]
    lines = [f"{name} counts as carried out; run {run} does not send it again."]
    effects = ready.effects
    title = f" ({known_as(ready.record_name)})" if ready.record_name else ""
    lines += [
        f"{sanitize(link.mapping)} {sanitize(link.key)} is {sanitize(link.entity)} {link.record}"
        f"{title} from now on."
        for link in effects.links
    ]
    for one in effects.pushed:
        what = f"{sanitize(one.mapping)} {sanitize(one.key)}"
        moved = f"{one.units:+,} {'unit' if abs(one.units) == 1 else 'units'}"
        lines.append(f"{what} counts as pushed: {moved} from {one.day.isoformat()}.")
    many = sum(len(values) for values in effects.applied.values())
    if many:
        lines.append(f"{count(many, 'value')} of it count as last applied.")
    return lines
