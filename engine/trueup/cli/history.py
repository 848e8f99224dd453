"""`trueup history`: who applied what, when, with which answer and which proof."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from engine import wiring
from engine.cli.common import Here, common, example
from engine.cli.files import write_whole
from engine.cli.terminal import out
from engine.errors import EngineError
from engine.model import document
from engine.model.run import Entry, Run, Step
from engine.render.csv_ import history_csv
from engine.render.history import run_text, runs_text
from engine.render.json_ import findings_json, run_json, runs_json
from engine.render.text import findings_text
from engine.render.told import Told, Undone
from engine.state.sqlite import SqlState


@click.group(
    invoke_without_command=True,
    short_help="Who applied what, with which proof.",
    epilog=example("trueup history", "trueup history show 7ace1fbdc9d0"),
)
@common
@click.pass_context
def history(context: click.Context, here: Here) -> int:
    """Each apply: who, when, which plan, each change with its answer and proof. Without a command: `list`."""
    if context.invoked_subcommand is None:
        return listed(here)
    if any(context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in context.params):
        raise click.UsageError(f"options come after the command: trueup history {context.invoked_subcommand} …")
    return 0


@history.command("list", short_help="List all runs.", epilog=example("trueup history list --json"))
@common
def list_(here: Here) -> int:
    """List all runs, the latest last; then what was done by hand, and whose lock was taken, with the reasons."""
    return listed(here)


def listed(here: Here) -> int:
    """All runs, and what was done by hand, written out."""
    project = here.project()
    with wiring.open_state(project) as state:
        runs, by_hand, undone = state.runs(plans=False), state.audit(), undone_in(state)
    zone = project.zone
    out(runs_json(runs, zone, by_hand, undone) if here.json else runs_text(runs, zone, here.style, by_hand, undone))
    return 0


@history.command(short_help="Show one run, whole.", epilog=example("trueup history show 7ace1fbdc9d0"))
@click.argument("run")
@common
def show(here: Here, run: str) -> int:
    """Show one run, whole: before and after, Autotask's answer, the proof of each adjustment, the rows behind it."""
    project = here.project()
    with wiring.open_state(project) as state:
        told = told_of(state, named(state, run), undone_in(state))
    out(run_json([told], project.zone) if here.json else run_text(told, project.zone, here.style))
    return 0


@history.command(
    short_help="Find lines that were changed afterwards.",
    epilog=example("trueup history verify", "trueup history verify --known 5b1c…   # a head noted earlier"),
)
@click.option(
    "--known", multiple=True, metavar="HASH", help="A head of the journal that was noted earlier. Repeatable."
)
@common
def verify(here: Here, known: tuple[str, ...]) -> int:
    """Find any line of the journal that was changed, taken out or put in afterwards, and print its head.

    Note the head elsewhere: runs cut off at the end, with the head set back to fit, are found only by --known.
    """
    with wiring.open_state(here.project()) as state:
        findings = state.verify(known)
        lines, head = state.head()
    if here.json:
        out(findings_json(findings))
    elif findings:
        out(findings_text(findings, here.style))
    else:
        out(f"All {lines:,} lines follow from one another. Head: {head}\n" if lines else "The journal is empty.\n")
    return 1 if findings else 0


@history.command(
    short_help="Write runs as CSV or JSON.", epilog=example("trueup history export --format csv --out history.csv")
)
@click.argument("runs", nargs=-1, metavar="[RUN]…")
@click.option("--format", "format_", type=click.Choice(["csv", "json"]), default="csv", help="The file's kind.")
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to; stdout if left out.",
)
@common
def export(here: Here, runs: tuple[str, ...], format_: str, file: Path | None) -> int:
    """Write runs, all of them or those named, as CSV (safe to open in a spreadsheet) or JSON."""
    project = here.project()
    with wiring.open_state(project) as state:
        undone = undone_in(state)
        told = [told_of(state, run, undone) for run in chosen(state, runs)]
    text = run_json(told, project.zone) if here.json or format_ == "json" else history_csv(told, project.zone)
    if file:
        write_whole(file, text)
    else:
        out(text)
    return 0


def chosen(state: SqlState, names: Sequence[str]) -> Sequence[Run]:
    """The runs named, or all. Raises StateError for one that is not there."""
    return [named(state, name) for name in names] if names else state.runs()


def named(state: SqlState, name: str) -> Run:
    """The run of this id, or the only one whose id begins so. Raises StateError."""
    begun = [run.id for run in state.runs(plans=False) if name and run.id.startswith(name)]
    return state.run(begun[0] if len(begun) == 1 else name)


def undone_in(state: SqlState) -> dict[str, list[Undone]]:
    """Run → the later runs that took changes of it back. An undo that came to nothing is none."""
    undos = [run for run in state.runs(plans=False) if run.undo_of]
    taken = {run.id: many for run in undos if (many := _taken_back(state.journal(run.id)))}
    found: dict[str, list[Undone]] = {}
    for run in undos:
        if run.id in taken:
            by = tuple(later.id for later in undos if later.undo_of == run.id and later.id in taken)
            found.setdefault(run.undo_of, []).append(Undone(run, taken[run.id], by))
    return found


def _taken_back(entries: Iterable[Entry]) -> int:
    last = {entry.change: entry.step for entry in entries}
    return sum(1 for step in last.values() if step is Step.DONE)


def told_of(state: SqlState, run: Run, undone: Mapping[str, Sequence[Undone]]) -> Told:
    """A run with its plan and its journal, and the runs that took it back."""
    try:
        plan = document.loads(run.plan)
    except EngineError as error:
        raise EngineError(f"the plan of run {run.id} cannot be read: {error}") from error
    by_hand = [line for line in state.audit() if line.run == run.id]
    return Told(run, plan, state.journal(run.id), by_hand, undone.get(run.id, ()))
