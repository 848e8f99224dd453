"""`trueup init DIR`: creates a project to start from."""

from pathlib import Path

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out_done
from trueup.operating_system import shell_quoted

NEXT = "Now:\n{cd}  trueup plan\n"


@click.command(
    short_help="Create a project to start from.",
    epilog=example("trueup init work && cd work && trueup plan"),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@common
def init(context: CommandContext, folder: Path) -> int:
    """Create a project in DIR: trueup.yaml, mappings, rules, schemas and the example data.

    Nothing that exists is overwritten. The project works at once, on example data and an Autotask
    sandbox on this machine.
    """
    from trueup.operations.project_folder import create_project
    from trueup.render.json_ import as_json

    created = create_project(folder)
    if context.json:
        out_done(as_json({"created": created}))
    else:
        cd = "" if folder.resolve() == Path.cwd() else f"  {shell_quoted('cd', folder)}\n"
        out_done("".join(f"{name}\n" for name in created) + NEXT.format(cd=cd))
    return 0
