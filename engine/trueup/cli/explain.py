"""`trueup explain WHAT`: what a change, a field, a ledger line or a total is made of."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
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
@common
def explain(context: CommandContext, what: str, file: Path | None) -> int:
    """Explain WHAT: a row, a field, a change, a line of the ledger or a total of the plan.

    \b
    MAPPING:KEY        a row: its fields, rules, decisions, changes and ledger line
    MAPPING:KEY.FIELD  one field: expression, source cells, record, value last written
    CHANGE             the id of a change: the same for its rows, and its periods and prices
    ledger:KEY         a line of the ledger; KEY may be the record of a line without a row
    TOTAL              a total by the name that the plan shows: 'billed too little', 'to add'

    KEY may be a unique prefix or the row's name. With --plan, figures and changes are those of the
    saved plan, and rows and records are read as they are now; a total is explained without reading.
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
        out(explanation_text(found, context.style, verbose=context.verbose))
    return 0
