"""`trueup mcp`: read-only tools for an assistant, over stdin and stdout."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.extras import needing
from trueup.cli.plan_files import load_plan


@click.command(
    short_help="Serve read-only tools to an assistant.",
    epilog=example(
        "trueup mcp --project work",
        "trueup plan --out plan.json && trueup mcp --plan plan.json",
    ),
)
@click.option(
    "--plan",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A saved plan, read once; by default each question makes a new one.",
)
@common
def mcp(context: CommandContext, file: Path | None) -> int:
    """Serve read-only tools to an assistant over stdin and stdout (Model Context Protocol).

    \b
    plan_summary    figures of the plan
    ledger          what is billed against what should be billed, by row
    blocked_rows    rows that the plan leaves alone, with the reason and the remedy
    explain         what a row, a field, a change or a total is made of
    history         runs, or one run in full
    validate        findings about the project's files
    draft_decision  a decision as a patch of mappings/decisions.yaml

    No tool writes, and none applies. Text from the data is marked as untrusted, cleaned and
    bounded. Needs the extra `mcp`. Ends when stdin ends.
    """
    with needing("trueup mcp", "mcp", {"mcp", "mcp_types"}):
        from trueup.cli.mcp_server import serve

    serve(context.folder, load_plan(file) if file else None)
    return 0
