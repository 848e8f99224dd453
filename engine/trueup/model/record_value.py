"""One value of a record of the target, with where it comes from."""

from msgspec import Struct


class RecordValue(Struct, frozen=True):
    """A value of a record of the target, by its path in the mapping: `service.unitPrice`."""

    path: str
    entity: str
    record: int | None
    value: object
