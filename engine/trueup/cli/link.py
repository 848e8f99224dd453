"""`trueup link MAPPING KEY ID`: a row is this record."""

import click

from engine.cli.common import Here, common, example
from engine.cli.decide import decided


@click.command(
    short_help="Say which record a row is.",
    epilog=example("trueup link customer 749c6782 29683 --reason 'renamed in Autotask last year'"),
)
@click.argument("mapping")
@click.argument("key")
@click.argument("record", metavar="ID", type=click.IntRange(min=0))
@click.option("--reason", default="", help="Why, for those who read it later.")
@common
def link(here: Here, mapping: str, key: str, record: int, reason: str) -> int:
    """Say that the row KEY of MAPPING is the Autotask record ID. The start of a key, or a name, will do.

    The decision goes into mappings/decisions.yaml, and the next plan links the two.
    """
    return decided(here, {"mapping": mapping, "key": key, "link": record, **({"reason": reason} if reason else {})})
