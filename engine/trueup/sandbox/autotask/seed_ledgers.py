"""Loads the ledgers of a seed document: opening prices, adjustments, unit rows, posting."""

import sqlite3
from collections.abc import Mapping

from msgspec import Struct

from trueup.errors import SandboxError
from trueup.sandbox.autotask import records
from trueup.sandbox.autotask.contracts import as_day, as_decimal, as_number
from trueup.sandbox.autotask.item_kinds import ITEM_KINDS, ItemKind
from trueup.sandbox.autotask.ledger import Ledger, LedgerError, rebuild_adjustments
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.tenant import Tenant
from trueup.sandbox.autotask.unit_rows import LedgerWriter
from trueup.sandbox.http import clock
from trueup.sandbox.http.json_types import Json, JsonObject

Document = JsonObject
"""A seed document; `seed` describes its keys."""


class _ItemSeed(Struct, frozen=True):
    """What a document contains of one contract item."""

    kind: ItemKind
    contract_item: StoredRecord
    adjustments: list[StoredRecord]
    unit_rows: list[StoredRecord]
    opening: JsonObject  # price and cost; empty if the document has none

    @property
    def place(self) -> str:
        """The contract item as errors name it."""
        return f"seed: {self.kind.contract_item} {self.contract_item['id']}"


def load_ledgers(
    db: sqlite3.Connection,
    tenant: Tenant,
    document: Document,
    loaded: Mapping[str, list[StoredRecord]],
) -> None:
    """Inside a write: loads the ledgers of all contract items in a document.

    `loaded` are the document's records and adjustments by entity, in their stored form. Raises
    `SandboxError`.
    """
    writer = LedgerWriter(db, tenant)
    for kind in ITEM_KINDS:
        for item_seed in _item_seeds(db, tenant, kind, document, loaded):
            _load_ledger(writer, item_seed)

    for contract, text in document.get("posted_until", {}).items():
        until = clock.day(text)
        for kind in ITEM_KINDS:
            for contract_item in writer.contracts.contract_items(kind, int(contract)):
                writer.post(kind, contract_item, until)


def _item_seeds(
    db: sqlite3.Connection,
    tenant: Tenant,
    kind: ItemKind,
    document: Document,
    loaded: Mapping[str, list[StoredRecord]],
) -> list[_ItemSeed]:
    key = kind.contract_item_key
    adjustments = _grouped(loaded.get(kind.adjustments, []), key)
    unit_rows = _grouped(loaded.get(kind.units, []), key)
    openings = {row[key]: row for row in document.get("openings", ()) if key in row}

    contract_items = {item["id"]: item for item in loaded.get(kind.contract_item, [])}
    for record in adjustments.keys() - contract_items.keys():
        existing = records.fetch(db, tenant.entities[kind.contract_item], record)
        if existing is None:
            raise SandboxError(f"seed: adjustments: there is no {kind.contract_item} {record}")
        contract_items[record] = existing

    return [
        _ItemSeed(
            kind,
            contract_item,
            adjustments.get(record, []),
            unit_rows.get(record, []),
            openings.get(record, {}),
        )
        for record, contract_item in contract_items.items()
    ]


def _grouped(rows: list[StoredRecord], key: str) -> dict[Json, list[StoredRecord]]:
    grouped: dict[Json, list[StoredRecord]] = {}
    for row in rows:
        grouped.setdefault(row[key], []).append(row)
    return grouped


def _load_ledger(writer: LedgerWriter, item_seed: _ItemSeed) -> None:
    """Stores the opening price and the adjustments, then the unit rows that follow from them."""
    kind, contract_item = item_seed.kind, item_seed.contract_item
    try:
        _set_prices(writer, item_seed)
        opened = writer.contracts.ledger(kind, contract_item)
        for adjustment in item_seed.adjustments or _from_unit_rows(item_seed, opened):
            day = str(adjustment["effectiveDate"])
            if not opened.start <= as_day(day) <= opened.end:
                raise SandboxError(
                    f"{item_seed.place}: the adjustment of {day} is outside its contract"
                )
            stored = {
                **adjustment,
                "contractID": contract_item["contractID"],
                kind.item_key: contract_item[kind.item_key],
                kind.contract_item_key: contract_item["id"],
                "id": None,
            }
            records.insert(writer.db, writer.tenant.entities[kind.adjustments], stored)
        writer.write(kind, contract_item, writer.contracts.ledger(kind, contract_item))
    except (LedgerError, ValueError) as error:
        raise SandboxError(f"{item_seed.place}: {error}") from None


def _set_prices(writer: LedgerWriter, item_seed: _ItemSeed) -> None:
    """Sets prices that the document leaves out to those of the catalogue, and the opening price."""
    kind, contract_item = item_seed.kind, item_seed.contract_item
    item = writer.contracts.find(kind.item, contract_item[kind.item_key])
    rate = writer.contracts.exchange_rate(contract_item["contractID"])
    price = as_decimal(item.get("unitPrice"))

    catalogue = {"unitPrice": round(price * rate, 4), "internalCurrencyUnitPrice": price}
    if "unitCost" in contract_item:
        catalogue["unitCost"] = as_decimal(item.get("unitCost"))
    for name, value in catalogue.items():
        if contract_item[name] is None:
            contract_item[name] = float(value)
    records.put(writer.db, kind.contract_item, [contract_item])

    opening = contract_item["unitPrice"]
    adjusted = contract_item["internalCurrencyAdjustedPrice"]
    if adjusted is not None:
        opening = float(round(as_decimal(adjusted) * rate, 4))
    prices = {"price": opening, "cost": contract_item.get("unitCost"), **item_seed.opening}
    writer.set_opening(kind, contract_item, prices["price"], prices["cost"])


def _from_unit_rows(item_seed: _ItemSeed, opened: Ledger) -> list[StoredRecord]:
    """Rebuilds adjustments, which cannot be read from a live tenant, from unit rows."""
    unit_rows = [(as_day(row["startDate"]), as_number(row["units"])) for row in item_seed.unit_rows]
    rebuilt = rebuild_adjustments(opened.start, unit_rows, opened.months, opened.end)
    return [
        {
            "effectiveDate": adjustment.day.isoformat(),
            "unitChange": adjustment.units,
            item_seed.kind.repeat: None,
        }
        for adjustment in rebuilt
    ]
