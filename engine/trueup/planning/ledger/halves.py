"""The two halves of a succession: the step that begins one row, and the one that ends another."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from trueup.model.change import Change
from trueup.model.finding import Finding
from trueup.model.units import DAY
from trueup.planning.ledger.planned import PlannedAdjustment, PlannedService
from trueup.stages.ledger import PendingUnits, ServiceLedger


class Half(Struct, frozen=True):
    """The step by which a row begins, or ends."""

    service: PlannedService  # that bills the row
    pending: Mapping[str, date]  # its changes of the source that are not sent yet, with their days
    sign: int  # of its units
    may_be_corrected: bool  # a correction may stand in its place

    @property
    def is_sent(self) -> bool:
        """Whether this plan sends it, as a change or as a correction."""
        return self.planned_day is not None

    @property
    def planned_day(self) -> date | None:
        """The day on which this plan sends it."""
        sent = self.sent
        return sent.adjustment.day if sent else None

    @property
    def day(self) -> date | None:
        """The day of its changes, also where a policy names it; a correction has none."""
        sent = self.sent
        keys = sent.adjustment.keys if sent else ()
        return min((self.pending[key] for key in keys if key in self.pending), default=None)

    def changes_of(self, changes: Sequence[Change]) -> Sequence[Change]:
        """Returns those of a service's changes that send it; all of them if it was sent before.

        Empty if this plan holds it.
        """
        own = [
            change
            for change in changes
            if self.pending.keys() & {*change.keys}
            or (change.adjustment and change.adjustment.correction)
        ]
        return own if own or self.pending else changes

    def hold(self, stop: Finding) -> None:
        """Stops it, and all later changes of its service; for a row that moves, all of them."""
        if self.service.new or self.sent is None:
            self.service.stop = stop
        else:
            self.service.hold_from(self.sent, stop)

    @property
    def sent(self) -> PlannedAdjustment | None:
        """Returns the adjustment of its changes, or the correction that replaces them.

        A difference is counted without the changes that are pending, held or not.
        """
        sent = self.service.sent
        own = next((one for one in sent if self.pending.keys() & {*one.adjustment.keys}), None)
        if own or self.pending or not self.may_be_corrected:
            return own
        corrections = (
            one
            for one in sent
            if one.adjustment.correction * self.sign > 0 and not one.correction.transfer
        )
        return max(corrections, key=lambda one: one.adjustment.units * self.sign, default=None)


class BilledRow(Struct, frozen=True):
    """A row with pending changes, and the service that bills it."""

    service: PlannedService
    keys: frozenset[str]  # its pending changes: the service may have those of other rows, too
    is_holder: bool  # no later row has the service

    @property
    def begins(self) -> Half:
        """The first step from zero units."""
        steps = [step for step in self._steps() if step.step_units > 0]
        first = (step for step in steps if step.step_reaches <= step.step_units)
        return self._half(first, 1, of_all=not self.service.line.units)

    @property
    def ends(self) -> Half:
        """The step to zero units."""
        steps = [step for step in self._steps() if step.step_units < 0]
        last = (step for step in steps if step.step_reaches <= 0)
        return self._half(last, -1, of_all=not self.service.ledger.quantity)

    @property
    def bills_nothing(self) -> bool:
        """Whether its pending changes only begin and end it on one day."""
        line = self.service.line
        is_as_pending = line.units == 0 or line.difference == 0
        steps = [*self._steps()]
        is_nothing = all(step.step_units == 0 and step.step_reaches <= 0 for step in steps)
        return bool(steps) and is_nothing and is_as_pending

    def _steps(self) -> Iterator[PendingUnits]:
        """The changes of the days on which its own are."""
        changes = self.service.ledger.changes
        days = {change.day for change in changes if change.key in self.keys}
        return (change for change in changes if change.day in days)

    def _half(self, steps: Iterator[PendingUnits], sign: int, *, of_all: bool) -> Half:
        """`of_all`: whether a correction is about all units of the row, and of no other row."""
        pending = {step.key: step.due or step.day for step in steps}
        return Half(self.service, pending, sign, of_all or not self.is_holder)


class Pair(Struct, frozen=True):
    """A row that begins on its own service, and the row that ends on another service."""

    new: BilledRow
    old: BilledRow

    @property
    def has_begun(self) -> bool:
        """Whether the units of the row that begins exist without this plan."""
        service = self.new.service
        is_there = bool(service.line.units or not service.ledger.quantity)
        return is_there and not self.new.begins.pending

    @property
    def has_ended(self) -> bool:
        """Whether the units of the row that ends are gone without this plan.

        If a later row has units on the same service, the ledger shows it: it agrees. If the
        contract ends before the other row begins, nothing has to end.
        """
        end, begins = self.old.service.ledger.terms.end, self.new.begins.pending.values()
        if end is not None and begins and min(begins) > end:
            return True
        line = self.old.service.line
        is_gone = line.units == 0 or (not self.old.is_holder and line.difference == 0)
        return not self.old.ends.pending and is_gone


def changed_since(ledger: ServiceLedger, day: date) -> date | None:
    """Returns since when a service has had units, or none, without a break; None if unknown.

    Only rows that were read count: the first of them may continue a row before it.
    """
    is_billed, since = bool(ledger.units(day)), None
    for row in ledger.rows:
        if row.start > day:
            break
        if bool(row.units) is not is_billed:
            since = row.end + DAY
    return since


def first_day_alike(ledger: ServiceLedger, day: date, seen: date) -> date:
    """Returns the first day from `day` on since which the service has its units of `seen`.

    A difference that was measured on `seen` is corrected from there on at the earliest: days with
    other units had another difference.
    """
    units = ledger.units(seen)
    days = [day, *(row.start for row in ledger.rows[:1])]
    days += [row.end + DAY for row in ledger.rows if row.end < seen and row.units != units]
    days += [ledger.terms.start] if ledger.terms.start else []
    return max(days)
