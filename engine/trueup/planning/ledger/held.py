"""Groups pending units that this plan does not send, by the reason at the row at fault."""

from decimal import Decimal

from trueup.model.finding import Finding
from trueup.model.mapping_state import RowKey
from trueup.model.plan import HeldUnits
from trueup.planning.context import PlanContext
from trueup.planning.ledger.pending import WAITS
from trueup.stages.ledger import PendingUnits, ServiceLedger


def held_units(context: PlanContext, mapping: str, ledger: ServiceLedger) -> list[HeldUnits]:
    """The ledger's changes that are blocked or held, grouped by what stops them.

    A change that only waits for another one counts with that one's reason.
    """
    blocked = context.states[mapping].blocked
    stopped = [change for change in ledger.changes if change.key in blocked]
    rows = [root_row(context, mapping, change.key) for change in stopped]
    findings = [context.states[row[0]].blocked[row[1]][0] for row in rows]
    first = next((n for n, one in enumerate(findings) if one.code != WAITS), None)

    groups: dict[tuple[str, RowKey], list[PendingUnits]] = {}
    causes: dict[tuple[str, RowKey], Finding] = {}
    for number, change in enumerate(stopped):
        cause = first if findings[number].code == WAITS and first is not None else number
        row, finding = rows[cause], findings[cause]
        causes[finding.code, row] = finding
        groups.setdefault((finding.code, row), []).append(change)
    return [
        HeldUnits(
            units=sum((change.units for change in changes), Decimal(0)),
            code=code,
            reason=causes[code, row].text,
            keys=tuple(change.key for change in changes),
            row=context.labels.ref(*row),
        )
        for (code, row), changes in groups.items()
    ]


def root_row(context: PlanContext, mapping: str, key: str) -> RowKey:
    """Returns the row at fault for a blocked row, which may be that row itself."""
    row: RowKey = (mapping, key)
    seen = {row}
    while cause := context.states[row[0]].because.get(row[1]):
        if cause in seen or not context.states[cause[0]].blocked.get(cause[1]):
            break
        seen.add(cause)
        row = cause
    return row


def root_finding(context: PlanContext, mapping: str, key: str) -> Finding:
    """Why a row is blocked: the first finding of the row at fault."""
    row = root_row(context, mapping, key)
    return context.states[row[0]].blocked[row[1]][0]
