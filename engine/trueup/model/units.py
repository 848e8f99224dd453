"""Units over time: rows of days, both ends included, and the units billed on each day."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from trueup.model.change import UnitRow
from trueup.model.mapping import UnitFields

DAY = timedelta(days=1)


def unit_rows(
    records: Iterable[Mapping[str, Any]], names: UnitFields, posted: str
) -> tuple[UnitRow, ...]:
    """Returns the unit rows of one service from records of the target, by start.

    A row is posted if field `posted` is set.
    """
    rows = (
        UnitRow(
            record[names.id],
            record[names.start],
            record[names.end],
            int(record[names.units] or 0),
            bool(record.get(posted)),
        )
        for record in records
    )
    return tuple(sorted(rows, key=lambda row: (row.start, row.id)))


def units_on(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """Returns the units billed on that day; `none` if no row covers it."""
    return next((row.units for row in rows if row.start <= day <= row.end), none)


def first_open_day(rows: Sequence[UnitRow], day: date) -> date | None:
    """Returns the first day from `day` on with no posted row on or after it; None if rows end."""
    posted = [row for row in rows if row.posted and row.end >= day]
    if not posted:
        return day
    after = max(row.end for row in posted) + DAY
    return after if any(row.end >= after for row in rows) else None


def is_posted(rows: Sequence[UnitRow], day: date) -> bool:
    """Returns whether the day is in or before a period that was approved and posted."""
    return any(row.posted and row.end >= day for row in rows)


def adjusted_days(rows: Sequence[UnitRow]) -> set[date]:
    """Returns the days on which units change: such a day cannot take another adjustment."""
    return {
        later.start
        for earlier, later in pairwise(rows)
        if later.units != earlier.units and later.start == earlier.end + DAY
    }


def adjust(rows: Sequence[UnitRow], day: date, units: int) -> tuple[UnitRow, ...]:
    """Returns the rows after an adjustment: split at the day, later ones changed by `units`."""
    adjusted: list[UnitRow] = []
    for row in rows:
        if row.end < day:
            adjusted.append(row)
        elif row.start >= day:
            adjusted.append(replace(row, units=row.units + units))
        else:
            adjusted.append(replace(row, end=day - DAY))
            adjusted.append(replace(row, id=0, start=day, units=row.units + units))
    return tuple(adjusted)


def extended(rows: Sequence[UnitRow], end: date) -> tuple[UnitRow, ...]:
    """Returns the rows with the last one extended to `end`, if it ends earlier and is not posted.

    The days after the last row carry its units: the target writes their rows later.
    """
    if not rows or rows[-1].end >= end:
        return tuple(rows)
    last = rows[-1]
    if last.posted:
        return (*rows, UnitRow(0, last.end + DAY, end, last.units))
    return (*rows[:-1], replace(last, end=end))


def total(services: Sequence[Sequence[UnitRow]]) -> tuple[UnitRow, ...]:
    """Returns the units of several services together; the rows of one service are unchanged."""
    if len(services) == 1:
        return tuple(services[0])
    rows = [row for service in services for row in service]
    bounds = sorted({row.start for row in rows} | {row.end + DAY for row in rows})
    spans = ((first, following - DAY) for first, following in pairwise(bounds))
    return tuple(
        UnitRow(
            0,
            first,
            last,
            sum(units_on(service, first) for service in services),
            any(row.posted and row.start <= first <= row.end for row in rows),
        )
        for first, last in spans
        if any(row.start <= first <= row.end for row in rows)
    )


def lowest(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """Returns the fewest units on any day from `day` on; `none` if the rows end before it."""
    return min((row.units for row in rows if row.end >= day), default=none)
