"""The table of conformance.md is true: every test that it names is there, every section is spoken of."""

import ast
import re
from pathlib import Path

import pytest

from engine.sandbox import switches

HERE = Path(__file__).parent
ROW = re.compile(r"\| (\d) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TABLE = (HERE / "conformance.md").read_text("utf-8")
KEPT, NOT_KEPT = (ROW.findall(part) for part in TABLE.split("## Not kept"))


@pytest.mark.parametrize(("fact", "shown_by"), [row[1:] for row in KEPT])
def test_the_test_that_shows_a_fact_is_there(fact, shown_by):
    file, _, name = shown_by.strip("`").partition("::")
    tree = ast.parse((HERE / file).read_text("utf-8"))

    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, fact


def test_every_section_is_spoken_of_and_no_fact_stands_twice():
    facts = [fact for _, fact, _ in KEPT + NOT_KEPT]

    assert {section for section, _, _ in KEPT + NOT_KEPT} == set("1234567")
    assert len(facts) == len(set(facts)) == TABLE.count("\n| ") - 2 * 2
    assert len(KEPT) > 100


def test_every_switch_is_turned_by_some_test():
    said = "".join(file.read_text("utf-8") for file in HERE.glob("test_*.py"))

    assert [switch.name for switch in switches.ALL if f'"{switch.name}"' not in said] == []
