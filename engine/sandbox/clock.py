"""A clock of the sandbox's own, in JSON: it stands at an instant, or runs so many seconds ahead of the real one."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from engine.errors import SandboxError
from engine.sandbox.lenient import Json

Clock = Mapping[str, Json]


def now(clock: Clock) -> datetime:
    """The instant by that clock."""
    if "stands" in clock:
        return datetime.fromisoformat(clock["stands"])
    return datetime.now(UTC) + timedelta(seconds=clock.get("ahead", 0))


def moved(clock: Clock, said: Mapping[str, Json]) -> Clock:
    """`{"now": instant}` runs on from there, `{"stands": …}` stands; `{"advance": seconds}`; `{}` is real time.

    Raises SandboxError.
    """
    if "stands" in said:
        return {"stands": _instant(said["stands"]).isoformat()}
    if "now" in said:
        return {"ahead": (_instant(said["now"]) - datetime.now(UTC)).total_seconds()}
    if "advance" in said:
        return checked({"ahead": (now(clock) - datetime.now(UTC)).total_seconds() + _seconds(said["advance"])})
    return {}


def checked(clock: Clock) -> Clock:
    """The same, if it tells a time. Raises SandboxError."""
    if "stands" in clock:
        _instant(clock["stands"])
    try:
        datetime.now(UTC) + timedelta(seconds=_seconds(clock.get("ahead", 0)))
    except OverflowError:
        raise SandboxError("no clock goes as far as that") from None
    return clock


def _seconds(said: Json) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise SandboxError(f"{said!r:.60} is no number of seconds")
    return float(said)


def day(text: Json) -> date:
    """The day that a text begins with. Raises SandboxError."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        raise SandboxError(f"{text!r:.60} is no day, such as 2026-11-15") from None


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise SandboxError(f"{text!r:.60} is no instant, such as 2026-11-15T09:00:00Z") from None
