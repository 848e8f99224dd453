"""Days, as YAML files state them."""

from datetime import date


def parse_day(data: object) -> date | None:
    """Returns a day that is given as one or as text (`"2026-11-01"`), or None for anything else."""
    if isinstance(data, str):
        try:
            return date.fromisoformat(data)
        except ValueError:
            return None
    return data if isinstance(data, date) else None
