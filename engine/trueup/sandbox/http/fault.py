"""One fault: which requests it hits, what goes wrong with them, and when.

A fault is set as a JSON object with the fields of `Fault` (except `id`):

- `kind`: what goes wrong, one of `fault_effects.KINDS` or of the sandbox's own kinds.
- `verb`, `path`, `query`: regular expressions, found anywhere in that part of the request in any
  case. They decide which requests match.
- `nth`, `times`: of the requests that match, the fault hits `times` in a row from the `nth` (from
  1). `times` 0 is without end.
- `share`, `seed`: it hits each of these with the probability `share`. The draw depends only on
  `seed` and the request's number, so it is the same at every run.
- `when`: a write takes effect before the fault (`after`) or not at all (`before`, the default).
"""

import re
from collections.abc import Mapping
from random import Random

from msgspec import Struct

from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request


class Fault(Struct, frozen=True):
    """One fault as it was set. The names of the fields are those of its JSON object."""

    kind: str
    verb: str = ""
    path: str = ""
    query: str = ""
    nth: int = 1
    times: int = 1
    share: float = 1.0
    seed: int = 0
    when: str = "before"
    seconds: tuple[float, float] = (0.0, 0.0)  # bounds between which a pause is drawn
    status: int = 0  # of the response; 0: the kind's own
    text: str = ""  # error: the message; "": that of a service that is down
    reset: bool = False  # drop the connection with a reset
    announce: bool = (
        True  # truncate: send the length of the cut body, so that only the JSON is broken
    )
    page: str = "twice"  # page: twice, skip, empty, half
    keep: str = "capitals"  # kept_otherwise: capitals, rounded, null
    fields: str = ""  # kept_otherwise: a regular expression for names of fields
    hide: Mapping[str, frozenset[int | str]] = {}  # ids by entity
    id: int = 0

    def matches(self, request: Request) -> bool:
        """Returns whether verb, path and query of the request match."""
        parts = (
            (self.verb, request.verb),
            (self.path, request.path),
            (self.query, request.query),
        )
        return all(re.search(pattern, text, re.IGNORECASE) for pattern, text in parts)

    def hits(self, number: int) -> bool:
        """Returns whether the fault hits the matching request of this number."""
        if number < self.nth or (self.times and number >= self.nth + self.times):
            return False
        if self.share >= 1:
            return True
        return Random(f"{self.seed}:{number}").random() < self.share  # noqa: S311 -- repeatable, not secret

    def pause(self, number: int) -> float:
        """Returns the pause for the matching request of this number, in seconds."""
        low, high = self.seconds
        if low == high:
            return low
        return Random(f"{self.seed}:{number}:pause").uniform(low, high)  # noqa: S311 -- as above


LONGEST_PAUSE = 86_400
"""Seconds."""

_STATUSES = range(200, 600)
_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    **dict.fromkeys(
        ("kind", "verb", "path", "query", "when", "page", "text", "keep", "fields"), (str, "a text")
    ),
    **dict.fromkeys(("nth", "times", "seed", "status"), (int, "a whole number")),
    **dict.fromkeys(("reset", "announce"), (bool, "true or false")),
    "share": ((int, float), "a number"),
}

SETTABLE = tuple(name for name in Fault.__struct_fields__ if name != "id")
"""The fields that a JSON object may set."""


def seconds_of(value: Json) -> tuple[float, float]:
    """Reads a number of seconds, or a list of two bounds.

    Raises `TypeError`, `ValueError` or `IndexError` for anything else.
    """
    bounds = value[:2] if isinstance(value, list) else [value, value]
    low, high = float(bounds[0]), float(bounds[1])
    if not 0 <= low <= high <= LONGEST_PAUSE:
        raise ValueError(f"seconds must be from 0 to {LONGEST_PAUSE}, the smaller bound first")
    return low, high


def check_types(fault: Fault) -> None:
    """Raises `TypeError` or `ValueError` for a field that has another type or is out of range."""
    for name, (type_, words) in _TYPES.items():
        value = getattr(fault, name)
        if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
            raise TypeError(f"{name} must be {words}")
    if fault.nth < 1 or fault.times < 0 or not 0 <= fault.share <= 1:
        raise ValueError("nth must be at least 1, times at least 0, share from 0 to 1")
    if fault.status and fault.status not in _STATUSES:
        raise ValueError("status must be from 200 to 599")
