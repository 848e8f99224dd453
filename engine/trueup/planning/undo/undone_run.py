"""The run that is undone: its changes that took effect, and what later runs undid already."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import StateError
from trueup.model.catalogue import SystemNames
from trueup.model.change import Change, Unknown
from trueup.model.document import loads
from trueup.model.finding import NO_ADVICE, Advice, Finding, Severity
from trueup.model.project import Project
from trueup.model.run import Run, Step
from trueup.model.wall_clock import shown_in
from trueup.planning.change_ids import undo_id
from trueup.planning.in_doubt import way_to_end
from trueup.ports.state import State, StateSnapshot
from trueup.ports.world import World

LEFT = "cannot-be-undone"


class TakenBack(Struct, frozen=True):
    """The run that undid a change, and which of its changes did it."""

    run: Run
    change: str


class UndoContext(Struct):
    """One run and the plan that undoes it, in the making."""

    project: Project
    world: World
    as_of: date
    snapshot: StateSnapshot
    runs: Sequence[Run]  # all of them, oldest first
    run: Run
    done: list[Change]  # what it did and no later run took back, in its order
    ids: Mapping[str, int]  # change → record that it created
    kept: Mapping[str, Mapping[str, Any]]  # change → fields of which another value was kept
    before: Mapping[str, TakenBack]  # what it did and a later run took back
    changes: list[Change] = []
    findings: list[Finding] = []
    records: int = 0  # how many were read

    @property
    def systems(self) -> SystemNames:
        """The display names of the two systems."""
        return self.project.catalogue.systems

    @property
    def planned(self) -> set[str]:
        """The ids of the run's changes that this plan undoes."""
        return {change.undoes for change in self.changes}

    def leave(
        self,
        change: Change,
        text: str,
        remedy: Advice = NO_ADVICE,
        *,
        code: str = LEFT,
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Adds the finding that a change is not undone."""
        self.findings.append(
            Finding(
                code,
                severity,
                text,
                remedy.text,
                change.place,
                change.mapping,
                change.keys[0],
                change.name,
                remedy.commands,
            )
        )

    def resolve(self, value: object) -> object:
        """Returns a value of the run's plan, with ids in place of values unknown until apply."""
        return self.ids[value.change] if isinstance(value, Unknown) else value

    def record_of(self, change: Change) -> int | None:
        """Returns the record that a change wrote to; of an adjustment, its service."""
        if change.record is not None:
            return change.record
        if change.id in self.ids:
            return self.ids[change.id]
        if change.adjustment is None:
            return None
        service = change.adjustment.service
        return service if service is not None else self.ids.get(change.adjustment.service_change)

    def is_later(self, run: str) -> bool:
        """Whether the run of that id began after the one that is undone."""
        order = [one.id for one in self.runs]
        return run in order and order.index(run) > order.index(self.run.id)


def load_run(project: Project, world: World, run_id: str, as_of: date) -> UndoContext:
    """Returns the run whose id begins with `run_id`.

    Raises StateError if there is none, or more than one, or if it cannot be undone now.
    """
    snapshot, runs = world.state.load(), world.state.runs()
    run = _find_run(runs, run_id)
    _require_closed(project, world.state, run, snapshot.open_runs)
    before = _taken_back(world.state, runs, run)
    done, ids, kept = _done(world.state, run)
    left = [change for change in done if change.id not in before]
    _require_mappings(project, run, left)
    context = UndoContext(project, world, as_of, snapshot, runs, run, left, ids, kept, before)
    _report_earlier_undos(context, done)
    return context


def _find_run(runs: Sequence[Run], run_id: str) -> Run:
    found = [run for run in runs if run.id.startswith(run_id)]
    if not found:
        raise StateError(f"there is no run {run_id!r}: `trueup history` lists them")
    if len(found) > 1:
        ids = " or ".join(one.id for one in found)
        raise StateError(f"{run_id!r} may be run {ids}: give more of its id")
    return found[0]


def _require_closed(project: Project, state: State, run: Run, open_runs: Sequence[Run]) -> None:
    """Raises StateError while a run is open: what it did or undid is unknown until then."""
    for one in open_runs:
        what = "it" if one.id == run.id else f"run {run.id}"
        began = shown_in(one.started, project.zone)
        raise StateError(
            f"run {one.id} of {began} is not finished: {way_to_end(state, one.id)}; "
            f"then {what} can be undone"
        )


def _done(
    state: State, run: Run
) -> tuple[list[Change], dict[str, int], dict[str, Mapping[str, Any]]]:
    """Returns the changes that the run itself made, with ids of records that it created.

    Last, by change, the values that the target kept otherwise than they were written.
    """
    steps: dict[str, Step] = {}
    ids: dict[str, int] = {}
    kept: dict[str, Mapping[str, Any]] = {}
    already: set[str] = set()  # as wanted before the run
    for entry in state.journal(run.id):
        steps[entry.change] = entry.step
        if entry.data.get("already"):
            already.add(entry.change)
        id_ = entry.data.get("id")
        if entry.step is Step.DONE and isinstance(id_, int):
            ids[entry.change] = id_
        if isinstance(values := entry.data.get("kept"), Mapping):
            kept[entry.change] = values
    changes = [
        change
        for change in loads(run.plan).changes
        if steps.get(change.id) is Step.DONE and change.id not in already
    ]
    return changes, ids, kept


def _taken_back(state: State, runs: Sequence[Run], run: Run) -> dict[str, TakenBack]:
    """Returns changes of the run that a later run undid, without those that failed or were held."""
    found: dict[str, TakenBack] = {}
    for later in runs:
        if later.undo_of != run.id:
            continue
        last = {entry.change: entry.step for entry in state.journal(later.id)}
        for change in loads(later.plan).changes:
            if last.get(change.id) is Step.DONE:
                found[change.undoes] = TakenBack(later, change.id)
    return found


def _require_mappings(project: Project, run: Run, changes: Sequence[Change]) -> None:
    for change in changes:
        if change.mapping not in project.mappings:
            raise StateError(
                f"run {run.id} wrote by the mapping {change.mapping}, and the project no longer "
                "has one of that name: it was renamed or removed. Restore it under that name to "
                "undo the run"
            )


def _report_earlier_undos(context: UndoContext, done: Sequence[Change]) -> None:
    """Reports changes that were undone already, or that there is nothing to undo."""
    if not done:
        text = f"run {context.run.id} itself carried out no change: there is nothing to undo"
        context.findings.append(Finding("nothing-to-undo", Severity.INFO, text))
    chains = _UndoChains(context)
    counts = Counter(chains.of(change.id) for change in done if change.id in context.before)
    by_id = {run.id: run for run in context.runs}
    for chain, count in counts.items():
        subject = "1 change was" if count == 1 else f"{count:,} changes were"
        text, remedy = _undone_text([by_id[one] for one in chain], subject, context.project.zone)
        context.findings.append(Finding("undone-already", Severity.INFO, text, remedy))


class _UndoChains:
    """Per change: the run that undid it, the run that undid that undo, and so on."""

    def __init__(self, context: UndoContext) -> None:
        self._context = context
        self._taken: dict[str, dict[str, TakenBack]] = {}  # each run's journal is read once

    def of(self, change: str) -> tuple[str, ...]:
        """Returns the ids of these runs, in order; the change was undone at least once."""
        first = self._context.before[change]
        return tuple(run.id for run in (first.run, *self._later(first)))

    def _later(self, taken: TakenBack) -> Iterator[Run]:
        while True:
            run = taken.run
            if run.id not in self._taken:
                state = self._context.world.state
                self._taken[run.id] = _taken_back(state, self._context.runs, run)
            again = self._taken[run.id].get(taken.change)
            if again is None:
                return
            yield again.run
            taken = again


def _undone_text(chain: Sequence[Run], subject: str, zone: tzinfo) -> tuple[str, str]:
    """The text about changes that were taken back before, and the remedy."""
    last = chain[-1]
    command = f"`trueup plan --undo {last.id}`"
    if len(chain) % 2:
        return (
            f"{subject} taken back already, by run {last.id} of {shown_in(last.started, zone)}",
            f"{command} does it again",
        )
    undone = chain[-2]
    earlier = f"taken back by run {undone.id} of {shown_in(undone.started, zone)}"
    return (
        f"{subject} {earlier}, and done again by run {last.id} of {shown_in(last.started, zone)}",
        f"{command} takes it back",
    )


def reversing(change: Change, **parts: Any) -> Change:  # noqa: ANN401 -- parts of a Change
    """Returns the change that undoes `change`: a copy of it with these parts replaced.

    It moves no money unless the parts have some: what the run billed is not billed again.
    """
    money: dict[str, Any] = {"monthly": None, "invoice": None, "one_off": None, "lost": None}
    return replace(
        change,
        id=undo_id(change.id),
        undoes=change.id,
        undo_depth=change.undo_depth + 1,
        **(money | parts),
    )


def opposite_of(amount: Decimal | None) -> Decimal | None:
    """Returns the amount that takes another one back; None for none."""
    return None if amount is None else -amount
