"""What a rule or a stage has to say: data, never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in a file; line and column count from 1, 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Severity(StrEnum):
    """How much a finding stops."""

    ERROR = "error"  # this row and all that depends on it
    HOLD = "hold"  # this change and those that must come after it; nothing else
    SKIP = "skip"  # the row is left out on purpose; the reason is shown
    WARNING = "warning"  # nothing
    INFO = "info"  # nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to say, about a file (`place`) or a row (`mapping`, `key`, `name`), or both."""

    code: str  # the rule's name, or the stage's own word for it, in kebab-case
    severity: Severity
    text: str
    remedy: str = ""
    place: Place | None = None
    mapping: str = ""
    key: str = ""
    name: str = ""  # what people call the row

    def line(self) -> str:
        """`file:line:column: text (remedy)`, as compilers do, so that editors jump to it."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.text}" + (f"\n    → {self.remedy}" if self.remedy else "")

    def as_json(self) -> Mapping[str, object]:
        """All that is set, ready for `json.dumps`."""
        said: dict[str, object] = {"code": self.code, "severity": str(self.severity), "text": self.text}
        if self.place:
            said["place"] = str(self.place)
        for name in ("remedy", "mapping", "key", "name"):
            if getattr(self, name):
                said[name] = getattr(self, name)
        return said
