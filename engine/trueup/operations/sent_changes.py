"""Finds the changes that were sent for a record, with user, time and run."""

from collections.abc import Sequence

from msgspec import Struct

from trueup import wiring
from trueup.model.project import Project
from trueup.model.run import Pushed, Run


class SentChange(Struct, frozen=True):
    """A change of units that was sent, or settled by a person."""

    pushed: Pushed
    run: Run | None  # None: the state does not hold it


def sent_changes(project: Project, mapping: str, record: int) -> Sequence[SentChange]:
    """Returns what was sent for a record of a mapping with a ledger, newest first.

    Raises StateError if the state cannot be read.
    """
    spec = project.mappings[mapping]
    if spec.ledger is None:
        return ()
    with wiring.open_state(project) as state:
        pushed, runs = state.load().pushed, {run.id: run for run in state.runs(plans=False)}
    own = [
        one
        for (name, _), one in pushed.items()
        if name == spec.ledger.pending and one.record == record
    ]
    return [
        SentChange(one, runs.get(one.run))
        for one in sorted(own, key=lambda one: (one.day, one.key), reverse=True)
    ]
