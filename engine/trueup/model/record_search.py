"""The result of a user's search for records."""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from msgspec import Struct

from trueup.model.change import RowRef


class Fit(IntEnum):
    """How the text of a search fits a value; the higher, the better."""

    SOME_WORDS = 1  # some of its words are in the record
    ALIKE = 2  # both are similar as a whole
    WORDS = 3  # all its words are in the record
    CONTAINS = 4  # the value contains it
    BEGINS = 5  # the value begins with it
    DOMAIN = 6  # both have the same web domain
    NAME = 7  # the same name, but for legal form, accents and punctuation
    SAME = 8  # the same, but for case and outer spaces


class Fits(Struct, frozen=True):
    """How well a record fits: the fields that fit, the best first."""

    by: tuple[tuple[str, Fit], ...]

    @property
    def best(self) -> Fit:
        """The best fit of any field."""
        return self.by[0][1]


class FoundRecord(Struct, frozen=True):
    """A record that fits."""

    record: int
    title: str  # what the record is called
    values: Mapping[str, str]  # of the fields that were searched, without empty ones
    fits: Fits
    is_active: bool
    linked: tuple[RowRef, ...] = ()  # rows whose record it is
    decided: tuple[RowRef, ...] = ()  # rows that a decision gives it, not yet applied


class SearchResult(Struct, frozen=True):
    """The records that fit, the best first."""

    mapping: str
    entity: str
    searched: tuple[str, ...]  # fields
    found: tuple[FoundRecord, ...]
    calls: int  # that the search cost
    at: datetime  # when the search was made, in the project's time zone
    read: datetime | None = None  # when the records were read; None: in the target, now
