"""The two halves of a succession: the step that begins a row, and the one that ends another.

Work 365 dates both. Where a day of one of them is posted or taken, or where a correction stands in
the place of a change, both go as many days later, so that no day is billed twice or not at all that
is not in Work 365 either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from trueup.model.change import Change
from trueup.model.finding import Finding
from trueup.model.plan import LedgerLine
from trueup.model.units import DAY
from trueup.planning.ledger.adjustments import AdjustmentPlanner
from trueup.planning.ledger.planned import PlannedAdjustment
from trueup.stages.append import Correction
from trueup.stages.ledger import PendingUnits, ServiceLedger

_LONGEST = timedelta(days=366)
"""Two services that have no free day in common for a year have none at all."""


@dataclass(slots=True)
class PlannedService:
    """What is planned for one service."""

    ledger: ServiceLedger
    line: LedgerLine
    sendable: Sequence[str]  # changes that are not held
    corrects: Correction
    adjustments: Sequence[PlannedAdjustment]
    findings: Sequence[Finding] = field(default_factory=tuple)  # of rules on the ledger
    stop: Finding | None = None  # stops all of its changes
    new: ServiceLedger | None = None  # of a row that moved: the service that gets its units
    old: ServiceLedger | None = None  # and the one that they leave
    leaving: Sequence[PlannedAdjustment] = ()  # adjustments of that one
    later: dict[str, date] = field(default_factory=dict)
    """Changes that go on a later day than their own, with it: other halves are on that day."""

    corrects_from: date | None = None  # for the same reason, the day of its correction

    @property
    def pending_sent(self) -> Decimal:
        """Pending units that its adjustments send, without corrections."""
        if self.stop:
            return Decimal(0)
        both = (*self.adjustments, *self.leaving)
        sent = [one.adjustment for one in both if not one.stop]
        return sum((one.units - one.correction for one in sent), Decimal(0))

    def hold_from(self, first: PlannedAdjustment, stop: Finding) -> None:
        """Stops an adjustment and all later ones; the finding is about its first change."""
        start = self.adjustments.index(first)
        if first.adjustment.keys:
            key = first.adjustment.keys[0]
            stop = replace(stop, mapping=self.ledger.pending_mapping, key=key)
        later = (
            replace(one, stop=one.stop or stop, findings=()) for one in self.adjustments[start:]
        )
        self.adjustments = [*self.adjustments[:start], *later]


@dataclass(frozen=True, slots=True)
class Half:
    """The step by which a row begins, or ends."""

    service: PlannedService  # that bills the row
    pending: Mapping[str, date]  # its changes of the source that are not sent yet, with their days
    sign: int  # of its units
    may_be_corrected: bool  # a correction may stand in its place

    @property
    def is_sent(self) -> bool:
        """Whether this plan sends it, as a change or as a correction."""
        return self.planned is not None

    @property
    def planned(self) -> date | None:
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
        """Those of a service's changes that send it; where it was sent before, any.

        None where this plan holds it.
        """
        own = [
            one
            for one in changes
            if self.pending.keys() & {*one.keys} or (one.adjustment and one.adjustment.correction)
        ]
        return own if own or self.pending else changes

    def hold(self, stop: Finding) -> None:
        """Stops it, and what comes after it in its service; all of a row that moves."""
        if self.service.new or self.sent is None:
            self.service.stop = stop
        else:
            self.service.hold_from(self.sent, stop)

    @property
    def sent(self) -> PlannedAdjustment | None:
        """The adjustment of its changes, or else the correction in their place."""
        if self.service.stop:
            return None
        sent = [one for one in self.service.adjustments if not one.stop]
        own = next((one for one in sent if self.pending.keys() & {*one.adjustment.keys}), None)
        if own or not self.may_be_corrected:
            return own
        corrections = (one for one in sent if one.adjustment.correction * self.sign > 0)
        return max(corrections, key=lambda one: one.adjustment.units * self.sign, default=None)


@dataclass(frozen=True, slots=True)
class BilledRow:
    """A row with pending changes, and the service that bills it."""

    service: PlannedService
    keys: frozenset[str]  # its pending changes: the service may have those of other rows, too
    is_holder: bool  # no later row has the service

    @property
    def begins(self) -> Half:
        """The step from nothing; its first one, where there are several."""
        steps = [one for one in self._steps() if one.step_units > 0]
        first = (one for one in steps if one.step_reaches <= one.step_units)
        return self._half(first, 1, of_all=not self.service.line.units)

    @property
    def ends(self) -> Half:
        """The step to nothing."""
        steps = [one for one in self._steps() if one.step_units < 0]
        last = (one for one in steps if one.step_reaches <= 0)
        return self._half(last, -1, of_all=not self.service.ledger.quantity)

    @property
    def bills_nothing(self) -> bool:
        """Whether all that is pending is that it begins and ends on one day."""
        line = self.service.line
        is_as_pending = line.units == 0 or line.difference == 0
        steps = [*self._steps()]
        is_nothing = all(one.step_units == 0 and one.step_reaches <= 0 for one in steps)
        return bool(steps) and is_nothing and is_as_pending

    def _steps(self) -> Iterator[PendingUnits]:
        """The changes of the days on which its own are."""
        changes = self.service.ledger.changes
        days = {one.day for one in changes if one.key in self.keys}
        return (one for one in changes if one.day in days)

    def _half(self, steps: Iterator[PendingUnits], sign: int, *, of_all: bool) -> Half:
        """`of_all`: a correction is about all units of the row, and no other one."""
        pending = {one.key: one.due or one.day for one in steps}
        return Half(self.service, pending, sign, of_all or not self.is_holder)


@dataclass(frozen=True, slots=True)
class Pair:
    """A row that begins on its own service, where another one ends on another service."""

    new: BilledRow
    old: BilledRow

    @property
    def has_begun(self) -> bool:
        """Whether the units of the row that begins are there without this plan."""
        service = self.new.service
        is_there = bool(service.line.units or not service.ledger.quantity)
        return is_there and not self.new.begins.pending

    @property
    def has_ended(self) -> bool:
        """Whether those of the row that ends are gone without this plan.

        Where a later row has units on the same service, the ledger tells: it agrees. Where the
        contract ends before the other row begins, nothing has to end.
        """
        end, begins = self.old.service.ledger.terms.end, self.new.begins.pending.values()
        if end is not None and begins and min(begins) > end:
            return True
        line = self.old.service.line
        is_gone = line.units == 0 or (not self.old.is_holder and line.difference == 0)
        return not self.old.ends.pending and is_gone


def on_common_days(adjuster: AdjustmentPlanner, pair: Pair) -> bool:
    """Plans both halves again where their days are not as far apart as in the source.

    This plan sends both. Where only one of them is a change with a day, the other one goes on that.
    Days only become later, so that several pairs of one service come to an end. Returns whether
    such days are found; rules may stop a half that goes on another day.
    """
    begins, ends = pair.new.begins, pair.old.ends
    if pair.new.service.new or pair.old.service.new:
        return True  # a row that moves has one day for both services already
    day = begins.day or ends.day or max(one.planned or date.min for one in (begins, ends))
    halves = _Dated(begins, day, begins.day is None), _Dated(ends, ends.day or day, not ends.day)
    if _fit(halves):
        return True
    wait = timedelta(0)
    for one in halves:
        if one.is_correction:
            one.put(adjuster, wait)
    while not _fit(halves):
        longest = max(one.wait for one in halves)
        if not wait < longest <= _LONGEST:
            return False
        wait = longest
        for one in halves:
            one.put(adjuster, wait)
    return True


@dataclass(frozen=True, slots=True)
class _Dated:
    """A half with its day in the source; a correction has that of the other half."""

    half: Half
    day: date
    is_correction: bool

    @property
    def wait(self) -> timedelta:
        """How much later than on its day it is planned."""
        return (self.half.planned or self.day) - self.day

    def put(self, adjuster: AdjustmentPlanner, wait: timedelta) -> None:
        """Plans it, and later changes of its service, no earlier than so much after its day."""
        service, day = self.half.service, self.day + wait
        if self.is_correction:
            first = first_day_alike(service.ledger, day, service.corrects.day)
            service.corrects_from = max(first, service.corrects_from or first)
        for one in service.ledger.changes if not self.is_correction else ():
            if self.day <= (one.due or one.day) and one.day < day:
                service.later[one.key] = max(day, service.later.get(one.key, day))
        _plan_again(adjuster, service)


def _fit(halves: Sequence[_Dated]) -> bool:
    """Whether all are planned as much later, or one is stopped."""
    return len({one.wait for one in halves}) == 1 or not all(one.half.is_sent for one in halves)


def follow(adjuster: AdjustmentPlanner, pair: Pair) -> None:
    """Plans a correction in the place of one half from the day on that the other took effect.

    That was in an earlier run: the units of the other service tell when.
    """
    begins, ends = pair.new.begins, pair.old.ends
    if begins.is_sent and begins.day is None and not pair.new.service.line.units:
        half, other, is_billed = begins, pair.old.service, False
    elif ends.is_sent and ends.day is None and not pair.old.service.ledger.quantity:
        half, other, is_billed = ends, pair.new.service, True
    else:
        return  # a change has a day of its own, and another correction is no half
    seen = half.service.corrects.day
    since = changed_since(other.ledger, seen)
    if since is not None and bool(other.ledger.units(seen)) is is_billed:
        _Dated(half, since, is_correction=True).put(adjuster, timedelta(0))


def changed_since(ledger: ServiceLedger, day: date) -> date | None:
    """Since when a service bills units without a break, or bills none; None if it is not known.

    Only rows that were read tell: the first of them may go on from a row before it.
    """
    is_billed, since = bool(ledger.units(day)), None
    for row in ledger.rows:
        if row.start > day:
            break
        if bool(row.units) is not is_billed:
            since = row.end + DAY
    return since


def _plan_again(adjuster: AdjustmentPlanner, service: PlannedService) -> None:
    """Plans the adjustments on the days that other halves need."""
    ledger, corrects = service.ledger, service.corrects
    changes = tuple(_on(one, service.later.get(one.key, one.day)) for one in ledger.changes)
    corrects = replace(corrects, day=service.corrects_from or corrects.day)
    ledger = replace(ledger, changes=changes)
    service.adjustments = adjuster.plan(ledger, service.sendable, corrects)


def _on(change: PendingUnits, day: date) -> PendingUnits:
    if day == change.day:
        return change
    note = f"on {day} instead of {change.day}, as the change that belongs to it"
    return replace(change, day=day, notes=(*change.notes, note))


def first_day_alike(ledger: ServiceLedger, day: date, seen: date) -> date:
    """The first day from `day` on since which a service has the units that it has on `seen`.

    A difference that was measured on `seen` is corrected from there on at the earliest: days with
    other units had another difference.
    """
    units = ledger.units(seen)
    days = [day, *(row.start for row in ledger.rows[:1])]
    days += [row.end + DAY for row in ledger.rows if row.end < seen and row.units != units]
    days += [ledger.terms.start] if ledger.terms.start else []
    return max(days)
