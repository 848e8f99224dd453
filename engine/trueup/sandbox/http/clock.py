"""The sandbox's own clock, kept as a JSON object.

`{"stands": instant}` is a stopped clock, `{"ahead": seconds}` runs ahead of the real one, and `{}`
is real time.
"""

from datetime import UTC, date, datetime, timedelta
from math import inf, isfinite

from trueup.errors import SandboxError
from trueup.sandbox.http.json_types import Json, JsonObject


def now(clock: JsonObject) -> datetime:
    """Returns the instant that the clock shows."""
    if "stands" in clock:
        return datetime.fromisoformat(clock["stands"])
    return datetime.now(UTC) + timedelta(seconds=clock.get("ahead", 0))


def moved(clock: JsonObject, change: JsonObject) -> JsonObject:
    """Returns the clock after a change, a JSON object.

    `{"stands": instant}` stops the clock there, `{"now": instant}` lets it run on from there,
    `{"advance": seconds}` moves it, and `{}` sets it to real time. Raises `SandboxError` for a
    value that is not an instant or a number of seconds.
    """
    if "stands" in change:
        return {"stands": _instant(change["stands"]).isoformat()}

    if "now" in change:
        ahead = _instant(change["now"]) - datetime.now(UTC)
        return {"ahead": ahead.total_seconds()}

    if "advance" in change:
        ahead = now(clock) - datetime.now(UTC)
        return checked({"ahead": ahead.total_seconds() + _seconds(change["advance"])})

    return {}


def checked(clock: JsonObject) -> JsonObject:
    """Returns the clock unchanged. Raises `SandboxError` if it cannot show a time."""
    if "stands" in clock:
        _instant(clock["stands"])
    try:
        datetime.now(UTC) + timedelta(seconds=_seconds(clock.get("ahead", 0)))
    except OverflowError:
        raise SandboxError("the clock cannot be set that far from the present") from None
    return clock


def day(value: Json) -> date:
    """Returns the day that a text begins with. Raises `SandboxError` if it begins with none."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise SandboxError(f"{value!r:.60} is not a day, such as 2026-11-15") from None


def _seconds(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SandboxError(f"{value!r:.60} is not a number of seconds")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = inf
    if not isfinite(seconds):
        raise SandboxError(f"{value!r:.60} is not a number of seconds")
    return seconds


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise SandboxError(
            f"{text!r:.60} is not an instant, such as 2026-11-15T09:00:00Z"
        ) from None
