"""The contracts of the example in Autotask, with their services and adjustments."""

from collections.abc import Iterable
from datetime import date

from autotask_companies import company_id, work365_id
from autotask_services import PERIODS, service_id, unit_cost
from autotask_tenant import Record
from example import Example, Subscription, key, steps
from scenarios import MANUAL_PRICES, ORPHANS, Contract
from work365_exports import contract_name, contract_number, po_number

FIRST_CONTRACT = 5001
FIRST_ORPHAN = 79001
RECURRING_SERVICE, ACTIVE, MANUALLY = 7, 1, 2


def contracts(example: Example) -> Iterable[Record]:
    """Yields the contracts that Autotask has."""
    for position, contract in enumerate(example.contracts.values()):
        if not contract.known:
            continue
        end = contract.autotask_end or contract.end
        record: Record = {
            "id": FIRST_CONTRACT + position,
            "companyID": company_id(contract.customer),
            "contractName": contract_name(example, contract.key),
            "contractNumber": contract_number(position),
            "contractType": RECURRING_SERVICE,
            "contractPeriodType": PERIODS[contract.frequency],
            "status": ACTIVE,
            "startDate": (contract.autotask_start or contract.start).isoformat(),
            "endDate": end.isoformat() if end else None,
            "billingPreference": MANUALLY,
            "timeReportingRequiresStartAndStopTimes": 0,
            "setupFee": 0,
            "purchaseOrderNumber": po_number(position),
        }
        if contract.known == "name":
            yield {**record, "contractNumber": None}
        else:
            yield {**record, **work365_id(key("contract", contract.key))}


def posted_until(example: Example) -> dict[str, str]:
    """Returns the last posted days by contract id."""
    return {
        str(_contract_id(example, contract)): contract.posted.isoformat()
        for contract in example.contracts.values()
        if contract.known and contract.posted
    }


def contract_services(example: Example) -> Iterable[Record]:
    """Yields the contract services of subscriptions, and the orphans."""
    for position, (subscription, contract) in enumerate(_with_contract_service(example)):
        product = subscription.product
        price = float(product.price)
        manual = MANUAL_PRICES.get((contract.key, product.key))
        yield {
            "id": subscription.contract_service,
            "contractID": _contract_id(example, contract),
            "serviceID": service_id(product),
            "unitPrice": price,
            "unitCost": unit_cost(product),
            "internalCurrencyUnitPrice": price,
            "internalCurrencyAdjustedPrice": float(manual) if manual else price,
            "invoiceDescription": product.name,
            "internalDescription": f"W365 {subscription.key}" if position % 5 == 0 else None,
        }
    for number, (contract_key, product_key, _changes) in enumerate(ORPHANS):
        product = example.products[product_key]
        price = float(product.price)
        yield {
            "id": FIRST_ORPHAN + number,
            "contractID": _contract_id(example, example.contracts[contract_key]),
            "serviceID": service_id(product),
            "unitPrice": price,
            "internalCurrencyUnitPrice": price,
            "internalCurrencyAdjustedPrice": price,
            "internalDescription": "keyed by hand, see mail of 3 Feb 2025",
        }


def adjustments(example: Example) -> Iterable[Record]:
    """Yields the adjustments of all contract services."""
    for subscription in example.subscriptions:
        for day, units in subscription.adjustments or ():
            yield _adjustment(subscription.contract_service, day, units)
    for number, (_contract, _product, changes) in enumerate(ORPHANS):
        for day, units in steps(changes):
            yield _adjustment(FIRST_ORPHAN + number, day, int(units))


def _contract_id(example: Example, contract: Contract) -> int:
    return FIRST_CONTRACT + [*example.contracts].index(contract.key)


def _with_contract_service(example: Example) -> Iterable[tuple[Subscription, Contract]]:
    for subscription in example.subscriptions:
        if subscription.adjustments is not None and subscription.contract:
            yield subscription, subscription.contract


def _adjustment(contract_service: int, day: date, units: int) -> Record:
    return {
        "contractServiceID": contract_service,
        "effectiveDate": day.isoformat(),
        "unitChange": units,
    }
