"""The scripts that developers and CI use, and the size of classes."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests import changed
from tests.support.paths import ROOT

VERSIONS = ["3.11", "3.12", "3.13"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project with a few tests."""
    for path in ("planning/ledger/test_moves.py", "planning/test_guards.py", "cli/test_plan.py"):
        file = tmp_path / "tests" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "tests"),
    [
        ("engine/trueup/planning/ledger/moves.py", "tests/planning/ledger/test_moves.py"),
        ("engine/trueup/planning/ledger/pairs.py", "tests/planning/ledger"),
        ("engine/trueup/planning/undo/plan.py", "tests/planning"),
        ("engine/trueup/planning/ledger.py", "tests/planning/ledger"),
        ("engine/trueup/state/sqlite/store.py", None),
        ("engine/trueup/errors.py", None),
        ("tests/cli/test_plan.py", "tests/cli/test_plan.py"),
        ("tests/cli/test_removed.py", None),
        ("tests/support/fakes.py", None),
        ("mappings/customer.yaml", "tests/rules"),
        ("README.md", None),
    ],
)
def test_the_tests_of_a_file_are_found(tree: Path, path: str, tests: str | None):
    assert changed.find_tests(path, tree) == tests


def test_no_test_is_run_twice_and_some_are_run_always(tree: Path):
    paths = ["engine/trueup/planning/ledger/moves.py", "engine/trueup/planning/undo/plan.py"]

    assert changed.selected(paths, tree) == ["tests/planning"]
    assert changed.selected(["README.md"], tree) == ["tests/model"]


def test_the_lowest_versions_are_those_of_the_project():
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "lowest.py"],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [*project["dependencies"]]
    for extra, requirements in project["optional-dependencies"].items():
        named += requirements if extra not in {"dev", "docs"} else []
    lines = done.stdout.splitlines()
    assert "httpx==0.27" in lines
    assert len(lines) == len(named)
    for line, text in zip(lines, named, strict=True):
        (pin,) = Requirement(line).specifier
        lowest = [one.version for one in Requirement(text).specifier if one.operator == ">="]
        assert [pin.version] == lowest, text  # 0.66 for 0.66b0 may not exist


@pytest.mark.parametrize(
    "file", [".github/workflows/test.yml", ".gitlab-ci.yml", "azure-pipelines.yml"]
)
def test_each_ci_system_runs_make_test_on_every_version(file: str):
    text = (ROOT / file).read_text(encoding="utf-8")
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert ".ci/run PYTHON=python" in text
    assert '\nexport TRUEUP_TEST_BROWSER=required\nmake test "$@"\n' in run
    assert [version for version in VERSIONS if f'"{version}"' in text] == VERSIONS


def test_each_target_of_the_ci_files_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?m)^([a-z-]+):", makefile))
    files = [".github/workflows/test.yml", ".gitlab-ci.yml", "azure-pipelines.yml"]
    used = {
        name
        for file in files
        for name in re.findall(r"make ([a-z-]+) PYTHON", (ROOT / file).read_text("utf-8"))
    }

    assert used == {"coverage", "screenshots", "test-lowest"}
    assert used <= targets


def test_an_old_python_is_refused_before_an_environment_is_made(tmp_path: Path):
    old = tmp_path / "python"
    old.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; sys.version_info = (3, 10, 2); "
        'exec(sys.argv[2])\' "$@"\n',
        encoding="utf-8",
    )
    old.chmod(0o755)
    for name in ("Makefile", "pyproject.toml", ".ci"):
        (tmp_path / name).symlink_to(ROOT / name)

    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == 2
    assert "trueup needs Python 3.11 or later, and this is Python 3.10" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_no_class_of_the_engine_has_more_than_20_methods():
    files = [*(ROOT / "engine").rglob("*.py")]
    assert files

    large = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        if sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body) > 20
    ]

    assert large == []


def test_no_struct_has_a_field_of_a_data_class_and_no_data_class_one_of_a_struct():
    """Neither library refuses the other's `field`, which would be the value of each object."""
    files = [*(ROOT / "engine").rglob("*.py")]
    assert files

    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.name} uses {maker}.field"
        for file in files
        for tree in [ast.parse(file.read_text(encoding="utf-8"))]
        for maker in field_makers(tree)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(map(is_made_by_field, node.body))
        if (maker == "dataclasses")
        != any("dataclass" in ast.unparse(d) for d in node.decorator_list)
    ]

    assert wrong == []


def field_makers(tree):
    """Where a module's `field` is imported from."""
    return [
        node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and any(name.name == "field" for name in node.names)
    ]


def is_made_by_field(part):
    made = isinstance(part, ast.AnnAssign) and isinstance(part.value, ast.Call)
    return made and ast.unparse(part.value.func) == "field"
