"""One value of a spec in; what is wrong with its expression, and what it may give, out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.config.checks.infer import Inference, outcomes
from engine.config.checks.shapes import Known, Shape
from engine.config.near import unknown
from engine.errors import ExpressionFault
from engine.expressions import FILTERS, TESTS, Inspection, inspect
from engine.expressions.syntax import parse
from engine.model.finding import Finding, Severity
from engine.model.project import Value

Names = Mapping[str, Shape]


@dataclass(slots=True)
class Read:
    """An expression after reading: all that it may give, and what is wrong with it."""

    gives: tuple[Shape, ...] = ()
    findings: list[Finding] = field(default_factory=list)


def read(value: Value, names: Names, *, alone: bool = False) -> Read:
    """Reads a literal, an expression or a template that may use `names`.

    `alone`: it must be one expression, for whether or how much: text around it would always be true.
    """
    if not (isinstance(value.raw, str) and value.is_code):
        return Read((Known(value.raw),))
    made = Read()
    try:
        seen = inspect(value.raw)
        made.findings += _vocabulary(seen, value)
        if alone and seen.is_template:
            text = "this is text with expressions in it, not one expression"
            made.findings.append(_finding(value, text, "write {{ … }} once, with nothing around it"))
        inference = Inference(names, lambda text, remedy: made.findings.append(_finding(value, text, remedy)))
        made.gives = tuple(dict.fromkeys(outcomes(inference.of(parse(value.raw)))))
    except ExpressionFault as fault:
        made.findings.append(Finding("expression", Severity.ERROR, str(fault), "", value.place))
    return made


def _finding(value: Value, text: str, remedy: str) -> Finding:
    return Finding("expression", Severity.ERROR, text, remedy, value.place)


def _vocabulary(seen: Inspection, value: Value) -> list[Finding]:
    wrong = [unknown(f"there is no filter {name!r}", name, FILTERS, value.place) for name in seen.filters - {*FILTERS}]
    words = [name for name in TESTS if name.isalpha()]
    wrong += [unknown(f"there is no test {name!r}", name, words, value.place) for name in seen.tests - {*TESTS}]
    return wrong
