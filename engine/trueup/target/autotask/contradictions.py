"""Whether records show that kept metadata is out of date."""

from collections.abc import Mapping, Sequence
from typing import Any

from trueup.model.catalogue import UDF, Entity
from trueup.ports.target import Record
from trueup.target.autotask.wire import udf_values


def contradict(
    entity: Entity,
    names: Sequence[str],
    items: Mapping[int, Mapping[str, Any]],
    records: Sequence[Record],
) -> bool:
    """Whether records have what the metadata lacks, or lack what it has.

    `items` are the records as they were received, with these fields. That is a value that is not
    in its picklist, or a user-defined field that an item does not list. Whether Autotask lists
    those without a value is UNCERTAIN (docs/explanation/autotask.md, section 11); where it does
    not, this costs a call that was not needed.
    """
    udfs = {name.removeprefix(UDF).casefold() for name in names if name.startswith(UDF)}
    if udfs and any(not udfs <= udf_values(item).keys() for item in items.values()):
        return True
    return any(_has_unlisted(entity, name, records) for name in names)


def _has_unlisted(entity: Entity, name: str, records: Sequence[Record]) -> bool:
    field = entity.field(name)
    if field is None or not field.picklist:
        return False
    values = {str(record[name]) for record in records if record[name] is not None}
    return not values <= {str(pick.value) for pick in field.picklist}
