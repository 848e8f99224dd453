"""The check of one value of a spec: a literal, an expression or a template.

`check_expression` takes the value and the names that it may use. It returns what is wrong with it,
and the shapes of what it may result in. The work is done by `inference.py`. An expression that
needs no row, such as `{{ settings.setup_fee / 2 }}`, is evaluated.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from trueup.config.checks.inference import Inference, outcomes
from trueup.config.checks.shapes import Constant, Scalar, Shape, Structure
from trueup.config.schema_errors import shown
from trueup.errors import ExpressionFault
from trueup.expressions import EVALUATION_ERRORS, FILTERS, TESTS, Inspection, evaluate, inspect
from trueup.expressions.syntax import parse
from trueup.model.catalogue import Type
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import Value
from trueup.model.suggestions import unknown

Names = Mapping[str, Shape]
Report = Callable[[str, str], None]
"""Takes what is wrong, and what to do about it."""


class CheckedExpression(Struct):
    """The result of a check: the shapes of what the expression may give, and what is wrong."""

    shapes: tuple[Shape, ...] = ()
    findings: list[Finding] = []


def check_expression(
    value: Value, names: Names, *, single: bool = False, guarded: bool = False
) -> CheckedExpression:
    """Checks a literal, an expression or a template that may use `names`.

    With `single`, a template is an error. A condition or a quantity must be one expression,
    because a template gives text, and text is always true. With `guarded`, the expression is used
    only where another one holds: it is not evaluated here, where it may fail.
    """
    if not (isinstance(value.raw, str) and value.is_code):
        return CheckedExpression((Constant(value.raw),), _without_braces(value, names))

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
        if not (checked.findings or guarded):
            _evaluate(value.raw, names, checked, report)
    except ExpressionFault as fault:
        report(str(fault), "")
    return checked


def check_condition(value: Value, names: Names) -> list[Finding]:
    """Returns what is wrong with a condition, also one that is the same for every row.

    A text or a look-up as a condition asks whether it has a value. A choice nearly always has.
    """
    checked = check_expression(value, names, single=True)
    only = checked.shapes[0] if len(checked.shapes) == 1 and not checked.findings else None
    text = remedy = ""
    if isinstance(only, Constant) and isinstance(only.value, str) and _is_stated(value):
        origin = only.named or "the condition"
        result = "always true" if only.value else "never true"
        text = f"{origin} is the text {shown(only.value)}, which is {result}"
        remedy = "write true or false, or compare it: {{ … == '…' }}"
    elif isinstance(only, Scalar) and only.type is Type.CHOICE and only.choices:
        text = f"{only.what} is not compared: each of its values is true"
        remedy = "write {{ … == '…' }}, or `is not none` to ask whether there is one"
    if text:
        finding = Finding("expression", Severity.ERROR, text, remedy, value.place)
        checked.findings.append(finding)
    return checked.findings


def _is_stated(value: Value) -> bool:
    """Returns whether the value needs no row: `{{ 'a' if source.b }}` may be none."""
    return not value.is_code or inspect(str(value.raw)).roots <= {"settings"}


_REFERENCE = re.compile(r"\{?\s*(?P<name>\w+)(?:\.\w+|\[[^]]*\])+[^{}]*\}{0,2}")


def _without_braces(value: Value, names: Names) -> list[Finding]:
    """Returns the finding of a text that is an expression but for its braces."""
    if not isinstance(value.raw, str):
        return []
    text = value.raw.strip()
    found = _REFERENCE.fullmatch(text)
    if not (found and found["name"] in names):
        return []
    expression = text.strip("{} ")
    return [
        Finding(
            "expression",
            Severity.ERROR,
            f"{shown(text)} is text, and would be written as it stands",
            f'write "{{{{ {expression} }}}}" for its value',
            value.place,
        )
    ]


def constants_of(names: Names) -> dict[str, object]:
    """Returns the values of the names that need no row: the settings, where they are known."""
    settings = names.get("settings")
    if isinstance(settings, Structure) and settings.stated is not None:
        return {"settings": settings.stated}
    return {}


def _evaluate(raw: str, names: Names, checked: CheckedExpression, report: Report) -> None:
    """Evaluates an expression that needs no row: for a row it would give the same, or fail."""
    constants, roots = constants_of(names), inspect(raw).roots
    if not roots <= constants.keys():
        return
    try:
        result = evaluate(raw, constants)
    except EVALUATION_ERRORS as fault:
        report(f"this can never be evaluated: {fault}", "correct the expression or the setting")
        return
    # A constant that is a setting names it, with its place; what is computed from it has neither.
    # Nothing is known of a setting that is a list, or that holds an expression.
    is_stated = all(isinstance(shape, Constant) for shape in checked.shapes)
    is_known = not roots or all(isinstance(shape, Scalar) for shape in checked.shapes)
    if is_known and not is_stated:
        checked.shapes = (Constant(result),)


def _unknown_words(inspection: Inspection, value: Value) -> list[Finding]:
    """Returns a finding for each filter and test that does not exist."""
    filters = [
        unknown(f"there is no filter {name!r}", name, FILTERS, value.place)
        for name in inspection.filters - FILTERS.keys()
    ]
    tests = [
        unknown(
            f"there is no test {name!r}",
            name,
            [known for known in TESTS if known.isalpha()],
            value.place,
        )
        for name in inspection.tests - TESTS.keys()
    ]
    return filters + tests
