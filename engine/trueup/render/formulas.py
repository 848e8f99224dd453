"""Renders expressions with their places, results and values."""

from trueup.model.explanation import Formula
from trueup.render.evaluation import value_lines
from trueup.render.layout import Cell, Line, free
from trueup.render.sanitize import sanitize
from trueup.render.values import literal
from trueup.render.view import View


def formula_lines(label: str, formula: Formula, view: View, indent: int = 4) -> list[Line]:
    """Returns a value with its place; an expression with its values, or why it fails."""
    style = view.style
    result = literal(formula.result, whole=style.columns is None)
    text = label if formula.text else f"{label} {result}".strip()
    cells = (Cell(text), Cell(str(formula.place), style.dim))
    found = [Line(cells if text else cells[1:], indent=indent)]
    if formula.text:
        found.append(free(sanitize(formula.text), style.link, indent))
    if formula.failed:
        found.append(free(f"cannot be evaluated: {sanitize(formula.failed)}", style.error, indent))
    kind = f"values at {formula.place}"
    return found + value_lines(formula.uses, style, kind=kind, indent=indent + 2, types=False)
