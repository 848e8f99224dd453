"""Builds the example: contracts, subscriptions and their license changes.

They come from the roster, the scenarios, and a seed for the random rest. `build` is the start.
"""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from roster import CUSTOMERS, PRODUCTS, Customer, Product
from scenarios import CONTRACTS, SCENARIOS, Contract, Scenario

SEED = 2026
AS_OF = date(2026, 11, 15)
CHANGES_FROM = date(2026, 10, 1)
LAST_ARCHIVED = date(2026, 10, 25)
LATEST_START = date(2026, 6, 1)  # of random subscriptions
FIRST_PENDING = date(2026, 11, 2)
PENDING_DAYS = 33

SUBSCRIPTIONS = 180
CHANGES = 600
FIRST_CONTRACT_SERVICE = 70001
SEATS = [2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 25, 40]
FEW_SEATS = 5  # from which no subscription is reduced
REDUCTIONS = 0.3  # share of random changes that reduce the seats
MOST_CHANGES = 9  # of one subscription, after its first
PENDING_SUBSCRIPTIONS = 12
UNARCHIVED_CHANGES = 12
PROVISIONING = ["Provisioned", "Provisioned", "Provisioned", "Not Applicable"]

MONTHS = {"Monthly": 1, "Quarterly": 3, "Annual": 12, "Triennial": 36}
CURRENCIES = {"GB": "GBP", "CH": "CHF", "DE": "EUR", "US": "USD"}

USUAL_PRODUCTS = {
    "Monthly": [
        *("basic-m", "standard-m", "premium-m", "e3-m", "f3-m", "apps-m"),
        *("o365e3-m", "exo1-m", "exo2-m", "visio2-m", "project3-m", "phone-m"),
    ],
    "Annual": ["standard-y", "premium-y", "e5-y", "appse-y", "exo1-y"],
}
"""The products of random subscriptions, by the frequency of their contract."""


def key(*parts: object) -> str:
    """Returns a GUID that is the same at each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "trueup-example/" + "/".join(map(str, parts))))


def email(first: str, last: str, customer: Customer) -> str:
    """Returns a person's e-mail address, in ASCII letters."""
    ascii_letters = str.maketrans(dict(zip("üöäé", ["ue", "oe", "ae", "e"], strict=True)))
    return f"{first}.{last}@{customer.slug}.example".lower().translate(ascii_letters)


@dataclass
class Change:
    """A license change."""

    day: date
    quantity: Decimal
    billed: bool  # Autotask has it
    archived: bool
    provisioning: str = "Provisioned"
    audit: bool = False


@dataclass
class Subscription:
    """A subscription with its license changes and its adjustments in Autotask."""

    scenario: Scenario
    contract: Contract | None
    customer: Customer
    product: Product
    changes: list[Change] = field(default_factory=list)
    adjustments: list[tuple[date, int]] | None = None  # None: there is no contract service
    contract_service: int = 0  # its id in Autotask
    psa_system_id: str | None = None  # the same id, if Work 365 has it

    @property
    def key(self) -> str:
        """The key in Work 365."""
        scenario = self.scenario
        return key("subscription", scenario.contract, self.product.key, scenario.name)

    @property
    def name(self) -> str:
        """The name in Work 365."""
        return self.scenario.name or self.product.name

    @property
    def start(self) -> date | None:
        """The day on which it took effect."""
        return self.scenario.start or min((change.day for change in self.changes), default=None)

    @property
    def quantity(self) -> Decimal | None:
        """The quantity in Work 365, which may differ from the sum of the changes."""
        if self.scenario.quantity is not None:
            return self.scenario.quantity
        if not self.changes:
            return None
        return sum((change.quantity for change in self.changes), Decimal(0))


@dataclass
class Example:
    """The whole example, in the order in which it is written."""

    customers: list[Customer]
    products: dict[str, Product]
    contracts: dict[str, Contract]
    subscriptions: list[Subscription]

    def customer(self, number: str) -> Customer:
        """Returns a customer by its number."""
        return next(customer for customer in self.customers if customer.number == number)


def build() -> Example:
    """Returns the example; it is the same at each call."""
    rng = random.Random(SEED)  # noqa: S311 -- a repeatable example, not a secret
    example = Example(
        list(CUSTOMERS),
        {product.key: product for product in PRODUCTS},
        {contract.key: contract for contract in CONTRACTS},
        [],
    )
    designed = [_subscription(scenario, example) for scenario in SCENARIOS]
    usual = [_subscription(scenario, example) for scenario in _random_scenarios(example, rng)]
    example.subscriptions = [*designed, *usual]

    existing = sum(len(subscription.changes) for subscription in example.subscriptions)
    _add_changes(usual, CHANGES - existing, rng)
    _make_pending(usual, rng)
    _forget_to_archive(usual, rng)
    for subscription in usual:
        subscription.adjustments = adjustments_of(subscription.changes)

    example.subscriptions.sort(key=_sort_key)
    for number, subscription in enumerate(example.subscriptions):
        if subscription.adjustments is not None:
            id_ = FIRST_CONTRACT_SERVICE + number
            subscription.contract_service = id_
            subscription.psa_system_id = str(id_) if number % 4 else None
    return example


def steps(text: str) -> list[tuple[date, Decimal]]:
    """Parses `2025-03-01 +10; 2026-11-05 -2` into days and amounts."""
    parts = [part.split() for part in text.split(";") if part.strip()]
    return [(date.fromisoformat(day), Decimal(amount)) for day, amount in parts]


def adjustments_of(changes: Iterable[Change]) -> list[tuple[date, int]]:
    """Returns Autotask's adjustments for the billed changes, one for each day."""
    days: dict[date, int] = {}
    for change in changes:
        if change.billed and change.quantity:
            days[change.day] = days.get(change.day, 0) + int(change.quantity)
    return sorted((day, units) for day, units in days.items() if units)


def _sort_key(subscription: Subscription) -> tuple[str, str, str]:
    scenario = subscription.scenario
    return scenario.contract, subscription.product.key, scenario.name


def _subscription(scenario: Scenario, example: Example) -> Subscription:
    contract = example.contracts.get(scenario.contract)
    number = scenario.customer or (contract.customer if contract else scenario.contract)
    product = example.products[scenario.product]
    subscription = Subscription(scenario, contract, example.customer(number), product)

    changes = subscription.changes
    for day, amount in steps(scenario.billed):
        changes.append(Change(day, amount, billed=True, archived=True))
    for day, amount in steps(scenario.pending):
        provisioning = scenario.provisioning
        changes.append(Change(day, amount, billed=False, archived=False, provisioning=provisioning))
    for day, amount in steps(scenario.audit):
        changes.append(Change(day, amount, billed=False, archived=False, audit=True))

    if scenario.in_autotask and scenario.adjusted:
        subscription.adjustments = [(day, int(units)) for day, units in steps(scenario.adjusted)]
    elif scenario.in_autotask:
        subscription.adjustments = adjustments_of(changes)
    return subscription


def _random_scenarios(example: Example, rng: random.Random) -> list[Scenario]:
    """Returns subscriptions on contracts that Autotask has, until there are enough of them.

    The contracts are used in turn; a product is at most once on a contract.
    """
    taken = {(scenario.contract, scenario.product) for scenario in SCENARIOS}
    open_contracts = [contract for contract in example.contracts.values() if contract.usual]
    drawn: list[Scenario] = []
    while len(SCENARIOS) + len(drawn) < SUBSCRIPTIONS:
        contract = open_contracts[len(drawn) % len(open_contracts)]
        products = USUAL_PRODUCTS[contract.frequency]
        free = [product for product in products if (contract.key, product) not in taken]
        on_contract = sum(scenario.contract == contract.key for scenario in drawn)
        if not free or on_contract >= contract.usual:
            open_contracts.remove(contract)
            continue

        product = rng.choice(free)
        taken.add((contract.key, product))
        first_day = _random_first_day(contract, rng)
        drawn.append(Scenario(contract.key, product, billed=f"{first_day} +{rng.choice(SEATS)}"))
    return drawn


def _random_first_day(contract: Contract, rng: random.Random) -> date:
    days = (LATEST_START - contract.start).days
    return contract.start + timedelta(days=rng.randrange(max(1, days)))


def _add_changes(usual: list[Subscription], count: int, rng: random.Random) -> None:
    """Adds so many billed changes, spread over these subscriptions."""
    additional: dict[int, int] = {}
    while count:
        number = rng.randrange(len(usual))
        if additional.get(number, 0) < MOST_CHANGES:
            additional[number] = additional.get(number, 0) + 1
            count -= 1
    for number, amount in additional.items():
        _add_changes_to(usual[number], amount, rng)


def _add_changes_to(subscription: Subscription, count: int, rng: random.Random) -> None:
    changes = subscription.changes
    first = changes[0].day
    units = int(changes[0].quantity)
    for offset in sorted(rng.sample(range(1, (LAST_ARCHIVED - first).days), count)):
        reduced = units > FEW_SEATS and rng.random() < REDUCTIONS
        amount = -rng.randint(1, 3) if reduced else rng.randint(1, 5)
        units += amount
        day = first + timedelta(days=offset)
        changes.append(Change(day, Decimal(amount), billed=True, archived=True))
    for change in changes:
        change.provisioning = rng.choice(PROVISIONING)


def _make_pending(usual: list[Subscription], rng: random.Random) -> None:
    """Makes the last change or two of some subscriptions pending, in this month and the next."""
    candidates = [
        subscription
        for subscription in usual
        if subscription.changes[2:] and subscription.contract and subscription.contract.clean
    ]
    for number, subscription in enumerate(rng.sample(candidates, PENDING_SUBSCRIPTIONS)):
        last = subscription.changes[-2:] if number % 5 == 0 else subscription.changes[-1:]
        offsets = sorted(rng.sample(range(PENDING_DAYS), len(last)))
        for change, offset in zip(last, offsets, strict=True):
            change.day = FIRST_PENDING + timedelta(days=offset)
            change.billed = change.archived = False


def _forget_to_archive(usual: list[Subscription], rng: random.Random) -> None:
    """Leaves some old changes unarchived. They are history: they are before `changes_from`."""
    old = [
        change
        for subscription in usual
        for change in subscription.changes
        if change.archived and change.day < CHANGES_FROM
    ]
    for change in rng.sample(old, UNARCHIVED_CHANGES):
        change.archived = False
