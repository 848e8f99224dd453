"""Determines the outcome of a write in doubt from what was read."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from trueup.model.change import UnitRow
from trueup.model.coerce import same
from trueup.model.mapping import UnitFields
from trueup.model.units import DAY, units_on


class WriteOutcome(StrEnum):
    """The outcome of a write in doubt."""

    LANDED = "landed"
    ABSENT = "absent"  # no trace of it; not landed once no request can still be under way
    UNCLEAR = "unclear"  # only a person can determine it


def settle_create(found: Sequence[int]) -> WriteOutcome:
    """Returns the outcome by the ids of the records that carry its identity."""
    if len(found) == 1:
        return WriteOutcome.LANDED
    return WriteOutcome.UNCLEAR if found else WriteOutcome.ABSENT


def settle_update(sent: Mapping[str, Any], record: Mapping[str, Any] | None) -> WriteOutcome:
    """Returns the outcome by its fields. `record` is None if the target does not return it.

    A record that is neither as before nor as sent counts as absent: the run checks its
    preconditions again before it is sent, and holds it.
    """
    if record is None:
        return WriteOutcome.UNCLEAR
    landed = all(same(value, record.get(name)) for name, value in sent.items())
    return WriteOutcome.LANDED if landed else WriteOutcome.ABSENT


def settle_adjustment(
    before: Sequence[UnitRow], now: Sequence[UnitRow], day: date, units: int
) -> WriteOutcome:
    """Returns the outcome by the step of the units on its day, which takes one adjustment.

    Sums over other days prove nothing: our +3 and another user's -3 later leave the total as it
    was, but not the step. If the step is unchanged although a new row begins on the day, two
    adjustments may have cancelled out.
    """
    step_before, step_now = _step(before, day), _step(now, day)
    if step_now == step_before + units:
        return WriteOutcome.LANDED
    was_split = bool(before) and _starting(before, day) != _starting(now, day)
    if step_now != step_before or was_split:
        return WriteOutcome.UNCLEAR
    return WriteOutcome.ABSENT


def _starting(rows: Sequence[UnitRow], day: date) -> set[int]:
    """Ids of the rows that start on the day."""
    return {row.id for row in rows if row.start == day}


def _step(rows: Sequence[UnitRow], day: date) -> int:
    return units_on(rows, day) - units_on(rows, day - DAY)


def proof_rows(
    rows: Sequence[UnitRow], day: date, names: UnitFields
) -> tuple[Mapping[str, object], ...]:
    """Returns the unit rows that prove an adjustment: the one before its day, and its own."""
    return tuple(
        {
            names.id: row.id,
            names.start: row.start,
            names.end: row.end,
            names.units: row.units,
        }
        for row in rows
        if row.start <= day <= row.end or row.start <= day - DAY <= row.end
    )


def rows_from(data: Sequence[Mapping[str, Any]]) -> tuple[UnitRow, ...]:
    """Reads unit rows from the journal (see `rows_to`)."""
    return tuple(UnitRow(row["id"], row["start"], row["end"], row["units"]) for row in data)


def rows_to(rows: Sequence[UnitRow]) -> tuple[Mapping[str, object], ...]:
    """Returns unit rows for the journal."""
    return tuple(
        {"id": row.id, "start": row.start, "end": row.end, "units": row.units} for row in rows
    )
