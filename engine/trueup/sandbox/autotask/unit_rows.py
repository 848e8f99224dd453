"""Writes the ledgers of contract items: unit rows follow adjustments, dates and posting."""

import sqlite3
from datetime import date
from decimal import Decimal

from msgspec import Struct

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import ledger, records
from trueup.sandbox.autotask.contracts import Contracts, as_adjustment, as_day, as_number
from trueup.sandbox.autotask.item_kinds import SERVICES, ItemKind
from trueup.sandbox.autotask.ledger import Adjustment, Ledger, LedgerRow
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.tenant import Tenant
from trueup.sandbox.autotask.wire import StoredValue, instant_text


class LedgerWriter(Struct, frozen=True):
    """Writes the ledgers of one database, inside a write transaction."""

    db: sqlite3.Connection
    tenant: Tenant

    @property
    def contracts(self) -> Contracts:
        """The contracts of the same database."""
        return Contracts(self.db, self.tenant)

    def begin(
        self, kind: ItemKind, contract_item: StoredRecord, price: StoredValue, cost: StoredValue
    ) -> None:
        """Sets the first price and cost of a contract item, and writes its unit rows."""
        self.set_opening(kind, contract_item, price, cost)
        self.write(kind, contract_item, self.contracts.ledger(kind, contract_item))

    def set_opening(
        self, kind: ItemKind, contract_item: StoredRecord, price: StoredValue, cost: StoredValue
    ) -> None:
        """Stores price and cost of one unit before any adjustment, in the customer's currency."""
        self.db.execute(
            "INSERT OR REPLACE INTO _openings VALUES (?, ?, ?, ?)",
            [kind.contract_item, contract_item["id"], price, cost],
        )

    def add_adjustment(
        self, kind: ItemKind, contract_item: StoredRecord, adjustment: StoredRecord
    ) -> None:
        """Stores an adjustment, and updates the unit rows and the effective price."""
        records.insert(self.db, self.tenant.entities[kind.adjustments], adjustment)
        self.write(kind, contract_item, self.contracts.ledger(kind, contract_item))

    def move_dates(self, kind: ItemKind, contract_item: StoredRecord, after: Ledger) -> None:
        """Writes the ledger after the contract's dates have moved.

        Adjustments that the move has removed or changed are replaced.
        """
        stored = self.contracts.adjustments(kind, contract_item)
        if list(after.adjustments) != [as_adjustment(record) for record in stored]:
            ids = [as_number(record["id"]) for record in stored]
            records.delete(self.db, kind.adjustments, ids)
            entity = self.tenant.entities[kind.adjustments]
            for adjustment in after.adjustments:
                records.insert(self.db, entity, _stored_adjustment(kind, contract_item, adjustment))
        self.write(kind, contract_item, after)

    def write(self, kind: ItemKind, contract_item: StoredRecord, after: Ledger) -> None:
        """Writes the unit rows of a ledger.

        A row keeps its id while a row begins on its day. Posted rows do not change.
        """
        entity = self.tenant.entities[kind.units]
        key = {kind.contract_item_key: contract_item["id"]}
        obsolete = {row["startDate"]: row for row in records.select(self.db, entity, key)}
        rate = self.contracts.exchange_rate(contract_item["contractID"])
        common = self._common_fields(kind, contract_item, entity)

        changed: list[StoredRecord] = []
        for row in ledger.rows(after):
            before = obsolete.pop(row.start.isoformat(), None)
            if before is not None and before["approveAndPostDate"] is not None:
                continue
            stored = {
                **common,
                **self._amounts(row, rate, entity),
                "id": None if before is None else before["id"],
            }
            if stored != before:
                changed.append(stored)

        self._save(entity, changed)
        records.delete(self.db, entity.name, [as_number(row["id"]) for row in obsolete.values()])
        self._set_effective_price(kind, contract_item, after, rate)

    def post(self, kind: ItemKind, contract_item: StoredRecord, until: date) -> int:
        """Approve & Post: freezes the unit rows up to a day, with amounts of two places.

        Returns the number of rows that were posted.
        """
        before = self.contracts.ledger(kind, contract_item)
        to_post = set(ledger.post(before, until).posted) - set(before.posted)
        rows = {(row.start, row.end): row for row in ledger.rows(before)}
        rate = self.contracts.exchange_rate(contract_item["contractID"])

        posted = 0
        entity = self.tenant.entities[kind.units]
        key = {kind.contract_item_key: contract_item["id"]}
        for stored in records.select(self.db, entity, key):
            span = (as_day(stored["startDate"]), as_day(stored["endDate"]))
            if span in to_post:
                values = self._amounts(rows[span], rate, entity, posted=True)
                values["approveAndPostDate"] = instant_text(self.tenant.now())
                records.update(self.db, entity.name, as_number(stored["id"]), values)
                posted += 1
        return posted

    def unpost(self, kind: ItemKind, contract_item: StoredRecord, since: date) -> None:
        """Un-posts the unit rows that end on a day or later."""
        self.db.execute(
            f'UPDATE "{kind.units}" SET approveAndPostDate = NULL '  # noqa: S608 -- names of ItemKind
            f'WHERE "{kind.contract_item_key}" = ? AND endDate >= ?',
            [contract_item["id"], since.isoformat()],
        )
        self.write(kind, contract_item, self.contracts.ledger(kind, contract_item))

    def _save(self, entity: Entity, rows: list[StoredRecord]) -> None:
        """Stores rows; those without an id get new ones."""
        new = [row for row in rows if row["id"] is None]
        first = records.next_id(self.db, entity.name, len(new)) if new else 0
        for number, row in enumerate(new, first):
            row["id"] = number
        records.put(self.db, entity.name, rows)

    def _common_fields(
        self, kind: ItemKind, contract_item: StoredRecord, entity: Entity
    ) -> StoredRecord:
        """Returns the fields that all unit rows of one contract item share."""
        item = self.contracts.find(kind.item, contract_item[kind.item_key])
        contract = self.contracts.find("Contracts", contract_item["contractID"])
        organization = "organizationalLevelAssociationID"
        values = {
            kind.contract_item_key: contract_item["id"],
            "contractID": contract_item["contractID"],
            kind.item_key: contract_item[kind.item_key],
            "vendorCompanyID": item.get("vendorCompanyID"),
            organization: contract.get(organization),
        }
        return {name: values.get(name) for name in entity.fields}

    def _amounts(
        self, row: LedgerRow, rate: Decimal, entity: Entity, *, posted: bool = False
    ) -> StoredRecord:
        """Returns the fields of a unit row that the ledger determines."""
        price, cost = row.amount(row.price, posted=posted), row.amount(row.cost, posted=posted)
        values: StoredRecord = {
            "startDate": row.start.isoformat(),
            "endDate": row.end.isoformat(),
            "units": row.units,
            "price": float(price),
            "cost": float(cost),
            "internalCurrencyPrice": float(round(price / rate, 2 if posted else 4)),
        }
        return {name: value for name, value in values.items() if name in entity.fields}

    def _set_effective_price(
        self, kind: ItemKind, contract_item: StoredRecord, after: Ledger, rate: Decimal
    ) -> None:
        """Sets the contract item's price to the one in force at the end of the contract."""
        _, price, _ = ledger.in_force(after, after.end)
        values: StoredRecord = {"internalCurrencyAdjustedPrice": float(round(price / rate, 4))}
        if "adjustedPrice" in contract_item:
            values["adjustedPrice"] = float(price)
        records.update(self.db, kind.contract_item, as_number(contract_item["id"]), values)


def _stored_adjustment(
    kind: ItemKind, contract_item: StoredRecord, adjustment: Adjustment
) -> StoredRecord:
    price, cost = adjustment.price, adjustment.cost
    stored: StoredRecord = {
        kind.contract_item_key: contract_item["id"],
        "contractID": contract_item["contractID"],
        kind.item_key: contract_item[kind.item_key],
        "effectiveDate": adjustment.day.isoformat(),
        "unitChange": adjustment.units,
        "adjustedUnitPrice": None if price is None else float(price),
    }
    if kind is SERVICES:
        stored["adjustedUnitCost"] = None if cost is None else float(cost)
    return stored
