"""The values of records by which a search finds them, as a plan read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from trueup.model.mapping_state import Record


@dataclass(frozen=True, slots=True)
class KnownRecords:
    """The records of one mapping."""

    fields: tuple[str, ...]  # that were read and kept; a record has those that are filled
    records: Mapping[int, Record]  # by id


@dataclass(frozen=True, slots=True)
class RecordSnapshot:
    """The records of all mappings that can be searched, as one plan read them."""

    read: datetime  # with its zone
    target: str  # identity of the system
    mappings: Mapping[str, KnownRecords]
