"""Renders a plan for a terminal: its result, what needs a person, and the changes."""

from collections.abc import Collection, Iterable, Sequence

from trueup.model.change import Action, Change, Reason
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import OPEN_RUN
from trueup.model.plan import Outside, Plan
from trueup.planning.explaining.action_labels import action_labels
from trueup.render import attention_lines, changes, findings, group_lines, head, ledger
from trueup.render.amounts import has_money, is_shown
from trueup.render.folding import fold, kind
from trueup.render.formatting import count, known_as, money, noun
from trueup.render.layout import Cell, Line, free, lay_out
from trueup.render.overview import Group, Overview, divided, groups, overview, view_of
from trueup.render.partial_reads import LABEL, partial_reads
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, WIDTH, Style
from trueup.render.view import ARRANGEMENT, Arrangement, GroupBy, View

TABS = ("Products", "Customers", "Agreements", "Changes")
AGREE = "No changes. {source} and {target} agree."
PAGE = 60
"""Lines of changes that are shown one by one; more of them are summed up, and `-v` shows all."""

FEW = 3
"""Reasons to leave rows out that are shown one by one; of more, `-v` shows them."""

SEVERAL = {GroupBy.CUSTOMER: "Several customers", GroupBy.SERVICE: "Several services"}

SHORT = 20
"""Lines of a page that has its summary at the end only."""


def plan_text(
    plan: Plan,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
    arrangement: Arrangement = ARRANGEMENT,
) -> str:
    """Returns the whole page, ending in a line break. The same plan gives the same page.

    No line is wider than the terminal, or than a default width without one. An open run is shown
    first; the summary is at the end, and of a long page at the beginning too.
    """
    seen, columns = overview(plan), style.columns or WIDTH
    view = view_of(seen, style, verbose=verbose, arrangement=arrangement)
    brief = [free(summary(plan, seen), style.heading)]
    changes, is_brief = _changes(seen, view)
    sections = [
        _read(plan),
        head.money_table(seen, view),
        head.balance_table(seen, view),
        head.verdict_lines(seen, view) if not agrees(plan) else [],
        head.top_lines(seen, view),
        attention_lines.lines(seen, view),
        *changes,
        *_beside(plan, view, brief=is_brief),
        brief,
    ]
    shown = page((section for section in sections if section), columns)
    first = page([lines for lines in (head.runs_first(plan, view),) if lines], columns)
    if shown.count("\n") > SHORT:
        shown = f"{page([brief], columns)}\n{shown}"
    return f"{first}\n{shown}" if first else shown


def page(sections: Iterable[Sequence[Line]], columns: int | None = None) -> str:
    """Returns sections with an empty line between them; each has columns of its own."""
    return "\n".join(
        "".join(f"{line}\n" for line in lay_out(section, columns)) for section in sections
    )


def summary(plan: Plan, seen: Overview) -> str:
    """Returns the result of the plan: changes, money, calls."""
    if agrees(plan):
        return AGREE.format(source=plan.names.source, target=plan.names.target)
    figures = [
        f"{n:,} {label}"
        for action, label in action_labels(plan.names).items()
        if (n := plan.summary.actions.get(action, 0))
    ]
    figures = figures or ["nothing to change"]
    figures += [
        f"{n:,} {what}"
        for n, what in ((plan.summary.blocked, "blocked"), (plan.summary.held, "held"))
        if n
    ]
    sentences = [f"Plan: {', '.join(figures)}.", effect(plan, seen)]
    if plan.changes:
        sentences.append(f"{count(plan.summary.apply_calls, 'API call')}.")
    edits = sum(field.reason is Reason.DRIFT for change in plan.changes for field in change.fields)
    if edits:
        sentences.append(f"Puts back {count(edits, 'edit')} made in {plan.names.target}.")
    return " ".join(part for part in sentences if part)


def effect(plan: Plan, seen: Overview) -> str:
    """Returns the effect on the bill, and changes with no price or a price of zero."""
    figures, at = plan.summary, seen.money
    odd = ((figures.prices_unknown, "unknown"), (figures.prices_zero, "of zero"))
    beside = ", ".join(f"{count(n, 'price')} {what}" for n, what in odd if n)
    is_billed = at.month.net or at.invoice.net or any(change.is_append for change in plan.changes)
    if not (is_billed or beside):
        return ""
    month = money(at.month.net, plan.currency, signed=True)
    invoice = money(at.invoice.net, plan.currency, signed=True)
    effects = f"Monthly effect {month}, on this invoice run {invoice}"
    return f"{effects} ({beside})." if beside else f"{effects}."


def agrees(plan: Plan) -> bool:
    """Returns whether nothing is changed, blocked or held, and the ledger has no difference."""
    differences = any(ledger.differs(line) for line in plan.ledger)
    waits = findings.held_findings(plan)
    return not (plan.changes or plan.blocked or waits or differences or plan.selection)


def tabs(plan: Plan) -> list[str]:
    """Returns the tabs with changes or blocked rows: the four standard ones first."""
    found = dict.fromkeys(
        [change.tab for change in plan.changes] + [row.tab for row in plan.blocked]
    )
    return ordered_tabs(found)


def ordered_tabs(found: Collection[str]) -> list[str]:
    """Returns the four standard tabs first, if present; then the others in their order."""
    return [tab for tab in TABS if tab in found] + [tab for tab in found if tab not in TABS]


def loose(plan: Plan) -> list[Finding]:
    """Returns findings that stop no row, those that may need a person first."""
    found = [
        finding
        for finding in findings.remaining(plan)
        if finding.severity is not Severity.HOLD and finding.code != OPEN_RUN
    ]
    order = (Severity.ERROR, Severity.WARNING, Severity.INFO, Severity.SKIP, Severity.HOLD)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def outside_text(outside: Outside) -> str:
    """Returns how much is outside a selection."""
    figures = (
        count(outside.rows, "row"),
        count(outside.changes, "change"),
        f"{outside.blocked:,} blocked",
        f"{outside.held:,} held",
    )
    return ", ".join(figures)


def _read(plan: Plan) -> list[Line]:
    figures = plan.summary
    read = (
        (
            plan.names.source,
            plan.source,
            figures.source_rows,
            "row",
            count(figures.source_tables, "table"),
        ),
        (
            plan.names.target,
            plan.target,
            figures.records,
            "record",
            count(figures.read_calls, "call"),
        ),
    )
    widest = max(len(f"{many:,}") for _, _, many, _, _ in read)
    rows = [
        (system, name, f"{many:>{widest},} {noun(many, what)}, {rest}")
        for system, name, many, what, rest in read
    ]
    if plan.undo_of:
        rows[0] = (plan.names.source, plan.source, "")  # an undo reads none of its tables
    rows += [(LABEL, line, "") for line in partial_reads(plan)]
    rows.append(("As of", plan.as_of.isoformat(), ""))
    if plan.undo_of:
        rows.append(("Undoes", f"run {plan.undo_of}", ""))
    elif plan.selection:
        rows.append(("A part", plan.selection, ""))
        rows += [("Not shown", outside_text(plan.outside), "")] if plan.outside else []
    cells = [
        (Cell(system), Cell(sanitize(name)), *([Cell(figures)] if figures else ()))
        for system, name, figures in rows
    ]
    return [Line(row, "read") for row in cells]


def _changes(seen: Overview, view: View) -> tuple[list[list[Line]], bool]:
    """Returns the changes, and whether there are so many that groups are only summed up."""
    plan = seen.plan
    counted = [change for change in plan.changes if is_shown(change, verbose=False)]
    if view.verbose or len(counted) <= PAGE * 2:
        sections = _one_by_one(seen, view)
        if view.verbose or sum(map(len, sections)) <= PAGE:
            return sections, False
    kinds = group_lines.by_kind(plan.changes, tabs(plan), view)
    return [group_lines.collapsed(seen, view), kinds], True


def _one_by_one(seen: Overview, view: View) -> list[list[Line]]:
    """Returns the changes of each group under its name, down to the minimum amount."""
    arrangement = view.arrangement
    if arrangement.group is GroupBy.TAB:
        by_tab: dict[str, list[Change]] = {}
        for change in seen.plan.changes:
            by_tab.setdefault(change.tab, []).append(change)
        return [_section(tab, by_tab[tab], view) for tab in tabs(seen.plan) if tab in by_tab]
    common = [] if view.verbose else _of_several(seen, view)
    shared = {change.id for change in common}
    linked = {(one.mapping, one.keys) for one in common if one.action is Action.LINK}

    def remaining(group: Group) -> list[Change]:
        """What is not shown in common; an update of a record stands with its link."""
        return [
            change
            for change in group.changes
            if change.id not in shared
            and not (change.action is Action.UPDATE and (change.mapping, change.keys) in linked)
        ]

    shown, small = divided(groups(seen, arrangement), lambda group: group.weight, arrangement, None)
    return [
        *(_section(known_as(group.row.name), remaining(group), view) for group in shown),
        _section(SEVERAL[arrangement.group], common, view),
        group_lines.small(small, view) if any(map(remaining, small)) else [],
    ]


def _of_several(seen: Overview, view: View) -> list[Change]:
    """Returns changes without money that one line shows for several customers or services."""
    every = changes.tidied(seen.plan.changes)
    found: dict[str, Change] = {}
    counted_kinds = set()
    for group in fold(every):
        of = {seen.belonging.group_of(change, view.arrangement.group) for change in group.changes}
        if len(of) > 1 and not any(has_money(change) for change in group.changes):
            found |= {change.id: change for change in group.changes}
            if not group.alike:
                counted_kinds.add(kind(group.first))
    found |= {one.id: one for one in every if kind(one) in counted_kinds and not has_money(one)}
    return [*found.values()]


def _section(title: str, here: Sequence[Change], view: View) -> list[Line]:
    return _titled(title, [*changes.desired(here, view), *changes.drift(here, view)], view)


def _beside(plan: Plan, view: View, *, brief: bool) -> list[list[Line]]:
    """Returns what was left out, findings that stop nothing, and with `-v` the whole ledger."""
    few = view.verbose or (len(plan.left_out) <= FEW and not brief)
    return [
        _titled("Left out", findings.left_out(plan.left_out, view, brief=not few), view),
        _titled("Findings", findings.others(loose(plan), view, brief=brief), view),
        ledger.lines(plan, view) if view.verbose else [],
    ]


def _titled(title: str, lines: list[Line], view: View) -> list[Line]:
    return [free(sanitize(title), view.style.heading), *lines] if lines else []
