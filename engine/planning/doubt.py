"""Changes of earlier runs of which nobody knows yet whether they took effect."""

from engine.model.run import OPEN, Step
from engine.ports import Memory, State


def in_doubt(state: State, memory: Memory) -> frozenset[str]:
    """Ids of changes in doubt, over all runs that are not done: nothing that they are about is planned again."""
    doubtful: set[str] = set()
    for run in memory.open_runs:
        last: dict[str, Step] = {}
        for entry in state.journal(run.id):
            last[entry.change] = entry.step
        doubtful.update(change for change, step in last.items() if step in OPEN)
    return frozenset(doubtful)
