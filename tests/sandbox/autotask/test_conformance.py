"""conformance.md is complete: its tests exist, every section has facts, every switch is set."""

import ast
import re
from functools import cache
from pathlib import Path

from trueup.sandbox.autotask import switches

from tests.support.paths import ROOT

HERE = Path(__file__).parent
DOCUMENT = ROOT / "docs" / "explanation" / "autotask.md"
ROW = re.compile(r"\| (\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
TABLE = (HERE / "conformance.md").read_text("utf-8")
KEPT, LEARNED, NOT_KEPT = (
    ROW.findall(part) for part in re.split("## Learned since|## Not kept", TABLE)
)
LEARNED_FACTS = re.findall(
    r"^\| (\d+) \| ", DOCUMENT.read_text("utf-8").split("\n## 12. ")[1], re.MULTILINE
)


@cache
def functions(file):
    """The names of the functions of a file beside this one."""
    tree = ast.parse((HERE / file).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_test_of_each_fact_exists():
    missing = []
    for _, fact, shown_by in KEPT + LEARNED:
        file, _, name = shown_by.strip("`").partition("::")
        missing += [] if name in functions(file) else [(fact, shown_by)]

    assert missing == []


def test_every_section_has_facts_and_no_fact_is_listed_twice():
    facts = [fact for _, fact, _ in KEPT + LEARNED + NOT_KEPT]

    assert {section for section, _, _ in KEPT + NOT_KEPT} == set("1234567")
    assert len(facts) == len(set(facts)) == TABLE.count("\n| ") - 3 * 2
    assert len(KEPT) > 100


def test_every_row_of_section_12_is_kept_and_has_a_test():
    assert [*dict.fromkeys(number for number, _, _ in LEARNED)] == LEARNED_FACTS
    assert len(LEARNED_FACTS) == 22


def test_every_switch_is_set_by_a_test():
    tests = "".join(file.read_text("utf-8") for file in HERE.glob("test_*.py"))

    assert [switch.name for switch in switches.ALL if f'"{switch.name}"' not in tests] == []
