"""The two kinds of items on contracts, services and bundles: their entities and fields.

An item is a service or bundle in the catalogue. A contract item is a service or bundle on a
contract.
"""

from msgspec import Struct


class ItemKind(Struct, frozen=True):
    """The entities and fields of one kind of contract items."""

    contract_item: str  # the entity of contract items
    item: str  # the entity of items in the catalogue
    units: str
    adjustments: str
    contract_item_key: str  # the contract item's id in units and adjustments
    item_key: str  # the item's id in contract items, units and adjustments
    repeat: str  # the field that allows the same item on a contract again


SERVICES = ItemKind(
    "ContractServices",
    "Services",
    "ContractServiceUnits",
    "ContractServiceAdjustments",
    "contractServiceID",
    "serviceID",
    "allowRepeatService",
)
BUNDLES = ItemKind(
    "ContractServiceBundles",
    "ServiceBundles",
    "ContractServiceBundleUnits",
    "ContractServiceBundleAdjustments",
    "contractServiceBundleID",
    "serviceBundleID",
    "allowRepeatServiceBundle",
)
ITEM_KINDS = (SERVICES, BUNDLES)
