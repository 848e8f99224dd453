"""`trueup link MAPPING KEY ID`: links a row to a record."""

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.decide import show_written


@click.command(
    short_help="Link a row to a record.",
    epilog=example("trueup link customer 749c6782 29683 --reason 'renamed in Autotask last year'"),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("record", metavar="ID", type=click.IntRange(min=0))
@click.option("--reason", default="", help="Why, for those who read it later.")
@common
def link(context: CommandContext, mapping: str, key: str, record: int, reason: str) -> int:
    """Link the row KEY of MAPPING to the Autotask record ID.

    KEY is the row's key, a unique start of it, or its name. The decision goes into
    mappings/decisions.yaml, and the next plan links the two. A record that Autotask does not
    have is refused. Where Autotask cannot be asked, the decision is written, and a note says so.
    """
    from trueup.operations import decide as operations

    written = operations.link(context.project(), mapping, key, record, reason)
    show_written(context, written)
    return 0
