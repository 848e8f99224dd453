"""`trueup sandbox`: an Autotask on this machine, over real HTTP."""

import signal
from pathlib import Path
from threading import Event
from types import FrameType

import click

from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.model.project import Project
from engine.render.json_ import as_json
from engine.sandbox import seed as seeding
from engine.sandbox import snapshots, switches
from engine.sandbox.server import Sandbox
from engine.sandbox.switches import Switches

DATABASE = click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The sandbox's database; the one that trueup.yaml names if left out.",
)


@click.group(
    short_help="An Autotask on this machine.",
    epilog=example("trueup sandbox serve --port 8365", "trueup sandbox reset"),
)
def sandbox() -> None:
    """An Autotask on this machine: to try, to rehearse, and to build against."""


@sandbox.command(
    epilog=example(
        "trueup sandbox serve --port 8365",
        "trueup sandbox serve --switch read_only_field=ignored --switch date_times=bare",
    )
)
@DATABASE
@click.option("--port", type=click.IntRange(0, 65535), default=8365, show_default=True, help="0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Other machines can reach any but loopback.")
@click.option(
    "--seed", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Fill an empty database from FILE."
)
@click.option(
    "--switch", "chosen", multiple=True, metavar="NAME=VALUE", help="How it does what nobody knows. Repeatable."
)
@common
def serve(here: Here, database: Path | None, port: int, host: str, seed: Path | None, chosen: tuple[str, ...]) -> int:
    """Serve Autotask's REST API until Ctrl-C. Control routes are below /sandbox."""
    project = here.project()
    with Sandbox(
        database_of(project, database),
        project.catalogue.entities,
        switches=switched(chosen),
        port=port,
        host=host,
        seed=seed or seed_of(project),
    ) as served:
        out(as_json({"url": served.url}) if here.json else f"Autotask at {served.url}, until Ctrl-C.\n")
        _until_stopped()
    return 0


@sandbox.command(epilog=example("trueup sandbox seed examples/autotask.json"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATABASE
@common
def seed(here: Here, file: Path, database: Path | None) -> int:
    """Add the records of FILE, over those with the same ids."""
    project = here.project()
    seeding.seed(database_of(project, database), project.catalogue.entities, seeding.load(file))
    return _done(here, f"{file} added.")


@sandbox.command(epilog=example("trueup sandbox reset", "trueup sandbox reset --seed examples/autotask.json"))
@click.option(
    "--seed",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Fill it from FILE; from what trueup.yaml names if left out.",
)
@DATABASE
@common
def reset(here: Here, seed: Path | None, database: Path | None) -> int:
    """Empty the sandbox and fill it anew."""
    project = here.project()
    file = seed or seed_of(project)
    document = seeding.load(file) if file else None
    seeding.reset(database_of(project, database), project.catalogue.entities, document)
    return _done(here, f"As at the start: {file}." if file else "Empty.")


@sandbox.command(epilog=example("trueup sandbox snapshot before.sqlite"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@DATABASE
@common
def snapshot(here: Here, file: Path, database: Path | None) -> int:
    """Copy the whole sandbox into FILE, also while it is served."""
    snapshots.snapshot(database_of(here.project(), database), file)
    return _done(here, f"Saved to {file}.")


@sandbox.command(epilog=example("trueup sandbox restore before.sqlite"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@DATABASE
@common
def restore(here: Here, file: Path, database: Path | None) -> int:
    """Bring the sandbox back to a snapshot, also while it is served."""
    snapshots.restore(file, database_of(here.project(), database))
    return _done(here, f"As in {file}.")


def database_of(project: Project, database: Path | None) -> Path:
    """The database named, or the project's own. Raises EngineError where there is neither."""
    if database:
        return database
    if project.target.connector != "sandbox":
        raise EngineError("trueup.yaml names no sandbox as its target: say which with --database FILE")
    found = Path(project.root) / str(project.target.options["database"])
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def seed_of(project: Project) -> Path | None:
    """The seed that trueup.yaml names."""
    named = project.target.options.get("seed") if project.target.connector == "sandbox" else None
    return Path(project.root) / str(named) if named else None


def switched(chosen: tuple[str, ...]) -> Switches:
    """Switches from `NAME=VALUE`. Raises SandboxError for a name or value that is not there."""
    named = dict(one.partition("=")[::2] for one in chosen)
    for name, value in named.items():
        switches.check(name, value)
    return Switches().replaced(named)


def _until_stopped() -> None:
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    stopped.wait()


def _done(here: Here, text: str) -> int:
    out(as_json({"done": text}) if here.json else f"{text}\n")
    return 0
