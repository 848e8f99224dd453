"""`trueup graph [FILE]`: draws what depends on what."""

from enum import StrEnum
from pathlib import Path
from typing import assert_never

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out
from trueup.cli.plan_files import load_plan


class GraphFormat(StrEnum):
    """The languages of a graph."""

    MERMAID = "mermaid"
    DOT = "dot"


@click.command(
    short_help="Draw what depends on what.",
    epilog=example(
        "trueup graph > mappings.mmd", "trueup graph plan.json --format dot | dot -Tsvg > plan.svg"
    ),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice([*map(str, GraphFormat)]),
    default=str(GraphFormat.MERMAID),
    help="The language of the graph.",
)
@common
def graph(context: CommandContext, file: Path | None, format_: str) -> int:
    """Draw the changes of a saved plan by wave.

    Without FILE, draw the project's mappings and what they refer to.
    """
    from trueup.render import graph as render
    from trueup.render.json_ import as_json

    if file:
        drawn = render.of_plan(load_plan(file), verbose=context.verbose)
    else:
        drawn = render.of_mappings(context.project().mappings)
    if context.json:
        out(as_json({"clusters": drawn.clusters, "edges": drawn.edges}))
        return 0
    match language := GraphFormat(format_):
        case GraphFormat.MERMAID:
            out(render.mermaid(drawn))
        case GraphFormat.DOT:
            out(render.dot(drawn))
        case _:
            assert_never(language)
    return 0
