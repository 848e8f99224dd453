"""Contracts as ledgers in the store: rows of units kept in step with adjustments, dates and posting."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine.model.catalogue import Entity
from engine.sandbox import ledger, records
from engine.sandbox.ledger import Adjustment, Ledger, Row
from engine.sandbox.records import Kept
from engine.sandbox.tenant import Tenant
from engine.sandbox.wire import Stored, instant_text

RECURRING = "recurring service"
_MONTHS = {"monthly": 1, "quarterly": 3, "semi-annual": 6, "yearly": 12, "annual": 12}
_MONTHS_BY_NUMBER = {2: 1, 3: 3, 4: 6, 5: 12}  # as seen live; 1 is presumably One-Time
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """The entities that make one kind of ledger: services on contracts, or bundles on contracts."""

    holder: str  # the entity whose records have units
    item: str  # what is sold
    units: str
    adjustments: str
    holder_key: str  # the holder's id in units and adjustments
    item_key: str
    repeat: str  # the field that lets the same item stand on a contract again


SERVICES = Line(
    "ContractServices",
    "Services",
    "ContractServiceUnits",
    "ContractServiceAdjustments",
    "contractServiceID",
    "serviceID",
    "allowRepeatService",
)
BUNDLES = Line(
    "ContractServiceBundles",
    "ServiceBundles",
    "ContractServiceBundleUnits",
    "ContractServiceBundleAdjustments",
    "contractServiceBundleID",
    "serviceBundleID",
    "allowRepeatServiceBundle",
)
LINES = (SERVICES, BUNDLES)


@dataclass(frozen=True, slots=True)
class Books:
    """The ledgers of one database, inside a write."""

    db: sqlite3.Connection
    tenant: Tenant

    def open(self, line: Line, holder: Kept) -> Ledger:
        """The ledger of one contract service or bundle, as it is kept."""
        contract = self._record("Contracts", holder["contractID"])
        item = self._record(line.item, holder[line.item_key])
        price, cost = self._opening(line, holder)
        posted = self.db.execute(
            f'SELECT startDate, endDate FROM "{line.units}" WHERE "{line.holder_key}" = ? '  # noqa: S608 -- names of Line
            "AND approveAndPostDate IS NOT NULL ORDER BY startDate",
            [holder["id"]],
        )
        return Ledger(
            start=_day(contract["startDate"]),
            end=_day(contract["endDate"]),
            months=self.months(line, item),
            price=price,
            cost=cost,
            adjustments=self._adjustments(line, holder),
            posted=tuple((_day(start), _day(end)) for start, end in posted),
            from_first=self.tenant.switches["units_before_first_adjustment"] == "none",
        )

    def months(self, line: Line, item: Kept) -> int:
        """The length of an item's period; 0 for one that is charged once."""
        number = item["periodType"]
        for pick in self.tenant.entities[line.item].fields["periodType"].picklist or ():
            if pick.value == number and pick.label.lower() in _MONTHS:
                return _MONTHS[pick.label.lower()]
        return _MONTHS_BY_NUMBER.get(int(number or 0), 0)

    def holders(self, line: Line, contract: Stored) -> list[Kept]:
        """The contract services or bundles of one contract."""
        return records.select(self.db, self.tenant.entities[line.holder], {"contractID": contract})

    def begin(self, line: Line, holder: Kept, price: Stored, cost: Stored) -> None:
        """A contract service is new: its first price and cost, and its rows."""
        self.opening(line, holder, price, cost)
        self.write(line, holder, self.open(line, holder))

    def opening(self, line: Line, holder: Kept, price: Stored, cost: Stored) -> None:
        """Keeps the price and cost of one unit before any adjustment, in the customer's currency."""
        self.db.execute(
            "INSERT OR REPLACE INTO _openings VALUES (?, ?, ?, ?)", [line.holder, holder["id"], price, cost]
        )

    def reopen(self, line: Line, holder: Kept) -> None:
        """Somebody set the price of a bundle on a contract: what is not posted follows."""
        self.begin(line, holder, holder["adjustedPrice"], None)

    def moved(self, line: Line, holder: Kept, start: str, end: str) -> Ledger:
        """The ledger as it would be with other contract dates. Raises NotAllowed."""
        known = self.open(line, holder)
        if _day(start) != known.start:
            known = ledger.move_start(known, _day(start))
        return ledger.move_end(known, _day(end))

    def add(self, line: Line, holder: Kept, adjustment: Kept) -> None:
        """Keeps an adjustment as it came, and brings the rows and the price in force into step."""
        records.insert(self.db, self.tenant.entities[line.adjustments], adjustment)
        self.write(line, holder, self.open(line, holder))

    def cut(self, line: Line, holder: Kept, after: Ledger) -> None:
        """The contract's dates have moved: adjustments that are no more go, those that moved are moved."""
        kept = self._kept_adjustments(line, holder)
        if list(after.adjustments) != [read_adjustment(row) for row in kept]:
            records.delete(self.db, line.adjustments, [_number(row["id"]) for row in kept])
            for one in after.adjustments:
                records.insert(self.db, self.tenant.entities[line.adjustments], _as_kept(line, holder, one))
        self.write(line, holder, after)

    def write(self, line: Line, holder: Kept, now: Ledger) -> None:
        """Rows of units as the ledger says. A row keeps its id as long as a row begins on its day; posted ones stay."""
        entity = self.tenant.entities[line.units]
        there = {row["startDate"]: row for row in records.select(self.db, entity, {line.holder_key: holder["id"]})}
        rate = self.rate(holder)
        common = self._common(line, holder, entity)
        changed: list[Kept] = []
        for row in ledger.rows(now):
            before = there.pop(row.start.isoformat(), None)
            if before is None or before["approveAndPostDate"] is None:
                after = {**common, **self._amounts(row, rate, entity), "id": None if before is None else before["id"]}
                if after != before:
                    changed.append(after)
        self._save(entity, changed)
        records.delete(self.db, entity.name, [_number(row["id"]) for row in there.values()])
        self._reprice(line, holder, now, rate)

    def _save(self, entity: Entity, changed: list[Kept]) -> None:
        fresh = [row for row in changed if row["id"] is None]
        first = records.next_id(self.db, entity.name, len(fresh)) if fresh else 0
        for number, row in enumerate(fresh, first):
            row["id"] = number
        records.put(self.db, entity.name, changed)

    def post(self, line: Line, holder: Kept, until: date) -> int:
        """Approve & Post: freezes rows up to a day, amounts rounded to two places; how many rows."""
        entity = self.tenant.entities[line.units]
        known = self.open(line, holder)
        frozen = set(ledger.post(known, until).posted) - set(known.posted)
        rate = self.rate(holder)
        posted = 0
        rows = {(row.start, row.end): row for row in ledger.rows(known)}
        for kept in records.select(self.db, entity, {line.holder_key: holder["id"]}):
            span = (_day(kept["startDate"]), _day(kept["endDate"]))
            if span in frozen:
                amounts = self._amounts(rows[span], rate, entity, posted=True)
                stamp = {"approveAndPostDate": instant_text(self.tenant.now())}
                records.update(self.db, entity.name, _number(kept["id"]), {**amounts, **stamp})
                posted += 1
        return posted

    def unpost(self, line: Line, holder: Kept, since: date) -> None:
        """Frees rows that end on a day or later."""
        self.db.execute(
            f'UPDATE "{line.units}" SET approveAndPostDate = NULL WHERE "{line.holder_key}" = ? AND endDate >= ?',  # noqa: S608 -- names of Line
            [holder["id"], since.isoformat()],
        )
        self.write(line, holder, self.open(line, holder))

    def rate(self, holder: Kept) -> Decimal:
        """What one unit of the tenant's currency is in the customer's; 1 where nothing else is said."""
        contract = records.fetch(self.db, self.tenant.entities["Contracts"], holder["contractID"]) or {}
        company = records.fetch(self.db, self.tenant.entities["Companies"], contract.get("companyID")) or {}
        currency = records.fetch(self.db, self.tenant.entities["Currencies"], company.get("currencyID")) or {}
        rate = decimal(currency.get("exchangeRate"))
        return Decimal(1) if currency.get("isInternalCurrency") or not rate else rate

    def is_recurring(self, contract: Kept) -> bool:
        """Is it of type Recurring Service, the one that takes services?"""
        picks = self.tenant.entities["Contracts"].fields["contractType"].picklist or ()
        label = next((pick.label for pick in picks if pick.value == contract["contractType"]), "")
        return label.lower() == RECURRING if picks else contract["contractType"] == 7  # noqa: PLR2004 -- the one number that sources agree on

    def _record(self, entity: str, record: Stored) -> Kept:
        found = records.fetch(self.db, self.tenant.entities[entity], record)
        if found is None:
            raise ledger.NotAllowed(f"Value does not reference an existing entity for {entity}: {record}.")
        return found

    def _opening(self, line: Line, holder: Kept) -> tuple[Decimal, Decimal]:
        found = self.db.execute(
            "SELECT price, cost FROM _openings WHERE entity = ? AND id = ?", [line.holder, holder["id"]]
        ).fetchone()
        price, cost = found or (holder["unitPrice"], holder.get("unitCost"))
        return decimal(price), decimal(cost)

    def _kept_adjustments(self, line: Line, holder: Kept) -> list[Kept]:
        found = records.select(self.db, self.tenant.entities[line.adjustments], {line.holder_key: holder["id"]})
        return sorted(found, key=lambda row: str(row["effectiveDate"]))

    def _adjustments(self, line: Line, holder: Kept) -> tuple[Adjustment, ...]:
        return tuple(read_adjustment(row) for row in self._kept_adjustments(line, holder))

    def _common(self, line: Line, holder: Kept, entity: Entity) -> Kept:
        """What all rows of one holder have."""
        item = records.fetch(self.db, self.tenant.entities[line.item], holder[line.item_key]) or {}
        contract = records.fetch(self.db, self.tenant.entities["Contracts"], holder["contractID"]) or {}
        known: Mapping[str, Stored] = {
            line.holder_key: holder["id"],
            "contractID": holder["contractID"],
            line.item_key: holder[line.item_key],
            "vendorCompanyID": item.get("vendorCompanyID"),
            "organizationalLevelAssociationID": contract.get("organizationalLevelAssociationID"),
        }
        return {name: known.get(name) for name in entity.fields}

    def _amounts(self, row: Row, rate: Decimal, entity: Entity, *, posted: bool = False) -> Kept:
        whole = self.tenant.switches["units_price"] == "row"
        price = row.amount(row.price, posted=posted) if whole else row.price
        cost = row.amount(row.cost, posted=posted) if whole else row.cost
        values: Kept = {
            "startDate": row.start.isoformat(),
            "endDate": row.end.isoformat(),
            "units": row.units,
            "price": float(price),
            "cost": float(cost),
            "internalCurrencyPrice": float(round(price / rate, 2 if posted else 4)),
        }
        return {name: value for name, value in values.items() if name in entity.fields}

    def _reprice(self, line: Line, holder: Kept, now: Ledger, rate: Decimal) -> None:
        """The effective price of a contract service is the one in force at the end of the contract."""
        _, price, _ = ledger.in_force(now, now.end)
        after: Kept = {"internalCurrencyAdjustedPrice": float(round(price / rate, 4))}
        if "adjustedPrice" in holder:
            after["adjustedPrice"] = float(price)
        records.update(self.db, line.holder, _number(holder["id"]), after)


def decimal(kept: Stored) -> Decimal:
    """A kept decimal; nothing counts as 0."""
    return _NOTHING if kept is None else Decimal(str(kept))


def read_adjustment(kept: Kept) -> Adjustment:
    """An adjustment as the ledger takes it."""

    def price(name: str) -> Decimal | None:
        return None if kept.get(name) is None else decimal(kept[name])

    units = _number(kept["unitChange"] or 0)
    return Adjustment(_day(kept["effectiveDate"]), units, price("adjustedUnitPrice"), price("adjustedUnitCost"))


def _as_kept(line: Line, holder: Kept, adjustment: Adjustment) -> Kept:
    kept: Kept = {
        line.holder_key: holder["id"],
        "contractID": holder["contractID"],
        line.item_key: holder[line.item_key],
        "effectiveDate": adjustment.day.isoformat(),
        "unitChange": adjustment.units,
        "adjustedUnitPrice": None if adjustment.price is None else float(adjustment.price),
    }
    if line is SERVICES:
        kept["adjustedUnitCost"] = None if adjustment.cost is None else float(adjustment.cost)
    return kept


def _day(kept: Stored) -> date:
    return date.fromisoformat(str(kept))


def _number(kept: Stored) -> int:
    return int(kept or 0)
