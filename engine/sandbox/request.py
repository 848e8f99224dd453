"""A request as it came, read far enough to be answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from engine.sandbox import lenient
from engine.sandbox.answers import Refused
from engine.sandbox.lenient import Json

LONGEST_URL = 2048  # of a GET query; beyond it there is POST


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; header names in small letters."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str  # scheme and host that the client used
    hidden: Mapping[str, frozenset[int | str]] = field(default_factory=dict)  # rows that a fault hides
    paging: str = ""  # what a fault does to the page: twice, skip, empty, half
    slow: tuple[float, float] = (0.0, 0.0)  # seconds that a fault adds before and after the work

    def parameter(self, name: str) -> str | None:
        """A parameter of the address, by its name in any case."""
        found = {key.lower(): values[0] for key, values in parse_qs(self.query, keep_blank_values=True).items()}
        return found.get(name)

    def text(self) -> str:
        """The body. Raises Refused if it is no text."""
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Refused("The request body is not valid JSON.") from None

    def is_next(self) -> bool:
        """Does it ask for the next page of a query?"""
        return self.path.lower().rstrip("/").endswith("/query/next")

    def search(self) -> Json:
        """The query: the body of a POST, the parameter `search` of a GET."""
        if self.verb == "POST":
            text = self.text().strip() or (self.parameter("resent") if self.is_next() else "")
            return lenient.read(text) if text else {}
        if not self.is_next() and len(self.path) + len(self.query) > LONGEST_URL:
            raise Refused("The request URL is too long; use POST.", status=414)
        return lenient.read(self.parameter("search") or "{}")
