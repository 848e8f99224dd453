"""`trueup init DIR`: a project to start from."""

import shutil
from pathlib import Path

import click

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.render.json_ import as_json

PARTS = ("trueup.yaml", "mappings", "rules", "schemas", "examples")
NEXT = "Now:\n{cd}  trueup plan\n"


@click.command(short_help="Make a project to start from.", epilog=example("trueup init work && cd work && trueup plan"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@common
def init(here: Here, folder: Path) -> int:
    """Make a project in DIR: trueup.yaml, mappings, rules, schemas and the example data.

    Nothing that is there is overwritten. The project works at once, on example data and an Autotask on this machine.
    """
    created = copied(wiring.shipped(), folder)
    if here.json:
        out(as_json({"created": created}))
    else:
        cd = "" if folder.resolve() == Path.cwd() else f"  cd {folder}\n"
        out("".join(f"{name}\n" for name in created) + NEXT.format(cd=cd))
    return 0


def copied(shipped: Path, folder: Path) -> list[str]:
    """Copies the parts of the shipped project; raises EngineError, with nothing written, if one is there."""
    there = [str(folder / name) for name in PARTS if (folder / name).exists()]
    if there:
        raise EngineError(f"{', '.join(there)}: there already; choose another folder or move that away")
    folder.mkdir(parents=True, exist_ok=True)
    ignore = shutil.ignore_patterns("__pycache__", "*.py", ".*")
    for name in PARTS:
        if (shipped / name).is_dir():
            shutil.copytree(shipped / name, folder / name, ignore=ignore)
        else:
            shutil.copyfile(shipped / name, folder / name)
    return [str(folder / name) for name in PARTS]
