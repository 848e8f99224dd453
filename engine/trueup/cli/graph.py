"""`trueup graph [FILE]`: what depends on what."""

from pathlib import Path

import click

from engine.cli.common import Here, common, example
from engine.cli.show import loaded
from engine.cli.terminal import out
from engine.render import graph as render
from engine.render.json_ import as_json


@click.command(
    short_help="Draw what depends on what.",
    epilog=example("trueup graph > mappings.mmd", "trueup graph plan.json --format dot | dot -Tsvg > plan.svg"),
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format", "format_", type=click.Choice(render.FORMATS), default="mermaid", help="The language of the graph."
)
@common
def graph(here: Here, file: Path | None, format_: str) -> int:
    """Draw the changes of a saved plan by wave, or, without FILE, the project's mappings and what they refer to."""
    drawn = render.of_plan(loaded(file), verbose=here.verbose) if file else render.of_mappings(here.project().mappings)
    if here.json:
        out(as_json({"clusters": drawn.clusters, "edges": drawn.edges}))
    else:
        out(render.mermaid(drawn) if format_ == "mermaid" else render.dot(drawn))
    return 0
