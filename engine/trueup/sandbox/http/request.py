"""One HTTP request, and what faults change about its handling."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from msgspec import Struct

KEEPS = frozenset({"capitals", "rounded", "null"})
"""How the values of a write may be kept otherwise: in capitals, rounded, or null ignored."""


class Request(Struct, frozen=True):
    """A request as it was received. Header names are in lower case."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str  # scheme and host that the client used

    # What faults change:
    hidden: Mapping[str, frozenset[int | str]] = {}  # ids by entity
    paging: str = ""  # what happens to the page: twice, skip, empty, half
    discarded: bool = False  # a write is answered and rolled back
    keeping: tuple[str, str] | None = None  # one of KEEPS, and a pattern of names of fields
    slow: tuple[float, float] = (0.0, 0.0)  # seconds to wait before and after the work

    def parameter(self, name: str) -> str | None:
        """Returns a query parameter; `name` is in lower case and matches in any case."""
        parameters = parse_qs(self.query, keep_blank_values=True)
        values = {key.lower(): listed[0] for key, listed in parameters.items()}
        return values.get(name)
