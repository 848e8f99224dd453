"""The unit rows of the services of one mapping, and which service has the units of a row."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property

from trueup.model.change import ServiceTerms, UnitRow
from trueup.model.mapping import AppendSpec, LedgerSpec, MappingSpec
from trueup.model.units import extended
from trueup.planning.context import PlanContext
from trueup.planning.ledger.extensions import extensions
from trueup.planning.ledger.pending import PendingChanges, Queue
from trueup.planning.ledger.terms import ServiceTermsReader


class ServiceUnitRows:
    """Reads the unit rows of services once, as far back as the plan needs them."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        ledger: LedgerSpec,
        pending: PendingChanges,
        terms: ServiceTermsReader,
    ) -> None:
        self._context, self._spec = context, ledger
        self._state = context.states[mapping.name]
        self._pending, self._terms = pending, terms
        self._units: Mapping[int, tuple[UnitRow, ...]] = {}

    def read(self, append: AppendSpec, queues: Mapping[str, Queue]) -> None:
        """Reads the unit rows of all services, from the first day of any change on."""
        since = min([self._context.as_of, *self._days(queues.values())])
        # Of a contract that has ended and is extended, the units of its last day are carried on.
        ends = {record: terms.present_end for record, terms in self.extended_terms.items()}
        ends |= {record: self._end_of(record) for record in self._going_on()}
        ended = {record: end for record, end in ends.items() if end is not None and end < since}
        services = {*self._state.record_ids.values(), *self._state.records} - ended.keys()
        read = self._context.reader.units
        self._units = {
            **read(self._spec, append, services, since),
            **read(self._spec, append, ended, min(ended.values(), default=since)),
        }
        split = self._split_services()
        if split:  # their history shows since when
            self._units |= read(self._spec, append, split, min(since, *split.values()))

    def of(self, record: int) -> tuple[UnitRow, ...]:
        """Returns the rows of a service that were read; none for another record."""
        return self._units.get(record, ())

    def left_by(self, key: str) -> int | None:
        """Returns the record with the units of a row that moved to another one; None otherwise.

        None too if its contract has ended: the days after the end have no units to move.
        """
        record = self._state.left_records.get(key)
        if record is None:
            former = self._state.former_records.get(key, ())
            record = next((one for one in former if self._is_billed(one)), None)
        if record is None:
            return None
        end = self._terms.terms(self._state.records[record], "").end
        return None if end is not None and end < self._context.as_of else record

    def projected(
        self, rows: Sequence[UnitRow], terms: ServiceTerms, queue: Queue
    ) -> tuple[UnitRow, ...]:
        """Returns the rows up to the contract's end as this plan leaves it.

        The target writes rows ahead of time: the days after the last row carry its units. If the
        rows end before the day of the plan, and before the contract ends, the days after them are
        unknown.
        """
        if not rows:
            return ()
        last = rows[-1].end
        reach_end = (
            terms.is_extended and terms.present_end is not None and last >= terms.present_end
        )
        if last < self._context.as_of and not reach_end:
            return tuple(rows)
        end = terms.end
        if end is None:
            days = [day for day in (queue.last_day, *self._days([queue])) if day is not None]
            end = max([rows[-1].end, *days])
        return extended(rows, end)

    @cached_property
    def extended_terms(self) -> Mapping[int, ServiceTerms]:
        """Returns services whose contract this plan extends, with their terms."""
        periods = self._spec.periods
        if periods is None or not extensions(self._context, periods):
            return {}
        terms = {
            record: self._terms.terms(values, "") for record, values in self._state.records.items()
        }
        return {record: one for record, one in terms.items() if one.is_extended}

    def _going_on(self) -> Iterable[int]:
        """Services whose units may continue on another one: of a successor, or the row itself."""
        holders = map(self._state.holder, self._state.moved_from.values())
        linked = (self._state.record_ids.get(holder) for holder in holders)
        yield from (one for one in linked if one in self._state.records)  # a record may be gone
        yield from self._state.left_records.values()

    def _end_of(self, record: int) -> date | None:
        return self._terms.terms(self._state.records[record], "").end

    def _split_services(self) -> Mapping[int, date]:
        """Services of which one has units in the place of the other, with their contracts' starts.

        Half of a move or of a succession is done; the history of both shows since when.
        """
        record_of, holder = self._state.record_ids.get, self._state.holder
        pairs = [(self.left_by(key), record_of(key)) for key in self._state.former_records]
        pairs += [
            (record_of(holder(old)), record_of(holder(new)))
            for new, old in self._state.moved_from.items()
        ]
        known = self._state.records
        both = [
            (old, new)
            for old, new in pairs
            if old is not None and new is not None and old in known and new in known
        ]
        split = [pair for pair in both if all(map(self._is_billed, pair))]
        records = {record for pair in split for record in pair}
        terms = {one: self._terms.terms(self._state.records[one], "") for one in records}
        return {one: each.start or self._context.as_of for one, each in terms.items()}

    def _days(self, queues: Iterable[Queue]) -> Iterable[date]:
        """Returns the days of pending changes, and those that decisions name."""
        for queue in queues:
            for key in (*queue.sendable, *queue.stopped):
                day = self._pending.values.day_or_none(key)
                if day is not None:
                    yield day
                decisions = self._pending.decisions
                days = (decisions.named.get(key), decisions.taken_back.get(key))
                yield from (one for one in days if one is not None)

    def _is_billed(self, record: int) -> bool:
        """Whether a record has units on the day of the plan, or later."""
        rows = self._units.get(record, ())
        return any(row.units for row in rows if row.end >= self._context.as_of)
