"""What earlier commands have found out about a connection: the tenant's zone, the hour's calls.

The file of it holds no secret and no user name. Its zone is checked like one that was looked up
before the secret is sent there.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

from trueup.ports.target import Threshold
from trueup.target.autotask.kept_answers import KEPT_FOR, KeptAnswers
from trueup.target.autotask.zones import Zone, read_zone

ZONE, HOUR = "ZoneInformation", "ThresholdInformation"
"""Routes whose answers are kept."""

_LONGEST = timedelta(hours=1)
"""How long a count of the hour's calls is used: the count is that of the last 60 minutes."""

_MOST_CALLS = 1_000_000
"""More than any tenant may send in an hour; Autotask allows 10,000."""

_QUIET = 0.5
"""Share of the hour's calls below which a kept count is used.

Requests are spread from `limits.SLOW_FROM` of them on. In between are thousands of calls, and
Autotask delays each request (docs/explanation/autotask.md, section 4).
"""


class KeptConnection:
    """The kept answers about one look-up host and API user; shared by threads."""

    def __init__(self, kept: KeptAnswers, start: Zone, user: str) -> None:
        """`start` is the look-up host, `user` the API user's public name."""
        self._kept, self._start = kept, start
        self.read_at: dict[str, datetime] = {}  # by route, of what was returned
        kept.belong_to(f"{start.place()}, {user}")

    def zone(self) -> Zone | None:
        """Returns the zone that an earlier command has looked up; None if it is too old."""
        payload = self._payload(ZONE, KEPT_FOR)
        url = payload.get("url")
        if not isinstance(url, str) or not url:
            return None
        with suppress(ValueError):  # a damaged file counts as absent
            return read_zone({**payload, "url": urljoin(self._start.address("/"), url)})
        return None

    def put_zone(self, zone: Zone) -> None:
        """Keeps a zone. One on the look-up host is kept without it: a sandbox changes its port."""
        url = zone.root.removeprefix(self._start.address("/"))
        self._kept.put(ZONE, {"url": url, "zoneName": zone.name})

    def forget_zone(self) -> None:
        """Has the next command look the zone up."""
        self._kept.forget(ZONE)

    def threshold(self) -> Threshold | None:
        """Returns an earlier count of the hour's calls; None if it is too old or high."""
        payload = self._payload(HOUR, _LONGEST)
        used, limit = payload.get("used"), payload.get("limit")
        if not (type(used) is type(limit) is int and 0 <= used < _MOST_CALLS > limit):
            return None  # a damaged file
        return Threshold(used, limit) if used < limit * _QUIET else None

    def put_threshold(self, threshold: Threshold) -> None:
        """Keeps a count that was read from the service."""
        self._kept.put(HOUR, {"used": threshold.used, "limit": threshold.limit})

    def _payload(self, route: str, longest: timedelta) -> Mapping[str, Any]:
        """A kept answer; empty if there is none, or none that can be read."""
        answer = self._kept.get(route, longest)
        if answer is None or not isinstance(answer.payload, dict):
            return {}
        self.read_at[route] = answer.at
        return answer.payload

    def save(self) -> None:
        """Keeps what was read anew, for later commands."""
        self._kept.save()
