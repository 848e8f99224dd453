"""Checks whether another user has changed the units of a service since the plan."""

from collections.abc import Sequence
from datetime import date

from trueup.model.change import UnitRow
from trueup.model.units import DAY, units_on


def same_units(
    seen: Sequence[UnitRow], own: Sequence[tuple[date, int]], now: Sequence[UnitRow]
) -> bool:
    """Returns whether units are, on every day, those of the plan plus the run's adjustments.

    Row ids and splits do not matter. `own` holds day and units of each adjustment.
    """
    if bool(seen) != bool(now):
        return all(
            row.units == sum(units for day, units in own if day <= row.start)
            for row in (*seen, *now)
        )
    days = {row.start for row in (*seen, *now)} | {day for day, _ in own}
    days |= {row.end + DAY for row in (*seen, *now) if row.end < date.max}
    first = max((rows[0].start for rows in (seen, now) if rows), default=date.min)
    last = min((rows[-1].end for rows in (seen, now) if rows), default=date.max)
    return all(
        units_on(seen, day) + sum(units for start, units in own if start <= day)
        == units_on(now, day)
        for day in days
        if first <= day <= last
    )
