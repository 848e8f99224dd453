"""`--sort`, `--min-amount` and `--group`: the order of a plan's output, and its parts."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import click

from trueup.cli.parameters import AMOUNT
from trueup.render.view import Arrangement, GroupBy, Sort

ARRANGING = ("sort", "min_amount", "group")
"""Names of the three parameters; JSON, CSV and workbooks take none of them."""


def arranged(command: Callable[..., int]) -> Callable[..., int]:
    """Adds the three options to a command; `arrangement` turns their values into one."""
    options = (
        click.option(
            "--sort",
            type=click.Choice([*map(str, Sort)]),
            default=str(Sort.MONEY),
            show_default=True,
            help="The order of lines: the most money first, or by name.",
        ),
        click.option(
            "--min-amount",
            type=AMOUNT,
            default="0",
            metavar="AMOUNT",
            help="Show no line with less money than that; it is counted nevertheless.",
        ),
        click.option(
            "--group",
            type=click.Choice([*map(str, GroupBy)]),
            default=str(GroupBy.CUSTOMER),
            show_default=True,
            help="By what changes are grouped.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def arrangement(sort: str, min_amount: Decimal, group: str, **_: Any) -> Arrangement:  # noqa: ANN401 -- click's
    """Returns the options' values as output takes them."""
    return Arrangement(Sort(sort), min_amount, GroupBy(group))
