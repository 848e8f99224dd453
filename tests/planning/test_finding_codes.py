"""The list of codes of a plan's findings: complete, so that tests of projects can be checked."""

import ast
import re

import pytest
from trueup.model.finding_codes import PLAN_CODES

from tests.support.paths import ROOT

FOLDERS = ("planning", "stages", "expressions", "source")
NO_CODES = frozenset(
    {
        *("utf-8", "utf-16-le", "utf-16-be", "profile"),
        *("rule", "str", "id", "content-encoding"),
        *("decision", "identity", "match", "succession"),  # how a record was found
    }
)
MAKERS = frozenset({"Finding", "change_finding", "block", "skip", "finding"})
"""Functions that take the code of a finding."""

KEBAB = re.compile(r"[a-z]+(-[a-z0-9]+)+")
WORD = re.compile(r"[a-z]+")


def codes(text):
    """What looks like a code in a module.

    These are texts in kebab case, constants of one word, and what makers get.
    """
    tree = ast.parse(text)
    found = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if KEBAB.fullmatch(node.value)
    }
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(value, ast.Constant) and WORD.fullmatch(str(value.value)):
            found.add(str(value.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in MAKERS:
                first = [one for one in node.args[:2] if isinstance(one, ast.Constant)]
                found |= {str(one.value) for one in first if WORD.fullmatch(str(one.value))}
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_code_of_a_finding_is_listed(folder):
    found = set()
    for path in (ROOT / "engine" / "trueup" / folder).rglob("*.py"):
        if path.name not in ("doctor.py", "examine.py"):  # findings about access, not of a plan
            found |= codes(path.read_text(encoding="utf-8"))

    assert found - NO_CODES - PLAN_CODES == set()


@pytest.mark.parametrize(
    "text",
    [
        'SLEEPY = "sleepy"',
        'SLEEPY: str = "sleepy"',
        'Finding("sleepy", Severity.HOLD, "…")',
        'finding(row, "sleepy")',
    ],
)
def test_a_code_of_one_word_is_found(text):
    assert codes(text) == {"sleepy"}
