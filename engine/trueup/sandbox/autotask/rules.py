"""Rules of single entities beyond their fields. Each rule checks a record as it will be.

Source: docs/explanation/autotask.md, section 7.
"""

from collections.abc import Callable
from decimal import Decimal

from trueup.model.catalogue import UDF, Entity, Field
from trueup.sandbox.autotask.contracts import Contracts, as_decimal
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.wire import StoredValue, instant_text
from trueup.sandbox.autotask.write_checks import CheckedBody, bad_reference
from trueup.sandbox.autotask.write_context import WriteContext

NOT_RECURRING = "The Contract referenced by contractID must be of type Recurring Service."
NO_PERIOD = "Contracts of type 7 (Recurring Services) require a ContractPeriodType."
END_BEFORE_START = "Contract EndDate must be after StartDate."
CHARGES = "ContractCharges"
VENDOR = 6  # companyType
LAST_YEAR = "2199-12-31"
_RECURRING_USE = "recurring contract service"
_CREATED_AT = ("createDate", "createdTime", "lastActivityDate")
_SEEDED_AT = "2020-01-01T08:00:00.000"  # of records whose seed has no date; long before any run
_MODIFIED_AT = ("lastModifiedDate", "lastModifiedDateTime", "lastTrackedModifiedDateTime")
_CREATED_BY = ("createdByResourceID", "creatorResourceID")
_UPDATED_BY = "updateResourceID"
_IMPERSONATED_BY = "impersonatorCreatorResourceID"
_NOT_FOR_RECURRING = ("estimatedCost", "estimatedHours", "estimatedRevenue")


def set_defaults(checked: CheckedBody) -> None:
    """Sets what a new record has unless the body sets it: active, the Standard billing type."""
    fields = checked.entity.fields
    active = fields.get("isActive")
    if active is not None and not active.required:
        checked.values.setdefault("isActive", 1)

    if checked.entity.name == CHARGES:
        checked.values.setdefault("isBilled", 0)
    if checked.entity.name == "Products":
        for value in _values_of(fields["billingType"], "standard"):
            if isinstance(value, int):
                checked.values.setdefault("billingType", value)


def stamp(context: WriteContext, entity: Entity, values: StoredRecord, *, created: bool) -> None:
    """Sets the fields that record when and by whom a record is written, if the entity has them."""
    moved = _MODIFIED_AT if created or _moves_times(context, values) else ()
    for name in (*moved, *_CREATED_AT) if created else moved:
        if name in entity.fields:
            values[name] = instant_text(context.now)
    for name in (*_CREATED_BY, _UPDATED_BY) if created else (_UPDATED_BY,):
        if name in entity.fields:
            values[name] = context.resource

    impersonated = context.resource != context.user.resource
    if created and impersonated and _IMPERSONATED_BY in entity.fields:
        values[_IMPERSONATED_BY] = context.user.resource


def _moves_times(context: WriteContext, values: StoredRecord) -> bool:
    """Whether an update with these values moves the fields that record modifications."""
    choice = context.switch("modification_times")
    is_own = any(not name.startswith(UDF) for name in values)
    return choice == "every_edit" or (choice == "own_fields" and is_own)


def stamp_seeded(entity: Entity, values: StoredRecord, resource: int | None) -> None:
    """Sets what every real record has and the seed leaves out: when and by whom it was created."""
    stamps = {
        **dict.fromkeys((*_CREATED_AT, *_MODIFIED_AT), _SEEDED_AT),
        **dict.fromkeys(_CREATED_BY, resource),
    }
    for name, value in stamps.items():
        if name in entity.fields and values.get(name) is None:
            values[name] = value


def derive(
    context: WriteContext, entity: Entity, after: StoredRecord, values: StoredRecord
) -> None:
    """Sets what follows from other fields: a mark-up in percent, the amounts of a charge."""
    if entity.name == CHARGES:
        _derive_amounts(context, after, values)
    if "markupRate" not in entity.fields or "unitCost" not in entity.fields:
        return
    price, cost = as_decimal(after.get("unitPrice")), as_decimal(after.get("unitCost"))
    values["markupRate"] = None
    if cost:
        percent = (price - cost) / cost * 100
        values["markupRate"] = float(percent.quantize(Decimal("0.0001")))


def _derive_amounts(context: WriteContext, after: StoredRecord, values: StoredRecord) -> None:
    """Sets the amounts of a charge, in the customer's currency and in the tenant's."""
    quantity = as_decimal(after.get("unitQuantity"))
    price, cost = as_decimal(after.get("unitPrice")), as_decimal(after.get("unitCost"))
    rate = Contracts(context.db, context.tenant).exchange_rate(after["contractID"])
    amounts = {
        "billableAmount": quantity * price,
        "extendedCost": quantity * cost,
        "internalCurrencyUnitPrice": price / rate,
        "internalCurrencyBillableAmount": quantity * price / rate,
    }
    values.update({name: float(round(amount, 4)) for name, amount in amounts.items()})


def require_unbilled(entity: Entity, before: StoredRecord) -> None:
    """Raises `AutotaskError` for a charge that is billed: it can no longer change."""
    if entity.name == CHARGES and before["isBilled"] == 1:
        raise AutotaskError("A Contract Charge that is billed cannot be updated or deleted.")


def check(checked: CheckedBody, after: StoredRecord) -> None:
    """Adds the errors of the entity's own rule, unless the body has errors already."""
    rule = _RULES.get(checked.entity.name)
    if rule is not None and not checked.errors:
        rule(checked, after)


def _check_contract(checked: CheckedBody, after: StoredRecord) -> None:
    start, end = str(after["startDate"]), str(after["endDate"])
    if start >= end:
        checked.add_error(END_BEFORE_START)
    if end > LAST_YEAR:
        checked.add_error(f"The endDate of the Contract must not be later than {LAST_YEAR}.")

    recurring = _contracts(checked).is_recurring(after)
    if recurring and checked.before is None and after["contractPeriodType"] is None:
        checked.add_error(NO_PERIOD)
    for name in _NOT_FOR_RECURRING:
        if recurring and checked.values.get(name):
            checked.add_error(f"{name} cannot be set on a Contract of type Recurring Service.")

    compliant = checked.values.get("isCompliant")
    if compliant is not None and (compliant == 1 or not recurring):
        checked.add_error(
            "isCompliant can only be set to false, on a Contract of type Recurring Service."
        )


def _check_item(checked: CheckedBody, after: StoredRecord) -> None:
    """A service's billing code must have the use type for recurring services, if there is one."""
    code = checked.context.record("BillingCodes", after["billingCodeID"])
    use_types = _values_of(checked.context.entity("BillingCodes").fields["useType"], _RECURRING_USE)
    if "billingCodeID" not in checked.values or code is None or not use_types:
        return
    if code["useType"] not in use_types:
        checked.add_error(bad_reference(checked.entity.fields["billingCodeID"]))


def _check_contract_item(checked: CheckedBody, after: StoredRecord) -> None:
    contract = checked.context.record("Contracts", after["contractID"])
    if contract is not None and not _contracts(checked).is_recurring(contract):
        checked.add_error(NOT_RECURRING)


def _check_billing_rule(checked: CheckedBody, after: StoredRecord) -> None:
    product = checked.context.record("Products", after["productID"])
    standard = _values_of(checked.context.entity("Products").fields["billingType"], "standard")
    if checked.before is not None or product is None:
        return
    if product["billingType"] in (None, *standard):
        checked.add_error(
            "The billingType of the Product referenced by productID must not be Standard."
        )


def _check_charge(checked: CheckedBody, after: StoredRecord) -> None:
    if after["productID"] is None and after["billingCodeID"] is None:
        checked.add_missing("billingCodeID")


def _check_product_vendor(checked: CheckedBody, after: StoredRecord) -> None:
    vendor = checked.context.record("Companies", after["vendorID"])
    if "vendorID" in checked.values and vendor is not None and vendor["companyType"] != VENDOR:
        checked.add_error(bad_reference(checked.entity.fields["vendorID"]))


def _contracts(checked: CheckedBody) -> Contracts:
    return Contracts(checked.context.db, checked.context.tenant)


def _values_of(field: Field, label: str) -> list[StoredValue]:
    """Returns the values of a picklist that have a label, in any case."""
    return [pick.value for pick in field.picklist or () if pick.label.lower() == label]


_RULES: dict[str, Callable[[CheckedBody, StoredRecord], None]] = {
    "Contracts": _check_contract,
    "Services": _check_item,
    "ServiceBundles": _check_item,
    "ContractServices": _check_contract_item,
    "ContractServiceBundles": _check_contract_item,
    "ContractBillingRules": _check_billing_rule,
    "ProductVendors": _check_product_vendor,
    CHARGES: _check_charge,
}
