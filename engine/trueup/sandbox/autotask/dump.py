"""Writes the content of a database as a seed document: what the API shows, and the adjustments."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import records, settings
from trueup.sandbox.autotask.item_kinds import ITEM_KINDS
from trueup.sandbox.autotask.seed import opened
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.autotask.tenant import Tenant, TenantCache
from trueup.sandbox.http.json_types import Json

_ADJUSTMENTS = frozenset(kind.adjustments for kind in ITEM_KINDS)


def dump_database(database: Path, entities: Mapping[str, Entity]) -> dict[str, Json]:
    """Returns the document of a database file. Raises `SandboxError`."""
    with opened(database, entities) as store, store.reading() as db:
        return dump(db, TenantCache(entities, Switches()).current(db))


def dump(db: sqlite3.Connection, tenant: Tenant) -> dict[str, Json]:
    """Returns the document of a database, without users and their secrets."""
    all_records: dict[str, Json] = {}
    adjustments: list[dict[str, Json]] = []
    for name, entity in tenant.entities.items():
        rows = [
            {field: value for field, value in row.items() if value is not None}
            for row in records.select(db, entity, {})
        ]
        if name in _ADJUSTMENTS:
            for row in rows:
                row.pop("id")
            adjustments += rows
        elif rows:
            all_records[name] = rows

    udfs = settings.get(db, "udfs", {})
    return {
        "records": all_records,
        "adjustments": adjustments,
        "openings": _openings(db),
        "picklists": settings.get(db, "picklists", {}),
        "user_defined_fields": {
            name: [{"name": udf} for udf in names] for name, names in udfs.items()
        },
    }


def _openings(db: sqlite3.Connection) -> list[dict[str, Json]]:
    keys = {kind.contract_item: kind.contract_item_key for kind in ITEM_KINDS}
    rows = db.execute("SELECT entity, id, price, cost FROM _openings ORDER BY entity, id")
    return [
        {keys[entity]: record, "price": price, "cost": cost} for entity, record, price, cost in rows
    ]
