"""`trueup test`: runs the tests of a project in throw-away sandboxes."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out
from trueup.cli.output_files import write_whole


@click.command(
    short_help="Run the project's tests.",
    epilog=example("trueup test", "trueup test tests/customer.yaml --only phone -v"),
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--only", metavar="TEXT", default="", help="Only tests whose name contains TEXT.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Tests that run at a time; by default as many as there are processors.",
)
@click.option(
    "--junit",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the results as JUnit XML into FILE, for CI.",
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Show the fields, rules, branches of expressions and policies that no test reached.",
)
@common
def test(
    context: CommandContext,
    *,
    files: tuple[Path, ...],
    only: str,
    jobs: int | None,
    junit: Path | None,
    coverage: bool,
) -> int:
    """Run the tests in tests/*.yaml, or in FILE, a file or folder.

    Each test has a few rows of Work 365, a few records of Autotask, a day, and what is expected of
    the plan. It runs in a sandbox of its own that is thrown away: neither system nor the state is
    opened. Exit codes: 0 all tests passed; 1 otherwise.
    """
    from trueup.operations.testing.suite import run_suite
    from trueup.render.json_ import as_json
    from trueup.render.junit import junit_xml
    from trueup.render.testing import coverage_text, suite_json, suite_text

    suite = run_suite(context.project(), files, only, jobs, coverage=coverage)
    if junit:
        write_whole(junit, junit_xml(suite.results))
    if context.json:
        out(as_json(suite_json(suite.results, suite.coverage)))
    else:
        out(suite_text(suite.results, context.style, verbose=context.verbose))
        if suite.coverage:
            out(coverage_text(suite.coverage, context.style))
    return Exit.ERROR if suite.failed else Exit.DONE
