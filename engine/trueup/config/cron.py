"""When a schedule is due: cron's five fields on the clock of a time zone."""

from datetime import datetime

from trueup.model.fleet import Schedule


def due_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """Returns the first instant after `instant` at which a run is due, in UTC; None for never.

    Each time that the cron names is due once a day: of a time that the clocks show twice the first
    one counts, and a time that they skip is due when they go forward.
    """
    raise NotImplementedError
