"""The billing policies of a mapping: units for a quantity, and the day they are billed from.

A policy turns the quantity of a row into units (included units, a minimum, rounding) and the day of
a change into the day from which it is billed. The most specific override wins: of several that
match a row, the last one in the file.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import groupby
from typing import Any, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.rules import expression_failed
from trueup.model.change import RowRef, ServiceTerms
from trueup.model.coerce import CoercionError, shown, to_number
from trueup.model.days import add_months
from trueup.model.finding import Finding, Severity
from trueup.model.mapping import (
    EffectiveDay,
    MappingSpec,
    PolicyOverride,
    PolicyPart,
    PolicySpec,
    Rounding,
    Value,
)
from trueup.planning.context import PlanContext
from trueup.stages import billing
from trueup.stages.ledger import PendingUnits

_Word = TypeVar("_Word", bound=StrEnum)

_ROUNDING = {
    Rounding.UP: ROUND_CEILING,
    Rounding.DOWN: ROUND_FLOOR,
    Rounding.NEAREST: ROUND_HALF_UP,
}


class Handover(Struct, frozen=True):
    """The hand-over of units from one row to another."""

    begins: bool = False  # the first ones come from another service
    ends: bool = False  # the last ones go to another service
    between: bool = False  # one row gives them to its successor on the same service


NO_HANDOVER = Handover()
NO_DAYS: Mapping[str, date] = {}


class Policy(Struct, frozen=True):
    """The policy of one row."""

    increase: EffectiveDay = EffectiveDay.AS_DATED
    decrease: EffectiveDay = EffectiveDay.AS_DATED
    included: Decimal = Decimal(0)
    minimum: Decimal = Decimal(0)
    rounding: Rounding | None = None
    ceiling: Decimal | None = None
    refund: str = ""  # the product under which a credit is given
    failed: str = ""  # why it cannot be evaluated: then the row's units and days are not known

    @property
    def keeps_quantities(self) -> bool:
        """Whether the billed units equal the quantity."""
        return not self.included and not self.minimum and self.rounding is None

    def units(self, quantity: Decimal) -> Decimal:
        """Returns the units that are billed for a quantity; 0 for 0, whatever the minimum."""
        if self.keeps_quantities or quantity <= 0:
            return quantity
        billed = max(quantity - self.included, self.minimum, Decimal(0))
        if self.rounding:
            billed = billed.quantize(Decimal(1), _ROUNDING[self.rounding])
        return billed

    def day(
        self, units: Decimal, day: date, terms: ServiceTerms, decided: date | None
    ) -> date | None:
        """Returns the day from which a change is billed; None if a person must name it.

        `units`: those of all changes of that day together.
        """
        if decided is not None:
            return decided
        if not units:
            return day
        effective = self.increase if units > 0 else self.decrease
        match effective:
            case EffectiveDay.AS_DATED:
                return day
            case EffectiveDay.NEXT_PERIOD:
                return billing.period_start(terms, day) or day
            case EffectiveDay.FIRST_OF_MONTH:
                return day if day.day == 1 else add_months(day.replace(day=1), 1)
            case EffectiveDay.DECIDED:
                return None
            case _:
                assert_never(effective)

    def billed(
        self,
        changes: Sequence[PendingUnits],
        quantity: Decimal,
        terms: ServiceTerms,
        decided: Mapping[str, date],
        taken_back: Mapping[str, date] = NO_DAYS,
        handover: Handover = NO_HANDOVER,
    ) -> list[PendingUnits]:
        """Returns the changes with the units and days that are billed.

        Changes of one day are one step: a renewal that ends ten seats and begins twelve is an
        increase by two. `quantity` is the row's quantity after all of them; `decided`: days that
        decisions name. A step from or to zero that only hands units over keeps its day.
        `taken_back`: days of an undo, until which changes are billed already.
        """
        steps = self._steps(changes, quantity)
        billed: list[list[PendingUnits]] = []
        for position, step in enumerate(steps):
            is_first, is_last = position == 0, position == len(steps) - 1
            starts = step.before <= 0 and (handover.begins if is_first else handover.between)
            stops = step.after <= 0 and (handover.ends if is_last else handover.between)
            named = [decided[one.key] for one in step.changes if one.key in decided]
            if named or not (starts or stops):
                day = self.day(step.units, step.day, terms, max(named, default=None))
            else:
                day = step.day
            own: list[PendingUnits] = []
            for change in step.changes:
                undone = taken_back.get(change.key)
                if day is None and undone is not None:  # it was billed from a day before
                    dated = self._with_day(change, step, step.day)
                else:
                    dated = self._with_day(change, step, day, is_decided=bool(named))
                own.append(_not_before(dated, undone))
            billed.append(own)
        if not steps:
            return []
        was_undone = taken_back.keys() - decided.keys()
        return _not_below_zero(billed, self.units(steps[0].before), decided, was_undone)

    def _steps(self, changes: Sequence[PendingUnits], quantity: Decimal) -> list["_Step"]:
        """The changes by day, in their order, with their billed units."""
        after, steps = quantity, list[_Step]()
        for day, group in groupby(reversed(changes), key=lambda one: one.day):
            last, same_day = after, list[PendingUnits]()
            for change in group:
                before = after - change.units
                same_day.insert(0, self._with_units(change, before, after))
                after = before
            steps.insert(0, _Step(day, same_day, after, last, self.units(last)))
        return steps

    def _with_units(self, change: PendingUnits, before: Decimal, after: Decimal) -> PendingUnits:
        """The change with its billed units; `before` and `after` are quantities."""
        if self.keeps_quantities:
            return change
        units = self.units(after) - self.units(before)
        notes = (self._quantity_note(change.units, units),) if units != change.units else ()
        return replace(change, units=units, notes=notes)

    def _with_day(
        self, change: PendingUnits, step: "_Step", day: date | None, *, is_decided: bool = False
    ) -> PendingUnits:
        notes = change.notes
        if day is not None and day != change.day:
            way = "increase" if step.units > 0 else "decrease"
            why = ", as decided" if is_decided else f" (policy: {way})"
            notes = (*notes, f"dated {change.day}, billed from {day}{why}")
        return replace(
            change,
            day=day or change.day,
            dated=change.day if day != change.day else None,
            needs_day="policy: decided" if day is None else "",
            notes=notes,
            step_units=step.units,
            step_reaches=step.reaches,
        )

    def _quantity_note(self, changed: Decimal, units: Decimal) -> str:
        parts = [f"{self.included:f} included"] if self.included else []
        parts += [f"minimum {self.minimum:f}"] if self.minimum else []
        parts += [f"rounded {self.rounding}"] if self.rounding else []
        return f"{changed:+f} in quantity are {units:+f} billed units (policy: {', '.join(parts)})"


class _Step(Struct, frozen=True):
    """The changes of one day together."""

    day: date
    changes: Sequence[PendingUnits]  # with billed units
    before: Decimal  # the quantity
    after: Decimal
    reaches: Decimal  # billed units after it

    @property
    def units(self) -> Decimal:
        """The units by which it changes what is billed."""
        return sum((change.units for change in self.changes), Decimal(0))


def _not_before(change: PendingUnits, undone: date | None) -> PendingUnits:
    """Returns the change, no earlier than the day from which an undo reversed it."""
    if undone is None or change.needs_day or undone <= change.day:
        return change
    note = f"taken back on {undone}: it is billed again from there"
    return replace(change, day=undone, due=change.day, notes=(*change.notes, note))


def _not_below_zero(
    steps: Sequence[Sequence[PendingUnits]],
    units: Decimal,
    decided: Container[str],
    undone: Container[str],
) -> list[PendingUnits]:
    """Returns the changes, with decreases no earlier than the increases that they reduce.

    A policy may bill a change later than a step down that comes after it. If that one ends
    everything, nothing is billed any more, and the change takes its day. `units` are billed before
    all of them; the days of those in `decided` or `undone` are no policy's.
    """
    before: list[PendingUnits] = []
    for step in steps:
        last = max(one.day for one in step)
        if step[0].step_units >= 0 or step[0].needs_day:
            before += step
        elif step[0].step_reaches <= 0:
            before = [*(_ended(one, last, undone) for one in before), *step]
        else:
            increases = [one for one in before if one.units > 0 and one.day > last]
            days = (last, *sorted({increase.day for increase in increases}))
            day = next((one for one in days if _left(units, before, step, one) >= 0), last)
            keys = [increase.key for increase in increases if increase.day == day]
            was_undone = any(key in undone for key in keys)
            by_policy = not was_undone and not any(key in decided for key in keys)
            before += (
                one
                if day == last
                else _with_increase(one, day, by_policy=by_policy, was_undone=was_undone)
                for one in step
            )
    return before


def _left(
    units: Decimal, before: Iterable[PendingUnits], step: Iterable[PendingUnits], day: date
) -> Decimal:
    """Returns the units on a day on which a step is billed."""
    changes = [*(one for one in before if one.day <= day), *step]
    return sum((change.units for change in changes), units)


def _with_increase(
    change: PendingUnits, day: date, *, by_policy: bool, was_undone: bool
) -> PendingUnits:
    """A change of a step that is billed with the increase that it reduces."""
    note = f"billed from {day}, with the increase that it reduces"
    note += " (policy: increase)" if by_policy else ""
    dated = change.dated or change.day
    since = change.day if was_undone else None
    return replace(change, day=day, dated=dated, counts_from=since, notes=(*change.notes, note))


def _ended(change: PendingUnits, day: date, undone: Container[str]) -> PendingUnits:
    """Returns a change of a service that ends on that day, after which nothing is billed."""
    if change.day <= day or change.needs_day:
        return change
    since = change.day if change.key in undone else None  # until the undo, it was billed
    notes = (*change.notes, f"ends on {day}, before it is billed")
    return replace(change, day=day, counts_from=since, notes=notes)


NO_POLICY = Policy()

ABOVE_CEILING = "above-ceiling"
"""Code of the finding for a change that a ceiling holds."""

WITHOUT_ROW = "policy-without-row"
"""Code of the warning for an override that matches no row."""


class Policies:
    """The policies of one mapping, resolved row by row."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._spec: PolicySpec | None = mapping.policy
        self._used: set[int] = set()
        self._found: dict[str, Policy] = {}

    def of(self, key: str, under: Iterable[RowRef]) -> Policy:
        """Returns the policy of a row; `under` are the rows that it belongs to.

        If it cannot be evaluated, that is added to the findings of the plan, once for each row.
        """
        spec = self._spec
        if spec is None or key not in self._context.states[self._mapping.name].rows:
            return NO_POLICY
        if key not in self._found:
            self._found[key] = self._evaluated(spec, key, self.parts(key, under))
        return self._found[key]

    def _evaluated(self, spec: PolicySpec, key: str, parts: Mapping[PolicyPart, Value]) -> Policy:
        names = self._context.names(self._mapping.name, key)
        try:
            return _resolved(parts, names)
        except EVALUATION_ERRORS as fault:
            finding = expression_failed(self._mapping.name, key, "policy", spec.place, fault)
            self._context.findings.append(finding)
            return Policy(failed=finding.text)

    def parts(self, key: str, under: Iterable[RowRef]) -> dict[PolicyPart, Value]:
        """Returns the value of each part of the row's policy: from an override, or for all rows."""
        spec = self._spec
        if spec is None:
            return {}
        parts = dict(spec.parts)
        rows = [*under, self._context.labels.ref(self._mapping.name, key)]
        for position, override in enumerate(spec.overrides):
            if _matches(override, rows):
                self._used.add(position)
                parts |= override.parts
        return parts

    def unused(self) -> Iterable[Finding]:
        """Returns a warning for each override that matches no row."""
        for position, override in enumerate(self._spec.overrides if self._spec else ()):
            if position not in self._used:
                names = ", ".join(f"{name} {text}" for name, text in override.rows.items())
                text = f"a policy is set for {names}, and no row is it: it has no effect"
                remedy = "correct the name or the key, or remove the override"
                yield Finding(
                    WITHOUT_ROW,
                    Severity.WARNING,
                    text,
                    remedy,
                    override.place,
                    self._mapping.name,
                )


def _matches(override: PolicyOverride, rows: Sequence[RowRef]) -> bool:
    """Whether every row that the override names is one of these, by key or name."""
    return all(
        any(
            row.mapping == mapping
            and (row.key == text or row.name.strip().casefold() == text.strip().casefold())
            for row in rows
        )
        for mapping, text in override.rows.items()
    )


def _resolved(parts: Mapping[PolicyPart, Value], names: Mapping[str, Any]) -> Policy:
    values = {part: evaluate(value.raw, names) for part, value in parts.items()}

    def number(part: PolicyPart) -> Decimal:
        value = values.get(part)
        return Decimal(0) if value is None else _units(part, value)

    ceiling = values.get(PolicyPart.CEILING)
    return Policy(
        increase=_choice(PolicyPart.INCREASE, values, EffectiveDay) or EffectiveDay.AS_DATED,
        decrease=_choice(PolicyPart.DECREASE, values, EffectiveDay) or EffectiveDay.AS_DATED,
        included=number(PolicyPart.INCLUDED),
        minimum=number(PolicyPart.MINIMUM),
        rounding=_choice(PolicyPart.ROUNDING, values, Rounding),
        ceiling=None if ceiling is None else _units(PolicyPart.CEILING, ceiling),
        refund=str(values.get(PolicyPart.REFUND) or ""),
    )


def _choice(part: PolicyPart, values: Mapping[PolicyPart, Any], kind: type[_Word]) -> _Word | None:
    """One of the words of `kind`; None if nothing is set. Raises ValueError otherwise."""
    value = values.get(part)
    if not value:
        return None
    words = [str(word) for word in kind]
    if value not in words:
        raise ValueError(f"{part} is {shown(value)}, which is not one of {', '.join(words)}")
    return kind(value)


def _units(part: PolicyPart, value: Any) -> Decimal:  # noqa: ANN401 -- the result of an expression
    """A number of units. Raises ValueError for anything else."""
    try:
        number = to_number(value)
    except CoercionError:
        number = None
    if number is None or number < 0:
        raise ValueError(f"{part} is {shown(value)}, which is no number of units")
    return number
