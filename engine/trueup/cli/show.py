"""`trueup show FILE`: a saved plan as text, JSON, Markdown or CSV."""

from collections.abc import Callable
from pathlib import Path

import click

from engine.cli.common import Here, common, example
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.model import document
from engine.model.plan import Plan
from engine.render.csv_ import plan_csv
from engine.render.markdown import plan_markdown
from engine.render.text import plan_text


@click.command(
    short_help="Show a saved plan.",
    epilog=example("trueup show plan.json", "trueup show plan.json --format markdown > plan.md"),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "markdown", "csv"]),
    default="text",
    help="How to show it.",
)
@common
def show(here: Here, file: Path, format_: str) -> int:
    """Show a plan that `trueup plan --out FILE` saved. CSV holds its changes and its ledger."""
    plan = loaded(file)
    formats: dict[str, Callable[[], str]] = {
        "text": lambda: plan_text(plan, here.style, verbose=here.verbose),
        "json": lambda: document.dumps(plan),
        "markdown": lambda: plan_markdown(plan, verbose=here.verbose),
        "csv": lambda: plan_csv(plan),
    }
    out(formats["json" if here.json else format_]())
    return 0


def loaded(file: Path) -> Plan:
    """The plan in a file. Raises EngineError for anything else."""
    text = text_of(file)
    try:
        return document.loads(text)
    except EngineError as error:
        raise EngineError(f"{file}: {error}") from error


def sealed(file: Path) -> str:
    """The text of a plan as it was made. Raises EngineError for anything else."""
    text = text_of(file)
    try:
        document.verify(text)
    except EngineError as error:
        raise EngineError(f"{file}: {error}") from error
    return text


def text_of(file: Path) -> str:
    """A text file, as it is. Raises EngineError for what is no text."""
    try:
        return file.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise EngineError(f"{file} is no text in UTF-8") from error
