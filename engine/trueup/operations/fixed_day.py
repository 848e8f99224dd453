"""Warns about a day that trueup.yaml fixes for all plans, other than today."""

from collections.abc import Sequence

from trueup.model.finding import Finding, Severity
from trueup.model.project import Project
from trueup.ports.world import Clock

STALE_DAY = "stale-day"
"""Code of the finding."""

_IMITATION = "sandbox"
"""The connector of a target in which nothing is billed: demonstrations fix their day there."""


def stale_day(project: Project, clock: Clock) -> Sequence[Finding]:
    """Returns a warning if the project fixes another day, and its target bills customers.

    The text does not name today, so that a plan stays the same on the next day.
    """
    today = clock.now().astimezone(project.zone).date()
    if project.as_of in (None, today) or project.target.connector == _IMITATION:
        return ()
    text = f"as_of makes every plan one for {project.as_of}, which is not today"
    remedy = "remove as_of: it is for demonstrations; `trueup plan --as-of DAY` plans for one day"
    return (Finding(STALE_DAY, Severity.WARNING, text, remedy, project.as_of_place),)
