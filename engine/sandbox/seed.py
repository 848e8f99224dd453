"""Data in and out as one JSON document: records, adjustments, posting, picklists, users.

`{"records": {"Companies": [{"id": 29683, "companyName": …}], …}, "adjustments": [{"contractServiceID": 1,
"effectiveDate": "2024-01-01", "unitChange": 5}], "posted_until": {"<contract>": "2026-10-31"}, "picklists":
{"Contracts": {"status": [{"value": 1, "label": "Active"}]}}, "user_defined_fields": {"Companies": [{"name": …}]},
"users": […], "levels": {…}, "switches": {…}}`. Records bypass the checks of a write (they may hold read-only
fields) but not those of type. Unit rows are made from adjustments; rows that are given keep their ids, and stand
for the adjustments of a contract service for which none are given. `openings`: `[{"contractServiceID": 1, "price":
9.5, "cost": 8}]` are prices before any adjustment, in the customer's currency; else the adjusted price is taken for it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import SandboxError
from engine.model.catalogue import UDF, Entity
from engine.sandbox import clock, ledger, records, tenant, wire
from engine.sandbox.contracts import LINES, Books, Line, decimal
from engine.sandbox.lenient import Json
from engine.sandbox.records import Kept
from engine.sandbox.store import Store, quoted
from engine.sandbox.switches import Switches
from engine.sandbox.tenant import Tenant, Tenants

Document = Mapping[str, Json]
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
_ADJUSTMENTS = frozenset(line.adjustments for line in LINES)
_SETTINGS = ("users", "levels", "switches", "clock")


def load(file: Path) -> Document:
    """A seed document out of a file. Raises SandboxError."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SandboxError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SandboxError(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise SandboxError(f"{file} must hold one JSON object")
    return document


def seed(database: Path, entities: Mapping[str, Entity], document: Document) -> None:
    """Adds a document to a database, over records of the same ids; all of it or nothing. Raises SandboxError."""
    with opened(database, entities) as store, store.writing() as db:
        sow(db, entities, document)


def seed_if_empty(store: Store, entities: Mapping[str, Entity], file: Path) -> None:
    """Seeds a database that was never seeded; of several processes that try, one does."""
    with store.reading() as db:
        if tenant.get(db, "seeded", default=False):
            return
    document = load(file)
    with store.writing() as db:
        if not tenant.get(db, "seeded", default=False):
            sow(db, entities, document)


def reset(database: Path, entities: Mapping[str, Entity], document: Document | None = None) -> None:
    """Empties a database, and seeds it anew if a document is given; all of it or nothing."""
    with opened(database, entities) as store, store.writing() as db:
        empty(db, entities)
        if document is not None:
            sow(db, entities, document)


def empty(db: sqlite3.Connection, entities: Mapping[str, Entity]) -> None:
    """Takes everything out, inside a write; only the count of the hour's calls stays."""
    version = tenant.get(db, "version", 0)
    for table in (*entities, "_sequences", "_openings", "_faults", "_settings"):
        db.execute(f"DELETE FROM {quoted(table)}")  # noqa: S608 -- names of the catalogue, quoted
    tenant.put(db, "version", version)


@contextmanager
def opened(database: Path, entities: Mapping[str, Entity]) -> Iterator[Store]:
    """The store for the time of one piece of work."""
    store = Store(database, entities)
    try:
        yield store
    finally:
        store.close()


def sow(db: sqlite3.Connection, entities: Mapping[str, Entity], document: Document) -> None:
    """Writes a document inside a write. Raises SandboxError that names the place."""
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        raise SandboxError(f"seed: {', '.join(unknown)} is not known; there are {', '.join(_KEYS)}")
    try:
        _settings(db, entities, document)
        here = Tenants(entities, Switches()).current(db)
        sown = {name: _records(db, here, name, rows) for name, rows in document.get("records", {}).items()}
        _ledgers(db, here, document, sown)
        tenant.put(db, "seeded", value=True)
    except ValueError as error:
        raise SandboxError(f"seed: not as a seed must be: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise SandboxError(f"seed: not as a seed must be: {error!r}") from error


def _settings(db: sqlite3.Connection, entities: Mapping[str, Entity], document: Document) -> None:
    clock.checked(document.get("clock", {}))
    for name in _SETTINGS:
        if name in document:
            tenant.put(db, name, document[name])
    picklists = tenant.get(db, "picklists", {})
    for name, fields in document.get("picklists", {}).items():
        for field in fields:
            if field not in _entity(entities, name).fields:
                raise SandboxError(f"seed: picklists.{name}.{field}: there is no such field")
        picklists.setdefault(name, {}).update(fields)
    tenant.put(db, "picklists", picklists)
    for name, udfs in document.get("user_defined_fields", {}).items():
        for said in udfs:
            tenant.define_udf(db, _entity(entities, name), said["name"])


def _entity(entities: Mapping[str, Entity], name: str) -> Entity:
    if name not in entities:
        raise SandboxError(f"seed: there is no entity {name!r}")
    return entities[name]


def _records(db: sqlite3.Connection, here: Tenant, name: str, rows: list[dict[str, Json]]) -> list[Kept]:
    entity = _entity(here.entities, name)
    kept = [_kept(entity, row, f"records.{name}[{place}]") for place, row in enumerate(rows)]
    records.put(db, name, kept)
    return kept


def _kept(entity: Entity, row: Mapping[str, Json], place: str) -> Kept:
    """One record, typed. User-defined fields as `udf.Name`, or as Autotask lists them."""
    if not isinstance(row.get("id"), int):
        raise SandboxError(f"seed: {place}: a record needs an id, a whole number")
    kept: Kept = dict.fromkeys(entity.fields)
    listed = {UDF + one["name"]: one["value"] for one in row.get("userDefinedFields", ())}
    for name, value in {**row, **listed}.items():
        if name == "userDefinedFields":
            continue
        if name not in entity.fields:
            raise SandboxError(f"seed: {place}: {entity.name} has no field {name!r}")
        try:
            kept[name] = wire.stored(entity.fields[name], value)
        except wire.Unfit as unfit:
            raise SandboxError(f"seed: {place}.{name}: {unfit}") from None
    return kept


@dataclass(frozen=True, slots=True)
class _Sown:
    """What a document says of one contract service."""

    holder: Kept
    adjustments: list[Kept]
    rows: list[Kept]
    opening: Mapping[str, Json]  # price and cost; or nothing


def _ledgers(db: sqlite3.Connection, here: Tenant, document: Document, sown: Mapping[str, list[Kept]]) -> None:
    books = Books(db, here)
    for line in LINES:
        adjustments = [
            _kept(here.entities[line.adjustments], {"id": 0, **said}, f"adjustments[{place}]")
            for place, said in enumerate(document.get("adjustments", ()))
            if line.holder_key in said
        ]
        given, rows = _grouped(adjustments, line), _grouped(sown.get(line.units, []), line)
        openings = {said[line.holder_key]: said for said in document.get("openings", ()) if line.holder_key in said}
        holders = {holder["id"]: holder for holder in sown.get(line.holder, [])}
        for record in given.keys() - holders.keys():
            holders[record] = _known_holder(db, here, line, record)
        for record, holder in holders.items():
            said = _Sown(holder, given.get(record, []), rows.get(record, []), openings.get(record, {}))
            _ledger(books, line, said)
    _post(books, document.get("posted_until", {}))


def _grouped(rows: list[Kept], line: Line) -> dict[Json, list[Kept]]:
    grouped: dict[Json, list[Kept]] = {}
    for row in rows:
        grouped.setdefault(row[line.holder_key], []).append(row)
    return grouped


def _known_holder(db: sqlite3.Connection, here: Tenant, line: Line, record: Json) -> Kept:
    holder = records.fetch(db, here.entities[line.holder], record)
    if holder is None:
        raise SandboxError(f"seed: adjustments: there is no {line.holder} {record}")
    return holder


def _ledger(books: Books, line: Line, said: _Sown) -> None:
    """Opening price, adjustments, then the rows that follow from them."""
    holder, place = said.holder, f"{line.holder} {said.holder['id']}"
    try:
        _open(books, line, said)
        known = books.open(line, holder)
        fresh = said.adjustments or _from_rows(line, said.rows, known)
        for adjustment in fresh:
            day = str(adjustment["effectiveDate"])
            if not known.start <= date.fromisoformat(day) <= known.end:
                raise SandboxError(f"seed: {place}: the adjustment of {day} is outside its contract")
            common = {name: holder[name] for name in ("contractID", line.item_key)}
            kept = {**adjustment, **common, line.holder_key: holder["id"], "id": None}
            records.insert(books.db, books.tenant.entities[line.adjustments], kept)
        books.write(line, holder, books.open(line, holder))
    except (ledger.NotAllowed, ValueError) as error:
        raise SandboxError(f"seed: {place}: {error}") from None


def _open(books: Books, line: Line, said: _Sown) -> None:
    """Prices that the document leaves out are the catalogue's, as they would have been."""
    holder = said.holder
    item = records.fetch(books.db, books.tenant.entities[line.item], holder[line.item_key]) or {}
    rate = books.rate(holder)
    unit = decimal(item.get("unitPrice"))
    missing = {"unitPrice": round(unit * rate, 4), "internalCurrencyUnitPrice": unit}
    if "unitCost" in holder:
        missing["unitCost"] = decimal(item.get("unitCost"))
    for name, value in missing.items():
        if holder[name] is None:
            holder[name] = float(value)
    records.put(books.db, line.holder, [holder])
    adjusted = holder["internalCurrencyAdjustedPrice"]
    price = holder["unitPrice"] if adjusted is None else float(round(decimal(adjusted) * rate, 4))
    known = {"price": price, "cost": holder.get("unitCost"), **said.opening}
    books.opening(line, holder, known["price"], known["cost"])


def _from_rows(line: Line, rows: list[Kept], known: ledger.Ledger) -> list[Kept]:
    """Adjustments cannot be read from a live tenant; neighbouring rows tell them."""
    told = [(date.fromisoformat(str(row["startDate"])), int(row["units"] or 0)) for row in rows]
    return [
        {"effectiveDate": found.day.isoformat(), "unitChange": found.units, line.repeat: None}
        for found in ledger.rebuilt(known.start, told, known.months, known.end)
    ]


def _post(books: Books, until: Mapping[str, str]) -> None:
    for contract, text in until.items():
        day = clock.day(text)
        for line in LINES:
            for holder in books.holders(line, int(contract)):
                books.post(line, holder, day)


def dump(database: Path, entities: Mapping[str, Entity]) -> dict[str, Json]:
    """All that a database holds, as a document: what the API shows and the adjustments that it does not."""
    with opened(database, entities) as store, store.reading() as db:
        return harvest(db, Tenants(entities, Switches()).current(db))


def harvest(db: sqlite3.Connection, here: Tenant) -> dict[str, Json]:
    """The document of a database, out of a transaction. Secrets of users are left out."""
    found: dict[str, Json] = {"records": {}, "adjustments": []}
    for name, entity in here.entities.items():
        rows = [_without_nulls(row) for row in records.select(db, entity, {})]
        if name in _ADJUSTMENTS:
            found["adjustments"] += [{key: value for key, value in row.items() if key != "id"} for row in rows]
        elif rows:
            found["records"][name] = rows
    found["openings"] = _openings(db)
    found["picklists"] = tenant.get(db, "picklists", {})
    found["user_defined_fields"] = {
        name: [{"name": udf} for udf in udfs] for name, udfs in tenant.get(db, "udfs", {}).items()
    }
    return found


def _openings(db: sqlite3.Connection) -> list[dict[str, Json]]:
    keys = {line.holder: line.holder_key for line in LINES}
    rows = db.execute("SELECT entity, id, price, cost FROM _openings ORDER BY entity, id")
    return [{keys[entity]: record, "price": price, "cost": cost} for entity, record, price, cost in rows]


def _without_nulls(row: Kept) -> Kept:
    return {name: value for name, value in row.items() if value is not None}
