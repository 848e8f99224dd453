"""Runs with their journals, and the check of a journal, as operations return them."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from trueup.model.audit import AuditEntry
from trueup.model.change import Action, Change
from trueup.model.finding import Finding
from trueup.model.outcome import ChangeStatus
from trueup.model.plan import Plan
from trueup.model.run import OPEN, Entry, Run, Step

NOT_TRIED = "not tried"
"""The status of a change without entries."""


class UndoneBy(Struct, frozen=True):
    """A later run that undid changes of a run."""

    run: Run
    changes: int  # how many changes it undid
    undone_by: Sequence[str] = ()  # the runs that undid this one


class RunHistory(Struct, frozen=True):
    """One run: who applied which plan when, and each entry of its journal."""

    run: Run
    plan: Plan
    entries: Sequence[Entry]
    audit: Sequence[AuditEntry] = ()  # manual edits of this run
    undone: Sequence[UndoneBy] = ()

    def changes_written(self) -> int:
        """How many changes took effect because of this run; a link writes nothing."""
        return sum(
            1
            for change, entries in self.by_change()
            if change.action is not Action.LINK and _written(entries)
        )

    def by_change(self) -> list[tuple[Change, list[Entry]]]:
        """Each change of the plan with its entries, in the order of the plan."""
        entries: dict[str, list[Entry]] = {}
        for entry in self.entries:
            entries.setdefault(entry.change, []).append(entry)
        return [(change, entries.get(change.id, [])) for change in self.plan.changes]


def _written(entries: Sequence[Entry]) -> bool:
    already = any(entry.data.get("already") for entry in entries)
    return bool(entries) and entries[-1].step is Step.DONE and not already


def change_status(entries: Sequence[Entry]) -> str:
    """The status of a change after these entries: `done`, `not kept`, `failed`, `not tried`, …"""
    if not entries:
        return NOT_TRIED
    last = entries[-1].step
    if last is Step.DONE and change_data(entries).get("kept"):
        return str(ChangeStatus.NOT_KEPT)
    return str(ChangeStatus.IN_DOUBT) if last in OPEN else str(last)


def change_data(entries: Sequence[Entry]) -> Mapping[str, object]:
    """Returns the data of all entries of a change: answer, proof, error. Later entries win."""
    data: dict[str, object] = {}
    for entry in entries:
        data |= entry.data
    return data


class RunsOverview(Struct, frozen=True):
    """All runs without their plans, oldest first."""

    runs: Sequence[Run]
    audit: Sequence[AuditEntry] = ()
    undone: Mapping[str, Sequence[UndoneBy]] = {}  # by run


class Verification(Struct, frozen=True):
    """The result of a check of the journal: no findings if it is unchanged."""

    findings: Sequence[Finding]
    lines: int  # lines in the journal
    head: str  # hash of the last line
