"""A run seen backwards: what of it took effect, and what of that later undo runs took back already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.errors import StateError
from engine.model.document import loads
from engine.model.finding import Finding, Severity
from engine.model.plan import UNDO, Change, Unknown
from engine.model.project import Project
from engine.model.run import Run, Step
from engine.ports import Memory, State, World

LEFT = "cannot-be-undone"


@dataclass(slots=True)
class Undoing:
    """One run and the plan that takes it back, in the making."""

    project: Project
    world: World
    as_of: date
    memory: Memory
    runs: Sequence[Run]  # all of them, oldest first
    run: Run
    done: list[Change]  # what it did and no later run took back, in its order
    ids: Mapping[str, int]  # change → record that it created
    before: Mapping[str, Run]  # what it did and a later run took back → that run
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    records: int = 0  # how many were read

    @property
    def planned(self) -> set[str]:
        """Ids of its changes that this plan takes back."""
        return {change.id.removeprefix(UNDO) for change in self.changes}

    def say(
        self, change: Change, text: str, remedy: str = "", *, code: str = LEFT, severity: Severity = Severity.WARNING
    ) -> None:
        """Something that this undo leaves as it is; harmless where it says only info."""
        self.findings.append(
            Finding(code, severity, text, remedy, change.place, change.mapping, change.keys[0], change.name)
        )

    def known(self, value: object) -> object:
        """A value of the run's plan, with the id in the place of what the run alone could know."""
        return self.ids[value.change] if isinstance(value, Unknown) else value

    def record_of(self, change: Change) -> int | None:
        """The record that a change wrote to."""
        if change.record is not None:
            return change.record
        unknown = next((value for value in change.values.values() if isinstance(value, Unknown)), None)
        return self.ids.get(change.id) or (self.ids.get(unknown.change) if unknown else None)

    def is_later(self, run: str) -> bool:
        """Did a run of that id begin after the one that is undone?"""
        order = [one.id for one in self.runs]
        return run in order and order.index(run) > order.index(self.run.id)


def look_back(project: Project, world: World, run_id: str, as_of: date) -> Undoing:
    """The run whose id begins so. Raises StateError where there is none such, or it cannot be undone now."""
    memory, runs = world.state.load(), world.state.runs()
    run = _named(runs, run_id)
    _settled(run, memory.open_runs)
    before = _taken_back(world.state, runs, run)
    done, ids = _done(world.state, run)
    left = [change for change in done if change.id not in before]
    _has_mappings(project, run, left)
    work = Undoing(project, world, as_of, memory, runs, run, left, ids, before)
    _tell(work, done)
    return work


def _named(runs: Sequence[Run], run_id: str) -> Run:
    found = [one for one in runs if one.id.startswith(run_id)]
    if not found:
        raise StateError(f"there is no run {run_id!r}: `trueup history` lists them")
    if len(found) > 1:
        raise StateError(f"{run_id!r} may be run {' or '.join(one.id for one in found)}: say more of it")
    return found[0]


def _settled(run: Run, still_open: Sequence[Run]) -> None:
    """While a run is open nobody knows all that it did, or took back."""
    for one in still_open:
        what = "it" if one.id == run.id else f"run {run.id}"
        raise StateError(
            f"run {one.id} of {_when(one)} is not finished: `trueup apply --resume` settles it, or `trueup state "
            f"settle {one.id} closed --reason …` gives up the rest of it; then {what} can be undone"
        )


def _when(run: Run) -> str:
    return f"{run.started:%Y-%m-%d %H:%M} UTC"


def _done(state: State, run: Run) -> tuple[list[Change], dict[str, int]]:
    """Its changes that took effect by its own doing, and the ids of the records that it created."""
    steps: dict[str, Step] = {}
    ids: dict[str, int] = {}
    already: set[str] = set()  # as wanted before the run
    for entry in state.journal(run.id):
        steps[entry.change] = entry.step
        if entry.data.get("already"):
            already.add(entry.change)
        if entry.step is Step.DONE and isinstance(entry.data.get("id"), int):
            ids[entry.change] = int(str(entry.data["id"]))
    changes = loads(run.plan).changes
    return [one for one in changes if steps.get(one.id) is Step.DONE and one.id not in already], ids


def _taken_back(state: State, runs: Sequence[Run], run: Run) -> dict[str, Run]:
    """Changes of the run that a later one took back, each with that one. What failed or was held there is none."""
    found: dict[str, Run] = {}
    for later in runs:
        if later.undo_of == run.id:
            last = {entry.change: entry.step for entry in state.journal(later.id)}
            found |= {id_.removeprefix(UNDO): later for id_, step in last.items() if step is Step.DONE}
    return found


def _has_mappings(project: Project, run: Run, changes: Sequence[Change]) -> None:
    for change in changes:
        if change.mapping not in project.mappings:
            raise StateError(
                f"run {run.id} wrote by the mapping {change.mapping}, and the project has none of that name any more: "
                "it was renamed or taken out. Put it back under that name to undo the run"
            )


def _tell(work: Undoing, done: Sequence[Change]) -> None:
    """What is not undone again, because it was already; or that there is nothing at all to undo."""
    if not done:
        text = f"nothing of run {work.run.id} took effect by its own doing: there is nothing to undo"
        work.findings.append(Finding("nothing-to-undo", Severity.INFO, text))
    path_of = _Paths(work)
    paths = Counter(path_of(change.id, work.before[change.id]) for change in done if change.id in work.before)
    by_id = {run.id: run for run in work.runs}
    for path, many in paths.items():
        text, remedy = _story([by_id[one] for one in path], f"{many:,} change" + ("s were" if many > 1 else " was"))
        work.findings.append(Finding("undone-already", Severity.INFO, text, remedy))


class _Paths:
    """The runs that took a change back, did it again, took it back again …; each run's journal is read once."""

    def __init__(self, work: Undoing) -> None:
        self.work = work
        self.taken: dict[str, dict[str, Run]] = {}

    def __call__(self, change: str, by: Run) -> tuple[str, ...]:
        path = [by]
        while later := self._later(path[-1], change := f"{UNDO}{change}"):
            path.append(later)
        return tuple(run.id for run in path)

    def _later(self, run: Run, change: str) -> Run | None:
        if run.id not in self.taken:
            self.taken[run.id] = _taken_back(self.work.world.state, self.work.runs, run)
        return self.taken[run.id].get(change)


def _story(path: Sequence[Run], subject: str) -> tuple[str, str]:
    """What became of changes that were taken back, and what can be done about it now."""
    last = path[-1]
    command = f"`trueup plan --undo {last.id}`"
    if len(path) % 2:
        return f"{subject} taken back already, by run {last.id} of {_when(last)}", f"{command} does it again"
    earlier = f"taken back by run {path[-2].id} of {_when(path[-2])}"
    return f"{subject} {earlier}, and done again by run {last.id} of {_when(last)}", f"{command} takes it back"
