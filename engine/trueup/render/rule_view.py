"""Renders a rule with the results of its expressions on one row, or on a plan."""

from trueup.model.explanation import RuleStatus, RuleView
from trueup.render.formulas import formula_lines
from trueup.render.json_ import as_json
from trueup.render.layout import Cell, Line, lay_out
from trueup.render.plain_json import plain_json
from trueup.render.sanitize import sanitize
from trueup.render.style import Style
from trueup.render.values import literal
from trueup.render.view import View


def rule_text(rule: RuleView, style: Style) -> str:
    """The rule and whether it holds; then each expression with its result and what it uses."""
    paint = style.error if rule.status is RuleStatus.FAILS else style.heading
    head = f"rule {sanitize(rule.name)}, on: {rule.on}, {rule.status}"
    lines = [Line((Cell(head, paint), Cell(str(rule.place), style.dim)))]
    for formula in rule.formulas:
        result = "" if formula.formula.failed else literal(formula.formula.result, whole=True)
        label = f"{formula.part} {result}".rstrip() if formula.formula.text else formula.part
        lines += formula_lines(label, formula.formula, View(style=style), indent=2)
    return "".join(f"{line}\n" for line in lay_out(lines, style.columns))


def rule_json(rule: RuleView) -> str:
    """Returns the rule as JSON."""
    return as_json(plain_json(rule))
