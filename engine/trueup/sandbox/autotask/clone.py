"""Copies a tenant into a sandbox, by reading only.

Adjustments cannot be read from Autotask, so the seed rebuilds them from the unit rows.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from trueup.model.catalogue import UDF, Entity
from trueup.ports.target import Record, Target
from trueup.sandbox.autotask.seed import reset
from trueup.sandbox.http.json_types import Json


def clone(
    target: Target,
    names: Mapping[str, Iterable[str]],
    entities: Mapping[str, Entity],
    database: Path,
) -> int:
    """Replaces the content of a database by all records of some entities; returns their number.

    `names` are the entities, each with the user-defined fields to copy. Raises `TargetError` if an
    entity cannot be read, `SandboxError` if a record does not fit the catalogue.
    """
    document = tenant_document(target, names)
    reset(database, entities, document)
    return sum(len(records) for records in document["records"].values())


def tenant_document(target: Target, names: Mapping[str, Iterable[str]]) -> dict[str, Json]:
    """Reads a tenant as a seed document: records, picklists, user-defined fields."""
    records, picklists, udfs = {}, {}, {}
    for name, wanted_udfs in names.items():
        udf_names = sorted(wanted_udfs)
        entity = target.entity(name)
        fields = sorted({*entity.fields, *udf_names} - {"id"})
        records[name] = [_as_seed(record) for record in target.read(name, [], fields)]
        picklists[name] = {
            field.name: [
                {"value": pick.value, "label": pick.label, "active": pick.active}
                for pick in field.picklist
            ]
            for field in entity.fields.values()
            if field.picklist
        }
        udfs[name] = [{"name": field.removeprefix(UDF)} for field in udf_names]
    return {
        "records": records,
        "picklists": {name: lists for name, lists in picklists.items() if lists},
        "user_defined_fields": {name: fields for name, fields in udfs.items() if fields},
    }


def _as_seed(record: Record) -> dict[str, Json]:
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
