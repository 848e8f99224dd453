"""Undoes units by opposing adjustments, each on the next free open day after the one it opposes.

A day takes one adjustment, ever, and a posted period none: the days between stay as they were
billed. Of one service the latest adjustment is undone first, so that units pass no level that they
never passed. If another user has moved them since so that they would become negative on some day,
none of them is undone.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import StateError
from trueup.model.change import Action, Change, FieldChange, Preconditions, UnitRow
from trueup.model.finding import Advice, Command
from trueup.model.mapping import AppendSpec, LedgerSpec, MappingSpec
from trueup.model.money import exact
from trueup.model.pushed_keys import is_correction_of
from trueup.model.units import DAY, adjust, adjusted_days, lowest, units_on
from trueup.model.verdict import Verdict
from trueup.planning.reading import Records
from trueup.planning.undo.halves import Days, Halves, day_of
from trueup.planning.undo.undone_run import UndoContext, opposite_of, reversing
from trueup.stages import billing


class _Ledger(Struct, frozen=True):
    """How one mapping appends, and the mapping whose units that moves."""

    append: AppendSpec
    spec: LedgerSpec
    owner: MappingSpec


def undo_units(context: UndoContext) -> None:
    """Adds the opposing adjustments of all that the run adjusted, mapping by mapping."""
    groups: dict[str, list[Change]] = defaultdict(list)
    for change in context.done:
        if change.action is Action.ADJUST:
            groups[change.mapping].append(change)
    for mapping, changes in groups.items():
        _undo_mapping(context, _ledger(context, mapping), changes)


def _ledger(context: UndoContext, mapping: str) -> _Ledger:
    append = context.project.mappings[mapping].append
    owner = context.project.ledger_of(mapping)
    if append is None or owner is None or owner.ledger is None:
        raise StateError(
            f"the mapping {mapping} no longer appends: "
            "the run cannot be undone with this configuration"
        )
    return _Ledger(append, owner.ledger, owner)


def _undo_mapping(context: UndoContext, ledger: _Ledger, changes: Sequence[Change]) -> None:
    services: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        service = context.record_of(change)
        if service is None:
            context.leave(change, "its service is not known any more")
        else:
            services[service].append(change)
    reader = Records(context.project, context.world.target, {})
    # From the plan's day on, too: which invoice comes next depends on what is posted there.
    since = min(context.as_of, *(day_of(change) for change in changes))
    rows = reader.units(ledger.spec, ledger.append, services, since)
    context.records += reader.count
    halves = Halves(services, changes)
    planners = [
        _ServiceUndo(context, ledger, service, rows.get(service, ()), own)
        for service, own in services.items()
    ]
    context.changes += halves.joined(_plan_opposites(context, planners, halves))


def _plan_opposites(
    context: UndoContext, planners: Sequence["_ServiceUndo"], halves: Halves
) -> list[Change]:
    """Returns the opposites of all services; a change without its other half is not undone."""
    left: dict[str, str] = {}
    findings = [*context.findings]

    def days_from(first: Days) -> Days:
        return {id_: day for planner in planners for id_, day in planner.days(first, left).items()}

    while True:
        days = halves.common_days(days_from)
        opposites = [opposite for planner in planners for opposite in planner.opposites(days, left)]
        alone = halves.alone(opposites)
        if not alone:
            return opposites
        left |= alone
        context.findings[:] = findings  # the next round finds them again


class _ServiceUndo:
    """One service, and the run's adjustments of it."""

    def __init__(
        self,
        context: UndoContext,
        ledger: _Ledger,
        service: int,
        rows: Sequence[UnitRow],
        changes: Sequence[Change],
    ) -> None:
        self._context, self._ledger, self._service = context, ledger, service
        self._rows = tuple(rows)
        self._changes = sorted(changes, key=day_of, reverse=True)
        self._days = {day_of(change) for change in changes}
        self._pushed = {
            one.day: one
            for one in context.snapshot.pushed.values()
            if one.units and one.record == service
        }
        first, last = min([*self._pushed, *self._days]), max(self._days)
        # Nothing goes before the latest adjustment.
        self._taken = {first + timedelta(days=days) for days in range((last - first).days + 1)}
        self._taken |= {*self._pushed, *adjusted_days(rows)}

    def days(self, first: Days, left: Container[str]) -> dict[str, date]:
        """Returns the day of each change's opposite: a free one, no earlier than in `first`.

        Changes in `left` have none.
        """
        taken, found = {*self._taken}, dict[str, date]()
        for change in self._changes:
            if change.id not in left and not self._pushed_again(change):
                earliest = max(day_of(change), first.get(change.id, date.min))
                found[change.id] = self._free_day(earliest, taken)
                taken.add(found[change.id])
        return found

    def opposites(self, days: Days, left: Mapping[str, str]) -> list[Change]:
        """Returns the adjustments that oppose the run's, the latest first.

        Empty if units would become negative.

        `left`: changes that are not undone, with the name of the half that cannot be.
        """
        found: list[Change] = []
        running = self._rows
        for change in self._changes:
            if again := self._pushed_again(change):
                text = f"was pushed again since, by run {again}: it is not done again"
                self._context.leave(change, text)
                continue
            if change.id in left:
                other = left[change.id]
                text = f"its other half, {other}, is not taken back: both are, or neither"
                self._context.leave(change, text)
                continue
            day, units = days[change.id], -change.unit_change
            if not any(row.start <= day <= row.end for row in self._rows):
                text = (
                    f"no open day is left for {units:+d} units: "
                    "its periods are posted, or the contract has ended"
                )
                self._context.leave(change, text)
                continue
            opposite = self._opposite(change, day, units_on(running, day), found)
            running = adjust(running, day, units)
            if units < 0 and lowest(running, day) < 0:
                below = next(row for row in running if row.end >= day and row.units < 0)
                self._leave_too_few(change, units, below)
                return []
            found.append(opposite)
        return found

    def _pushed_again(self, change: Change) -> str:
        """Returns the run that pushed again what an undo had undone; this undo must leave that."""
        if not change.takes_back:
            return ""
        pushed = self._context.snapshot.pushed
        known = [pushed.get((change.mapping, key)) for key in change.keys]
        runs = [one.run for one in known if one and not one.undone]
        runs += [
            one.run
            for one in pushed.values()
            if one.mapping == change.mapping
            and is_correction_of(one.key, change.keys[0])
            and self._context.is_later(one.run)
        ]
        return next(iter(runs), "")

    def _free_day(self, first: date, taken: Container[date]) -> date:
        """Returns the next day from `first` on without an adjustment or a posted row."""
        posted = self._posted_until()
        day = posted + DAY if posted >= first else first
        while day in taken:
            day += DAY
        return day

    def _posted_until(self) -> date:
        return max((row.end for row in self._rows if row.posted), default=date.min)

    def _opposite(self, change: Change, day: date, before: int, found: Sequence[Change]) -> Change:
        append, units = self._ledger.append, -change.unit_change
        values = {
            append.service_field: self._service,
            append.day_field: day,
            append.units_field: units,
        }
        kept = {} if change.makes else change.values
        adjustment = change.adjustment
        if adjustment:
            adjustment = replace(adjustment, day=day, service=self._service, service_change="")
        opposite = reversing(
            change,
            record=self._service,
            entity=self._context.project.mappings[change.mapping].target.entity,
            values={**kept, **values},
            fields=tuple(_with_value(field, values) for field in change.fields),
            needs=(found[-1].id,) if found else (),
            seen=Preconditions(units=self._rows),
            units=(before, before + units),
            makes=None,
            adjustment=adjustment,
            notes=(*self._notes(change, day), *(() if found else self._note_other_steps())),
        )
        return self._with_money(opposite, change)

    def _with_money(self, opposite: Change, original: Change) -> Change:
        adjustment = opposite.adjustment
        monthly = opposite_of(original.monthly)
        invoice = None
        if adjustment:
            posted = self._posted_until()
            invoice = billing.invoice_effect(
                opposite.unit_change,
                adjustment.day,
                adjustment.terms,
                None if posted == date.min else posted,
                self._context.as_of,
            )
        one_off = invoice.earlier if invoice and invoice.earlier else None
        lost = self._lost(opposite, day_of(original))
        return replace(opposite, monthly=monthly, invoice=invoice, one_off=one_off, lost=lost)

    def _lost(self, opposite: Change, due: date) -> Decimal | None:
        """Returns the money of the days from `due` on that stay as they were billed.

        As in other plans, it does not matter whether a day is posted or took an adjustment.
        Negative if units were added: a credit is owed.
        """
        adjustment = opposite.adjustment
        if adjustment is None:
            return None
        amount = billing.lost(opposite.unit_change, due, adjustment.day, adjustment.terms)
        return exact(amount) if amount else None

    # Texts

    def _notes(self, change: Change, day: date) -> Iterable[str]:
        first, units = day_of(change), change.unit_change
        between = (day - first).days
        if between == 1:
            days = "that day stays billed"
        else:
            days = f"the {between} days from then to {day} stay billed"
        posted = ""
        if self._posted_until() >= first:
            posted = f"; {first} is posted, {day} is the next open day"
        without = "" if units > 0 else " without them"
        yield f"takes back {units:+d} of {first}{posted}; {days}{without}, prorated"
        yield from self._note_afterwards(change)

    def _note_afterwards(self, change: Change) -> Iterable[str]:
        """Notes the effect on the pushed changes, or on the difference that it corrected."""
        keys = [
            key for key in change.keys if (change.mapping, key) in self._context.snapshot.pushed
        ]
        many = len(keys) > 1
        if change.takes_back:
            if keys:
                yield f"{', '.join(keys)} {'count' if many else 'counts'} as pushed again"
        elif keys:
            waits = (
                "wait for a new decision before they"
                if many
                else ("waits for a new decision before it")
            )
            yield f"{', '.join(keys)} {waits} can be pushed again"
        elif change.adjustment and change.adjustment.is_transfer:
            source = self._context.systems.source
            yield f"the next plan moves them again, unless the row goes back in {source}"
        elif self._ledger.spec.difference.corrects:
            yield "the project corrects differences: the next plan makes the correction again"

    def _note_other_steps(self) -> Iterable[str]:
        """Notes steps of other users after the first of the run: an undo does not change them."""
        steps = [
            f"{step:+d} on {row.start} ({self._origin(row.start)})"
            for row in self._rows
            if row.start > min(self._days)
            and row.start not in self._days
            and (step := row.units - units_on(self._rows, row.start - DAY))
        ]
        if steps:
            yield f"its units change by {', '.join(steps)} besides, which stays"

    def _origin(self, day: date) -> str:
        one = self._pushed.get(day)
        if one is None:
            return "not by trueup"
        return f"taken back later by run {one.run}" if one.undone else f"run {one.run}"

    def _leave_too_few(self, change: Change, units: int, row: UnitRow) -> None:
        """Reports that another user took units away: what the run added is no longer there."""
        others = "".join(f"; {step}" for step in self._note_other_steps())
        text = (
            f"{units:+d} would leave {row.units} units from {row.start}{others}: "
            "what the run changed is left as it is"
        )
        self._context.leave(change, text, self._correct())

    def _correct(self) -> Advice:
        owner = self._ledger.owner.name
        links = self._context.snapshot.links.values()
        keys = (link.key for link in links if (link.mapping, link.record) == (owner, self._service))
        systems = self._context.systems
        command = Command.decide(owner, next(keys, "KEY"), Verdict.CORRECT)
        return Advice.of(command, f" adjusts {systems.target} to {systems.source}")


def _with_value(change: FieldChange, values: dict[str, object]) -> FieldChange:
    after = values.get(change.field)
    return change if after is None else replace(change, after=after, shown_after=str(after))
