"""`trueup discover`: finds the names of Work 365's tables in a tenant."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common_with_tenant
from trueup.cli.exit_codes import Exit
from trueup.cli.output import out_done, report
from trueup.cli.output_files import write_whole
from trueup.cli.parameters import refuse_with
from trueup.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trueup.source.dataverse.discovery_report import ReportLine


@click.command(
    short_help="Find Work 365's names in Dataverse.",
    epilog=example(
        "trueup discover",
        "trueup discover --out profiles/north.yaml",
        "trueup discover --add cr1_site --add account.cr1_region",
    ),
)
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the profile; by default where the project reads it. "
    "The file must not exist yet.",
)
@click.option(
    "--add",
    "added",
    multiple=True,
    metavar="TABLE[.COLUMN]",
    help="Add this to schemas/work365.yaml instead, by its logical name. Repeatable.",
)
@common_with_tenant
def discover(context: CommandContext, file: Path | None, added: tuple[str, ...]) -> int:
    """Match the metadata of the Dataverse environment with Work 365's tables; write the profile.

    Shows what was found, how, and what was not. With --add, write tables and columns that the
    catalogue lacks into the catalogue of the project, so that mappings can name them; mappings may
    still have errors then. Exit codes: 0 all that the project reads was found; 1 otherwise.
    """
    if added:
        refuse_with("--add", "file")
        return _add(context, added)

    from trueup.operations import discover as operations
    from trueup.render.json_ import as_json

    project = context.project()
    file = file or operations.profile_file(project)
    if file.exists():
        raise EngineError(
            f"{file} exists already, perhaps with corrections: "
            "move it away, or choose another --out"
        )
    found = operations.discover(project)
    write_whole(file, found.profile)
    if context.json:
        fields = {
            "environment": found.environment,
            "profile": str(file),
            "unresolved": found.unresolved,
        }
        out_done(as_json(fields))
    else:
        out_done(f"{_aligned(found.report)}\nWritten to {file}.\n")
    if found.unresolved:
        names = ", ".join(found.unresolved)
        report(f"error: the project reads names that are not certain, correct {file}: {names}")
    return Exit.ERROR if found.unresolved else Exit.DONE


def _add(context: CommandContext, names: tuple[str, ...]) -> int:
    """Adds the named tables and columns to the catalogue of the project."""
    from trueup.operations.catalogue import add_tables
    from trueup.render.json_ import as_json
    from trueup.render.sanitize import sanitize

    added = add_tables(context.connections(), names)
    found = [change.name for change in added.changes]
    if context.json:
        out_done(as_json({"file": str(added.file), "added": found}))
    elif found:
        lines = "".join(f"+ {sanitize(name)}\n" for name in found)
        out_done(f"{lines}Written to {sanitize(added.file)}.\n")
    else:
        out_done("The catalogue has all of it.\n")
    return Exit.DONE


def _aligned(report_lines: "Sequence[ReportLine]") -> str:
    """Returns the lines with aligned columns, and without control characters."""
    from trueup.render.layout import Cell, Line
    from trueup.render.sanitize import sanitize
    from trueup.render.text import page

    lines = []
    for line in report_lines:
        first, *rest = map(sanitize, line.texts)
        name = f"{line.mark} {'  ' * line.depth}{first}"
        lines.append(Line((Cell(name), *map(Cell, rest)), "found" if rest else ""))
    return page([lines])
