"""The core takes the words of the two systems from catalogues and mappings, and writes none itself.

Words are the names of the systems, and what only a catalogue can know: the names of entities,
fields, tables and columns. `id` and `name` are words of any system.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from trueup.config.catalogues import load_entities, load_tables

from tests.support.paths import ROOT, SCHEMAS

ENGINE = ROOT / "engine" / "trueup"
CORE = (
    "applying",
    "config",
    "expressions",
    "fleet",
    "model",
    "operations",
    "planning",
    "render",
    "review",
    "stages",
    "state",
)
NAMES = ("Autotask", "Work 365", "Dataverse")
TERM = re.compile(r"[a-z]+[A-Z]|[A-Z][a-z]+[A-Z]|[a-z]+_|[A-Z][a-z]+s$")
"""What looks like a word of a catalogue: `isActive`, `BillingCodes`, `entity_set`, `Companies`."""

KNOWN = {
    "model/plan_v1.py",  # documents of format 1 hold these words
    "config/catalogues.py",  # the names where a catalogue states none
    "operations/sandbox.py",  # the sandboxes are those of these systems
    "operations/setup.py",  # the settings are those of the one system's screen for the other
    "operations/new_project.py",  # the empty tenant of a new project
    "render/text.py",  # the tabs of that screen, in its order
}


def terms() -> frozenset[str]:
    """The words of both catalogues that are no words of any system."""
    entities = load_entities(SCHEMAS / "autotask.yaml")
    tables = load_tables(SCHEMAS / "work365.yaml")
    words = {*entities, *tables}
    words |= {name for entity in entities.values() for name in entity.fields}
    for table in tables.values():
        words |= {table.logical, *table.columns}
        words |= {column.logical for column in table.columns.values()}
    return frozenset(word for word in words if TERM.match(word))


TERMS = terms()


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """String literals of a module with their lines, without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if id(node) not in documentation:
            yield node.lineno, node.value


@pytest.mark.parametrize("folder", [*CORE, "pipeline.py", "ports"])
def test_no_text_of_the_core_is_a_word_of_one_system(folder: str):
    files = [ENGINE / folder] if folder.endswith(".py") else [*(ENGINE / folder).rglob("*.py")]
    assert files

    named = [
        f"{file.relative_to(ENGINE)}:{line}: {text}"
        for file in files
        if str(file.relative_to(ENGINE).as_posix()) not in KNOWN
        for line, text in texts(file)
        if any(name in text for name in NAMES) or text in TERMS
    ]

    assert named == []
