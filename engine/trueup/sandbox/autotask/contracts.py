"""Reads contracts as ledgers: items, periods, prices, currency, adjustments and posted rows."""

import sqlite3
from datetime import date
from decimal import Decimal

from msgspec import Struct

from trueup.sandbox.autotask import ledger, records
from trueup.sandbox.autotask.item_kinds import ItemKind
from trueup.sandbox.autotask.ledger import Adjustment, Ledger, LedgerError
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.tenant import Tenant
from trueup.sandbox.autotask.wire import StoredValue

RECURRING = "recurring service"
_RECURRING_NUMBER = 7  # the one number of a contract type on which the sources agree
_MONTHS = {"monthly": 1, "quarterly": 3, "semi-annual": 6, "yearly": 12, "annual": 12}
_MONTHS_BY_NUMBER = {2: 1, 3: 3, 4: 6, 5: 12}  # observed in a live tenant; 1 may be One-Time


class Contracts(Struct, frozen=True):
    """The contracts in one database."""

    db: sqlite3.Connection
    tenant: Tenant

    def contract_items(self, kind: ItemKind, contract: StoredValue) -> list[StoredRecord]:
        """Returns the services or bundles of one contract, by its id."""
        entity = self.tenant.entities[kind.contract_item]
        return records.select(self.db, entity, {"contractID": contract})

    def is_recurring(self, contract: StoredRecord) -> bool:
        """Returns whether a contract is of type Recurring Service, the one that has services."""
        picks = self.tenant.entities["Contracts"].fields["contractType"].picklist or ()
        if not picks:
            return contract["contractType"] == _RECURRING_NUMBER
        label = next((pick.label for pick in picks if pick.value == contract["contractType"]), "")
        return label.lower() == RECURRING

    def exchange_rate(self, contract_id: StoredValue) -> Decimal:
        """Returns how much one unit of the tenant's currency is in the customer's.

        It is 1 if the customer has no currency of its own or that has no rate.
        """
        contract = self.find("Contracts", contract_id)
        company = self.find("Companies", contract.get("companyID"))
        currency = self.find("Currencies", company.get("currencyID"))
        rate = as_decimal(currency.get("exchangeRate"))
        return Decimal(1) if currency.get("isInternalCurrency") or not rate else rate

    def ledger(self, kind: ItemKind, contract_item: StoredRecord) -> Ledger:
        """Returns the ledger of one contract item.

        Raises `LedgerError` if its contract or its item does not exist.
        """
        contract = self._require("Contracts", contract_item["contractID"])
        item = self._require(kind.item, contract_item[kind.item_key])
        price, cost = self._opening(kind, contract_item)
        posted = self.db.execute(
            f'SELECT startDate, endDate FROM "{kind.units}" WHERE "{kind.contract_item_key}" = ? '  # noqa: S608 -- names of ItemKind
            "AND approveAndPostDate IS NOT NULL ORDER BY startDate",
            [contract_item["id"]],
        )
        return Ledger(
            start=as_day(contract["startDate"]),
            end=as_day(contract["endDate"]),
            months=self._period_months(kind, item),
            price=price,
            cost=cost,
            adjustments=tuple(
                as_adjustment(stored) for stored in self.adjustments(kind, contract_item)
            ),
            posted=tuple((as_day(start), as_day(end)) for start, end in posted),
            from_first=self.tenant.switches["units_before_first_adjustment"] == "none",
        )

    def ledger_between(
        self, kind: ItemKind, contract_item: StoredRecord, start: str, end: str
    ) -> Ledger:
        """Returns the ledger as it would be with other dates of the contract.

        Raises `LedgerError` if a posted row would change.
        """
        moved = self.ledger(kind, contract_item)
        if as_day(start) != moved.start:
            moved = ledger.move_start(moved, as_day(start))
        return ledger.move_end(moved, as_day(end))

    def adjustments(self, kind: ItemKind, contract_item: StoredRecord) -> list[StoredRecord]:
        """Returns the adjustments of one contract item by day."""
        entity = self.tenant.entities[kind.adjustments]
        key = {kind.contract_item_key: contract_item["id"]}
        stored = records.select(self.db, entity, key)
        return sorted(stored, key=lambda adjustment: str(adjustment["effectiveDate"]))

    def find(self, entity: str, record: StoredValue) -> StoredRecord:
        """Returns a record by its id; an empty one if there is none."""
        return records.fetch(self.db, self.tenant.entities[entity], record) or {}

    def _require(self, entity: str, record: StoredValue) -> StoredRecord:
        found = self.find(entity, record)
        if not found:
            raise LedgerError(
                f"Value does not reference an existing entity for {entity}: {record}."
            )
        return found

    def _period_months(self, kind: ItemKind, item: StoredRecord) -> int:
        """Returns the length of an item's period; 0 for an item that is charged once."""
        number = item["periodType"]
        for pick in self.tenant.entities[kind.item].fields["periodType"].picklist or ():
            if pick.value == number and pick.label.lower() in _MONTHS:
                return _MONTHS[pick.label.lower()]
        return _MONTHS_BY_NUMBER.get(int(number or 0), 0)

    def _opening(self, kind: ItemKind, contract_item: StoredRecord) -> tuple[Decimal, Decimal]:
        """Returns price and cost of one unit before any adjustment, in the customer's currency."""
        row = self.db.execute(
            "SELECT price, cost FROM _openings WHERE entity = ? AND id = ?",
            [kind.contract_item, contract_item["id"]],
        ).fetchone()
        price, cost = row or (contract_item["unitPrice"], contract_item.get("unitCost"))
        return as_decimal(price), as_decimal(cost)


def as_decimal(stored: StoredValue) -> Decimal:
    """Returns a stored decimal; None is 0."""
    return Decimal(0) if stored is None else Decimal(str(stored))


def as_day(stored: StoredValue) -> date:
    """Returns a stored day."""
    return date.fromisoformat(str(stored))


def as_number(stored: StoredValue) -> int:
    """Returns a stored whole number; None is 0."""
    return int(stored or 0)


def as_adjustment(stored: StoredRecord) -> Adjustment:
    """Returns a stored adjustment as the ledger has it."""
    price, cost = stored.get("adjustedUnitPrice"), stored.get("adjustedUnitCost")
    return Adjustment(
        as_day(stored["effectiveDate"]),
        as_number(stored["unitChange"]),
        None if price is None else as_decimal(price),
        None if cost is None else as_decimal(cost),
    )
