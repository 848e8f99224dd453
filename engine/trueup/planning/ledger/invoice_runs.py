"""Determines up to which day invoice runs have gone, if a service itself does not show it.

A service that is new has no posted unit rows. Its first units are on the next invoice run, which
the other services of its contract show, or those of its customer's other contracts.

The ledger reads unit rows from the first day that a change is about. A service without a posted row
among them may have been posted before: then it has a run of its own.
"""

from collections.abc import Iterable, Iterator
from datetime import date

from msgspec.structs import replace

from trueup.model.change import RowRef
from trueup.model.mapping import AppendSpec, LedgerSpec
from trueup.model.units import DAY
from trueup.planning.context import PlanContext
from trueup.stages.append import ServiceDays
from trueup.stages.ledger import ServiceLedger

_Group = tuple[str, str, int | None]
"""A contract or a customer, by mapping and key, and the months of a period."""


class InvoiceRuns:
    """The last posted days of contracts and customers, by the services with the same periods."""

    def __init__(self, context: PlanContext, ledger: LedgerSpec, append: AppendSpec) -> None:
        self._context, self._spec, self._append = context, ledger, append
        contract = ledger.periods.start.mapping if ledger.periods else ""
        self._levels = (contract, context.project.customer_mapping)
        self._posted: dict[_Group, date] = {}
        self._with_own_run: frozenset[int] = frozenset()
        """Services that were posted before the days that the ledger read."""

    def note(self, ledger: ServiceLedger) -> None:
        """Records the last posted day of a service."""
        posted = _posted_until(ledger)
        if posted is None:
            return
        for group in self._groups(ledger):
            self._posted[group] = max(posted, self._posted.get(group, posted))

    def read_history(self, ledgers: Iterable[ServiceLedger]) -> None:
        """Reads all unit rows of services whose last posted day may be earlier than the rows read.

        Call it once every ledger is noted. Reads nothing for a service that began within the days
        that are read already, or whose contract and customer have no later run.
        """
        starts = {
            ledger.record: ledger.terms.start
            for ledger in ledgers
            if ledger.record is not None
            and ledger.terms.start is not None
            and ledger.rows_read
            and ledger.rows_read[0].start > ledger.terms.start
            and self._runs_later(ledger)
        }
        since = min(starts.values(), default=self._context.as_of)
        read = self._context.reader.units(self._spec, self._append, starts, since)
        self._with_own_run = frozenset(
            record for record, rows in read.items() if any(row.posted for row in rows)
        )

    def on_its_run(self, ledger: ServiceLedger) -> ServiceLedger:
        """Returns the ledger with the last posted day of its contract, or its customer."""
        if _posted_until(ledger) is not None or ledger.record in self._with_own_run:
            return ledger
        return replace(ledger, terms=replace(ledger.terms, posted_until=self._last_run(ledger)))

    def _runs_later(self, ledger: ServiceLedger) -> bool:
        """Whether others posted days after the plan and its own last posted day is unknown."""
        last = self._last_run(ledger)
        is_later = last is not None and last + DAY > self._context.as_of
        return is_later and _posted_until(ledger) is None

    def _last_run(self, ledger: ServiceLedger) -> date | None:
        """The last posted day of the service's contract, else of its customer."""
        return next(
            (self._posted[group] for group in self._groups(ledger) if group in self._posted), None
        )

    def _groups(self, ledger: ServiceLedger) -> Iterator[_Group]:
        """The contract of the service, then its customer."""
        for level in self._levels:
            row: RowRef | None = next((one for one in ledger.under if one.mapping == level), None)
            if row is not None:
                yield row.mapping, row.key, ledger.terms.months


def _posted_until(ledger: ServiceLedger) -> date | None:
    return ServiceDays.of(ledger.rows, ()).posted_until
