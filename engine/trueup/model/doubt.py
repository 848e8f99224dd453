"""Changes whose outcome is unknown: what is known of them, and how one is settled manually."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from trueup.model.change import Action, Change
from trueup.model.run import Effects, Entry


class ChangeInDoubt(Struct, frozen=True):
    """A change whose outcome is unknown."""

    run: str
    change: str
    name: str
    since: datetime  # when its last entry was written


class Trace(StrEnum):
    """What reading finds of a write in doubt."""

    LANDED = "it took effect"
    ABSENT = "no trace of it"
    UNCLEAR = "unclear"


class Doubt(Struct, frozen=True):
    """A change in doubt and all that is known of it; times are in the business time zone."""

    run: str
    change: Change
    text: str  # what the journal says, the target's own words first
    data: Mapping[str, object]  # of its journal: values sent, units before
    sent: datetime | None = None
    until: datetime | None = None  # without a trace of it by then, it did not take effect
    trace: Trace | None = None  # None: nothing was read
    unclear: str = ""  # why reading cannot settle it
    found: Mapping[str, object] = {}  # by reading: records, unit rows

    @property
    def creates(self) -> str:
        """The entity of the record that it creates, whose id a person must name; mostly ""."""
        if self.change.makes:
            return self.change.makes.entity
        return self.change.entity if self.change.action is Action.CREATE else ""

    @property
    def records(self) -> Sequence[int]:
        """The ids of the records by reading that it may have created, mostly one."""
        one, several = self.found.get("id"), self.found.get("found")
        if isinstance(one, int):
            return (one,)
        return tuple(several) if isinstance(several, list | tuple) else ()


class DoubtReport(Struct, frozen=True):
    """All changes in doubt."""

    doubts: Sequence[Doubt]
    unread: str = ""  # why nothing could be read

    @property
    def settles(self) -> datetime | None:
        """When reading has settled the writes that it can settle; None if it can settle none."""
        return max((doubt.until for doubt in self.doubts if doubt.until), default=None)


class PreparedSettlement(Struct, frozen=True):
    """What settling a change in doubt manually records."""

    run: str
    change: Change
    entry: Entry
    effects: Effects
    record_name: str = ""  # the display name of the record that it created
