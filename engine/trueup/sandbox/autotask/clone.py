"""A tenant copied into a sandbox, by reading only.

Adjustments cannot be read from Autotask; the seed makes them from neighbouring rows of units.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from engine.model.catalogue import UDF, Entity
from engine.ports import Record, Target
from engine.sandbox.lenient import Json
from engine.sandbox.seed import reset


def clone(target: Target, names: Mapping[str, Iterable[str]], entities: Mapping[str, Entity], database: Path) -> int:
    """Fills the database with all records of these entities, whole; gives how many.

    `names` are entities, each with the user-defined fields that are wanted. Raises TargetError where one
    cannot be read, SandboxError where a record is not as the catalogue says.
    """
    document = copied(target, names)
    reset(database, entities, document)
    return sum(len(records) for records in document["records"].values())


def copied(target: Target, names: Mapping[str, Iterable[str]]) -> dict[str, Json]:
    """The tenant as a seed document: records, picklists, user-defined fields."""
    records, picklists, udfs = {}, {}, {}
    for name, wanted in names.items():
        defined = sorted(wanted)
        entity = target.entity(name)
        fields = sorted({*entity.fields, *defined} - {"id"})
        records[name] = [_seed(record) for record in target.read(name, [], fields)]
        picklists[name] = {
            field.name: [{"value": one.value, "label": one.label, "active": one.active} for one in field.picklist]
            for field in entity.fields.values()
            if field.picklist
        }
        udfs[name] = [{"name": field.removeprefix(UDF)} for field in defined]
    return {
        "records": records,
        "picklists": {name: lists for name, lists in picklists.items() if lists},
        "user_defined_fields": {name: fields for name, fields in udfs.items() if fields},
    }


def _seed(record: Record) -> dict[str, Json]:
    return {name: _json(value) for name, value in record.items() if value is not None}


def _json(value: object) -> Json:
    match value:
        case Decimal():
            return float(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case _:
            return value
