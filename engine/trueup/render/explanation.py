"""Renders an explanation for a terminal: rows, fields, rules, changes, ledger, totals."""

from collections import Counter
from collections.abc import Sequence

from trueup.model.change import Reason
from trueup.model.explanation import (
    DecisionExplanation,
    Explanation,
    FieldExplanation,
    FieldStatus,
    RowExplanation,
    RowStatus,
    RuleExplanation,
    RuleStatus,
    UndoneField,
)
from trueup.model.mapping import Manage
from trueup.model.run import Pushed
from trueup.render.evaluation import row_place
from trueup.render.explained_ledger import ledger_lines
from trueup.render.explained_money import (
    ExplainCommand,
    change_lines,
    explain_command,
    total_lines,
)
from trueup.render.findings import remedy_text
from trueup.render.formatting import known_as, sentence, signed
from trueup.render.formulas import formula_lines
from trueup.render.json_ import as_json
from trueup.render.layout import Cell, Line, free, lay_out
from trueup.render.plain_json import plain_json
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, WIDTH, Style
from trueup.render.view import View
from trueup.render.wording import reason_text

_STATUS_WORDS = {
    RowStatus.READY: "ready",
    RowStatus.BLOCKED: "blocked",
    RowStatus.LEFT_OUT: "left out on purpose",
    RowStatus.OUT_OF_SCOPE: "out of scope: its mapping's `where` is false",
    RowStatus.SUCCEEDED: "succeeded: another row took over its record",
    RowStatus.GONE: "gone: its table has no such row",
}

_MANAGED = {
    Manage.ALWAYS: "there is no value, which leaves the field alone",
    Manage.CREATE: "set on create only, never compared (manage: create)",
    Manage.FILL: "only fills an empty field (manage: fill)",
    Manage.EXTEND: "only moved to a later day (manage: extend)",
}


def explanation_text(
    explanation: Explanation,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
    command: ExplainCommand = explain_command,
) -> str:
    """The whole page, ending in a line break. `command` makes the command that explains a part."""
    view = View(explanation.currency, explanation.names, style, verbose)
    sections = [[free(f"! {sanitize(note)}", style.warn) for note in explanation.notes]]
    for row in explanation.rows:
        sections += _row(row, view, in_full=bool(explanation.field))
    sections += [change_lines(change, view) for change in explanation.changes]
    sections += [ledger_lines(line, view) for line in explanation.ledger]
    if explanation.total:
        sections.append(total_lines(explanation.total, view, command))
    columns = style.columns or WIDTH
    return "\n".join(
        "".join(f"{line}\n" for line in lay_out(lines, columns)) for lines in sections if lines
    )


def explanation_json(explanation: Explanation) -> str:
    """Returns all of it as JSON."""
    return as_json(plain_json(explanation))


def _row(row: RowExplanation, view: View, *, in_full: bool) -> list[list[Line]]:
    return [
        _heading(row, view),
        _fields(row, view, in_full=in_full),
        _rules(row.rules, view, in_full=in_full),
    ]


def _heading(row: RowExplanation, view: View) -> list[Line]:
    style = view.style
    name = f"{row.mapping} {sanitize(row.key)}"
    name += f" ({known_as(row.name)})" if row.name != row.key else ""
    record = f"{row.entity} {row.record}, {row.how}" if row.record is not None else ""
    facts = [
        ("Row", row_place(row.row), ""),
        ("Mapping", sanitize(row.title), str(row.place)),
        ("Status", _STATUS_WORDS[row.status], ""),
        ("Record", record or _no_record(row), ""),
    ]
    if row.pushed:
        facts.append(("Pushed", _pushed(row.pushed), ""))
    found = [free(name, style.heading)]
    found += [
        Line((Cell(label), Cell(text), Cell(sanitize(place), style.dim)), "fact", 2)
        for label, text, place in facts
    ]
    for finding in row.findings:
        text = f"{finding.severity}: {sentence(sanitize(finding.text))}"
        place = sanitize(finding.place or "")
        found.append(Line((Cell("Finding"), Cell(text), Cell(place, style.dim)), "fact", 2))
        if finding.remedy:
            found.append(free(f"→ {remedy_text(finding, view)}", indent=6))
    if row.because:
        chain = " ← ".join(f"{one.mapping} {known_as(one.name or one.key)}" for one in row.because)
        found.append(Line((Cell("Because of"), Cell(chain), Cell("")), "fact", 2))
    found += [_decision(decision, view) for decision in row.decisions]
    if row.scope and (view.verbose or row.status is RowStatus.OUT_OF_SCOPE):
        found += formula_lines("where", row.scope, view)
    return found


def _no_record(row: RowExplanation) -> str:
    return f"{row.entity} cannot be read back" if row.is_appended else f"none in {row.entity}"


def _pushed(pushed: Pushed) -> str:
    undone = ", undone" if pushed.undone else ""
    units = f"{signed(pushed.units)} from {pushed.day}" if pushed.units else "nothing was sent"
    return f"{units}, run {pushed.run[:12]}{undone}"


def _decision(explained: DecisionExplanation, view: View) -> Line:
    decision = explained.decision
    text = str(decision.verdict)
    text += f" {decision.record}" if decision.record is not None else ""
    text += f" from {decision.on}" if decision.on else ""
    text += f" until {decision.until}" if decision.until else ""
    text += f": {sanitize(decision.reason)}" if decision.reason else ""
    text += "" if explained.in_force else " (no longer in force)"
    place = sanitize(decision.place)
    return Line((Cell("Decision"), Cell(text), Cell(place, view.style.dim)), "fact", 2)


# Fields


def _fields(row: RowExplanation, view: View, *, in_full: bool) -> list[Line]:
    if not row.fields:
        return []
    heads = ["Field", "wanted", *(() if row.is_appended else (view.names.target, "last written"))]
    cells = tuple(Cell(text, view.style.heading) for text in (*heads, ""))
    found = [Line(cells, "field", heading=True)]
    for field in row.fields:
        found.append(_field(field, view, is_appended=row.is_appended))
        if field.undone:
            found.append(_undone(field.undone, view))
        if in_full or view.verbose or field.status is FieldStatus.WRITTEN:
            found += _origin(field, view)
    return found


def _field(field: FieldExplanation, view: View, *, is_appended: bool) -> Line:
    style = view.style
    paint = style.change if field.status is FieldStatus.WRITTEN else style.dim
    last = "never" if field.last_written is None else sanitize(field.last_written)
    actual = "no record" if field.actual is None else sanitize(field.actual)
    sides = () if is_appended else (Cell(actual, wraps=True), Cell(last, wraps=True))
    name, wanted = Cell(f"  {sanitize(field.name)}"), Cell(sanitize(field.wanted), wraps=True)
    return Line((name, wanted, *sides, Cell(_status(field, view), paint)), "field")


def _undone(undone: UndoneField, view: View) -> Line:
    values = f"{sanitize(undone.before)} → {sanitize(undone.after)}"
    return free(f"Undo of run {sanitize(undone.run[:12])}: {values}", view.style.change, 6)


def _status(field: FieldExplanation, view: View) -> str:
    if field.status is FieldStatus.WRITTEN:
        new = field.reason in {None, Reason.NEW}
        return "written" if new or not field.reason else reason_text(field.reason, view.names)
    if field.status is FieldStatus.KEPT:
        return _MANAGED[field.manage]
    if field.status is FieldStatus.FIXED:
        return f"{view.names.target} takes it on create only"
    if field.not_kept:
        return f"{view.names.target} did not keep {sanitize(field.not_kept)}"
    return str(field.status)


def _origin(field: FieldExplanation, view: View) -> list[Line]:
    found: list[Line] = []
    for number, formula in enumerate(field.formulas):
        found += formula_lines(field.source if number == 0 else "", formula, view, indent=6)
    return found


# Rules


def _rules(rules: Sequence[RuleExplanation], view: View, *, in_full: bool) -> list[Line]:
    if not rules:
        return []
    everything = in_full or view.verbose
    shown = [rule for rule in rules if everything or rule.status is RuleStatus.FAILS]
    found = [free("Rules", view.style.heading), *(_rule(one, view) for one in shown)]
    rest = Counter(str(rule.status) for rule in rules if rule not in shown)
    if rest:
        counts = ", ".join(f"{many:,} {_plural(status, many)}" for status, many in rest.items())
        found.append(free(f"  {counts} (-v shows them)", view.style.dim))
    return found


def _plural(status: str, many: int) -> str:
    words = {"holds": "hold", "does not apply": "do not apply"}
    return status if many == 1 else words.get(status, status)


def _rule(rule: RuleExplanation, view: View) -> Line:
    fails = rule.status is RuleStatus.FAILS
    status = f"{rule.status} ({rule.severity})" if fails else str(rule.status)
    return Line(
        (
            Cell(f"  {sanitize(rule.name)}"),
            Cell(status, view.style.error if fails else view.style.dim),
            Cell(sanitize(rule.text), wraps=True),
            Cell(str(rule.place), view.style.dim),
        ),
        "rule",
    )
