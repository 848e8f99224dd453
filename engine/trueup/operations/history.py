"""The history of a project: its runs with their journals, and manual edits."""

from collections.abc import Sequence

from trueup import wiring
from trueup.model.arguments import require_text
from trueup.model.history import RunHistory, RunsOverview, Verification
from trueup.model.project import Project
from trueup.operations import open_history
from trueup.operations.arguments import require_common


def history(project: Project) -> RunsOverview:
    """Returns all runs without their plans, oldest first, manual edits, and undone runs."""
    require_common(project)
    with wiring.open_state(project) as state:
        return open_history.list_runs(state)


def show_run(project: Project, run: str) -> RunHistory:
    """Returns one run with its plan and journal. `run` is its id, or a unique start of it.

    Raises StateError for an unknown run, EngineError if its plan cannot be read.
    """
    require_common(project)
    require_text("run", run)
    with wiring.open_state(project) as state:
        return open_history.show_run(state, run)


def show_runs(project: Project, runs: Sequence[str] = ()) -> Sequence[RunHistory]:
    """Returns these runs, or all, with plan and journal. Raises what `show_run` raises."""
    with wiring.open_state(project) as state:
        return open_history.show_runs(state, runs)


def verify_journal(project: Project, known: Sequence[str] = ()) -> Verification:
    """Returns changes to the journal from outside trueup. `known` are heads noted earlier."""
    with wiring.open_state(project) as state:
        return open_history.verify_journal(state, known)
