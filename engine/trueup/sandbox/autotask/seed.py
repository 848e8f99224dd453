"""Loads data into the database from one JSON document, and empties the database.

The document has these keys, all optional:

- `records`: `{"Companies": [{"id": 29683, "companyName": …}], …}`. A record needs an id. Its fields
  must have the right types, but other checks of a write do not apply, so that read-only fields can
  be set.
- `adjustments`: `[{"contractServiceID": 1, "effectiveDate": "2024-01-01", "unitChange": 5}]`. Unit
  rows are made from adjustments. Unit rows in `records` keep their ids; for a contract service
  without adjustments in the document, adjustments are rebuilt from them.
- `openings`: `[{"contractServiceID": 1, "price": 9.5, "cost": 8}]`, prices before any adjustment in
  the customer's currency. Without one, the adjusted price is taken.
- `posted_until`: `{"<contract id>": "2026-10-31"}`.
- `picklists`: `{"Contracts": {"status": [{"value": 1, "label": "Active"}]}}`.
- `user_defined_fields`: `{"Companies": [{"name": …}]}`.
- `users`, `levels`, `switches`, `clock`: settings of the tenant.

`dump` writes such a document.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trueup.errors import SandboxError
from trueup.local_files import read_regular
from trueup.model.catalogue import UDF, Entity
from trueup.sandbox.autotask import records, rules, settings, wire
from trueup.sandbox.autotask.item_kinds import ITEM_KINDS
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.seed_ledgers import Document, load_ledgers
from trueup.sandbox.autotask.store import RecordStore, quoted
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.autotask.tenant import Tenant, TenantCache, define_udf
from trueup.sandbox.http import clock
from trueup.sandbox.http.json_types import JsonObject
from trueup.sandbox.http.sqlite_files import UNREADABLE, foreign_value

_KEYS = (
    "records",
    "adjustments",
    "openings",
    "posted_until",
    "picklists",
    "user_defined_fields",
    "users",
    "levels",
    "switches",
    "clock",
)
_SETTINGS = ("users", "levels", "switches", "clock")
_ADJUSTMENT_KEYS = {kind.adjustments: kind.contract_item_key for kind in ITEM_KINDS}
_SYSTEM_TABLES = ("_sequences", "_openings", "_faults", "_settings")


def read_document(file: Path) -> Document:
    """Reads a seed document from a file. Raises `SandboxError`."""
    try:
        document = json.loads(read_regular(file).decode("utf-8"))
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SandboxError(f"{file} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise SandboxError(f"{file} must contain one JSON object")
    return document


def seed(database: Path, entities: Mapping[str, Entity], document: Document) -> None:
    """Adds a document to a database, and replaces records that have the same ids.

    All of it is added, or nothing. Raises `SandboxError`.
    """
    with opened(database, entities) as store, store.writing() as db:
        load(db, entities, document)


def seed_if_empty(store: RecordStore, entities: Mapping[str, Entity], file: Path) -> None:
    """Seeds a database that was never seeded; of several processes that try, one does it."""
    with store.reading() as db:
        if settings.get(db, "seeded", default=False):
            return
    document = read_document(file)
    with store.writing() as db:
        if not settings.get(db, "seeded", default=False):
            load(db, entities, document)


def reset(database: Path, entities: Mapping[str, Entity], document: Document | None = None) -> None:
    """Empties a database, and seeds it again if there is a document; all of it or nothing."""
    with opened(database, entities) as store, store.writing() as db:
        empty(db, entities)
        if document is not None:
            load(db, entities, document)


def empty(db: sqlite3.Connection, entities: Mapping[str, Entity]) -> None:
    """Inside a write: deletes all data and settings; the calls of the last hour stay counted."""
    version = settings.get(db, "version", 0)
    for table in (*entities, *_SYSTEM_TABLES):
        db.execute(f"DELETE FROM {quoted(table)}")  # noqa: S608 -- quoted names of the catalogue
    settings.put(db, "version", version)


@contextmanager
def opened(database: Path, entities: Mapping[str, Entity]) -> Iterator[RecordStore]:
    """Opens the store for one piece of work."""
    store = RecordStore(database, entities)
    try:
        yield store
    except UNREADABLE as error:
        raise foreign_value(database) from error
    finally:
        store.close()


def load(db: sqlite3.Connection, entities: Mapping[str, Entity], document: Document) -> None:
    """Inside a write: loads a document. Raises `SandboxError` that names the place."""
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        raise SandboxError(
            f"seed: unknown keys: {', '.join(unknown)}; the keys are {', '.join(_KEYS)}"
        )
    try:
        _load_settings(db, entities, document)
        tenant = TenantCache(entities, Switches()).current(db)
        loaded = {
            name: _load_records(db, tenant, name, rows)
            for name, rows in document.get("records", {}).items()
        }
        adjustments = {
            name: [
                _stored(tenant.entities[name], {"id": 0, **row}, f"adjustments[{position}]")
                for position, row in enumerate(document.get("adjustments", ()))
                if key in row
            ]
            for name, key in _ADJUSTMENT_KEYS.items()
        }
        load_ledgers(db, tenant, document, loaded | adjustments)
        settings.put(db, "seeded", value=True)
    except ValueError as error:
        raise SandboxError(f"seed: does not have the right form: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SandboxError(f"seed: does not have the right form: {error!r}") from error


def _load_settings(
    db: sqlite3.Connection, entities: Mapping[str, Entity], document: Document
) -> None:
    clock.checked(document.get("clock", {}))
    for name in _SETTINGS:
        if name in document:
            settings.put(db, name, document[name])

    picklists = settings.get(db, "picklists", {})
    for name, fields in document.get("picklists", {}).items():
        for field in fields:
            if field not in _entity(entities, name).fields:
                raise SandboxError(f"seed: picklists.{name}.{field}: there is no such field")
        picklists.setdefault(name, {}).update(fields)
    settings.put(db, "picklists", picklists)

    for name, udfs in document.get("user_defined_fields", {}).items():
        for udf in udfs:
            define_udf(db, _entity(entities, name), udf["name"])


def _entity(entities: Mapping[str, Entity], name: str) -> Entity:
    if name not in entities:
        raise SandboxError(f"seed: there is no entity {name!r}")
    return entities[name]


def _load_records(
    db: sqlite3.Connection, tenant: Tenant, name: str, rows: list[JsonObject]
) -> list[StoredRecord]:
    entity = _entity(tenant.entities, name)
    stored = [
        _stored(entity, row, f"records.{name}[{position}]") for position, row in enumerate(rows)
    ]
    resource = tenant.signer(db, tenant.users[0])
    for record in stored:
        rules.stamp_seeded(entity, record, resource)
    records.put(db, name, stored)
    return stored


def _stored(entity: Entity, row: JsonObject, place: str) -> StoredRecord:
    """Returns one record in its stored form.

    User-defined fields are named `udf.Name`, or listed in `userDefinedFields` as Autotask does.
    """
    if not isinstance(row.get("id"), int):
        raise SandboxError(f"seed: {place}: a record needs an id, a whole number")
    stored: StoredRecord = dict.fromkeys(entity.fields)
    listed = {UDF + udf["name"]: udf["value"] for udf in row.get("userDefinedFields", ())}
    for name, value in {**row, **listed}.items():
        if name == "userDefinedFields":
            continue
        if name not in entity.fields:
            raise SandboxError(f"seed: {place}: {entity.name} has no field {name!r}")
        try:
            stored[name] = wire.to_stored(entity.fields[name], value)
        except wire.ConversionError as error:
            raise SandboxError(f"seed: {place}.{name}: {error}") from None
    return stored
