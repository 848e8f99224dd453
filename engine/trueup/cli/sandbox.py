"""`trueup sandbox`: an Autotask on this machine, over real HTTP."""

import signal
from pathlib import Path
from threading import Event
from types import FrameType

import click

from trueup.cli.command_line import example
from trueup.cli.common import CommandContext, common
from trueup.cli.output import out_done
from trueup.cli.parameters import port_option
from trueup.operating_system import stop_signals, wait_for

DATABASE = click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The sandbox's database; by default the one that trueup.yaml names.",
)


@click.group(
    short_help="Serve Autotask on this machine.",
    epilog=example("trueup sandbox serve --port 8365", "trueup sandbox reset"),
)
def sandbox() -> None:
    """An Autotask on this machine, for trying, rehearsing and development."""


@sandbox.command(
    epilog=example(
        "trueup sandbox serve --port 8365",
        "trueup sandbox serve --switch read_only_field=ignored --switch date_times=bare",
        "trueup sandbox serve --source   # Work 365's Dataverse in place of Autotask",
    )
)
@DATABASE
@port_option(8365)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="With any other than loopback, other machines can reach it.",
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Fill an empty database from this.",
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="How it behaves where Autotask's behaviour is uncertain. Repeatable.",
)
@click.option(
    "--source",
    is_flag=True,
    help="Serve a Dataverse with Work 365's tables. --seed is then a folder of exports; "
    "without --database nothing is kept.",
)
@common
def serve(  # noqa: PLR0913, PLR0917 -- one for each option
    context: CommandContext,
    port: int,
    host: str,
    database: Path | None,
    seed: Path | None,
    switches: tuple[str, ...],
    source: bool,  # noqa: FBT001 -- click's
) -> int:
    """Serve Autotask's REST API, or Work 365's Dataverse, until Ctrl-C.

    Faults, clock and snapshots are controlled below /sandbox (GET lists the routes), from this
    machine only.
    """
    from trueup.operations import sandbox as operations
    from trueup.render.json_ import as_json

    project, address = context.project(), (host, port)
    if source:
        if switches:
            raise click.UsageError("--switch applies to Autotask, not to --source.")
        serving = operations.serve_source(project, address, database=database, seed=seed)
    else:
        values = dict(switch.partition("=")[::2] for switch in switches)
        serving = operations.serve_target(
            project, address, database=database, seed=seed, switch_values=values
        )
    with serving as served:
        stopped = _stop_event()
        if context.json:
            out_done(as_json({"url": served.url}))
        else:
            out_done(f"{served.title} at {served.url}, until Ctrl-C.\n")
        wait_for(stopped)
    return 0


@sandbox.command(epilog=example("trueup sandbox seed examples/autotask.json"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATABASE
@common
def seed(context: CommandContext, file: Path, database: Path | None) -> int:
    """Add the records of FILE; those with the same ids are replaced."""
    from trueup.operations import sandbox as operations

    operations.add_seed(context.project(), file, database)
    return _done(context, f"{file} added.")


@sandbox.command(
    epilog=example("trueup sandbox reset", "trueup sandbox reset --seed examples/autotask.json")
)
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Fill it from FILE; by default from the seed that trueup.yaml names.",
)
@DATABASE
@common
def reset(context: CommandContext, seed: Path | None, database: Path | None) -> int:
    """Empty the sandbox and fill it again."""
    from trueup.operations import sandbox as operations

    file = operations.reset(context.project(), seed, database)
    return _done(context, f"As at the start: {file}." if file else "Empty.")


@sandbox.command(epilog=example("trueup sandbox snapshot before.sqlite"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATABASE
@common
def snapshot(context: CommandContext, file: Path, database: Path | None) -> int:
    """Copy the whole sandbox into FILE, also while it is served."""
    from trueup.operations import sandbox as operations

    operations.snapshot(context.project(), file, database)
    return _done(context, f"Saved to {file}.")


@sandbox.command(epilog=example("trueup sandbox restore before.sqlite"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@DATABASE
@common
def restore(context: CommandContext, file: Path, database: Path | None) -> int:
    """Restore the sandbox from a snapshot, also while it is served."""
    from trueup.operations import sandbox as operations

    operations.restore(context.project(), file, database)
    return _done(context, f"As in {file}.")


@sandbox.command(
    epilog=example(
        "trueup sandbox clone --database copy.sqlite", "trueup sandbox serve --database copy.sqlite"
    )
)
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="The database to create.",
)
@common
def clone(context: CommandContext, database: Path) -> int:
    """Copy what the project's mappings touch from Autotask into a sandbox, by reading only."""
    from trueup.operations import sandbox as operations
    from trueup.render.formatting import count

    records = operations.clone_target(context.project(), database)
    return _done(context, f"{count(records, 'record')} copied into {database}.")


def _stop_event() -> Event:
    """An event that Ctrl-C or a request to end sets, from now on."""
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in stop_signals():
        signal.signal(number, stop)
    return stopped


def _done(context: CommandContext, text: str) -> int:
    from trueup.render.json_ import as_json

    out_done(as_json({"done": text}) if context.json else f"{text}\n")
    return 0
