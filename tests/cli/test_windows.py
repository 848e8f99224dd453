"""All commands in a process that lacks what Windows lacks."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.part_of_demo import keep_companies, keep_customers
from tests.support.paths import ROOT

CUSTOMERS = ("Alpine Dental AG", "Brightwater Logistics Ltd", "Kestrel Marine Services Ltd")

MESSY = "rules/contact.yaml"

ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(ROOT / "engine"), str(ROOT)]),
    "PYTHONIOENCODING": "cp1252",
    "PYTHONWARNDEFAULTENCODING": "1",
    "PYTHONWARNINGS": "error::EncodingWarning",
}
ENGINE = ROOT / "engine" / "trueup"
ONLY_ON_SOME = {
    "fcntl",
    "fchmod",
    "fchown",
    "fork",
    "getgid",
    "geteuid",
    "getuid",
    "grp",
    "kill",
    "msvcrt",
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "pwd",
    "resource",
    "SIGBREAK",
    "SIGHUP",
    "SIGKILL",
    "termios",
}
"""Names of modules, of `os` and of `signal` that not every system has, or not with one meaning."""
ANY_OF_THEM = re.compile("|".join(ONLY_ON_SOME))


def commands(work: Path) -> list[list[str]]:
    """A project from its creation to its history."""
    saved, export = str(work / "saved.json"), str(work / "state.json")
    snapshot, clone = str(work / "before.sqlite"), str(work / "clone.sqlite")
    lines = [
        ["init", str(work)],
        ["validate"],
        ["graph"],
        ["doctor"],
        ["fmt", str(work / MESSY)],
        ["fmt", "--check", str(work / MESSY)],
        # In one process: multiprocessing, and the SDK of `mcp`, look at the system's name.
        [
            "test",
            "--timeout",
            "0",
            "--jobs",
            "1",
            "--only",
            "phone",
            "--junit",
            str(work / "tests.xml"),
        ],
        ["test", "--make", "customer:Alpine Dental AG"],
        ["eval", "customer", "Alpine Dental AG", "{{ source.phone | phone(source.country) }}"],
        ["eval", "--filters"],
        ["search", "customer", "alpine"],
        ["explain", "customer:Alpine Dental AG"],
        ["catalogue", "pull", "Companies"],
        ["plan", "--compare", str(work)],
        ["discover", "--add", "account"],
        ["plan", "--out", saved],
        ["plan", "--out", saved, "--json"],
        ["show", saved],
        ["show", saved, "--format", "csv"],
        ["show", saved, "--format", "html"],
        ["show", saved, "--format", "xlsx", "--out", str(work / "plan.xlsx")],
        ["explain", "--plan", saved, "billed too little"],
        ["rehearse", saved],
        ["sandbox", "snapshot", snapshot],
        ["apply", saved, "--yes", "--max-calls", "60"],
        ["state", "list"],
        ["apply", "--resume"],
        ["plan", "--detailed-exitcode"],
        ["history"],
        ["history", "verify"],
        ["history", "export", "--out", str(work / "history.csv")],
        ["state", "export", "--out", export],
        ["state", "list", "--json"],
        ["decide", "customer", "749c6782", "ignore", "--reason", "billed elsewhere"],
        ["decide", "customer", "749c6782", "ignore", "--reason", "others do it", "--no-preview"],
        ["link", "customer", "749c6782", "29683", "--reason", "seen in both", "--no-preview"],
        ["decide", "--list"],
        ["decide", "--file", str(work / "decisions.csv")],
        ["validate", "--json"],
        ["sandbox", "clone", "--database", clone],
        ["sandbox", "restore", snapshot],
        ["sandbox", "reset"],
    ]
    return [lines[0], *([*line, "--project", str(work)] for line in lines[1:])]


@pytest.fixture
def results(tmp_path: Path) -> dict[str, dict[str, object]]:
    """What each command line printed, and its exit code, without the options for files."""
    folder = tmp_path
    work = folder / "Arbeit für Müller & Söhne"
    creation, *others = commands(work)

    shown = run_lines(folder, [creation])
    make_small(work)
    shown += run_lines(folder, others)
    return {" ".join(one["line"]).replace(str(folder), "."): one for one in shown}


def make_small(work: Path) -> None:
    """Leaves few rows, records and tests, and one file whose layout is to be mended."""
    keep_customers(work / "examples" / "work365", CUSTOMERS)
    seed = work / "examples" / "autotask.json"
    world = keep_companies(json.loads(seed.read_text(encoding="utf-8")), CUSTOMERS)
    seed.write_text(json.dumps(world), encoding="utf-8")
    for file in (work / "tests").iterdir():
        if file.stem not in {"defaults", "customer"}:
            file.unlink()
    text = (work / MESSY).read_text(encoding="utf-8")
    (work / MESSY).write_text(text.replace("rules:\n", "rules:   \n"), encoding="utf-8")


def run_lines(folder: Path, lines: list[list[str]]) -> list[dict[str, Any]]:
    """What command lines printed that one process ran in a folder."""
    file = folder / "lines.json"
    file.write_text(json.dumps(lines), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.windows", str(file)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr.decode()
    shown: list[dict[str, Any]] = json.loads(done.stdout)
    return shown


def test_the_commands_do_what_they_do_elsewhere(results: dict[str, dict[str, object]]):
    faults = {
        line: one["error"]
        for line, one in results.items()
        if "Traceback" in str(one["error"]) or one["code"] in {-1, 70}
    }

    assert faults == {}
    codes = {line.partition(" --project")[0]: one["code"] for line, one in results.items()}
    expected = dict.fromkeys(codes, 0)
    for line in codes:
        if "--max-calls" in line:
            expected[line] = 3
        if line.startswith(
            ("discover", "decide --file")
        ):  # there is no Dataverse, and no such file
            expected[line] = 1

    errors = {line: one["error"] for line, one in results.items() if one["error"]}
    assert codes == expected, errors


MISSING = """
import os, sqlite3, sys
from pathlib import Path
from tests.support import windows

windows.take_away()
here = Path(sys.argv[1])
new, old = here / "new", here / "old"
new.write_text("new", encoding="utf-8")
old.write_text("old", encoding="utf-8")
refused = []

def attempt(name, what):
    try:
        what()
    except (OSError, ImportError, AttributeError) as error:
        refused.append(name)

attempt("fcntl", lambda: __import__("fcntl"))
attempt("getuid", lambda: os.getuid())
attempt("folder", lambda: os.open(here, os.O_RDONLY))
with old.open("rb"):
    attempt("replace open", lambda: new.replace(old))
    attempt("remove open", old.unlink)
database = sqlite3.connect(here / "database")
attempt("remove database", (here / "database").unlink)
database.close()
attempt("replace closed", lambda: new.replace(old))
attempt("remove closed", old.unlink)
print(*refused, sep=",")
"""


def test_the_process_lacks_what_windows_lacks(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", MISSING, str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )

    expected = "fcntl,getuid,folder,replace open,remove open,remove database"
    assert done.stdout.strip() == expected


def names_used(tree: ast.AST) -> set[str]:
    """The modules that a file imports, and the attributes that it uses of `os` and `signal`."""
    used = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            used |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            used |= {node.module or "", *(alias.name for alias in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used |= {node.attr} if node.value.id in {"os", "signal"} else set()
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr":
            owner, name, *_ = map(ast.unparse, node.args)
            used |= {name.strip("'")} if owner in {"os", "signal"} else set()
    return used


def test_only_one_module_uses_what_differs_between_systems():
    texts = {
        path.relative_to(ENGINE).as_posix(): path.read_text(encoding="utf-8")
        for path in ENGINE.rglob("*.py")
    }
    named = {file: text for file, text in texts.items() if ANY_OF_THEM.search(text)}
    users = {file for file, text in named.items() if names_used(ast.parse(text)) & ONLY_ON_SOME}

    assert users == {"operating_system.py"}


def test_no_other_module_asks_which_system_it_runs_on():
    asking = re.compile(r"\bos\.name\b|\bsys\.platform\b|platform\.system\(")
    users = {
        path.relative_to(ENGINE).as_posix()
        for path in ENGINE.rglob("*.py")
        if asking.search(path.read_text(encoding="utf-8"))
    }

    assert users == {"operating_system.py"}
