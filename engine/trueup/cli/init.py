"""`trueup init DIR`: creates a project."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out_done
from trueup.model.new_project import OWNER, Created, NewProject, Start
from trueup.operating_system import shell_quoted

STARTS = """\
  demo       example data and a sandbox, to look around; works at once
  files      exports of Work 365 in files, and a sandbox in place of Autotask
  dataverse  Work 365 in Dataverse, and Autotask
  autotask   exports of Work 365 in files, and Autotask
  fleet      three demo tenants that share a project, on a schedule
"""
"""The starts with what they are, as in the help."""

ZONE, CURRENCY = "Europe/London", "GBP"
"""What a project has where nothing else is named."""


@click.command(
    short_help="Create a project to start from.",
    epilog=example(
        "trueup init work && cd work && trueup plan",
        "trueup init work --from dataverse --time-zone Europe/Zurich --currency CHF",
    ),
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--from",
    "start",
    type=click.Choice([*map(str, Start)]),
    help="Where to start; asked on a terminal, else demo.",
)
@click.option("--name", default="", metavar="NAME", help="The project's name; by default DIR's.")
@click.option(
    "--time-zone",
    "zone",
    default="",
    metavar="ZONE",
    help=f"Business time zone; by default {ZONE}.",
)
@click.option(
    "--currency", default="", metavar="CODE", help=f"Internal currency; by default {CURRENCY}."
)
@click.option(
    "--owner", default="", metavar="EMAIL", help="The Autotask resource that owns new companies."
)
@common
def init(  # noqa: PLR0913, PLR0917 -- one for each argument and option
    context: CommandContext,
    folder: Path,
    start: str | None,
    name: str,
    zone: str,
    currency: str,
    owner: str,
) -> int:
    """Create a project in DIR: trueup.yaml, mappings, rules and schemas. Nothing is overwritten.

    \b
    demo       example data and a sandbox, to look around; works at once
    files      exports of Work 365 in files, and a sandbox in place of Autotask
    dataverse  Work 365 in Dataverse, and Autotask
    autotask   exports of Work 365 in files, and Autotask
    fleet      three demo tenants that share a project, on a schedule

    All but demo and fleet come without example data, with a .gitignore, an example for CI, and the
    names of the variables that hold secrets. Without --from, the command asks on a terminal.
    """
    can_ask = sys.stdin.isatty() and not context.json
    given = {"--name": name, "--time-zone": zone, "--currency": currency, "--owner": owner}
    chosen = Start(start or (_ask_start() if can_ask else Start.DEMO))
    match chosen:
        case Start.DEMO | Start.FLEET:
            if named := [option for option, value in given.items() if value]:
                raise click.UsageError(f"{named[0]} goes with --from files, dataverse or autotask.")
            created = _example(folder, chosen)
        case Start.FILES | Start.DATAVERSE | Start.AUTOTASK:
            from trueup.operations.new_project import write_project

            can_ask = can_ask and start is None
            created = write_project(folder, _wanted(chosen, folder, given, can_ask=can_ask))
        case _:
            assert_never(chosen)
    _show(context, folder, created)
    return 0


def _example(folder: Path, start: Start) -> Created:
    if start is Start.FLEET:
        from trueup.operations.new_fleet import create_fleet

        return Created(tuple(create_fleet(folder)), commands=("validate", "fleet worker"))
    from trueup.operations.project_folder import create_project

    return Created(tuple(create_project(folder)), commands=("plan",))


def _ask_start() -> str:
    question = f"Where do you start?\n{STARTS}Start"
    return str(click.prompt(question, type=click.Choice([*map(str, Start)]), default="demo"))


def _wanted(start: Start, folder: Path, given: Mapping[str, str], *, can_ask: bool) -> NewProject:
    """Returns the project as options and answers specify it."""
    defaults = {
        "--name": folder.resolve().name or "trueup",
        "--time-zone": ZONE,
        "--currency": CURRENCY,
        "--owner": OWNER,
    }
    questions = {
        "--name": "Name of the project",
        "--time-zone": "Business time zone",
        "--currency": "Internal currency of the tenant",
        "--owner": "E-mail of the Autotask resource that owns new companies",
    }
    values = {
        option: value
        or (
            str(click.prompt(questions[option], default=defaults[option]))
            if can_ask
            else defaults[option]
        )
        for option, value in given.items()
    }
    return NewProject(
        start=start,
        name=values["--name"],
        time_zone=values["--time-zone"],
        currency=values["--currency"].upper(),
        owner=values["--owner"],
    )


def _show(context: CommandContext, folder: Path, created: Created) -> None:
    """Shows the created files, and the next steps."""
    from trueup.render.json_ import as_json
    from trueup.render.sanitize import sanitize

    if context.json:
        out_done(as_json({"created": [*created.paths], "kept": [*created.kept]}))
        return
    lines = [*map(sanitize, created.paths)]
    lines += [
        f"{sanitize(one)} was left as it is: add .trueup/, .env, exports/ and plan.json to it"
        for one in created.kept
    ]
    lines += ["Now:"]
    lines += [f"  {step}" for step in created.steps]
    if folder.resolve() != Path.cwd():
        lines.append(f"  {shell_quoted('cd', folder)}")
    lines += [f"  trueup {command}" for command in created.commands]
    out_done("".join(f"{line}\n" for line in lines))
