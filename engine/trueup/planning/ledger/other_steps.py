"""Steps of a service's units that trueup did not make: a person entered them in the target.

A license change whose units the target has already must not be sent again. If the ledger's sum on
the day of comparison does not show this, the steps on single days do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from trueup.model.run import Pushed
from trueup.model.units import DAY, adjusted_days, units_on
from trueup.stages.ledger import ServiceLedger


class UnitStep(NamedTuple):
    """Units that change from one day to the next."""

    day: date  # the first with the new units
    units: int  # the difference


class OtherSteps:
    """Finds steps that trueup did not make, by the days on which it adjusted each service."""

    def __init__(self, pushed: Iterable[Pushed]) -> None:
        self._own: defaultdict[int, set[date]] = defaultdict(set)  # service → days
        for one in pushed:
            if one.units:
                self._own[one.record].add(one.day)

    def own_days(self, ledger: ServiceLedger) -> set[date]:
        """Days on which trueup adjusted the service."""
        return set() if ledger.record is None else self._own.get(ledger.record, set())

    def taken_days(self, ledger: ServiceLedger) -> set[date]:
        """Days that have an adjustment, by trueup or another user: they take no second one."""
        taken = self.own_days(ledger) | adjusted_days(ledger.rows)
        rows = ledger.rows
        if rows and rows[0].units and rows[0].start == ledger.terms.start:
            taken.add(rows[0].start)  # a service begins without units: its first ones were added
        return taken

    def of(self, ledger: ServiceLedger) -> list[UnitStep]:
        """Returns the steps of a service's units, as far as its rows were read.

        If the rows end, the contract does: that is no step.
        """
        own = self.own_days(ledger)
        return [
            UnitStep(later.start, later.units - earlier.units)
            for earlier, later in pairwise(ledger.rows)
            if later.units != earlier.units and later.start not in own
        ]

    def added_to(self, ledger: ServiceLedger, day: date) -> ServiceLedger:
        """Returns the ledger with the steps of its units after `day`."""
        steps = tuple((one.day, one.units) for one in self.of(ledger) if one.day > day)
        return replace(ledger, later_steps=steps)

    def entered_already(
        self, ledger: ServiceLedger, sendable: Sequence[str]
    ) -> Mapping[str, UnitStep]:
        """Returns changes that the target seems to have already, with the step for each.

        Those for which units move by the same number on their day or a later one, and not by trueup
        as far as the state knows: an adjustment may have been moved to a free day. Each step stands
        for one day of changes. Only if some go up and some go down: otherwise the law of the ledger
        would not hold.
        """
        days: defaultdict[date, Decimal] = defaultdict(Decimal)
        changes = {change.key: change for change in ledger.changes if change.key in sendable}
        for change in changes.values():
            days[change.day] += change.units
        if not _go_both_ways(days.values()):
            return {}
        found = self._steps_of(ledger, days)
        if not _go_both_ways(step.units for step in found.values()):
            return {}
        return {key: found[one.day] for key, one in changes.items() if one.day in found}

    def _steps_of(
        self, ledger: ServiceLedger, days: Mapping[date, Decimal]
    ) -> Mapping[date, UnitStep]:
        """Days of changes with the step on that day, else the first later one that fits."""
        own = self.own_days(ledger)
        starts = {later.start for _, later in pairwise(ledger.rows)}
        steps = [
            UnitStep(day, units)
            for day in sorted({*starts, *days} - own)
            if (units := _step(ledger, day))
        ]
        found: dict[date, UnitStep] = {}
        for day in sorted(days):
            fitting = [step for step in steps if step.day >= day and step.units == days[day]]
            if fitting:
                found[day] = fitting[0]
                steps.remove(fitting[0])
        return found


def _go_both_ways(units: Iterable[Decimal | int]) -> bool:
    values = [*units]
    return any(value > 0 for value in values) and any(value < 0 for value in values)


def _step(ledger: ServiceLedger, day: date) -> int:
    return units_on(ledger.rows, day) - units_on(ledger.rows, day - DAY)
