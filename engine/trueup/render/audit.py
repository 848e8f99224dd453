"""Renders the audit trail: manual edits of the state, approvals and lock takeovers."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import assert_never

from trueup.model.approval import ApprovalStated, Statement
from trueup.model.audit import (
    AuditEntry,
    ChangesSettled,
    Edit,
    LinkForgotten,
    LockTaken,
    RunClosed,
    SystemsAdopted,
    TextOnly,
)
from trueup.render.layout import Cell, Line, free
from trueup.render.moments import in_zone
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, Style
from trueup.render.text import page
from trueup.stages.approval import moved_text

HEADING = "Audit trail"

NO_AMOUNTS = ""
"""The currency of edits of a row: only statements about plans have amounts."""

SHORT = 12
"""Characters of a digest that people compare."""

_STATED = {
    Statement.ASK: "asked for approval of",
    Statement.YES: "approved",
    Statement.NO: "refused",
    Statement.WITHDRAW: "withdrew the statement on",
}

_ENDED = "that run had ended without giving it back"
"""The reason of a takeover that was not forced."""


def audit_lines(
    audit: Sequence[AuditEntry], zone: tzinfo, currency: str, style: Style = PLAIN
) -> list[Line]:
    """One line per entry under a heading, in the order given; no lines if there are no entries.

    `currency` is that of the amounts in statements about plans.
    """
    lines = [
        Line(
            tuple(Cell(sanitize(text)) for text in audit_cells(entry, zone, currency)), "by hand", 2
        )
        for entry in audit
    ]
    return [free(HEADING, style.heading), *lines] if lines else []


def audit_cells(entry: AuditEntry, zone: tzinfo, currency: str) -> tuple[str, str, str, str]:
    """Returns when, who, what, and why of one entry; the last may be ""."""
    reason = _reason(entry)
    because = f"because: {reason}" if reason else ""
    what = event_text(entry, currency)
    return in_zone(entry.at, zone), f"{entry.who} on {entry.host}", what, because


def audit_text(
    audit: Sequence[AuditEntry], zone: tzinfo, currency: str, style: Style = PLAIN
) -> str:
    """Returns the same lines as a page of their own."""
    lines = audit_lines(audit, zone, currency, style)
    return page([lines], style.columns) if lines else ""


def audit_json(
    audit: Sequence[AuditEntry], zone: tzinfo, currency: str
) -> list[Mapping[str, object]]:
    """Returns the same entries as JSON."""
    return [
        {
            "what": event_text(entry, currency),
            "reason": _reason(entry),
            "who": entry.who,
            "host": entry.host,
            "at": in_zone(entry.at, zone),
            "run": entry.run,
        }
        for entry in audit
    ]


def event_text(entry: AuditEntry, currency: str) -> str:
    """Returns an edit as its command: `forget customer 7, Alpine`."""
    match entry.event:
        case ApprovalStated(statement, plan, amount, unknown):
            moved = moved_text(amount, unknown, currency)
            return f"{_STATED[statement]} plan {plan[:SHORT]}, which moves {moved}"
        case LockTaken(holder, host, forced):
            lock = f"the lock of {holder} on {host}"
            return f"took {lock} by force" if forced else f"took over {lock}"
        case TextOnly(text):
            return text
        case _:
            return _edit_text(entry.event, entry.run)


def _edit_text(edit: Edit, run: str) -> str:
    match edit:
        case LinkForgotten(mapping, key, name):
            return f"forget {mapping} {key}" + (f", {name}" if name else "")
        case ChangesSettled(changes):
            outcomes = (
                f"{change.change} {'landed' if change.landed else 'absent'}" for change in changes
            )
            return f"settle {', '.join(outcomes)}"
        case RunClosed():
            return f"settle {run} closed"
        case SystemsAdopted(systems):
            return f"adopt {', '.join(systems.values())}"
        case _:
            assert_never(edit)


def _reason(entry: AuditEntry) -> str:
    if isinstance(entry.event, LockTaken) and not entry.event.forced:
        return _ENDED
    return entry.reason
