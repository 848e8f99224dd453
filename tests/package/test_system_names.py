"""The core takes the names of the two systems from the catalogues, and never writes them itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

ENGINE = ROOT / "engine" / "trueup"
CORE = ("applying", "config", "expressions", "model", "operations", "planning", "stages", "state")
NAMES = ("Autotask", "Work 365", "Dataverse")
KNOWN = {
    "model/plan_v1.py",  # documents of format 1 hold these words
    "config/catalogues.py",  # the names where a catalogue states none
    "operations/sandbox.py",  # the sandboxes are those of these systems
    "operations/setup.py",  # the settings are those of the one system's screen for the other
}


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """String literals of a module with their lines, without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation:
            yield node.lineno, node.value


@pytest.mark.parametrize("folder", [*CORE, "pipeline.py", "ports"])
def test_no_text_of_the_core_names_a_system(folder: str):
    files = [ENGINE / folder] if folder.endswith(".py") else [*(ENGINE / folder).rglob("*.py")]
    assert files

    named = [
        f"{file.relative_to(ENGINE)}:{line}: {text}"
        for file in files
        if str(file.relative_to(ENGINE).as_posix()) not in KNOWN
        for line, text in texts(file)
        if any(name in text for name in NAMES)
    ]

    assert named == []
