"""Units over time: rows of days, both ends included, and what is billed on one of them."""

from collections.abc import Sequence
from datetime import date, timedelta

from engine.model.plan import UnitRow

DAY = timedelta(days=1)


def units_on(rows: Sequence[UnitRow], day: date, none: int = 0) -> int:
    """Units billed on that day; `none` where no row covers it."""
    return next((row.units for row in rows if row.start <= day <= row.end), none)
