"""Computes the money of days before a correction, which stay as they are billed.

A difference is corrected from the day on which it was measured. A change that is archived by a
decision was entered by a person, perhaps on another day than its own. The changes of the source
show what should have been billed on each day before, and the unit rows show what was. As far back
as the two differ without a gap, the money of these days is lost, or owed as a credit.

If the changes do not add up to the quantity, the days before are unknown, and have no amount.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from trueup.model.change import UnitRow
from trueup.model.mapping import AppendSpec, LedgerSpec
from trueup.model.money import exact
from trueup.model.pushed_keys import correction_day, is_move
from trueup.model.units import DAY, extended, total, units_on
from trueup.planning.context import PlanContext
from trueup.planning.ledger.archive_marks import ArchiveMarks
from trueup.planning.ledger.lost_days import lost
from trueup.planning.ledger.pending import Queue
from trueup.planning.ledger.planned import EarlierDays, PlannedService
from trueup.planning.ledger.services import ServiceLedgers
from trueup.stages import billing
from trueup.stages.ledger import PendingUnits

_Steps = Sequence[tuple[date, Decimal]]
"""Units that are more, or less, from a day on."""


_Difference = Callable[[date], Decimal]


_IN_NO_AMOUNT = "both sides differ: days that were billed otherwise are in no amount of this plan"


class _Span(NamedTuple):
    """Days with the same number of units too few, or too many, after the plan."""

    first: date
    last: date
    units: Decimal


class CorrectedServices:
    """Adds the money of earlier days to corrections, and to marks that a person decided."""

    def __init__(
        self,
        context: PlanContext,
        ledger: LedgerSpec,
        append: AppendSpec,
        services: ServiceLedgers,
        marks: ArchiveMarks,
    ) -> None:
        self._context, self._spec, self._append = context, ledger, append
        self._services, self._marks = services, marks

    def add_earlier_days(
        self, planned: Mapping[str, PlannedService], queues: Mapping[str, Queue]
    ) -> None:
        """Adds the money of earlier days to the last correction of each service, or to a mark.

        Reads the unit rows of these services from the starts of their contracts. A mark says so
        where days are in no amount, because both sides differ after it.
        """
        for key, one in planned.items():
            if one.line.difference and _last_correcting(one) is None:
                for archived in queues.get(key, Queue()).archive[:1]:
                    self._marks.add_note(archived, _IN_NO_AMOUNT)
        chosen = {key: queues.get(key, Queue()) for key, one in planned.items() if not one.stop}
        chosen = {
            key: queue
            for key, queue in chosen.items()
            if _last_correcting(planned[key]) is not None
            or (queue.archive and planned[key].line.difference == 0 and not planned[key].old)
        }
        records = {key: self._services.records_of(key) for key in chosen}
        starts = [planned[key].ledger.terms.start for key in chosen]
        since = min((day for day in starts if day is not None), default=self._context.as_of)
        every = {record for found in records.values() for record in found}
        rows = self._context.reader.units(self._spec, self._append, every, since)
        for key, queue in chosen.items():
            own = [rows.get(record, ()) for record in records[key]]
            earlier = self._earlier_days(planned[key], queue, total(own), records[key])
            if earlier is not None:
                self._add(planned[key], queue, earlier)

    def _add(self, planned: PlannedService, queue: Queue, earlier: EarlierDays) -> None:
        position = _last_correcting(planned)
        if position is None:
            self._marks.add_earlier_days(queue.archive[0], planned.ledger, earlier)
            return
        changed = replace(planned.adjustments[position], earlier=earlier)
        before, after = planned.adjustments[:position], planned.adjustments[position + 1 :]
        planned.adjustments = [*before, changed, *after]

    def _earlier_days(
        self,
        planned: PlannedService,
        queue: Queue,
        rows: Sequence[UnitRow],
        records: Iterable[int],
    ) -> EarlierDays | None:
        """The money of earlier days outside the adjustments; None if there is none or unknown."""
        ledger, terms = planned.ledger, planned.ledger.terms
        settled = self._services.settled(ledger.row.key, queue)
        steps = _should_be(planned, settled)
        if settled is None or steps is None or terms.start is None:
            return None
        sent = [adjustment.adjustment for adjustment in planned.adjustments if not adjustment.stop]
        keys = {*queue.archive, *(key for one in sent for key in one.keys)}
        days = [one.day for one in (*settled, *ledger.changes) if one.key in keys]
        days += [one.day for one in sent]
        is_corrected = _last_correcting(planned) is not None
        first = min([*days, *([planned.corrects.day] if is_corrected else [])])
        last = max([planned.line.day, *(one.day for one in sent)])
        rows = extended(rows, last) if terms.is_extended else rows
        adjusted = [(one.day, Decimal(one.units)) for one in sent]
        shown_until, shown = self._earlier_plans(records)
        begins = max(terms.start, shown_until)
        bounds = {row.start for row in rows} | {row.end + DAY for row in rows}
        bounds |= {day for day, _ in (*steps, *shown, *adjusted)} | {first, last}

        def difference(day: date) -> Decimal:
            should_be = _upto(steps, day) + _upto(shown, day)
            return should_be - units_on(rows, day) - _upto(adjusted, day)

        if difference(last):
            return None  # something else differs, too
        found = [*_spans({*bounds, begins}, begins, last, difference)]
        earlier = (one for one in reversed(found) if one.last < first and is_corrected)
        before = [*_without_gap(earlier)]
        spans = [*reversed(before), *(one for one in found if one.first >= first)]
        parts = [billing.amount(int(span.units), span.first, span.last, terms) for span in spans]
        if any(part is None for part in parts):
            return None
        known = [lost(ledger, one) or Decimal(0) for one in sent]
        amount = exact(sum((part or Decimal(0) for part in parts), Decimal(0)) - sum(known))
        return EarlierDays(amount, spans[0].first) if amount else None

    def _earlier_plans(self, records: Iterable[int]) -> tuple[date, _Steps]:
        """Returns what earlier plans have shown: all before a day, and corrections as steps.

        Days before an earlier correction differ by its units, which that plan has shown. An undo,
        or a correction on another day than it was decided for, cannot be separated: nothing before
        it counts.
        """
        ids, changes = {*records}, self._context.states[self._spec.pending].rows
        first, steps = date.min, list[tuple[date, Decimal]]()
        for (_, key), one in self._context.snapshot.pushed.items():
            if one.record not in ids or key in changes or is_move(key):
                continue
            if correction_day(key) == one.day:
                steps += [(date.min, Decimal(-one.units)), (one.day, Decimal(one.units))]
            else:
                first = max(first, one.day)
        return first, steps


def _last_correcting(planned: PlannedService) -> int | None:
    """The position of the last adjustment that sends a part of a correction."""
    if planned.stop or planned.old or not planned.corrects.units or planned.corrects.transfer:
        return None
    found = [
        position
        for position, one in enumerate(planned.adjustments)
        if one.adjustment.correction and not one.stop
    ]
    return found[-1] if found else None


def _should_be(planned: PlannedService, settled: Sequence[PendingUnits] | None) -> _Steps | None:
    """Returns the units to bill, by day; None if the changes do not add up to them."""
    ledger = planned.ledger
    if settled is None or ledger.quantity is None:
        return None
    if sum((one.units for one in (*settled, *ledger.changes)), Decimal(0)) != ledger.quantity:
        return None
    sent = {
        key
        for adjustment in planned.adjustments
        if not adjustment.stop
        for key in adjustment.adjustment.keys
    }
    own = [change for change in ledger.changes if change.key in sent]
    return [(one.day, one.units) for one in (*settled, *own)]


def _upto(steps: _Steps, day: date) -> Decimal:
    return sum((units for since, units in steps if since <= day), Decimal(0))


def _spans(
    bounds: Iterable[date], first: date, last: date, difference: _Difference
) -> Iterator[_Span]:
    """The days from `first` to the one before `last`, wherever something changes, in order."""
    days = sorted(day for day in bounds if first <= day <= last)
    for day, following in pairwise(days):
        yield _Span(day, following - DAY, difference(day))


def _without_gap(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Returns spans, newest first, up to the one that agrees or differs in the other direction."""
    sign = 0
    for span in spans:
        direction = (span.units > 0) - (span.units < 0)
        if not direction or direction == -sign:
            return
        sign = direction
        yield span
