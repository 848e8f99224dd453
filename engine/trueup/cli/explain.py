"""`trueup explain WHAT`: what a change, a field, a ledger line or a total is made of."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.output import out
from trueup.cli.plan_files import load_plan


@click.command(
    short_help="Explain a change, a field or a total.",
    epilog=example(
        "trueup explain 'customer:Alpine Dental AG'",
        "trueup explain 'customer:Alpine Dental AG.phone'",
        "trueup explain 'ledger:Alpine Dental AG, Microsoft 365 Business Premium, yearly'",
        "trueup explain --plan plan.json 'billed too little'",
    ),
)
@click.argument("what")
@click.option(
    "--plan",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A saved plan; by default a new one is made.",
)
@common_with_tenant
def explain(context: CommandContext, what: str, file: Path | None) -> int:
    """Explain WHAT: a row, a field, a change, a line of the ledger or a total of the plan.

    \b
    MAPPING:KEY        a row: its fields, rules, decisions, changes and ledger line
    MAPPING:KEY.FIELD  one field: expression, source cells, record, value last written
    CHANGE             the id of a change: the same for its rows, and its periods and prices
    ledger:KEY         a line of the ledger; KEY may be the record of a line without a row
    TOTAL              a total by the name that the plan shows: 'billed too little', 'to add'

    KEY may be a unique start of the key, however short, or the row's name. With --plan, figures and
    changes are those of the saved plan, and rows and records are read as they are now; a total is
    explained without reading. Of a saved undo, a field shows what the undo changes about it.
    Nothing is written.
    """
    from trueup.cli.progress import listening
    from trueup.operations import explain as operations
    from trueup.render.explanation import explanation_json, explanation_text

    project = context.project()
    plan = load_plan(file) if file else None
    with listening(context) as listener:
        found = operations.explain(project, what, plan, listener)
    if context.json:
        out(explanation_json(found))
    else:
        saved = ("--plan", file) if file else ()

        def command(part: str) -> str:
            return context.command("explain", *saved, part)

        out(explanation_text(found, context.style, verbose=context.verbose, command=command))
    return 0
