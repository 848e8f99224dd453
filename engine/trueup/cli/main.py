"""`trueup`: the group of all commands, and how the process ends."""

import sys
from collections.abc import Sequence

import click

from trueup.cli.apply import apply
from trueup.cli.common import example
from trueup.cli.decide import decide
from trueup.cli.discover import discover
from trueup.cli.doctor import doctor
from trueup.cli.error_handler import Ending, program_version
from trueup.cli.graph import graph
from trueup.cli.history import history
from trueup.cli.init import init
from trueup.cli.link import link
from trueup.cli.parameters import refuse_empty_values
from trueup.cli.plan import plan
from trueup.cli.rehearse import rehearse
from trueup.cli.sandbox import sandbox
from trueup.cli.show import show
from trueup.cli.state import state
from trueup.cli.streams import prepare
from trueup.cli.terminal import out, require_written
from trueup.cli.validate import validate
from trueup.render.json_ import as_json

JSON = "trueup.json"


class InOrder(click.Group):
    """Lists its commands in the order in which they are used, not by the alphabet."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Accepts `--json` before `--version`; elsewhere it is an option of each command."""
        ctx.meta[JSON] = "--json" in args
        return super().parse_args(
            ctx, [one for one in args if one != "--json"] if "--version" in args else args
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- click's
    """Says which version this is, and ends."""
    if wanted:
        version = program_version()
        out(as_json({"version": version}) if ctx.meta[JSON] else f"trueup, version {version}\n")
        ctx.exit()


@click.group(
    cls=InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=example(
        "trueup init work && cd work",
        "trueup plan --out plan.json",
        "trueup apply plan.json",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version.",
)
def trueup() -> None:
    """Bring what Autotask bills in line with what Work 365 says should be billed.

    Work 365 holds what should be billed, Autotask PSA holds what is billed, and YAML files say how
    one becomes the other. `plan` shows the difference, `apply` removes it.
    """


COMMANDS = (
    init,
    validate,
    plan,
    apply,
    show,
    graph,
    link,
    decide,
    state,
    history,
    doctor,
    discover,
    sandbox,
    rehearse,
)

for command in COMMANDS:
    trueup.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns the exit code."""
    with Ending(arguments) as ending:
        refuse_empty_values(arguments)
        code = trueup.main(list(arguments), prog_name="trueup", standalone_mode=False)
        ending.code = code if isinstance(code, int) else 0
        require_written()  # help texts are written by click
    return ending.code


def main() -> None:
    """The console script."""
    prepare()
    sys.exit(run(sys.argv[1:]))
