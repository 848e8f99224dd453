"""The services and products of the example in Autotask."""

from collections.abc import Iterable

from autotask_companies import VENDOR
from autotask_tenant import CODES, Record
from example import Example
from roster import PRODUCTS, Product
from work365_exports import TERM_SUFFIXES, product_key

PERIODS = {"Monthly": 2, "Quarterly": 3, "Annual": 5}  # periodType
_TERMS = {"Monthly": "monthly", "Quarterly": "quarterly", "Annual": "yearly"}
_COST_SHARE = 0.84
_ONE_OFF = "ltsc"
_NAMES = {
    "standard-y": "M365 Business Standard annual",
    "f3-m": "M365 F3 (frontline)",
    "appse-y": "M365 Apps for enterprise annual",
    "o365e1-m": "O365 E1",
    "o365e3-m": "O365 E3",
    "exo1-y": "Exchange Online P1 annual",
    "project3-m": "Project Plan 3",
    "powerbi-m": "Power BI Pro",
    "intune-m": "Microsoft Intune Plan 1, Monthly",
    "ltsc": "Office LTSC Standard 2024 (perpetual)",
}
"""Names that differ from those of Work 365, by product."""


def services(example: Example) -> Iterable[Record]:
    """Yields the services of recurring products that Autotask knows, and a twin of one."""
    for product in example.products.values():
        if product.service and product.billing_type == "License":
            yield _service(product)
    twin = example.products["powerbi-m"]
    yield {**_service(twin), "id": 690, "name": "PowerBI Pro monthly (old)"}


def one_off_products(example: Example) -> list[Record]:
    """Returns the products that are charged once."""
    product = example.products[_ONE_OFF]
    return [
        {
            "id": 801,
            "name": _NAMES[product.key],
            "sku": product.part,
            "isActive": True,
            "isSerialized": False,
            "productBillingCodeID": CODES["products"],
            "unitPrice": float(product.price),
        }
    ]


def service_id(product: Product) -> int:
    """Returns the id of a known service: 601 to 689."""
    return 601 + [other.key for other in PRODUCTS].index(product.key)


def unit_cost(product: Product) -> float:
    """Returns the cost of one unit."""
    return round(float(product.price) * _COST_SHARE, 2)


def _service(product: Product) -> Record:
    service: Record = {
        "id": service_id(product),
        "name": _NAMES.get(product.key, f"{product.name}, {_TERMS[product.unit]}"),
        "periodType": PERIODS[product.unit],
        "billingCodeID": CODES["services"],
        "unitPrice": float(product.price),
        "unitCost": unit_cost(product),
        "vendorCompanyID": VENDOR,
        "isActive": True,
        "sku": None if product.service == "alike" else product.part,
    }
    if product.service == "identity":
        service |= {
            "externalID": product_key(product),
            "catalogNumberPartNumber": f"{product.part}-{TERM_SUFFIXES[product.unit]}",
            "manufacturerServiceProvider": "Microsoft",
            "manufacturerServiceProviderProductNumber": product.part,
        }
    return service
