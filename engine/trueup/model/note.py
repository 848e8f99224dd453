"""Notes of people about rows. No plan depends on them."""

from msgspec import Struct

from trueup.model.coerce import fingerprint
from trueup.model.finding import Place


class Note(Struct, frozen=True):
    """A note, tags and an assignee of one row."""

    mapping: str
    key: str
    text: str = ""
    tags: tuple[str, ...] = ()
    assignee: str = ""  # who looks after the row
    by: str = ""  # who wrote it
    place: Place | None = None  # None: it is in no file yet

    @property
    def is_empty(self) -> bool:
        """Whether it has no content."""
        return not (self.text or self.tags or self.assignee)

    @property
    def digest(self) -> str:
        """Sixteen hex digits that depend on the content, and not on its author."""
        return fingerprint({"text": self.text, "tags": self.tags, "assignee": self.assignee})
