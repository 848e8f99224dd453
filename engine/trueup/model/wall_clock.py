"""What the clocks of a time zone show, and the instants at which they show it."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


def shown_in(at: datetime, zone: tzinfo) -> str:
    """Returns an instant as the clocks of the zone show it, with its offset, to the second."""
    return at.astimezone(zone).isoformat(" ", "seconds")


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, at which the clocks of the zone show a time (without a zone).

    A time that they show twice is the first of the two. For a time that they skip it is the
    instant at which they go forward. So later times never have earlier instants.
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    return instant if shown == local else _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which the clocks skip a local time that they never show."""
    # The two readings of a skipped time use the offsets before and after the change, so the
    # change is between them. Changes are at whole seconds.
    first = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    last = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    before = first.astimezone(zone).utcoffset()
    while last - first > timedelta(seconds=1):
        middle = first + timedelta(seconds=(last - first) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == before:
            first = middle
        else:
            last = middle
    return last
