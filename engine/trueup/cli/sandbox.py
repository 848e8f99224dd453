"""`trueup sandbox`: an Autotask on this machine, over real HTTP."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.model.project import Project
from engine.render.json_ import as_json
from engine.render.words import count
from engine.sandbox import seed as seeding
from engine.sandbox import snapshots, switches
from engine.sandbox.dataverse.server import DataverseSandbox, Environment
from engine.sandbox.server import Sandbox
from engine.sandbox.switches import Switches
from engine.source.files import FileSource

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
        "trueup sandbox serve --source   # Work 365's Dataverse in the place of Autotask",
    )
)
@DATABASE
@click.option("--port", type=click.IntRange(0, 65535), default=8365, show_default=True, help="0 takes any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Other machines can reach any but loopback.")
@click.option("--seed", type=click.Path(path_type=Path), metavar="PATH", help="Fill an empty database from this.")
@click.option("--switch", "chosen", multiple=True, metavar="NAME=VALUE", help="How it does what nobody knows.")
@click.option(
    "--source",
    is_flag=True,
    help="Serve a Dataverse with Work 365's tables: --seed is a folder of exports; without --database nothing is kept.",
)
@common
def serve(here: Here, source: bool, port: int, host: str, **asked: object) -> int:  # noqa: FBT001 -- click's
    """Serve Autotask's REST API, or Work 365's Dataverse, until Ctrl-C.

    Faults, clock and snapshots are set below /sandbox (GET lists the routes), from this machine alone.
    """
    serving = _dataverse if source else _autotask
    with serving(here.project(), (host, port), **asked) as (url, what):  # type: ignore[arg-type]  # click gives what the options say
        stopped = _told_to_stop()
        out(as_json({"url": url}) if here.json else f"{what} at {url}, until Ctrl-C.\n")
        stopped.wait()
    return 0


@contextmanager
def _autotask(
    project: Project, address: tuple[str, int], *, database: Path | None, seed: Path | None, chosen: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    with Sandbox(
        database_of(project, database),
        project.catalogue.entities,
        switches=switched(chosen),
        host=address[0],
        port=address[1],
        seed=seed or seed_of(project),
    ) as served:
        yield served.url, "Autotask"


@contextmanager
def _dataverse(
    project: Project, address: tuple[str, int], *, database: Path | None, seed: Path | None, chosen: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    if chosen:
        raise click.UsageError("--switch is about Autotask, not about --source.")
    tables = project.catalogue.tables
    exports = FileSource(exports_of(project, seed), tables, "the seed", zone=project.zone)
    rows = {name: exports.read(name, table.columns).rows for name, table in tables.items()}
    environment = Environment(zone=project.zone)
    with DataverseSandbox(tables, rows, environment, database=database, address=address) as served:
        login = f"tenant {environment.tenant}, client_id {environment.client_id}, client_secret demo"
        yield served.url, f"Dataverse ({login})"


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


@sandbox.command(
    epilog=example("trueup sandbox clone --database copy.sqlite", "trueup sandbox serve --database copy.sqlite")
)
@click.option(
    "--database",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="The database to make.",
)
@common
def clone(here: Here, database: Path) -> int:
    """Copy what the project's mappings touch from Autotask into a sandbox, by reading only."""
    project = here.project()
    if database.exists():
        raise EngineError(f"{database} is there already: choose another file or move it away")
    many = wiring.clone_target(project, database)
    return _done(here, f"{count(many, 'record')} copied into {database}.")


def database_of(project: Project, database: Path | None) -> Path:
    """The database named, or the project's own. Raises EngineError where there is neither."""
    if database:
        return database
    if project.target.connector != "sandbox":
        raise EngineError("trueup.yaml names no sandbox as its target: say which with --database FILE")
    found = Path(project.root) / str(project.target.options["database"])
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def exports_of(project: Project, seed: Path | None) -> Path:
    """The folder of exports named, or the project's own. Raises EngineError where there is neither."""
    if seed:
        return seed
    if project.source.connector == "files":
        return Path(project.root) / str(project.source.options["path"])
    raise EngineError("trueup.yaml reads Work 365 from no files: say which folder with --seed DIR")


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


def _told_to_stop() -> Event:
    """Set by Ctrl-C or a request to end, from now on."""
    stopped = Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped


def _done(here: Here, text: str) -> int:
    out(as_json({"done": text}) if here.json else f"{text}\n")
    return 0
