"""A plan as a terminal shows it: what was read, the changes by tab, the ledger, and what it comes to."""

from collections.abc import Iterable, Sequence

from engine.model.finding import Finding, Severity
from engine.model.plan import OUTSIDE, Action, Plan, Reason
from engine.render import changes, findings, ledger
from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free, lay_out
from engine.render.style import PLAIN, Style
from engine.render.view import View
from engine.render.words import count, money

TABS = ("Products", "Customers", "Agreements", "Changes")
HELD = "Held"
AGREE = "No changes. Work 365 and Autotask agree."

_DONE_TO = {
    Action.LINK: "to link",
    Action.CREATE: "to add",
    Action.UPDATE: "to change",
    Action.DEACTIVATE: "to switch off",
    Action.ADJUST: "to adjust",
    Action.WRITE_BACK: "to mark in Work 365",
}


def plan_text(plan: Plan, style: Style = PLAIN, *, verbose: bool = False) -> str:
    """The whole page, ending in a line break. The same plan gives the same page."""
    view = View(plan.currency, style, verbose)
    sections = [_head(plan), *(_tab(plan, tab, view) for tab in tabs(plan))]
    sections += [
        _titled("Left out", findings.left_out(plan.left_out, view), view),
        _titled("Findings", findings.others(loose(plan), view), view),
        ledger.lines(plan.ledger, view),
        _titled("Limits", _exceeded(plan, view), view),
        [free(summary(plan), style.heading)],
    ]
    return page(section for section in sections if section)


def findings_text(found: Sequence[Finding], style: Style = PLAIN) -> str:
    """Findings by themselves, each as `place: text` with its remedy below: editors jump to it."""
    lines = []
    for finding in found:
        place = f"{clean(finding.place)}: " if finding.place else ""
        severity = findings.paint_of(finding.severity, style)(str(finding.severity))
        lines.append(f"{place}{severity}: {clean(finding.text)}")
        if finding.remedy:
            lines.append(f"    → {clean(finding.remedy)}")
    return "".join(f"{line}\n" for line in lines)


def page(sections: Iterable[Sequence[Line]]) -> str:
    """Sections with an empty line between them; each lines up by itself."""
    return "\n".join("".join(f"{line}\n" for line in lay_out(section)) for section in sections)


def tabs(plan: Plan) -> list[str]:
    """The tabs that have something to show: the four first, then others as they come."""
    known = _tab_of(plan)
    found = dict.fromkeys([change.tab for change in plan.changes] + [row.tab for row in plan.blocked])
    found |= dict.fromkeys(known.get(finding.mapping, HELD) for finding in held(plan))
    return [tab for tab in TABS if tab in found] + [tab for tab in found if tab not in TABS]


def summary(plan: Plan) -> str:
    """What the plan comes to: changes, money, calls."""
    if agrees(plan):
        return AGREE
    figures = [f"{n:,} {_DONE_TO[action]}" for action in Action if (n := plan.summary.actions.get(action, 0))]
    figures = figures or ["nothing to change"]
    figures += [f"{n:,} {what}" for n, what in ((plan.summary.blocked, "blocked"), (plan.summary.held, "held")) if n]
    said = [f"Plan: {', '.join(figures)}.", monthly(plan)]
    if plan.changes:
        said.append(f"{count(plan.summary.apply_calls, 'API call')}.")
    edits = sum(field.reason is Reason.DRIFT for change in plan.changes for field in change.fields)
    if edits:
        said.append(f"Puts back {count(edits, 'edit')} made in Autotask.")
    return " ".join(part for part in said if part)


def monthly(plan: Plan) -> str:
    """The effect on the bill, and beside it what has no price or a price of zero."""
    figures = plan.summary
    odd = ((figures.prices_unknown, "unknown"), (figures.prices_zero, "of zero"))
    beside = ", ".join(f"{count(n, 'price')} {what}" for n, what in odd if n)
    if not (figures.monthly or beside or any(change.final for change in plan.changes)):
        return ""
    effect = money(figures.monthly, plan.currency, signed=True)
    return f"Monthly effect {effect} ({beside})." if beside else f"Monthly effect {effect}."


def agrees(plan: Plan) -> bool:
    """Is there nothing to do, nothing blocked or held, and no difference in the ledger?"""
    differences = any(ledger.differs(line) for line in plan.ledger)
    return not (plan.changes or plan.blocked or held(plan) or differences or plan.selection)


def held(plan: Plan) -> list[Finding]:
    """What waits, as far as no blocked row tells it."""
    return [finding for finding in findings.remaining(plan) if finding.severity is Severity.HOLD]


def loose(plan: Plan) -> list[Finding]:
    """Findings that stand in no tab."""
    return [finding for finding in findings.remaining(plan) if finding.severity is not Severity.HOLD]


def _tab_of(plan: Plan) -> dict[str, str]:
    blocked = {row.mapping: row.tab for row in plan.blocked}
    return blocked | {change.mapping: change.tab for change in plan.changes}


def _head(plan: Plan) -> list[Line]:
    figures = plan.summary
    read = (
        ("Work 365", plan.source, count(figures.source_rows, "row"), count(figures.source_tables, "table")),
        ("Autotask", plan.target, count(figures.records, "record"), count(figures.read_calls, "call")),
    )
    parts = [(system, name, *many.split(" ", 1), rest) for system, name, many, rest in read]
    widest = max(len(amount) for _, _, amount, _, _ in parts)
    rows = [(system, name, f"{amount:>{widest}} {noun}, {rest}") for system, name, amount, noun, rest in parts]
    if plan.undo_of:
        rows[0] = ("Work 365", plan.source, "")  # an undo reads none of its tables
    rows.append(("As of", plan.as_of.isoformat(), ""))
    if plan.undo_of:
        rows.append(("Undoes", f"run {plan.undo_of}", ""))
    elif plan.selection:
        part, _, outside = plan.selection.partition(OUTSIDE)
        rows.append(("A part", part, ""))
        rows += [("Not shown", outside, "")] if outside else []
    cells = [(Cell(system), Cell(clean(name)), *([Cell(figures)] if figures else ())) for system, name, figures in rows]
    return [Line(row, "read") for row in cells]


def _tab(plan: Plan, tab: str, view: View) -> list[Line]:
    known = _tab_of(plan)
    here = [change for change in plan.changes if change.tab == tab]
    lines = [*changes.desired(here, view), *changes.drift(here, view)]
    lines += findings.blocked([row for row in plan.blocked if row.tab == tab], plan.blocked, view)
    lines += findings.held([f for f in held(plan) if known.get(f.mapping, HELD) == tab], view)
    return _titled(tab, lines, view)


def _titled(title: str, lines: list[Line], view: View) -> list[Line]:
    return [free(clean(title), view.style.heading), *lines] if lines else []


def _exceeded(plan: Plan, view: View) -> list[Line]:
    return [
        Line(
            (Cell(f"! {clean(guard.text)}", view.style.error), Cell(f"--over {clean(guard.limit)}")),
            "limit",
            2,
        )
        for guard in plan.exceeded
    ]
