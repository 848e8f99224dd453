"""`trueup discover`: what this tenant calls the tables of Work 365."""

from pathlib import Path

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.ending import Exit
from engine.cli.files import write_whole
from engine.cli.terminal import out, report
from engine.errors import EngineError
from engine.render.harmless import clean
from engine.render.json_ import as_json
from engine.render.layout import Cell, Line
from engine.render.text import page
from engine.source.dataverse.found import as_text, as_yaml


@click.command(
    short_help="Find Work 365's names in Dataverse.",
    epilog=example("trueup discover", "trueup discover --out profiles/north.yaml"),
)
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    default="profile.yaml",
    show_default=True,
    metavar="FILE",
    help="Where to write the profile; it must not be there yet.",
)
@common
def discover(here: Here, file: Path) -> int:
    """Read the metadata of the Dataverse environment, match it with the tables of Work 365, write the profile.

    Shows what was found, how, and what was not. Exit codes: 0 all that the project reads was found; 1 not so.
    """
    if file.exists():
        raise EngineError(f"{file} is there already, perhaps with corrections: move it away, or choose another --out")
    found, unresolved = wiring.discover_source(here.project())
    write_whole(file, as_yaml(found))
    if here.json:
        out(as_json({"environment": found.environment, "profile": str(file), "unresolved": unresolved}))
    else:
        out(f"{_lined_up(as_text(found))}\nWritten to {file}.\n")
    if unresolved:
        report(f"error: the project reads what was not found for sure, correct {file}: {', '.join(unresolved)}")
    return Exit.ERROR if unresolved else Exit.DONE


def _lined_up(told: str) -> str:
    """The lines with their parts below each other, and nothing in them that a terminal obeys."""
    lines = []
    for line in told.splitlines():
        first, *rest = line.lstrip(" ").split("  ")
        indent = " " * (len(line) - len(line.lstrip(" ")))
        lines.append(Line((Cell(indent + clean(first)), *(Cell(clean(part)) for part in rest)), "found"))
    return page([lines])
