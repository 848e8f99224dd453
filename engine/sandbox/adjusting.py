"""Services and bundles on contracts: put there, adjusted, rolled up."""

from collections.abc import Mapping
from decimal import Decimal

from engine.sandbox import ledger, records, rules, wire
from engine.sandbox.answers import Refused
from engine.sandbox.contracts import BUNDLES, Books, Line, decimal, read_adjustment
from engine.sandbox.lenient import Json
from engine.sandbox.records import Kept
from engine.sandbox.wire import Stored
from engine.sandbox.writes import Desk, Reading, bad_reference, missing

_ON_CONTRACT = "The {item} is already on the Contract; {repeat} must be true to add it again."
_OUTSIDE = "{thing} effectiveDate must be between the start date and end date of the Contract referenced by contractID."


def begin(desk: Desk, line: Line, values: Kept, extra: Mapping[str, Json]) -> int:
    """Puts a service or bundle on a contract, without units; its id."""
    entity = desk.entity(line.holder)
    books = Books(desk.db, desk.tenant)
    price, cost = _catalogue_price(desk, line, values[line.item_key])
    rate = books.rate(values)
    holder: Kept = dict.fromkeys(entity.fields)
    holder |= {
        "unitPrice": float(round(price * rate, 4)),
        "internalCurrencyUnitPrice": float(price),
        "internalCurrencyAdjustedPrice": float(price),
    }
    if "unitCost" in entity.fields:
        holder["unitCost"] = float(cost)
    holder |= {name: value for name, value in values.items() if value is not None}
    opening = holder.get("adjustedPrice") or holder["unitPrice"]
    if desk.tenant.switches["adjusted_price_on_create"] == "honoured" and "adjustedprice" in extra:
        opening = wire.stored(entity.fields["unitPrice"], extra["adjustedprice"])
    rules.stamp(desk, entity, holder, created=True)
    record = records.insert(desk.db, entity, holder)
    books.begin(line, {**holder, "id": record}, opening, holder.get("unitCost", float(cost)))
    return record


def _catalogue_price(desk: Desk, line: Line, item: Stored) -> tuple[Decimal, Decimal]:
    """Price and cost of the service or bundle in the catalogue; a bundle without a price has its members'."""
    found = desk.record(line.item, item) or {}
    price = decimal(found.get("unitPrice"))
    if line is BUNDLES and found.get("unitPrice") is None:
        price = sum((decimal(member.get("unitPrice")) for member in _members(desk, item)), Decimal(0))
        price -= decimal(found.get("unitDiscount"))
    return price, decimal(found.get("unitCost"))


def _members(desk: Desk, bundle: Stored) -> list[Kept]:
    rows = records.select(desk.db, desk.entity("ServiceBundleServices"), {"serviceBundleID": bundle})
    return [desk.record("Services", row["serviceID"]) or {} for row in rows]


def roll_up(desk: Desk, bundle: Stored) -> None:
    """A bundle's cost is its members'."""
    cost = sum((decimal(member.get("unitCost")) for member in _members(desk, bundle)), Decimal(0))
    records.update(desk.db, "ServiceBundles", int(bundle or 0), {"unitCost": float(cost)})


def check_repeat(desk: Desk, line: Line, reading: Reading) -> None:
    """A plain POST of a service that is on the contract already."""
    there = _on_contract(desk, line, reading.values)
    if there and desk.tenant.switches["second_service_by_post"] == "refused":
        reading.refuse(_ON_CONTRACT.format(item=line.item.removesuffix("s"), repeat=line.repeat))


def _on_contract(desk: Desk, line: Line, values: Kept) -> list[Kept]:
    where = {"contractID": values["contractID"], line.item_key: values[line.item_key]}
    return records.select(desk.db, desk.entity(line.holder), where)


def adjust(desk: Desk, line: Line, reading: Reading) -> int | None:
    """Changes quantity or price from a day on; adds the service to the contract where it is not on it.

    Raises NotAllowed or Refused; what it answers is null, or the id by a switch.
    """
    values = {**dict.fromkeys(desk.entity(line.adjustments).fields), **reading.values}
    _check_day(desk, line, values)
    holder = _holder(desk, line, values)
    values |= {
        line.holder_key: holder["id"],
        "contractID": holder["contractID"],
        line.item_key: holder[line.item_key],
        "unitChange": values["unitChange"] or 0,
    }
    if desk.tenant.switches["adjustment_price"] == "ignored":
        values |= {name: None for name in ("adjustedUnitPrice", "adjustedUnitCost") if name in values}
    books = Books(desk.db, desk.tenant)
    switches = desk.tenant.switches
    ledger.adjust(
        books.open(line, holder),
        read_adjustment(values),
        again=switches["same_day_adjustment"] == "added",
        negative=switches["units_below_zero"] == "accepted",
    )
    values["id"] = records.next_id(desk.db, line.adjustments)
    books.add(line, holder, values)
    return int(values["id"] or 0) if switches["adjustment_answer"] == "id" else None


def _check_day(desk: Desk, line: Line, values: Kept) -> None:
    """The effective date must lie within the contract, both ends included."""
    contract = _contract_of(desk, line, values)
    if not str(contract["startDate"]) <= str(values["effectiveDate"]) <= str(contract["endDate"]):
        raise Refused(_OUTSIDE.format(thing=line.adjustments.removesuffix("s")))
    if not Books(desk.db, desk.tenant).is_recurring(contract):
        raise Refused("The Contract referenced by contractID must be of type Recurring Service.")


def _contract_of(desk: Desk, line: Line, values: Kept) -> Kept:
    contract = values["contractID"]
    if values[line.holder_key] is not None:
        contract = (desk.record(line.holder, values[line.holder_key]) or {}).get("contractID")
    elif contract is None or values[line.item_key] is None:
        absent = "contractID" if contract is None else line.item_key
        raise Refused(missing(absent), f"Either {line.holder_key}, or contractID and {line.item_key}, must be given.")
    found = desk.record("Contracts", contract)
    if found is None:
        raise Refused(bad_reference(desk.entity(line.adjustments).fields["contractID"]))
    return found


def _holder(desk: Desk, line: Line, values: Kept) -> Kept:
    """The contract service that is meant; made where the contract has none, or another is allowed."""
    if values[line.holder_key] is not None:
        holder = desk.record(line.holder, values[line.holder_key]) or {}
        if any(values[name] not in {None, holder[name]} for name in ("contractID", line.item_key)):
            raise Refused(
                f"contractID and {line.item_key} do not belong to the record referenced by {line.holder_key}."
            )
        return holder
    there = _on_contract(desk, line, values)
    if len(there) > 1 and not values[line.repeat] and desk.tenant.switches["ambiguous_service"] == "refused":
        raise Refused(f"The {line.item_key} is more than once on the Contract; {line.holder_key} must be given.")
    if there and not values[line.repeat]:
        return there[0]
    made = begin(desk, line, {"contractID": values["contractID"], line.item_key: values[line.item_key]}, {})
    return desk.record(line.holder, made) or {}
