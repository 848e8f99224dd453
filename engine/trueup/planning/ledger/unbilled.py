"""Holds changes of days that nothing bills: their row has ended and gets no record.

Its changes add up to nothing, so that no total shows them. They are held, with the days and the
money that they are about.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from trueup.model.finding import Advice, Command, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.units import DAY
from trueup.model.verdict import Verdict
from trueup.planning.context import PlanContext
from trueup.planning.ledger.change_values import change_finding
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.planning.ledger.services import ServiceLedgers
from trueup.stages import billing
from trueup.stages.ledger import ServiceLedger
from trueup.stages.match import NEVER_CREATED

NOT_BILLED = "not-billed"
"""Code of the finding of a change by which a row had units on days that nothing bills."""


class _Days(NamedTuple):
    """Days on which a row had the same units."""

    units: Decimal
    first: date
    last: date


def hold_unbilled(
    context: PlanContext, owner: MappingSpec, pending: PendingChanges, services: ServiceLedgers
) -> None:
    """Holds pending changes of rows that have ended and get no record.

    `owner` is the mapping whose ledger the changes move.
    """
    for row, keys in _changes_without_record(context.states[owner.name], pending).items():
        ledger = services.of_row(row, Queue(sendable=[*keys]))
        days = [*_billable(ledger)]
        if not days:
            continue
        target = context.systems.target
        parts = ", ".join(f"{day.units:f} units from {day.first} to {day.last}" for day in days)
        text = f"{parts} are billed to nobody{_money(context, ledger, days)}: not in {target}"
        text += f", and {owner.name} {row} is not to be created"
        name = pending.mapping.name
        remedy = Advice.of(
            Command.decide(owner.name, row, Verdict.CREATE),
            " bills them; or ",
            Command.decide(name, keys[0], Verdict.ARCHIVE),
            ", and so for the others, if they are billed elsewhere",
        )
        for key in keys:
            finding = change_finding(pending.mapping, NOT_BILLED, Severity.HOLD, text, key, remedy)
            pending.state.block(key, finding)


def _changes_without_record(
    owner: MappingState, pending: PendingChanges
) -> Mapping[str, Sequence[str]]:
    """Row that is not to be created → its changes, in their order."""
    found: dict[str, list[str]] = {}
    for key in pending.left_out:
        name, row = pending.state.skipped_because.get(key, ("", ""))
        left_out = owner.skipped.get(row) if name == owner.mapping.name else None
        is_known = row in owner.record_ids or row in owner.inferred_links
        if left_out and left_out.code == NEVER_CREATED and not is_known:
            found.setdefault(row, []).append(key)
    return found


def _billable(ledger: ServiceLedger) -> Iterator[_Days]:
    """The days between the changes on which there are units; later ones have the quantity."""
    steps: dict[date, Decimal] = {}
    for change in (*ledger.changes, *ledger.after_end):
        steps[change.day] = steps.get(change.day, Decimal(0)) + change.units
    pending = sum((change.units for change in ledger.changes), Decimal(0))
    units = (ledger.quantity or Decimal(0)) - pending
    for first, following in pairwise(sorted(steps)):
        units += steps[first]
        if units > 0:
            yield _Days(units, first, following - DAY)


def _money(context: PlanContext, ledger: ServiceLedger, days: Sequence[_Days]) -> str:
    """Returns what they cost, if that is known."""
    amounts = [billing.amount(int(day.units), day.first, day.last, ledger.terms) for day in days]
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return ""
    return f", {sum(known, Decimal(0)):,.2f} {context.project.currency}".rstrip()
