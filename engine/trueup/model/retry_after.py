"""The header Retry-After, with which a service asks to wait before a request is sent again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 999_999_999.0
"""Seconds: no request waits so long, and a clock can still add them to now."""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Returns the seconds that a service asks to wait, None if it does not ask.

    `headers` are found by names in lower case. The header has seconds or a date. A date is compared
    with the service's own clock if the response shows it.
    """
    header = headers.get("retry-after", "").strip()
    if header.isdecimal():
        return min(float(header.lstrip("0")[:20] or 0), LONGEST)
    if not header:
        return None
    until, service_now = _date(header), _date(headers.get("date", ""))
    if until is None:
        return None
    return min(max(0.0, (until - (service_now or now)).total_seconds()), LONGEST)


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
