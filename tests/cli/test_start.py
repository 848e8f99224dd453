"""What a command line costs before it does anything: the modules that it imports."""

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete
from trueup.cli.commands import SHORT_HELP
from trueup.cli.main import trueup
from trueup.config import loader
from trueup.operations.testing import files as test_files

from tests.support.paths import ROOT, SCHEMAS

HEAVY = {
    "sqlalchemy", "httpx", "networkx", "deepdiff", "msal", "phonenumbers", "starlette", "uvicorn",
}  # fmt: skip

IMPORTED = """
import os, sys
from trueup.cli.main import run
with open(os.devnull, "w", encoding="utf-8") as sys.stdout:
    with open(os.devnull, "w", encoding="utf-8") as sys.stderr:
        codes = [run(line.split()) for line in sys.argv[1:]]
print(*codes, file=sys.__stdout__)
print(*sys.modules, file=sys.__stdout__)
"""


def imported(*lines):
    """The exit codes of command lines that run in one process, and the modules that it imports."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *lines],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    codes, modules = done.stdout.splitlines()
    return codes.split(), set(modules.split())


def test_help_version_and_a_mistyped_command_import_no_command_and_no_heavy_library():
    codes, modules = imported("--help", "--version", "pln")

    assert codes == ["0", "0", "64"]
    assert (
        modules & (HEAVY | {"yaml", "jinja2", "jsonschema", "sqlite3", "importlib.metadata"})
        == set()
    )
    assert {name for name in modules if name.startswith("trueup.")} & {
        f"trueup.cli.{name}" for name in SHORT_HELP
    } == set()
    assert not any(name.startswith(("trueup.model", "trueup.operations")) for name in modules)


def test_the_help_of_a_command_imports_no_operation():
    codes, modules = imported(*(f"{name} --help" for name in SHORT_HELP))

    assert set(codes) == {"0"}
    assert modules & (HEAVY | {"yaml", "jinja2", "jsonschema", "sqlite3"}) == set()
    assert not any(name.startswith("trueup.operations.") for name in modules)


def test_the_check_of_a_project_imports_no_connector():
    codes, modules = imported("validate")

    assert codes == ["0"]
    assert modules & (HEAVY | {"sqlite3"}) == set()
    assert not any(
        name.startswith(("trueup.source.", "trueup.target.", "trueup.state.", "trueup.sandbox."))
        for name in modules
    )


def test_a_second_check_of_a_project_imports_nothing_that_checks(work):
    project, _ = loader.check(work, shipped=SCHEMAS)
    assert test_files.check_tests(project)[1] == []

    codes, modules = imported(f"validate --project {work}")

    assert codes == ["0"]
    assert modules & {"jsonschema", "jinja2", "trueup.config.checks.whole_project"} == set()


def test_a_plan_imports_the_connectors_that_its_project_names(work):
    codes, modules = imported(f"plan --project {work}")

    assert codes == ["0"]
    assert modules & {"sqlalchemy", "msal"} == set()
    assert not any(
        name.startswith(
            ("trueup.source.dataverse", "trueup.source.sql", "trueup.sandbox.dataverse")
        )
        for name in modules
    )


def test_a_plan_without_changes_imports_nothing_that_compares_values_or_applies_plans(applied):
    codes, modules = imported(f"plan --detailed-exitcode --project {applied}")

    assert codes == ["0"]
    assert modules & {"deepdiff", "pydantic", "trueup.model.explanation"} == set()
    assert not any(name.startswith(("trueup.applying", "trueup.planning.undo")) for name in modules)


def test_a_shown_plan_imports_nothing_that_reads_or_checks_a_project(work):
    assert imported(f"plan --project {work} --out {work}/plan.json")[0] == ["0"]

    codes, modules = imported(f"show {work}/plan.json --project {work}")

    assert codes == ["0"]
    unused = {"jsonschema", "jinja2", "sqlite3", "trueup.wiring", "trueup.operations.notes"}
    assert modules & (HEAVY | unused) == set()


def test_the_table_of_commands_has_their_own_short_help():
    assert {name: command.short_help for name, command in trueup.commands.items()} == SHORT_HELP


def test_the_list_of_commands_is_written_as_click_writes_it():
    context = click.Context(trueup, max_content_width=100)
    ours, clicks = context.make_formatter(), context.make_formatter()

    trueup.format_commands(context, ours)
    click.Group.format_commands(trueup, context, clicks)

    assert ours.getvalue() == clicks.getvalue() != ""


@pytest.mark.parametrize("incomplete", ["", "p", "re", "x", "-", "--v"])
def test_names_are_completed_as_click_completes_them(incomplete):
    context = click.Context(trueup)

    ours = trueup.shell_complete(context, incomplete)
    clicks = click.Group.shell_complete(trueup, context, incomplete)

    assert [(one.value, one.type, one.help) for one in ours] == [
        (one.value, one.type, one.help) for one in clicks
    ]


def test_options_of_a_command_are_completed():
    found = ShellComplete(trueup, {}, "trueup", "_TRUEUP_COMPLETE").get_completions(
        ["plan"], "--de"
    )

    assert [one.value for one in found] == ["--detailed-exitcode"]
