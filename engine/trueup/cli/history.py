"""`trueup history`: all runs, with their users, times, answers and proofs."""

from enum import StrEnum
from pathlib import Path
from typing import assert_never

import click
from click.core import ParameterSource

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out
from trueup.cli.output_files import write_whole
from trueup.cli.parameters import OUT_OR_STDOUT


class ExportFormat(StrEnum):
    """The formats of exported runs."""

    CSV = "csv"
    JSON = "json"


@click.group(
    invoke_without_command=True,
    short_help="Show runs, users and proofs.",
    epilog=example("trueup history", "trueup history show 7ace1fbdc9d0"),
)
@common_with_tenant
@click.pass_context
def history(click_context: click.Context, context: CommandContext) -> int:
    """Each apply: who, when, which plan, each change with its answer and proof.

    Without a command: `list`.
    """
    if click_context.invoked_subcommand is None:
        return write_runs(context)
    if any(
        click_context.get_parameter_source(name) is not ParameterSource.DEFAULT
        for name in click_context.params
    ):
        raise click.UsageError(
            f"Options come after the command: trueup history {click_context.invoked_subcommand} …"
        )
    return 0


@history.command("list", short_help="List all runs.", epilog=example("trueup history list --json"))
@common_with_tenant
def list_(context: CommandContext) -> int:
    """List all runs, the latest last; then manual edits and lock takeovers with their reasons."""
    return write_runs(context)


def write_runs(context: CommandContext) -> int:
    """Writes all runs and the manual edits."""
    from trueup.operations import history as operations
    from trueup.render.history import runs_text
    from trueup.render.json_ import runs_json

    project = context.project()
    runs = operations.history(project)
    out(
        runs_json(runs, project.zone, project.currency)
        if context.json
        else runs_text(runs, project.zone, project.currency, context.style)
    )
    return 0


@history.command(
    short_help="Show one run in full.", epilog=example("trueup history show 7ace1fbdc9d0")
)
@click.argument("run")
@common_with_tenant
def show(context: CommandContext, run: str) -> int:
    """Show one run in full.

    Each change with before and after, Autotask's answer, the proof of an adjustment, and its rows.
    """
    from trueup.operations import history as operations
    from trueup.render.history import run_text
    from trueup.render.json_ import run_json

    project = context.project()
    shown = operations.show_run(project, run)
    out(
        run_json([shown], project.zone)
        if context.json
        else run_text(shown, project.zone, context.style)
    )
    return 0


@history.command(
    short_help="Find lines that were changed afterwards.",
    epilog=example(
        "trueup history verify", "trueup history verify --known 5b1c…   # a head noted earlier"
    ),
)
@click.option(
    "--known",
    multiple=True,
    metavar="HASH",
    help="A head of the journal that was noted earlier. Repeatable.",
)
@common_with_tenant
def verify(context: CommandContext, known: tuple[str, ...]) -> int:
    """Find any line of the journal that was changed, removed or inserted, and print its head.

    Note the head elsewhere: if runs are removed at the end and the head is set back to fit, only
    --known finds it.
    """
    from trueup.operations import history as operations
    from trueup.render.finding_text import findings_text
    from trueup.render.json_ import verification_json

    result = operations.verify_journal(context.project(), known)
    if context.json:
        out(verification_json(result))
    elif result.findings:
        out(findings_text(result.findings, context.style))
    elif result.lines:
        out(f"All {result.lines:,} lines follow from one another. Head: {result.head}\n")
    else:
        out("The journal is empty.\n")
    return 1 if result.findings else 0


@history.command(
    short_help="Write runs as CSV or JSON.",
    epilog=example("trueup history export --format csv --out history.csv"),
)
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option(
    "--format",
    "format_",
    type=click.Choice([*map(str, ExportFormat)]),
    default=str(ExportFormat.CSV),
    help="The file's kind.",
)
@OUT_OR_STDOUT
@common_with_tenant
def export(context: CommandContext, runs: tuple[str, ...], format_: str, file: Path | None) -> int:
    """Write runs, all of them or those named, as CSV (safe to open in a spreadsheet) or JSON."""
    from trueup.operations import history as operations
    from trueup.render.csv_ import history_csv
    from trueup.render.json_ import run_json

    project = context.project()
    shown = operations.show_runs(project, runs)
    match wanted := ExportFormat.JSON if context.json else ExportFormat(format_):
        case ExportFormat.JSON:
            text = run_json(shown, project.zone)
        case ExportFormat.CSV:
            text = history_csv(shown, project.zone)
        case _:
            assert_never(wanted)
    if file:
        write_whole(file, text)
    else:
        out(text)
    return 0
