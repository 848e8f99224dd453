"""`trueup`: the group of all commands, and the exit code of the process."""

import sys
from collections.abc import Sequence

import click

from trueup.cli.command_line import example, refuse_unusable_values
from trueup.cli.commands import CommandGroup
from trueup.cli.error_handler import Ending
from trueup.cli.output import out, require_written
from trueup.cli.streams import prepare
from trueup.version import VERSION

JSON = "trueup.json"


class _Group(CommandGroup):
    """The group, with options of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Accepts `--json` before `--version`; elsewhere it is an option of each command."""
        ctx.meta[JSON] = "--json" in args
        return super().parse_args(
            ctx, [arg for arg in args if arg != "--json"] if "--version" in args else args
        )


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- click's
    """Prints the version, and ends."""
    if wanted:
        if ctx.meta[JSON]:
            from trueup.render.json_ import as_json

            out(as_json({"version": VERSION}))
        else:
            out(f"trueup, version {VERSION}\n")
        ctx.exit()


@click.group(
    cls=_Group,
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


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns the exit code."""
    with Ending(arguments) as ending:
        refuse_unusable_values(arguments)
        code = trueup.main(list(arguments), prog_name="trueup", standalone_mode=False)
        ending.code = code if isinstance(code, int) else 0
        require_written()  # help texts are written by click
    return ending.code


def main() -> None:
    """The console script."""
    prepare()
    sys.exit(run(sys.argv[1:]))
