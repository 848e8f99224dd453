"""A run as history tells it: the plan that was applied beside the journal, change by change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.model.plan import Action, Change, Plan
from engine.model.run import OPEN, Entry, Run, Step
from engine.state.journal import AuditLine

NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Undone:
    """A later run that took changes of a run back, and how many; the runs that undid it in turn."""

    run: Run
    changes: int
    by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """One run: who applied which plan when, and each line of its journal."""

    run: Run
    plan: Plan
    entries: Sequence[Entry]
    by_hand: Sequence[AuditLine] = ()  # what people said of its changes
    undone: Sequence[Undone] = ()

    def wrote(self) -> int:
        """How many of its changes took effect by its own doing; a link writes nothing."""
        return sum(1 for change, lines in self.by_change() if change.action is not Action.LINK and _wrote(lines))

    def by_change(self) -> list[tuple[Change, list[Entry]]]:
        """Each change of the plan with its lines."""
        lines: dict[str, list[Entry]] = {}
        for entry in self.entries:
            lines.setdefault(entry.change, []).append(entry)
        return [(change, lines.get(change.id, [])) for change in self.plan.changes]


def _wrote(entries: Sequence[Entry]) -> bool:
    return status(entries) == Step.DONE and not any(entry.data.get("already") for entry in entries)


def status(entries: Sequence[Entry]) -> str:
    """How a change stands after these lines: `done`, `failed`, `in doubt`, `not tried`."""
    if not entries:
        return NOT_TRIED
    last = entries[-1].step
    return "in doubt" if last in OPEN else str(last)


def data(entries: Sequence[Entry]) -> Mapping[str, object]:
    """All that the lines say: Autotask's answer, the proof, the error; later lines win."""
    found: dict[str, object] = {}
    for entry in entries:
        found |= entry.data
    return found
