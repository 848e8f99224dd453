"""Plans rows that moved to another contract, or to another service.

The target cannot move a service, so its units go to a new record: an increase there and a decrease
here, on one day, sent together or not at all. Pending changes of earlier days belong to the old
service, and are sent to it with the move; those of that day or later belong to the new one.

Nothing is moved while the ledger does not agree, because it is unknown which units are right. If
the old contract has ended, there is nothing to move: the row is billed anew.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.change import Action, Change
from trueup.model.finding import NO_ADVICE, Advice, Finding, Severity
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import MappingState
from trueup.model.money import exact
from trueup.model.plan import LedgerLine
from trueup.model.units import is_posted, units_on
from trueup.planning.context import PlanContext
from trueup.planning.ledger.halves import changed_since, first_day_alike
from trueup.planning.ledger.held import root_finding
from trueup.planning.ledger.other_steps import OtherSteps
from trueup.planning.ledger.pending import PendingChanges
from trueup.planning.ledger.services import ServiceLedgers
from trueup.stages.append import Correction, ServiceDays
from trueup.stages.ledger import ServiceLedger

NOT_MOVED = "not-moved"
"""Code of the finding of a row that moved in the source and cannot be moved in the target now."""


class Move(Struct, frozen=True):
    """Units that go from one service of a row to another one."""

    old: ServiceLedger  # the service that they leave
    new: ServiceLedger  # the service that gets them; it may be yet to be created
    units: int  # on its day, after the pending changes of earlier days
    day: date
    earlier: Sequence[str]  # pending changes of earlier days: they are sent to the old service
    later: Sequence[str]  # the others: they are sent to the new one

    @property
    def arrival(self) -> Correction:
        """The adjustment of the new service."""
        return Correction(
            Decimal(self.units), self.day, transfer=f"moved from {_title(self.old, self.new)}"
        )

    @property
    def departure(self) -> Correction:
        """The adjustment of the old service."""
        return Correction(
            Decimal(-self.units), self.day, transfer=f"moved to {_title(self.new, self.old)}"
        )


class Moves:
    """The moves of one mapping with a ledger."""

    def __init__(
        self,
        context: PlanContext,
        mapping: MappingSpec,
        pending: PendingChanges,
        services: ServiceLedgers,
        other_steps: OtherSteps,
    ) -> None:
        self._context, self._mapping, self._pending = context, mapping, pending
        self._services, self._other_steps = services, other_steps
        self._state: MappingState = context.states[mapping.name]

    def has(self, key: str) -> bool:
        """Whether the row leaves a record that has units for a new one."""
        return self._services.units.left_by(key) is not None

    def plan(
        self, ledger: ServiceLedger, line: LedgerLine, sendable: Sequence[str]
    ) -> Move | Finding:
        """Returns the move of a row; if it is not possible now, blocks the row.

        `sendable` are its pending changes that may be sent, in their order.
        """
        key, old, new = ledger.row.key, self._old(ledger), self._new(ledger)
        day, why = self._day(old, new)
        if self._is_half_done(ledger) and line.difference:
            return self._block(key, line.text, line.advice)
        if line.difference is None or line.difference:
            return self.block(key, f"the ledger does not agree: {line.text}", line.advice)
        before = {
            change.key: change
            for change in ledger.changes
            if change.day < day and self._is_own(key, change.key)
        }
        held = next((one for one in before if one not in sendable), None)
        if held is not None and not why:
            root = root_finding(self._context, self._pending.mapping.name, held)
            why = f"a change of {before[held].day} comes before it: {root.text}"
            return self.block(key, why, root.advice)
        if why:
            return self.block(key, why)
        earlier = [one for one in sendable if one in before]
        units = units_on(old.rows, day) + sum(int(before[one].units) for one in earlier)
        later = [one for one in sendable if one not in before]
        return Move(old, new, units, day, earlier, later)

    def stay(
        self, ledger: ServiceLedger, correction: Correction
    ) -> tuple[ServiceLedger, Correction]:
        """Returns the old service, whose units are corrected first; nothing is moved.

        If half of a move is done, the other half is corrected from the day of the first one on.
        """
        old = self._old(ledger)
        if not self._is_half_done(ledger):
            self.block(ledger.row.key, "they are corrected first, and moved by the plan after that")
            return old, correction
        day, arrival = correction.day, changed_since(self._new(ledger), correction.day)
        if arrival is not None:
            day = first_day_alike(old, arrival, correction.day)
        units = max(correction.units, Decimal(-units_on(old.rows, correction.day)))
        return old, replace(correction, units=units, day=day)

    def worded(self, ledger: ServiceLedger, line: LedgerLine) -> LedgerLine:
        """Returns the line of a row that differs before its move, or after half of it.

        Its difference and its pending changes are on the old service and have the price of that
        one: it is corrected first. After half of a move, the old service may have too few units
        for the difference; the rest of it is on the new one.
        """
        if not line.difference:
            return line
        old, new = self._old(ledger), self._new(ledger)
        is_half_done = self._is_half_done(ledger)
        least = Decimal(-units_on(old.rows, line.day))
        if is_half_done and line.difference < least:
            line = repriced(line, old.terms.monthly, least)
        else:
            line = replace(line, price=old.terms.monthly)
        if not is_half_done:
            return line
        billed = " and ".join(
            f"{units_on(one.rows, line.day)} on {_title(one, other)}"
            for one, other in ((old, new), (new, old))
        )
        return replace(line, text=f"half of a move is done, {billed} are billed: {line.text}")

    def billed(self, ledger: ServiceLedger, line: LedgerLine) -> ServiceLedger:
        """Returns the ledger; of a row that differs, with record and terms of its old service."""
        if not line.difference:
            return ledger
        old = self._old(ledger)
        return replace(ledger, record=old.record, terms=old.terms)

    def _is_half_done(self, ledger: ServiceLedger) -> bool:
        """Whether the row has units on its new service, and still on the old one.

        The state may have no trace of it: the run was closed between the halves, or the state is
        lost.
        """
        key = ledger.row.key
        if key in self._state.left_records or ledger.record is None:
            return False
        return any(row.units for row in self._new(ledger).rows if row.end >= self._context.as_of)

    def _old(self, ledger: ServiceLedger) -> ServiceLedger:
        """The service that the row leaves."""
        record = self._services.units.left_by(ledger.row.key)
        if record is None:
            raise ValueError(f"{ledger.row.name} leaves no service: ask `has` first")
        old = self._services.of_record(record)
        return replace(old, row=ledger.row, changes=ledger.changes, refund=ledger.refund)

    def _new(self, ledger: ServiceLedger) -> ServiceLedger:
        """The service that gets the units: a new one, or one that the row has taken."""
        if ledger.record is None:
            return replace(ledger, rows=(), rows_read=(), none_is_zero=True)
        rows = self._services.of_record(ledger.record).rows
        return replace(ledger, rows=rows, rows_read=rows)

    def _is_own(self, key: str, change: str) -> bool:
        """Whether the change is the row's own, and not that of a row before it.

        The service of a row before it is the new one, with the changes of its units.
        """
        return self._pending.values.row_of(change) == key

    def join(self, arriving: Sequence[Change], leaving: Sequence[Change]) -> None:
        """Joins the changes of a move and of earlier days; the departure comes last.

        `arriving` are the changes of the new service, `leaving` those of the old one. A link of the
        row to the new service waits for them: a link alone would leave the units behind.
        """
        arrival = [one.id for one in arriving if one.adjustment and one.adjustment.is_transfer]
        departure = [one.id for one in leaving if one.adjustment and one.adjustment.is_transfer]
        if not arrival or not departure:
            return
        earlier = [one.id for one in leaving if one.id not in departure]
        unit = [*earlier, *arrival, *departure]
        links = {
            one.id
            for changes in self._state.changes.values()
            for one in changes
            if one.action is Action.LINK and any(one.id in other.needs for other in arriving)
        }
        needs = dict.fromkeys(arrival, earlier) | dict.fromkeys(departure, unit)
        for state in self._context.states.values():
            for key, changes in state.changes.items():
                if any(change.id in {*unit, *links} for change in changes):
                    state.changes[key] = [
                        replace(change, together=tuple(unit))
                        if change.id in links
                        else _joined(change, unit, needs)
                        for change in changes
                    ]

    def block(self, key: str, why: str, advice: Advice = NO_ADVICE) -> Finding:
        """Blocks the row: it stays on its present record."""
        text = f"it moved to another contract or service, and its units stay: {why}"
        return self._block(key, text, advice)

    def _block(self, key: str, text: str, advice: Advice) -> Finding:
        place, name = self._mapping.place, self._mapping.name
        remedy, commands = advice.text, advice.commands
        finding = Finding(
            NOT_MOVED, Severity.HOLD, text, remedy, place, name, key, commands=commands
        )
        self._state.block(key, finding)
        return finding

    def _day(self, old: ServiceLedger, new: ServiceLedger) -> tuple[date, str]:
        """Returns the first day for both services, from the plan's day on, and why there is none.

        It is open and free on both, and the contract of the new one has begun.
        """
        ledgers = (old, new)
        both = [ServiceDays.of(one.rows, self._other_steps.taken_days(one)) for one in ledgers]
        day = first = max(self._context.as_of, new.terms.start or self._context.as_of)
        while True:
            for days in both:
                day = days.free_from(days.open_from(day))
            if day == first:
                break
            first = day
        for name, ledger in (("old", old), ("new", new)):
            covered = any(row.start <= day <= row.end for row in ledger.rows)
            if is_posted(ledger.rows, day) or (ledger.record is not None and not covered):
                return day, f"its {name} service has no open day left"
        for name, ledger in (("old", old), ("new", new)):
            units = units_on(ledger.rows, day)
            if any(row.start > day and row.units != units for row in ledger.rows):
                return day, f"the units of its {name} service change later"
        return day, ""


def repriced(line: LedgerLine, before: Decimal | None, units: Decimal | int) -> LedgerLine:
    """The line of units that leave a service with another price, `before`, for the line's own.

    `units`: what the old service gets, negative where they leave it. If one of the prices is
    unknown, the money of the whole line is.
    """
    if not units:
        return line
    if line.price is None or before is None:
        text = line.text or "its units move to another service, and one of the prices is unknown"
        return replace(line, price=None, repriced=None, text=text)
    more = exact(units * (before - line.price))
    if not more:
        return line
    text = line.text or f"its units move to a service with another price, {more:+.2f} a month"
    return replace(line, repriced=more, text=text)


def _joined(change: Change, unit: Sequence[str], needs: Mapping[str, Sequence[str]]) -> Change:
    """The change as a part of the unit, if it is one."""
    if change.id not in unit:
        return change
    before = needs.get(change.id, ())
    return replace(
        change,
        together=tuple(one for one in unit if one != change.id),
        needs=tuple(dict.fromkeys((*change.needs, *(one for one in before if one != change.id)))),
    )


def _title(ledger: ServiceLedger, other: ServiceLedger) -> str:
    """What distinguishes it from the other service: its contract, else its product, if known."""
    own = (row.name for row in ledger.under if row not in other.under)
    return next(own, "") or "another record"
