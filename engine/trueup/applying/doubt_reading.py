"""Finds what is known of changes in doubt, in the journal and by reading. Records nothing."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from trueup.applying.preconditions import PreconditionChecker
from trueup.applying.run_state import RunState
from trueup.applying.settle import DoubtSettler
from trueup.model.document import loads
from trueup.model.doubt import Doubt, Trace
from trueup.model.history import change_data
from trueup.model.outcome import ChangeOutcome
from trueup.model.project import Project
from trueup.model.run import Entry, Run, Step
from trueup.planning.systems import require_plan_systems
from trueup.ports.state import State
from trueup.ports.world import World

_TRACES = {
    Step.DONE: Trace.LANDED,
    Step.FAILED: Trace.ABSENT,
    Step.NOT_LANDED: Trace.ABSENT,
    Step.UNCLEAR: Trace.UNCLEAR,
}
"""What the entry says that a run would record now."""


def recorded_doubts(project: Project, state: State) -> list[Doubt]:
    """Returns each change in doubt with what the journal has of it, the oldest run's first."""
    snapshot = state.load()
    found: list[Doubt] = []
    for run in snapshot.open_runs:
        entries = state.journal(run.id)
        run_state = RunState(loads(run.plan), entries, snapshot.pushed)
        outcomes = {
            one.change: one for one in run_state.outcomes(project.settle_after, project.zone)
        }
        found += [
            _doubt(run, run_state, outcomes[change.id], entries) for change in run_state.in_doubt()
        ]
    return found


def _doubt(
    run: Run, run_state: RunState, outcome: ChangeOutcome, entries: Sequence[Entry]
) -> Doubt:
    change = run_state.changes[outcome.change]
    own = [entry for entry in entries if entry.change == change.id]
    return Doubt(run.id, change, outcome.text, change_data(own), outcome.sent, outcome.until)


def read_doubts(project: Project, world: World, only: str = "") -> list[Doubt]:
    """Returns the same, with what both systems show now, as a resumed run would read it.

    With `only`, a change, it is that one, and the system that it does not write to is not read.
    Raises TargetError or SourceError if a side cannot be read, and what `require_plan_systems`
    raises if it is another tenant.
    """
    snapshot = world.state.load()
    settler = DoubtSettler(project, world, PreconditionChecker(project, world))
    entries: dict[tuple[str, str], Entry] = {}
    for run in snapshot.open_runs:
        plan = loads(run.plan)
        require_plan_systems(plan.systems, f"run {run.id}", world, project.catalogue.systems)
        run_state = RunState(plan, world.state.journal(run.id), snapshot.pushed)
        in_doubt = [one for one in run_state.in_doubt() if only in ("", one.id)]
        settled = settler.settle(in_doubt, run_state)
        entries |= {(run.id, entry.change): entry for entry in settled}
    return [
        _with_reading(doubt, entries.get((doubt.run, doubt.change.id)))
        for doubt in recorded_doubts(project, world.state)
        if only in ("", doubt.change.id)
    ]


def _with_reading(doubt: Doubt, entry: Entry | None) -> Doubt:
    """Returns the doubt with an entry; without one, the write may still be under way."""
    if entry is None:
        return replace(doubt, trace=Trace.ABSENT)
    trace = _TRACES[entry.step]
    unclear = str(entry.data.get("text", "")) if trace is Trace.UNCLEAR else ""
    return replace(doubt, trace=trace, unclear=unclear, found=_found(entry.data))


def _found(data: Mapping[str, object]) -> Mapping[str, object]:
    return {name: data[name] for name in ("id", "found", "proof") if data.get(name)}
