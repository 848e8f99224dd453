"""One value of a record of the target, with where it comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecordValue:
    """A value of a record of the target, by its path in the mapping: `service.unitPrice`."""

    path: str
    entity: str
    record: int | None
    value: object
