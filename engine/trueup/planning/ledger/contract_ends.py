"""Handles decreases that take effect after the end of their contract, which removes the units.

Nothing is sent for them. While the contract runs they wait, since a later end would make them
count. Once it has ended they are marked, and with the mark the run rate loses their units.
"""

from collections.abc import Sequence
from datetime import date

from trueup.model.change import ServiceTerms
from trueup.model.finding import Severity
from trueup.model.money import exact
from trueup.model.units import DAY
from trueup.planning.context import PlanContext
from trueup.planning.ledger.change_values import change_finding
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.stages.ledger import PendingUnits, ServiceLedger

AFTER_CONTRACT = "after-its-contract"
"""Code of the finding of a decrease that takes effect when its contract has ended."""


def after_its_contract(
    changes: Sequence[PendingUnits], terms: ServiceTerms, as_of: date
) -> list[PendingUnits]:
    """Returns decreases from a day on which the contract has ended and bills nothing any more.

    After a contract's end only those of the day after it: a later day would leave days that no
    contract bills.
    """
    end = terms.end
    if end is None:
        return []
    return [
        change
        for change in changes
        if change.step_units < 0
        and change.day > end
        and (change.dated or change.day) > end
        and (as_of <= end or change.day == end + DAY)
    ]


class ContractEnds:
    """Handles the decreases of one append-only mapping that take effect after a contract's end."""

    def __init__(self, context: PlanContext, pending: PendingChanges) -> None:
        self._context, self._pending = context, pending

    def set_aside(self, ledger: ServiceLedger, queue: Queue) -> None:
        """Removes decreases after the contract's end from `queue.sendable`.

        They wait while the contract runs.
        """
        keys = {one.key for one in ledger.after_end}
        for key in [one for one in queue.sendable if one in keys]:
            queue.sendable.remove(key)
            if not self._is_over(ledger):
                text = f"its contract ends on {ledger.terms.end}, and what it bills with it"
                mapping, skip = self._pending.mapping, Severity.SKIP
                finding = change_finding(mapping, AFTER_CONTRACT, skip, text, key)
                self._pending.state.skip(key, finding)

    def mark(self, ledger: ServiceLedger) -> None:
        """Adds the marks of decreases after the end of a contract that has ended.

        They wait if an earlier change is held.
        """
        state, per_unit = self._pending.state, ledger.terms.monthly
        held = next((change.key for change in ledger.changes if change.key in state.blocked), None)
        for one in ledger.after_end if self._is_over(ledger) else ():
            if one.key not in state.ready:
                continue
            if held is not None:
                self._pending.make_wait(one.key, state.blocked[held][0])
                continue
            state.ready.pop(one.key)
            why = f"nothing is sent: its contract ended on {ledger.terms.end}"
            monthly = None if per_unit is None else exact(per_unit * one.units)
            if self._goes_on(one.key):
                monthly = None  # the first adjustment of the successor counts the difference
            self._pending.marks.add_alone(one.key, why, monthly)

    def _goes_on(self, change: str) -> bool:
        """Whether another service bills a successor of the row that the change is about."""
        values = self._pending.values
        succeeded = values.owner_state.moved_from.values() if values.owner_state else ()
        return values.row_of(change) in {*succeeded}

    def _is_over(self, ledger: ServiceLedger) -> bool:
        end = ledger.terms.end
        return end is not None and end < self._context.as_of
