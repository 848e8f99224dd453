"""A table by kind has a line for each kind, and a schema has its words: no kind is forgotten.

mypy sees a `match` that leaves a kind out, but not a table. Without its line, a new kind would be
counted nowhere, shown by no sign, or refused in YAML.
"""

import ast
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest
from trueup.model.approval import Statement
from trueup.model.change import Action, Reason
from trueup.model.explanation import LedgerSum, RowStatus
from trueup.model.finding import Severity
from trueup.model.fleet import RunMode
from trueup.model.fleet_run import Waits
from trueup.model.mapping import Difference, Manage, PolicyPart, Rounding, Strength, WhenMissing
from trueup.model.notice import Details, Event
from trueup.model.plan import LedgerClass
from trueup.model.record_search import Fit
from trueup.model.verdict import Verdict

from tests.support.paths import ROOT, SCHEMAS

ENGINE = ROOT / "engine" / "trueup"
KINDS: dict[str, type[Enum]] = {
    "Action": Action,
    "Event": Event,
    "Fit": Fit,
    "LedgerSum": LedgerSum,
    "Manage": Manage,
    "PolicyPart": PolicyPart,
    "Reason": Reason,
    "Rounding": Rounding,
    "RowStatus": RowStatus,
    "Severity": Severity,
    "Statement": Statement,
    "Verdict": Verdict,
    "Waits": Waits,
}
"""Kinds of which every table is complete, by their names in the code."""

LEFT_OUT: dict[str, set[str]] = {
    "cli/approve.py": {"YES"},  # without an option
    "planning/ledger/policy_effects.py": {"INCREASE", "DECREASE", "CEILING", "REFUND"},  # no units
    "review/bulk.py": {"ACTIVATE", "CREATE", "LINK", "SUCCEED"},  # about one row each
    "review/row_page.py": {"LINK"},  # begins at the search
}
"""Kinds that a table leaves out on purpose, by its module."""

WORDS: dict[tuple[str, str], set[str]] = {
    ("decisions", "do"): {*Verdict} - {Verdict.LINK},  # a link has a key of its own
    ("fleet", "do"): {*RunMode},
    ("mapping", "difference"): {*Difference},
    ("mapping", "manage"): {*Manage},
    ("mapping", "strength"): {*Strength},
    ("mapping", "when_missing"): {*WhenMissing},
    ("project", "details"): {*Details},
    ("project", "events"): {*Event},
    ("rules", "severity"): {*Severity},
    ("test", "class"): {*LedgerClass},
}
"""Words that a key accepts, by schema and key."""


def tables(kind: str, tree: ast.AST) -> Iterator[tuple[int, set[str]]]:
    """Dictionaries of two and more lines whose keys are all kinds: the line, and the kinds."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict) or len(node.keys) < 2:
            continue
        of_kind = [
            key.attr
            for key in node.keys
            if isinstance(key, ast.Attribute)
            and isinstance(key.value, ast.Name)
            and key.value.id == kind
        ]
        if len(of_kind) == len(node.keys):
            yield node.lineno, {*of_kind}


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_by_kind_has_all_kinds(kind: str):
    found = {
        f"{name}:{line}": KINDS[kind].__members__.keys() - keys - LEFT_OUT.get(name, set())
        for path in ENGINE.rglob("*.py")
        if f" {kind}." in (text := path.read_text(encoding="utf-8"))
        for name in [path.relative_to(ENGINE).as_posix()]
        for line, keys in tables(kind, ast.parse(text))
    }

    assert found
    assert {place: sorted(lacks) for place, lacks in found.items() if lacks} == {}


@pytest.mark.parametrize("verdict", Verdict)
def test_planning_acts_on_each_decision(verdict: Verdict):
    """Planning asks for single verdicts: one that it never asks for would have no effect."""
    compared = f".verdict is Verdict.{verdict.name}"

    assert any(
        compared in path.read_text(encoding="utf-8")
        for folder in ("planning", "stages")
        for path in (ENGINE / folder).rglob("*.py")
    )


def listed(name: str, part: object) -> Iterator[set[str]]:
    """The words of each `name` that a schema defines: of its value, or of its items."""
    if isinstance(part, dict):
        for defined in (part.get("properties", {}), part.get("$defs", {})):
            if isinstance(found := defined.get(name), dict):
                yield {*found.get("enum", found.get("items", {}).get("enum", ()))}
    for inner in (
        part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    ):
        yield from listed(name, inner)


@pytest.mark.parametrize(("schema", "key"), WORDS)
def test_a_schema_accepts_the_words_that_the_code_knows(schema: str, key: str):
    document = json.loads(Path(SCHEMAS / f"{schema}.schema.json").read_text(encoding="utf-8"))

    assert WORDS[schema, key] in [*listed(key, document)]


def test_a_test_expects_each_kind_of_change_by_its_name():
    document = json.loads(Path(SCHEMAS / "test.schema.json").read_text(encoding="utf-8"))
    keys = {str(action).replace(" ", "_") for action in Action}
    (changes,) = [
        {
            name
            for name, part in found["properties"].items()
            if part.get("$ref") == "#/$defs/changes"
        }
        for found in document["$defs"].values()
        if "write_back" in found.get("properties", {})
    ]

    assert changes == keys
