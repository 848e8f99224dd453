"""The values of records by which a search finds them, as a plan read them."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from trueup.model.mapping_state import Record


class KnownRecords(Struct, frozen=True):
    """The records of one mapping."""

    fields: tuple[str, ...]  # that were read and kept; a record has those that are filled
    records: Mapping[int, Record]  # by id


class RecordSnapshot(Struct, frozen=True):
    """The records of all mappings that can be searched, as one plan read them."""

    read: datetime  # with its zone
    target: str  # identity of the system
    mappings: Mapping[str, KnownRecords]
