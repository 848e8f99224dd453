"""The plan that the pages show, with all that they need of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.note import Note
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.decision_outlook import Ways, ways_of
from trueup.render.overview import Overview, overview, view_of
from trueup.render.view import View
from trueup.review.rows import (
    FindingRow,
    LedgerRow,
    Row,
    RowKey,
    Tab,
    finding_rows,
    ledger_rows,
    rows_of,
    tabs_of,
)


class Reads(Struct, frozen=True):
    """When the reading of each system began for one plan, in the business time zone."""

    source: datetime
    target: datetime

    @classmethod
    def of(cls, steps: Sequence[datetime]) -> "Reads":
        """Makes it from the moments at which planning began its steps.

        The first step reads the source. Each later step is a mapping, and reads its records.
        """
        return cls(steps[0], steps[min(1, len(steps) - 1)])


class CurrentPlan(Struct, frozen=True):
    """A plan with all that the pages show of it. It is never changed, only replaced."""

    project: Project
    plan: Plan
    made: datetime  # when, in the business time zone
    reads: Reads
    seen: Overview
    view: View
    rows: tuple[Row, ...]
    by_row: Mapping[RowKey, Row]
    tabs: tuple[Tab, ...]
    ledger: tuple[LedgerRow, ...]
    findings: tuple[FindingRow, ...]
    links: Mapping[RowKey, int]  # the record of each linked row
    ways: Ways  # the decisions that remedies name, by row
    notices: tuple[str, ...] = ()  # about the reading of the source

    @property
    def needy_rows(self) -> tuple[Row, ...]:
        """The rows that need a person, with the states that the head counts.

        A row may need a person for one reason, and wait for another row for a second one.
        """
        return tuple(_needy(row) for row in self.rows if row.needs_person)


def _needy(row: Row) -> Row:
    needs = {item.kind for item in row.items if item.needs_person}
    waits = {str(item.kind) for item in row.items if item.kind not in needs}
    return replace(row, states=tuple(state for state in row.states if state not in waits))


def current_plan_of(
    project: Project,
    made: Plan,
    at: datetime,
    links: Mapping[RowKey, int],
    reads: Reads | None = None,
) -> CurrentPlan:
    """Returns what the pages show of a plan that was made at a moment."""
    seen = overview(made)
    rows = rows_of(project, seen)
    return CurrentPlan(
        project=project,
        plan=made,
        made=at,
        reads=reads or Reads(at, at),
        seen=seen,
        view=view_of(seen, verbose=True),
        rows=rows,
        by_row={RowKey(row.ref.mapping, key): row for row in rows for key in row.keys},
        tabs=tabs_of(project, seen, rows),
        ledger=ledger_rows(project, seen),
        findings=finding_rows(seen),
        links=links,
        ways=ways_of(made),
    )


def with_notes(current: CurrentPlan, notes: tuple[Note, ...]) -> CurrentPlan:
    """Returns the same plan with other notes of its rows."""
    project = replace(current.project, notes=notes)
    rows = rows_of(project, current.seen)
    return replace(
        current,
        project=project,
        rows=rows,
        by_row={RowKey(row.ref.mapping, key): row for row in rows for key in row.keys},
        ledger=ledger_rows(project, current.seen),
    )
