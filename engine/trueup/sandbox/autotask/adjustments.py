"""Adds services and bundles to contracts, adjusts their units and prices, and sums up bundles.

Source: docs/explanation/autotask.md, section 7 (ContractServices, ContractServiceAdjustments).
"""

from collections.abc import Mapping
from decimal import Decimal

from trueup.sandbox.autotask import ledger, records, rules, wire
from trueup.sandbox.autotask.contracts import Contracts, as_adjustment, as_decimal
from trueup.sandbox.autotask.item_kinds import BUNDLES, ItemKind
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.unit_rows import LedgerWriter
from trueup.sandbox.autotask.wire import StoredValue
from trueup.sandbox.autotask.write_checks import CheckedBody, bad_reference, missing_field
from trueup.sandbox.autotask.write_context import WriteContext
from trueup.sandbox.http.json_types import Json

_ON_CONTRACT = "The {item} is already on the Contract; {repeat} must be true to add it again."
_OUTSIDE = (
    "{adjustment} effectiveDate must be between the start date and end date of the Contract"
    " referenced by contractID."
)


def add_to_contract(
    context: WriteContext, kind: ItemKind, values: StoredRecord, unknown: Mapping[str, Json]
) -> int:
    """Adds a service or bundle without units to a contract; returns the contract item's id.

    `unknown` are the properties of the body that are not fields.
    """
    entity = context.entity(kind.contract_item)
    writer = LedgerWriter(context.db, context.tenant)
    price, cost = _catalogue_price(context, kind, values[kind.item_key])
    rate = writer.contracts.exchange_rate(values["contractID"])

    contract_item: StoredRecord = {
        **dict.fromkeys(entity.fields),
        "unitPrice": float(round(price * rate, 4)),
        "internalCurrencyUnitPrice": float(price),
        "internalCurrencyAdjustedPrice": float(price),
    }
    if "unitCost" in entity.fields:
        contract_item["unitCost"] = float(cost)
    contract_item |= {name: value for name, value in values.items() if value is not None}

    opening = contract_item.get("adjustedPrice") or contract_item["unitPrice"]
    honoured = context.switch("adjusted_price_on_create") == "honoured"
    if honoured and "adjustedprice" in unknown:
        opening = wire.to_stored(entity.fields["unitPrice"], unknown["adjustedprice"])

    rules.stamp(context, entity, contract_item, created=True)
    record = records.insert(context.db, entity, contract_item)
    opening_cost = contract_item.get("unitCost", float(cost))
    writer.begin(kind, {**contract_item, "id": record}, opening, opening_cost)
    return record


def update_bundle_cost(context: WriteContext, bundle: StoredValue) -> None:
    """Sets the cost of a bundle to the sum of its services' costs."""
    services = _services_of(context, bundle)
    cost = sum((as_decimal(service.get("unitCost")) for service in services), Decimal(0))
    values: StoredRecord = {"unitCost": float(cost)}
    rules.stamp(context, context.entity("ServiceBundles"), values, created=False)
    records.update(context.db, "ServiceBundles", int(bundle or 0), values)


def check_repeat(context: WriteContext, kind: ItemKind, checked: CheckedBody) -> None:
    """Adds an error to a plain POST of a service that is on the contract already."""
    refused = context.switch("second_service_by_post") == "refused"
    if refused and _on_contract(context, kind, checked.values):
        item = kind.item.removesuffix("s")
        checked.add_error(_ON_CONTRACT.format(item=item, repeat=kind.repeat))


def adjust(context: WriteContext, kind: ItemKind, checked: CheckedBody) -> int | None:
    """Changes the units or the price from a day on; adds the service to the contract if needed.

    Returns None, or the adjustment's id by a switch. Raises `LedgerError` or `AutotaskError`.
    """
    entity = context.entity(kind.adjustments)
    values = {**dict.fromkeys(entity.fields), **checked.values}
    _check_day(context, kind, values)
    contract_item = _contract_item(context, kind, values)
    values |= {
        kind.contract_item_key: contract_item["id"],
        "contractID": contract_item["contractID"],
        kind.item_key: contract_item[kind.item_key],
        "unitChange": values["unitChange"] or 0,
    }
    if context.switch("adjustment_price") == "ignored":
        for name in ("adjustedUnitPrice", "adjustedUnitCost"):
            if name in values:
                values[name] = None

    writer = LedgerWriter(context.db, context.tenant)
    ledger.adjust(
        writer.contracts.ledger(kind, contract_item),
        as_adjustment(values),
        again=context.switch("same_day_adjustment") == "added",
        negative=context.switch("units_below_zero") == "accepted",
    )
    values["id"] = records.next_id(context.db, kind.adjustments)
    writer.add_adjustment(kind, contract_item, values)
    return int(values["id"] or 0) if context.switch("adjustment_answer") == "id" else None


def _catalogue_price(
    context: WriteContext, kind: ItemKind, item: StoredValue
) -> tuple[Decimal, Decimal]:
    """Returns price and cost of an item in the catalogue.

    A bundle without a price of its own has the sum of its services' prices, less its discount.
    """
    record = context.record(kind.item, item) or {}
    price = as_decimal(record.get("unitPrice"))
    if kind is BUNDLES and record.get("unitPrice") is None:
        services = _services_of(context, item)
        price = sum((as_decimal(service.get("unitPrice")) for service in services), Decimal(0))
        price -= as_decimal(record.get("unitDiscount"))
    return price, as_decimal(record.get("unitCost"))


def _services_of(context: WriteContext, bundle: StoredValue) -> list[StoredRecord]:
    entity = context.entity("ServiceBundleServices")
    rows = records.select(context.db, entity, {"serviceBundleID": bundle})
    return [context.record("Services", row["serviceID"]) or {} for row in rows]


def _on_contract(context: WriteContext, kind: ItemKind, values: StoredRecord) -> list[StoredRecord]:
    where = {"contractID": values["contractID"], kind.item_key: values[kind.item_key]}
    return records.select(context.db, context.entity(kind.contract_item), where)


def _check_day(context: WriteContext, kind: ItemKind, values: StoredRecord) -> None:
    """Raises `AutotaskError` unless the effective date is within the contract, ends included."""
    contract = _contract_of(context, kind, values)
    if not str(contract["startDate"]) <= str(values["effectiveDate"]) <= str(contract["endDate"]):
        raise AutotaskError(_OUTSIDE.format(adjustment=kind.adjustments.removesuffix("s")))
    if not Contracts(context.db, context.tenant).is_recurring(contract):
        raise AutotaskError(rules.NOT_RECURRING)


def _contract_of(context: WriteContext, kind: ItemKind, values: StoredRecord) -> StoredRecord:
    contract = values["contractID"]
    if values[kind.contract_item_key] is not None:
        contract_item = context.record(kind.contract_item, values[kind.contract_item_key]) or {}
        contract = contract_item.get("contractID")
    elif contract is None or values[kind.item_key] is None:
        absent = "contractID" if contract is None else kind.item_key
        raise AutotaskError(
            missing_field(absent),
            f"Either {kind.contract_item_key}, or contractID and {kind.item_key}, must be given.",
        )

    record = context.record("Contracts", contract)
    if record is None:
        field = context.entity(kind.adjustments).fields["contractID"]
        raise AutotaskError(bad_reference(field))
    return record


def _contract_item(context: WriteContext, kind: ItemKind, values: StoredRecord) -> StoredRecord:
    """Returns the contract item to adjust.

    It is added if the contract does not have it, or if the adjustment allows to repeat it.
    """
    if values[kind.contract_item_key] is not None:
        named = context.record(kind.contract_item, values[kind.contract_item_key]) or {}
        if any(values[name] not in {None, named[name]} for name in ("contractID", kind.item_key)):
            raise AutotaskError(
                f"contractID and {kind.item_key} do not belong to the record referenced by"
                f" {kind.contract_item_key}."
            )
        return named

    repeat = values[kind.repeat]
    existing = _on_contract(context, kind, values)
    if len(existing) > 1 and not repeat and context.switch("ambiguous_service") == "refused":
        raise AutotaskError(
            f"The {kind.item_key} is more than once on the Contract;"
            f" {kind.contract_item_key} must be given."
        )
    if existing and not repeat:
        return existing[0]

    new = {"contractID": values["contractID"], kind.item_key: values[kind.item_key]}
    added = add_to_contract(context, kind, new, {})
    return context.record(kind.contract_item, added) or {}
