"""Reads an open history: lists runs, shows one with its journal, verifies the journal."""

from collections.abc import Iterable, Mapping, Sequence

from trueup.errors import EngineError
from trueup.model import document
from trueup.model.history import RunHistory, RunsOverview, UndoneBy, Verification
from trueup.model.run import Entry, Run, Step
from trueup.ports.state import History


def list_runs(history: History) -> RunsOverview:
    """Returns all runs without plans, oldest first; the audit; and which runs undid which."""
    return RunsOverview(history.runs(plans=False), history.audit(), _undone(history))


def show_run(history: History, run: str) -> RunHistory:
    """Returns one run with its plan and journal. `run` is its id or a unique prefix of it.

    Raises `StateError` for an unknown run, `EngineError` if its plan cannot be read.
    """
    (shown,) = show_runs(history, [run])
    return shown


def show_runs(history: History, runs: Sequence[str] = ()) -> Sequence[RunHistory]:
    """These runs, or all, each with its plan and journal. Raises as `show_run` does."""
    undone = _undone(history)
    chosen = [_find(history, run) for run in runs] if runs else history.runs()
    return [_run_history(history, run, undone.get(run.id, ())) for run in chosen]


def verify_journal(history: History, known: Iterable[str] = ()) -> Verification:
    """Returns changes to the journal from outside trueup. `known` are heads noted earlier."""
    findings = history.verify(known)
    lines, head = history.head()
    return Verification(findings, lines, head)


def _find(history: History, prefix: str) -> Run:
    ids = [run.id for run in history.runs(plans=False) if prefix and run.id.startswith(prefix)]
    return history.run(ids[0] if len(ids) == 1 else prefix)


def _undone(history: History) -> Mapping[str, Sequence[UndoneBy]]:
    """Returns, by run, the runs that undid changes of it, except runs without effect."""
    undo_runs = [run for run in history.runs(plans=False) if run.undo_of]
    done = {run.id: count for run in undo_runs if (count := _done(history.journal(run.id)))}
    undone: dict[str, list[UndoneBy]] = {}
    for run in undo_runs:
        if run.id in done:
            again = tuple(
                later.id for later in undo_runs if later.undo_of == run.id and later.id in done
            )
            undone.setdefault(run.undo_of, []).append(UndoneBy(run, done[run.id], again))
    return undone


def _done(entries: Iterable[Entry]) -> int:
    last = {entry.change: entry.step for entry in entries}
    return sum(1 for step in last.values() if step is Step.DONE)


def _run_history(history: History, run: Run, undone: Sequence[UndoneBy]) -> RunHistory:
    try:
        plan = document.loads(run.plan)
    except EngineError as error:
        raise EngineError(f"the plan of run {run.id} cannot be read: {error}") from error
    audit = [entry for entry in history.audit() if entry.run == run.id]
    return RunHistory(run, plan, history.journal(run.id), audit, undone)
