"""Up to which day invoice runs have gone, where a service itself does not tell.

A service that is new has no posted unit rows. Its first units are on the next invoice run, which
the other services of its contract show, or those of its customer's other contracts.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from trueup.model.plan import RowRef
from trueup.model.project import LedgerSpec
from trueup.planning.context import PlanContext
from trueup.stages.append import ServiceDays
from trueup.stages.ledger import ServiceLedger

_Group = tuple[str, str, int | None]
"""A contract or a customer, by mapping and key, and the months of a period."""


class InvoiceRuns:
    """The last posted days of contracts and customers, by the services with the same periods."""

    def __init__(self, context: PlanContext, ledger: LedgerSpec) -> None:
        contract = ledger.periods.start.rpartition(".")[0] if ledger.periods else ""
        self._levels = (contract, context.project.customer_mapping)
        self._posted: dict[_Group, date] = {}

    def note(self, ledger: ServiceLedger) -> None:
        """Takes note of the last posted day of a service."""
        posted = _posted_until(ledger)
        if posted is None:
            return
        for group in self._groups(ledger):
            self._posted[group] = max(posted, self._posted.get(group, posted))

    def on_its_run(self, ledger: ServiceLedger) -> ServiceLedger:
        """The ledger with the last day of its contract, or its customer, that is posted."""
        if _posted_until(ledger) is not None:
            return ledger
        found = (self._posted[one] for one in self._groups(ledger) if one in self._posted)
        return replace(ledger, terms=replace(ledger.terms, posted_until=next(found, None)))

    def _groups(self, ledger: ServiceLedger) -> Iterator[_Group]:
        """The contract of the service, then its customer."""
        for level in self._levels:
            row: RowRef | None = next((one for one in ledger.under if one.mapping == level), None)
            if row is not None:
                yield row.mapping, row.key, ledger.terms.months


def _posted_until(ledger: ServiceLedger) -> date | None:
    return ServiceDays.of(ledger.rows, ()).posted_until
