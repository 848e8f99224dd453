"""Instants as text. Each function names the zone, so that no output leaves it open."""

from datetime import UTC, datetime, tzinfo

from trueup.model.wall_clock import shown_in


def in_zone(at: datetime, zone: tzinfo) -> str:
    """Returns the instant in a project's business time zone, with its offset, to the second."""
    return shown_in(at, zone)


def in_its_zone(at: datetime) -> str:
    """As `in_zone`, for an instant that is in the business time zone already."""
    return at.isoformat(" ", "seconds")


def in_utc(at: datetime | None) -> str:
    """Returns the instant in UTC, to the minute, for tenants of different zones; "" for None."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""
