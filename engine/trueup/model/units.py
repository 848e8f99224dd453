"""Units over time: rows of days, both ends included, and what is billed on each day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from trueup.model.change import UnitRow

DAY = timedelta(days=1)


def unit_rows(
    records: Iterable[Mapping[str, Any]], names: Sequence[str], posted: str
) -> tuple[UnitRow, ...]:
    """Unit rows of one service from records of the target, by start.

    `names` are the fields of id, start, end and units; a row is posted where field `posted` is set.
    """
    id_, start, end, units = names
    rows = (
        UnitRow(
            record[id_],
            record[start],
            record[end],
            int(record[units] or 0),
            bool(record.get(posted)),
        )
        for record in records
    )
    return tuple(sorted(rows, key=lambda row: (row.start, row.id)))


def units_on(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """Units billed on that day; `none` where no row covers it."""
    return next((row.units for row in rows if row.start <= day <= row.end), none)


def first_open_day(rows: Sequence[UnitRow], day: date) -> date | None:
    """The first day from `day` on that has no posted row on or after it; None if rows end first."""
    posted = [row for row in rows if row.posted and row.end >= day]
    if not posted:
        return day
    after = max(row.end for row in posted) + DAY
    return after if any(row.end >= after for row in rows) else None


def is_posted(rows: Sequence[UnitRow], day: date) -> bool:
    """Whether the day is in a period that was approved and posted, or before one."""
    return any(row.posted and row.end >= day for row in rows)


def adjusted_days(rows: Sequence[UnitRow]) -> set[date]:
    """Days on which units change, as the rows show it: such a day has taken its adjustment."""
    return {
        later.start
        for earlier, later in pairwise(rows)
        if later.units != earlier.units and later.start == earlier.end + DAY
    }


def adjust(rows: Sequence[UnitRow], day: date, units: int) -> tuple[UnitRow, ...]:
    """The rows after an adjustment: split at the day, all later ones changed by `units`."""
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
    """The rows with the last one extended to `end`, where it ends earlier and is not posted there.

    The days after the last row carry its units: the target writes their rows later.
    """
    if not rows or rows[-1].end >= end:
        return tuple(rows)
    last = rows[-1]
    if last.posted:
        return (*rows, UnitRow(0, last.end + DAY, end, last.units))
    return (*rows[:-1], replace(last, end=end))


def total(services: Sequence[Sequence[UnitRow]]) -> tuple[UnitRow, ...]:
    """The units of several services together; the rows of a single one are returned as they are."""
    if len(services) == 1:
        return tuple(services[0])
    rows = [row for one in services for row in one]
    bounds = sorted({row.start for row in rows} | {row.end + DAY for row in rows})
    spans = ((first, following - DAY) for first, following in pairwise(bounds))
    return tuple(
        UnitRow(
            0,
            first,
            last,
            sum(units_on(one, first) for one in services),
            any(row.posted and row.start <= first <= row.end for row in rows),
        )
        for first, last in spans
        if any(row.start <= first <= row.end for row in rows)
    )


def lowest(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """The fewest units on any day from `day` on; `none` where the rows end before it."""
    return min((row.units for row in rows if row.end >= day), default=none)
