"""What holds for one entity beyond its fields: each rule looks at a record as it will be."""

from collections.abc import Callable
from decimal import Decimal

from engine.model.catalogue import Entity
from engine.sandbox.contracts import Books, decimal
from engine.sandbox.records import Kept
from engine.sandbox.wire import instant_text
from engine.sandbox.writes import Desk, Reading, bad_reference

RECURRING_CODE = "recurring contract service"
VENDOR = 6
LAST_YEAR = "2199-12-31"
_STAMPS_ON_CREATE = ("createDate", "createdTime", "lastActivityDate")
_STAMPS = ("lastModifiedDate", "lastModifiedDateTime", "lastTrackedModifiedDateTime")
_CREATORS = ("createdByResourceID", "creatorResourceID")
_EDITOR = "updateResourceID"
_NOT_FOR_RECURRING = ("estimatedCost", "estimatedHours", "estimatedRevenue")


def defaults(reading: Reading) -> None:
    """What a create gets without asking: active, the Standard billing type."""
    fields = reading.entity.fields
    active = fields.get("isActive")
    if active is not None and not active.required:
        reading.values.setdefault("isActive", 1)
    if reading.entity.name == "Products":
        for pick in fields["billingType"].picklist or ():
            if pick.label.lower() == "standard" and isinstance(pick.value, int):
                reading.values.setdefault("billingType", pick.value)


def stamp(desk: Desk, entity: Entity, values: Kept, *, created: bool) -> None:
    """Who and when, in the fields that the entity has for it; derived fields too."""
    now = instant_text(desk.now)
    names = (*_STAMPS, *_STAMPS_ON_CREATE) if created else _STAMPS
    for name in names:
        if name in entity.fields:
            values[name] = now
    signers = (*_CREATORS, _EDITOR) if created else (_EDITOR,)
    for name in signers:
        if name in entity.fields:
            values[name] = desk.resource
    impersonated = desk.resource != desk.user.resource
    if created and impersonated and "impersonatorCreatorResourceID" in entity.fields:
        values["impersonatorCreatorResourceID"] = desk.user.resource


def derive(entity: Entity, after: Kept, values: Kept) -> None:
    """The mark-up follows price and cost."""
    if "markupRate" in entity.fields and "unitCost" in entity.fields:
        price, cost = decimal(after.get("unitPrice")), decimal(after.get("unitCost"))
        values["markupRate"] = float(((price - cost) / cost * 100).quantize(Decimal("0.0001"))) if cost else None


def check(reading: Reading, after: Kept) -> None:
    """Adds to the reading what this entity's own rule has to say."""
    rule = _RULES.get(reading.entity.name)
    if rule is not None and not reading.texts:
        rule(reading, after)


def _contract(reading: Reading, after: Kept) -> None:
    start, end = str(after["startDate"]), str(after["endDate"])
    if start >= end:
        reading.refuse("The endDate of the Contract must be later than its startDate.")
    if end > LAST_YEAR:
        reading.refuse(f"The endDate of the Contract must not be later than {LAST_YEAR}.")
    recurring = Books(reading.desk.db, reading.desk.tenant).is_recurring(after)
    for name in _NOT_FOR_RECURRING:
        if recurring and reading.values.get(name):
            reading.refuse(f"{name} cannot be set on a Contract of type Recurring Service.")
    compliant = reading.values.get("isCompliant")
    if compliant is not None and (compliant == 1 or not recurring):
        reading.refuse("isCompliant can only be set to false, on a Contract of type Recurring Service.")


def _service(reading: Reading, after: Kept) -> None:
    """The billing code must be of the use type for recurring services, where the tenant's picklist tells."""
    code = reading.desk.record("BillingCodes", after["billingCodeID"])
    uses = reading.desk.entity("BillingCodes").fields["useType"].picklist or ()
    fitting = {pick.value for pick in uses if pick.label.lower() == RECURRING_CODE}
    if "billingCodeID" in reading.values and fitting and code is not None and code["useType"] not in fitting:
        reading.refuse(bad_reference(reading.entity.fields["billingCodeID"]))


def _contract_item(reading: Reading, after: Kept) -> None:
    contract = reading.desk.record("Contracts", after["contractID"])
    if contract is not None and not Books(reading.desk.db, reading.desk.tenant).is_recurring(contract):
        reading.refuse("The Contract referenced by contractID must be of type Recurring Service.")


def _billing_rule(reading: Reading, after: Kept) -> None:
    product = reading.desk.record("Products", after["productID"])
    picks = reading.desk.entity("Products").fields["billingType"].picklist or ()
    standard = {pick.value for pick in picks if pick.label.lower() == "standard"}
    if reading.before is None and product is not None and product["billingType"] in {None, *standard}:
        reading.refuse("The billingType of the Product referenced by productID must not be Standard.")


def _product_vendor(reading: Reading, after: Kept) -> None:
    vendor = reading.desk.record("Companies", after["vendorID"])
    if "vendorID" in reading.values and vendor is not None and vendor["companyType"] != VENDOR:
        reading.refuse(bad_reference(reading.entity.fields["vendorID"]))


_RULES: dict[str, Callable[[Reading, Kept], None]] = {
    "Contracts": _contract,
    "Services": _service,
    "ServiceBundles": _service,
    "ContractServices": _contract_item,
    "ContractServiceBundles": _contract_item,
    "ContractBillingRules": _billing_rule,
    "ProductVendors": _product_vendor,
}
