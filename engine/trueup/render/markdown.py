"""A plan for a pull request or a ticket: tables by tab, and nothing in the data that Markdown obeys."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from engine.model.finding import Finding
from engine.model.plan import Action, Blocked, Change, LedgerLine, Plan
from engine.render import changes as told
from engine.render.findings import alike, chain, is_held, own
from engine.render.fold import Group, fold
from engine.render.harmless import clean, clip
from engine.render.ledger import a_month, beside, difference, differs, name_of, sorted_by_class, totals, waits
from engine.render.text import held, loose, summary, tabs
from engine.render.words import brief, count, counts, for_any, known_as, number, some

VALUE_COLUMNS = 80

_OBEYED = re.compile(r"([\\`*_\[\]|~])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}  # two dollars enclose a formula
_ADDRESS = re.compile(r"(?i)(https?|ftp|mailto)(:)|(www)(\.)")
_MENTION = re.compile(r"([@#])(?=\w)")


def plan_markdown(plan: Plan, *, verbose: bool = False) -> str:
    """The whole page: the summary first, for that is what a reviewer reads."""
    parts = [f"## {literal(summary(plan))}", _head(plan)]
    for tab in tabs(plan):
        parts.append(f"### {literal(tab)}")
        here = [change for change in plan.changes if change.tab == tab]
        parts.append(_changes(here, plan.currency, verbose=verbose))
        parts.append(_rows([row for row in plan.blocked if row.tab == tab], verbose=verbose))
    parts += [
        _section("Findings", _findings([*held(plan), *loose(plan)], verbose=verbose)),
        _section("Left out", _bullets(_left_out(plan))),
        _section("Ledger", _ledger(plan, verbose=verbose)),
        _section("Limits", _bullets(f"{literal(g.text)} (`--over {_code(g.limit)}`)" for g in plan.exceeded)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def literal(text: object, columns: int = 500) -> str:
    """The text so that Markdown shows it as it is: no link, mention, tag, table or heading."""
    harmless = _MENTION.sub(r"\1\0", _OBEYED.sub(r"\\\1", clip(clean(text), columns)))
    harmless = "".join(_ENTITIES.get(letter, letter) for letter in harmless).replace("\0", "<!-- -->")
    return _ADDRESS.sub(_split_address, harmless)


def _split_address(found: re.Match[str]) -> str:
    scheme, colon, www, dot = found.groups()
    return f"{scheme}<!-- -->{colon}" if scheme else f"{www}<!-- -->{dot}"


def _code(text: str) -> str:
    return clean(text).replace("`", "'")


def _head(plan: Plan) -> str:
    figures = plan.summary
    lines = [
        f"Work 365: {literal(plan.source)}" + ("" if plan.undo_of else f", {count(figures.source_rows, 'row')}"),
        f"Autotask: {literal(plan.target)}, {count(figures.records, 'record')}",
        f"as of {plan.as_of.isoformat()}",
    ]
    if plan.undo_of:
        lines.append(f"undoes run {literal(plan.undo_of)}")
    elif plan.selection:
        lines.append(f"a part: {literal(plan.selection)}")
    return "; ".join(lines) + "."


def _section(title: str, body: str) -> str:
    return f"### {title}\n\n{body}" if body else ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = [f"| {' | '.join(row)} |" for row in rows]
    head = [f"| {' | '.join(columns)} |", f"|{'|'.join(' --- ' for _ in columns)}|"]
    return "\n".join([*head, *body]) if body else ""


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _changes(changes: Sequence[Change], currency: str, *, verbose: bool) -> str:
    rows = (_group(group, currency, verbose=verbose) for group in fold(told.tidied(changes), verbose=verbose))
    return _table(("", "what", "where", "change", "why"), rows)


def _group(group: Group, currency: str, *, verbose: bool) -> Sequence[str]:
    change, many = group.first, len(group.changes)
    name = known_as(change.name)
    if many > 1:
        name = f"{count(many, change.mapping)}: {some([one.name for one in group.changes])}"
    where = told.where(change) if many == 1 or change.action is Action.WRITE_BACK else change.entity
    reasons = dict.fromkeys(told.why(field) for field in change.fields if told.why(field))
    return (
        f"`{told.symbol(change.action)}`",
        literal(name),
        literal(where),
        "<br>".join(_what(group, currency, verbose=verbose)),
        literal(", ".join(reasons)),
    )


def _what(group: Group, currency: str, *, verbose: bool) -> list[str]:
    change = group.first
    money = [literal(told.effect(change, currency))] if told.effect(change, currency) else []
    noted = [literal(note) for note in told.notes(change, currency)]
    match change.action:
        case Action.ADJUST:
            return [literal(told.units(change)), *money, f"**{told.CANNOT_BE_UNDONE}**", *noted]
        case Action.LINK:
            found = literal(told.FOUND_BY.get(change.how, change.how))
            return [found, *(_field(change, position) for position in range(len(change.fields))), *noted]
        case Action.CREATE if not verbose:
            return [count(len(change.fields), "field"), *money, *noted]
        case _ if not group.alike:
            return [f"{literal(field.field)}: each its own" for field in change.fields]
        case _:
            return [_field(change, position) for position in range(len(change.fields))] + money + noted


def _field(change: Change, position: int) -> str:
    field = change.fields[position]
    after = literal(told.after(field), VALUE_COLUMNS)
    if change.action is Action.CREATE:
        return f"{literal(field.field)}: {after}"
    return f"{literal(field.field)}: {literal(told.before(field), VALUE_COLUMNS)} → {after}"


def _rows(rows: Sequence[Blocked], *, verbose: bool) -> str:
    return _bullets(_row(row) for row in rows if own(row) or not row.because or verbose)


def _row(row: Blocked) -> str:
    said = [literal(finding.text) + _remedy(finding) for finding in own(row)]
    if row.because:
        said.append(f"waits for {literal(chain(row))}")
    if back := counts(row.holds_back):
        said.append(f"holds back {literal(back)}")
    state = "held" if is_held(row) else "blocked"
    return f"**{literal(known_as(row.name or row.key))}** {state}: {'; '.join(said)}"


def _findings(findings: Sequence[Finding], *, verbose: bool) -> str:
    """One line each; rows with the very same to say share the line of the first of them."""
    crowds = {} if verbose else {id(crowd[0]): crowd for crowd in alike(findings)}
    others = {id(finding) for crowd in crowds.values() for finding in crowd[1:]}
    return _bullets(
        _crowd(crowds[id(finding)]) if id(finding) in crowds else _finding(finding)
        for finding in findings
        if id(finding) not in others
    )


def _crowd(crowd: Sequence[Finding]) -> str:
    first = crowd[0]
    names = some([finding.name or finding.key for finding in crowd])
    one = replace(first, name=count(len(crowd), first.mapping), remedy=for_any(first.remedy, first.key))
    return f"{_finding(one)}: {literal(names)}"


def _finding(finding: Finding) -> str:
    about = f"**{literal(known_as(finding.name))}** " if finding.name else ""
    place = f" (`{_code(str(finding.place))}`)" if finding.place else ""
    return f"{about}{finding.severity}: {literal(finding.text)}{_remedy(finding)}{place}"


def _remedy(finding: Finding) -> str:
    return f" → {literal(brief(finding.remedy))}" if finding.remedy else ""


def _left_out(plan: Plan) -> list[str]:
    many = (literal(count(len(group.names), group.mapping)) for group in plan.left_out)
    why = (f"{literal(group.reason)} ({literal(some(group.names))})" for group in plan.left_out)
    return [f"{left}: {reason}" for left, reason in zip(many, why, strict=True)]


def _ledger(plan: Plan, *, verbose: bool) -> str:
    columns = ("", "subscription", "Work 365", "Autotask", "pending", "difference", "money", "")
    told = [line for line in sorted_by_class(plan.ledger) if differs(line) and (verbose or not waits(line))]
    table = _table(columns, (_line(line, plan.currency) for line in told))
    said = [*totals(plan.ledger, plan.currency), *(f"{text}." for text in beside(plan.ledger, verbose=verbose))]
    return "\n\n".join(part for part in (table, literal(" ".join(said))) if part)


def _line(line: LedgerLine, currency: str) -> Sequence[str]:
    quantity = "" if line.quantity is None else number(line.quantity)
    remedy = f" → {literal(brief(line.remedy))}" if line.remedy else ""
    figures = (
        quantity,
        number(line.units),
        number(line.pending),
        difference(line),
        a_month(line, currency),
    )
    return (str(line.class_), literal(name_of(line)), *figures, literal(line.text) + remedy)
