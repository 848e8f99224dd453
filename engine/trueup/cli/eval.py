"""`trueup eval MAPPING KEY '{{ … }}'`: evaluates an expression on a real row."""

import sys

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out


@click.command(
    "eval",
    short_help="Evaluate an expression on a row.",
    epilog=example(
        "trueup eval customer 'Alpine Dental AG' '{{ source.phone | phone(source.country) }}'",
        "trueup eval subscription f7059e8a",
        "trueup eval --filters",
    ),
)
@click.argument("mapping", required=False)
@click.argument("key", required=False)
@click.argument("expression", required=False)
@click.option(
    "--filters", is_flag=True, help="List the filters of expressions, with an example of each."
)
@common
def evaluate(
    context: CommandContext,
    mapping: str | None,
    key: str | None,
    expression: str | None,
    filters: bool,  # noqa: FBT001 -- click's
) -> int:
    """Evaluate an expression or a template on the row KEY of MAPPING, and show what it uses.

    KEY may be a unique prefix or the row's name. The source is read; nothing is written.

    Without an expression, show the row with its columns, joins and types. Then evaluate one
    expression per line until the input ends: on a terminal with completion by the tab key, where
    Python has the module readline. From a pipe or a file, exit code 1 says that a line failed.
    """
    from trueup.cli.console import Console
    from trueup.operations.evaluate import list_filters, open_row
    from trueup.render import evaluation as render

    if filters:
        if mapping:
            raise click.UsageError("--filters lists all filters: it takes no MAPPING and no KEY.")
        found = list_filters()
        out(
            render.filters_json(found)
            if context.json
            else render.filters_text(found, context.style)
        )
        return 0
    if not mapping or not key:
        raise click.UsageError("name the row: MAPPING and KEY.")
    with open_row(context.project(), mapping, key) as row:
        if expression is not None:
            result = row.evaluate(expression)
            out(
                render.evaluation_json(result)
                if context.json
                else render.evaluation_text(result, context.style)
            )
        elif context.json:
            out(render.row_json(row.view()))
        else:
            out(render.row_text(row.view(), context.style))
            failed = Console(row, context.style).run()
            if failed and not sys.stdin.isatty():
                return Exit.ERROR
    return Exit.DONE


eval = evaluate  # noqa: A001 -- the name of the command
