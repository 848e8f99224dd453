"""The check of one value of a spec: a literal, an expression or a template.

`check_expression` takes the value and the names that it may use. It returns what is wrong with it,
and the shapes of what it may result in. The work is done by `inference.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from trueup.config.checks.inference import Inference, outcomes
from trueup.config.checks.shapes import Constant, Shape
from trueup.errors import ExpressionFault
from trueup.expressions import FILTERS, TESTS, Inspection, inspect
from trueup.expressions.syntax import parse
from trueup.model.finding import Finding, Severity
from trueup.model.project import Value
from trueup.model.suggestions import unknown

Names = Mapping[str, Shape]


@dataclass(slots=True)
class CheckedExpression:
    """The result of a check: the shapes of what the expression may give, and what is wrong."""

    shapes: tuple[Shape, ...] = ()
    findings: list[Finding] = field(default_factory=list)


def check_expression(value: Value, names: Names, *, single: bool = False) -> CheckedExpression:
    """Checks a literal, an expression or a template that may use `names`.

    With `single`, a template is an error. A condition or a quantity must be one expression,
    because a template gives text, and text is always true.
    """
    if not (isinstance(value.raw, str) and value.is_code):
        return CheckedExpression((Constant(value.raw),))

    checked = CheckedExpression()

    def report(text: str, remedy: str) -> None:
        finding = Finding("expression", Severity.ERROR, text, remedy, value.place)
        checked.findings.append(finding)

    try:
        inspection = inspect(value.raw)
        checked.findings += _unknown_words(inspection, value)
        if single and inspection.is_template:
            report(
                "this is text with expressions in it, not one expression",
                "write {{ … }} once, with nothing around it",
            )
        shape = Inference(names, report).of(parse(value.raw))
        checked.shapes = tuple(dict.fromkeys(outcomes(shape)))
    except ExpressionFault as fault:
        report(str(fault), "")
    return checked


def _unknown_words(inspection: Inspection, value: Value) -> list[Finding]:
    """Returns a finding for each filter and test that does not exist."""
    test_names = [name for name in TESTS if name.isalpha()]
    filters = [
        unknown(f"there is no filter {name!r}", name, FILTERS, value.place)
        for name in inspection.filters - {*FILTERS}
    ]
    tests = [
        unknown(f"there is no test {name!r}", name, test_names, value.place)
        for name in inspection.tests - {*TESTS}
    ]
    return filters + tests
