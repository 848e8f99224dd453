"""One value of a spec in; what is wrong with its expression, and what it may give, out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jinja2 import nodes

from engine.config.checks.infer import Inference, outcomes
from engine.config.checks.shapes import Known, Shape
from engine.config.near import unknown
from engine.errors import ExpressionFault
from engine.expressions import FILTERS, TESTS, Inspection, inspect
from engine.expressions.syntax import parse
from engine.model.finding import Finding, Severity
from engine.model.project import Value

Names = Mapping[str, Shape]
DEEPEST = 100
"""Levels of an expression; what is deeper may not compile everywhere."""


@dataclass(slots=True)
class Read:
    """An expression after reading: all that it may give, and what is wrong with it."""

    gives: tuple[Shape, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    paths: frozenset[tuple[str, ...]] = frozenset()


def read(value: Value, names: Names, *, alone: bool = False) -> Read:
    """Reads a literal, an expression or a template that may use `names`.

    `alone`: it must be one expression, for whether or how much: text around it would always be true.
    """
    if not (isinstance(value.raw, str) and value.is_code):
        return Read((Known(value.raw),))
    made = Read()
    try:
        seen = inspect(value.raw)
        made.paths = seen.paths
        made.findings += _vocabulary(seen, value)
        if alone and seen.is_template:
            text = "this is text with expressions in it, not one expression"
            made.findings.append(_finding(value, text, "write {{ … }} once, with nothing around it"))
        tree = _tree(value.raw)
        inference = Inference(names, lambda text, remedy: made.findings.append(_finding(value, text, remedy)))
        made.gives = tuple(dict.fromkeys(outcomes(inference.of(tree))))
    except ExpressionFault as fault:
        made.findings.append(Finding("expression", Severity.ERROR, str(fault), "", value.place))
    except RecursionError:
        made.findings.append(Finding("expression", Severity.ERROR, "nested too deeply", "take it apart", value.place))
    return made


def _tree(text: str) -> nodes.Expr:
    """The parsed text, if it is not too deep; looked at level by level, for a deep tree would end the stack."""
    tree = parse(text)
    level: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise ExpressionFault(f"nested deeper than {DEEPEST} levels")
    return tree


def _finding(value: Value, text: str, remedy: str) -> Finding:
    return Finding("expression", Severity.ERROR, text, remedy, value.place)


def _vocabulary(seen: Inspection, value: Value) -> list[Finding]:
    wrong = [unknown(f"there is no filter {name!r}", name, FILTERS, value.place) for name in seen.filters - {*FILTERS}]
    words = [name for name in TESTS if name.isalpha()]
    wrong += [unknown(f"there is no test {name!r}", name, words, value.place) for name in seen.tests - {*TESTS}]
    return wrong
