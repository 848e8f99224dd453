"""Days, as YAML files, options and forms state them."""

from datetime import date


def parse_day(data: object) -> date | None:
    """Returns a day that is given as one or as text (`"2026-11-01"`), or None for anything else.

    Other forms of ISO 8601, such as 20261101 and 2026-W44-7, are no days: schemas and messages ask
    for year-month-day, and a number with eight digits may be anything.
    """
    if isinstance(data, str):
        try:
            day = date.fromisoformat(data)
        except ValueError:
            return None
        return day if day.isoformat() == data else None
    return data if isinstance(data, date) else None
