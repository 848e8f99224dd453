"""A run as history tells it: the plan that was applied beside the journal, change by change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.model.plan import Change, Plan
from engine.model.run import OPEN, Entry, Run
from engine.state.journal import AuditLine

NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Told:
    """One run: who applied which plan when, and each line of its journal."""

    run: Run
    plan: Plan
    entries: Sequence[Entry]
    by_hand: Sequence[AuditLine] = ()  # what people said of its changes

    def by_change(self) -> list[tuple[Change, list[Entry]]]:
        """Each change of the plan with its lines."""
        lines: dict[str, list[Entry]] = {}
        for entry in self.entries:
            lines.setdefault(entry.change, []).append(entry)
        return [(change, lines.get(change.id, [])) for change in self.plan.changes]


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
