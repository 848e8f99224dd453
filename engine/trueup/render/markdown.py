"""Renders a plan as Markdown, for a pull request or a ticket: its head, then tables by tab."""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.model.change import Action, Change
from trueup.model.finding import Finding
from trueup.model.plan import Plan
from trueup.render import changes as change_text
from trueup.render.amounts import is_shown
from trueup.render.findings import alike
from trueup.render.folding import FoldedChanges, fold
from trueup.render.formatting import count, known_as, some
from trueup.render.joined import joined_name
from trueup.render.markdown_head import head, ledger_table
from trueup.render.markdown_parts import bullets, code, literal, remedy, section, table
from trueup.render.overview import open_runs, overview, view_of
from trueup.render.partial_reads import partial_reads
from trueup.render.text import agrees, loose, outside_text, summary, tabs
from trueup.render.view import ARRANGEMENT, Arrangement, View
from trueup.render.wording import stays_text, why_changed

VALUE_COLUMNS = 80


def plan_markdown(
    plan: Plan, *, verbose: bool = False, arrangement: Arrangement = ARRANGEMENT
) -> str:
    """Returns the whole page: the result, what needs a person, the changes by tab."""
    seen = overview(plan)
    view = view_of(seen, verbose=verbose, arrangement=arrangement)
    parts = [
        *(f"**{literal(run.text)}**{remedy(run)}" for run in open_runs(plan)),
        f"## {literal(summary(plan, seen))}",
        _head(plan),
        *([] if agrees(plan) else head(seen, view)),
    ]
    for tab in tabs(plan):
        here = [change for change in plan.changes if change.tab == tab]
        parts.append(section(literal(tab), _changes(here, view)))
    parts += [
        section("Findings", _findings(loose(plan), view)),
        section("Left out", bullets(_left_out(plan))),
        section("Ledger", ledger_table(plan)) if verbose else "",
        section(
            "Limits",
            bullets(f"{literal(g.text)} (`--over {code(g.limit)}`)" for g in plan.exceeded),
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(plan: Plan) -> str:
    figures = plan.summary
    lines = [
        f"{literal(plan.names.source)}: {literal(plan.source)}"
        + ("" if plan.undo_of else f", {count(figures.source_rows, 'row')}"),
        f"{literal(plan.names.target)}: {literal(plan.target)}, {count(figures.records, 'record')}",
        *(f"in part: {literal(line)}" for line in partial_reads(plan)),
        f"as of {plan.as_of.isoformat()}",
    ]
    if plan.undo_of:
        lines.append(f"undoes run {literal(plan.undo_of)}")
    elif plan.selection:
        lines.append(f"a part: {literal(plan.selection)}")
        if plan.outside:
            lines.append(f"outside of it: {outside_text(plan.outside)}")
    return "; ".join(lines) + "."


def _changes(changes: Sequence[Change], view: View) -> str:
    """Returns the changes; write-backs with `-v` only, unless they have money."""
    shown = [change for change in changes if is_shown(change, verbose=view.verbose)]
    rows = (_group(group, view) for group in fold(change_text.tidied(shown), verbose=view.verbose))
    return table(("", "what", "where", "change", "why"), rows)


def _group(group: FoldedChanges, view: View) -> Sequence[str]:
    change, many, names = group.first, len(group.changes), view.names
    name = known_as(joined_name(group.changes) if group.is_joined else change.name)
    if many > 1 and not group.is_joined:
        name = f"{count(many, change.mapping)}: {some([one.name for one in group.changes])}"
    where = (
        change_text.where(change, names)
        if many == 1 or change.action is Action.WRITE_BACK
        else change.entity
    )
    if group.is_joined:
        where = "; ".join(change_text.where(one, names) for one in group.changes)
    reasons = dict.fromkeys(why for field in change.fields if (why := why_changed(field, names)))
    return (
        f"`{change_text.symbol(change.action)}`",
        literal(name),
        literal(where),
        "<br>".join(_what(group, view)),
        literal(", ".join(reasons)),
    )


def _what(group: FoldedChanges, view: View) -> list[str]:
    change = group.first
    effects = [literal(text) for text in change_text.effects(group.changes, view) if text]
    noted = [literal(note) for note in change_text.group_notes(group, view)]
    match change.action:
        case Action.ADJUST:
            final = [f"**{literal(stays_text(view.names))}**"] if view.verbose else []
            return [literal(change_text.units(*group.changes)), *effects, *final, *noted]
        case Action.LINK:
            found = literal(change_text.FOUND_BY.get(change.how, change.how))
            fields = [] if len(group.changes) > 1 else _fields(change)
            return [found, *fields, *noted]
        case Action.CREATE if not view.verbose:
            return [count(len(change.fields), "field"), *effects, *noted]
        case _ if not group.alike:
            return [f"{literal(field.field)}: each its own" for field in change.fields]
        case _:
            return _fields(change) + effects + noted


def _fields(change: Change) -> list[str]:
    return [_field(change, position) for position in range(len(change.fields))]


def _field(change: Change, position: int) -> str:
    field = change.fields[position]
    after = literal(change_text.after(field), VALUE_COLUMNS)
    if change.action is Action.CREATE:
        return f"{literal(field.field)}: {after}"
    return f"{literal(field.field)}: {literal(change_text.before(field), VALUE_COLUMNS)} → {after}"


def _findings(findings: Sequence[Finding], view: View) -> str:
    """Returns one line each; rows with exactly the same finding share a line."""
    crowds = {} if view.verbose else {id(crowd[0]): crowd for crowd in alike(findings)}
    others = {id(finding) for crowd in crowds.values() for finding in crowd[1:]}
    return bullets(
        _crowd(crowds[id(finding)]) if id(finding) in crowds else _finding(finding)
        for finding in findings
        if id(finding) not in others
    )


def _crowd(crowd: Sequence[Finding]) -> str:
    first = crowd[0]
    names = some([finding.name or finding.key for finding in crowd])
    one = replace(
        first, name=count(len(crowd), first.mapping), remedy=first.advice.generic(), commands=()
    )
    return f"{_finding(one)}: {literal(names)}"


def _finding(finding: Finding) -> str:
    about = f"**{literal(known_as(finding.name))}** " if finding.name else ""
    place = f" (`{code(str(finding.place))}`)" if finding.place else ""
    return f"{about}{finding.severity}: {literal(finding.text)}{remedy(finding)}{place}"


def _left_out(plan: Plan) -> list[str]:
    many = (literal(count(len(group.names), group.mapping)) for group in plan.left_out)
    why = (f"{literal(group.reason)} ({literal(some(group.names))})" for group in plan.left_out)
    return [f"{left}: {reason}" for left, reason in zip(many, why, strict=True)]
