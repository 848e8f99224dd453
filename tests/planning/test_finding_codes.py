"""The list of codes of a plan's findings: complete, so that tests of projects can be checked."""

import ast
import re

import pytest
from trueup.model.finding_codes import PLAN_CODES

from tests.support.paths import ROOT

FOLDERS = ("planning", "stages", "expressions", "source")
NO_CODES = frozenset({"utf-8", "utf-16-le", "utf-16-be", "profile"})
MAKERS = frozenset({"Finding", "change_finding", "block", "skip", "finding"})
"""Functions that take the code of a finding."""

KEBAB = re.compile(r"[a-z]+(-[a-z0-9]+)+")


def codes(path):
    """What looks like a code in a file: texts in kebab case, and what makers get."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if KEBAB.fullmatch(node.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in MAKERS:
                first = [one for one in node.args[:2] if isinstance(one, ast.Constant)]
                found |= {one.value for one in first if re.fullmatch("[a-z]+", str(one.value))}
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_code_of_a_finding_is_listed(folder):
    found = set()
    for path in (ROOT / "engine" / "trueup" / folder).rglob("*.py"):
        if path.name not in ("doctor.py", "examine.py"):  # findings about access, not of a plan
            found |= codes(path)

    assert found - NO_CODES - PLAN_CODES == set()
