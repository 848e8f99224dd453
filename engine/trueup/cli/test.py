"""`trueup test`: runs the tests of a project in throw-away sandboxes."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out, out_done
from trueup.cli.output_files import OutputFile, write_whole
from trueup.cli.parameters import SECONDS, WholeNumber, refuse_with

if TYPE_CHECKING:
    from trueup.model.testing import ProjectTestResult


@click.command(
    short_help="Run the project's tests.",
    epilog=example("trueup test", "trueup test tests/customer.yaml --only phone -v"),
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--only", metavar="TEXT", default="", help="Only tests whose name contains TEXT.")
@click.option(
    "--jobs",
    type=WholeNumber(1, 64),
    metavar="N",
    help="Tests that run at a time; by default as many as there are processors.",
)
@click.option(
    "--timeout",
    "seconds",
    type=SECONDS,
    metavar="SECONDS",
    default=60,
    show_default=True,
    help="End a test that takes longer; 0 is no limit.",
)
@click.option(
    "--junit",
    metavar="FILE",
    type=OutputFile(),
    help="Write the results as JUnit XML into FILE, for CI.",
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Show the fields, rules, branches of expressions and policies that no test reached.",
)
@click.option(
    "--mutate",
    is_flag=True,
    help="Change one rule, field, expression or policy at a time; show what no test notices.",
)
@click.option(
    "--make",
    "row",
    metavar="MAPPING:KEY",
    help="Write a test from a real row and its relatives, with names replaced.",
)
@common
def test(  # noqa: PLR0913 -- one for each argument and option
    context: CommandContext,
    *,
    files: tuple[Path, ...],
    only: str,
    jobs: int | None,
    seconds: float,
    junit: Path | None,
    coverage: bool,
    mutate: bool,
    row: str | None,
) -> int:
    """Run the tests in tests/*.yaml, or in FILE, a file or folder.

    Each test has a few rows of Work 365, a few records of Autotask, a day, and what is expected of
    the plan. It runs in a sandbox of its own that is thrown away: neither system nor the state is
    opened. A test that hangs is ended after a time, and has failed. Exit codes: 0 all tests passed;
    1 otherwise; with --mutate 0 wherever all tests pass.
    """
    from trueup.operations.testing.suite import run_suite
    from trueup.render.json_ import as_json
    from trueup.render.junit import junit_xml
    from trueup.render.testing import coverage_text, suite_json, suite_text

    if row is not None:
        others = ("files", "only", "jobs", "seconds", "junit", "coverage", "mutate")
        refuse_with("--make", *others)
        return _make(context, row)
    if mutate:
        refuse_with("--mutate", "only", "junit", "coverage")
        return _mutate(context, files, jobs, seconds or None)
    suite = run_suite(
        context.project(), files, only, jobs, coverage=coverage, seconds=seconds or None
    )
    if junit:
        write_whole(junit, junit_xml(suite.results))
    if context.json:
        out(as_json(suite_json(suite.results, suite.coverage)))
    else:
        out(
            suite_text(
                suite.results, partial(_again, context), context.style, verbose=context.verbose
            )
        )
        if suite.coverage:
            out(coverage_text(suite.coverage, context.style))
    return Exit.ERROR if suite.failed else Exit.DONE


def _again(context: CommandContext, result: "ProjectTestResult") -> str:
    """Returns the command line that runs one test and shows its plan."""
    file = context.folder / result.place.file  # a file elsewhere is named as it was given
    shown = file if file.exists() else result.place.file
    return context.command("test", shown, "--only", result.name, "-v")


def _mutate(
    context: CommandContext, files: tuple[Path, ...], jobs: int | None, seconds: float | None
) -> int:
    """Lists the changes to the project that no test notices."""
    from trueup.cli.progress import listening
    from trueup.operations.testing.mutate import run_mutants
    from trueup.render.json_ import as_json
    from trueup.render.testing import mutation_json, mutation_text

    with listening(context) as listener:
        mutation = run_mutants(context.project(), files, jobs, listener, seconds)
    out(
        as_json(mutation_json(mutation)) if context.json else mutation_text(mutation, context.style)
    )
    return Exit.DONE


def _make(context: CommandContext, row: str) -> int:
    """Writes a test from a real row."""
    from trueup.operations.testing.make import make_test
    from trueup.render.json_ import as_json

    mapping, separator, key = row.partition(":")
    if not (mapping and separator and key):
        raise click.UsageError("--make takes MAPPING:KEY, such as customer:4f1c")
    made = make_test(context.project(), mapping, key)
    if context.json:
        out_done(as_json({"file": str(made.file), "difference": made.difference}))
    else:
        difference = f"Note: {made.difference}.\n" if made.difference else ""
        out_done(f"{made.file}\n{difference}")
    return Exit.DONE
