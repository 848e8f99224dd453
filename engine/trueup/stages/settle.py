"""What a reading says of a write that nobody answered for: it landed, it did not, or only a person can tell."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from engine.model.fit import same
from engine.model.plan import UnitRow
from engine.model.units import DAY, units_on


class Landing(StrEnum):
    """What became of a write in doubt."""

    LANDED = "landed"
    ABSENT = "absent"  # no trace of it; it counts as not landed once no request can still be running
    UNCLEAR = "unclear"


def settle_create(found: Sequence[int]) -> Landing:
    """By the records that carry its identity."""
    if len(found) == 1:
        return Landing.LANDED
    return Landing.UNCLEAR if found else Landing.ABSENT


def settle_update(sent: Mapping[str, Any], record: Mapping[str, Any] | None) -> Landing:
    """By its fields. Fields that are neither as before nor as sent count as absent: the next plan compares anew."""
    if record is None:
        return Landing.UNCLEAR
    return Landing.LANDED if all(same(value, record.get(name)) for name, value in sent.items()) else Landing.ABSENT


def settle_adjustment(before: Sequence[UnitRow], now: Sequence[UnitRow], day: date, units: int) -> Landing:
    """By the step that units take on its day: only an adjustment of that day moves it, and a day takes one.

    Sums over other days say nothing: ours +3 and somebody's -3 later leave the total as it was, but not the step.
    Where the step is as it was and yet a row begins on the day that did not before, two may have cancelled out.
    """
    was, is_ = _step(before, day), _step(now, day)
    if is_ == was + units:
        return Landing.LANDED
    cut = before and _begins(before, day) != _begins(now, day)
    return Landing.UNCLEAR if is_ != was or cut else Landing.ABSENT


def _begins(rows: Sequence[UnitRow], day: date) -> set[int]:
    """Ids of the rows that begin on the day."""
    return {row.id for row in rows if row.start == day}


def _step(rows: Sequence[UnitRow], day: date) -> int:
    return units_on(rows, day) - units_on(rows, day - DAY)


def proof_rows(rows: Sequence[UnitRow], day: date) -> tuple[Mapping[str, object], ...]:
    """The unit rows that prove an adjustment: the one that ends the day before, and the one that it is in."""
    return tuple(
        {"id": row.id, "startDate": row.start, "endDate": row.end, "units": row.units}
        for row in rows
        if row.start <= day <= row.end or row.start <= day - DAY <= row.end
    )


def rows_from(data: Sequence[Mapping[str, Any]]) -> tuple[UnitRow, ...]:
    """Unit rows as the journal keeps them."""
    return tuple(UnitRow(row["id"], row["start"], row["end"], row["units"]) for row in data)


def rows_to(rows: Sequence[UnitRow]) -> tuple[Mapping[str, object], ...]:
    """Unit rows as the journal keeps them."""
    return tuple({"id": row.id, "start": row.start, "end": row.end, "units": row.units} for row in rows)
