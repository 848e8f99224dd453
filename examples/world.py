"""The example's world: contracts, subscriptions and their changes, made from the roster, the stories and a seed."""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from roster import CUSTOMERS, PRODUCTS, Customer, Product
from stories import CONTRACTS, STORIES, Deal, Story

SEED = 2026
AS_OF = date(2026, 11, 15)
CHANGES_FROM = date(2026, 10, 1)
FIRST_CONTRACT_SERVICE = 70001
SUBSCRIPTIONS = 180
CHANGES = 600
LAST_ARCHIVED = date(2026, 10, 25)
SEATS = [2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 25, 40]
FEW = 5  # seats that nobody gives back
SHRINKING = 0.3  # share of changes that give some back
MOST_CHANGES = 9  # of one subscription, after its first
MONTHS = {"Monthly": 1, "Quarterly": 3, "Annual": 12, "Triennial": 36}
CURRENCIES = {"GB": "GBP", "CH": "CHF", "DE": "EUR", "US": "USD"}

# Sold to anybody: what the seeded rest of the subscriptions is drawn from.
USUAL = {
    "Monthly": [
        *("basic-m", "standard-m", "premium-m", "e3-m", "f3-m", "apps-m"),
        *("o365e3-m", "exo1-m", "exo2-m", "visio2-m", "project3-m", "phone-m"),
    ],
    "Annual": ["standard-y", "premium-y", "e5-y", "appse-y", "exo1-y"],
}


def key(*words: object) -> str:
    """A GUID that is the same at each run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "trueup-example/" + "/".join(map(str, words))))


def mail(first: str, last: str, customer: Customer) -> str:
    """A person's address, in letters that every mail system takes."""
    letters = str.maketrans(dict(zip("üöäé", ["ue", "oe", "ae", "e"], strict=True)))
    return f"{first}.{last}@{customer.slug}.example".lower().translate(letters)


@dataclass
class Change:
    """One License Change Log. `billed`: Autotask has had it already."""

    day: date
    quantity: Decimal
    billed: bool
    archived: bool
    provisioning: str = "Provisioned"
    audit: bool = False


@dataclass
class Subscription:
    """A subscription, its changes, and what Autotask bills for it (None: no contract service)."""

    story: Story
    deal: Deal | None
    customer: Customer
    product: Product
    changes: list[Change] = field(default_factory=list)
    keyed: list[tuple[date, int]] | None = None
    record: int = 0  # Autotask's id of its contract service
    psa_system_id: str | None = None  # … where Work 365 has it written down

    @property
    def key(self) -> str:
        """Its key in Work 365."""
        return key("subscription", self.story.contract, self.product.key, self.story.name)

    @property
    def name(self) -> str:
        """What Work 365 calls it."""
        return self.story.name or self.product.name

    @property
    def start(self) -> date | None:
        """The day on which it took effect."""
        return self.story.start or min((change.day for change in self.changes), default=None)

    @property
    def quantity(self) -> Decimal | None:
        """As Work 365 has it, which may not be what the changes add up to."""
        if self.story.quantity is not None:
            return self.story.quantity
        return sum((change.quantity for change in self.changes), Decimal(0)) if self.changes else None


@dataclass
class World:
    """Everything, in the order in which it is written."""

    customers: list[Customer]
    products: dict[str, Product]
    deals: dict[str, Deal]
    subscriptions: list[Subscription]


def build() -> World:
    """The same world at each call."""
    rng = random.Random(SEED)  # noqa: S311 -- a repeatable example, not a secret
    products = {product.key: product for product in PRODUCTS}
    customers = {customer.number: customer for customer in CUSTOMERS}
    deals = {deal.key: deal for deal in CONTRACTS}
    world = World(list(CUSTOMERS), products, deals, [])
    for story in STORIES:
        world.subscriptions.append(_told(story, world, customers))
    usual = [_told(story, world, customers) for story in _usual(world, rng)]
    world.subscriptions += usual
    _lively(usual, CHANGES - sum(len(one.changes) for one in world.subscriptions), rng)
    _pending(usual, rng)
    _forgotten(usual, rng)
    for one in usual:
        one.keyed = billed(one.changes)
    world.subscriptions.sort(key=lambda one: (one.story.contract, one.product.key, one.story.name))
    for number, one in enumerate(world.subscriptions):
        if one.keyed is not None:
            one.record = FIRST_CONTRACT_SERVICE + number
            one.psa_system_id = str(one.record) if number % 4 else None
    return world


def steps(said: str) -> list[tuple[date, Decimal]]:
    """`2025-03-01 +10; 2026-11-05 -2` as days and amounts."""
    parts = [part.split() for part in said.split(";") if part.strip()]
    return [(date.fromisoformat(day), Decimal(amount)) for day, amount in parts]


def billed(changes: Iterable[Change]) -> list[tuple[date, int]]:
    """What Autotask has had of them, one adjustment a day."""
    days: dict[date, int] = {}
    for change in changes:
        if change.billed and change.quantity:
            days[change.day] = days.get(change.day, 0) + int(change.quantity)
    return sorted((day, units) for day, units in days.items() if units)


def _told(story: Story, world: World, customers: dict[str, Customer]) -> Subscription:
    deal = world.deals.get(story.contract)
    customer = customers[story.customer or (deal.customer if deal else story.contract)]
    one = Subscription(story, deal, customer, world.products[story.product])
    one.changes = [Change(day, amount, billed=True, archived=True) for day, amount in steps(story.billed)]
    one.changes += [
        Change(day, amount, billed=False, archived=False, provisioning=story.provisioning)
        for day, amount in steps(story.pending)
    ]
    one.changes += [Change(day, amount, billed=False, archived=False, audit=True) for day, amount in steps(story.audit)]
    if story.in_autotask:
        one.keyed = billed(one.changes) if not story.keyed else [(day, int(n)) for day, n in steps(story.keyed)]
    return one


def _usual(world: World, rng: random.Random) -> list[Story]:
    """Subscriptions without a story, on contracts that Autotask has, until there are enough."""
    taken = {(story.contract, story.product) for story in STORIES}
    open_deals = [deal for deal in world.deals.values() if deal.usual]
    made: list[Story] = []
    while len(STORIES) + len(made) < SUBSCRIPTIONS:
        deal = open_deals[len(made) % len(open_deals)]
        free = [name for name in USUAL[deal.frequency] if (deal.key, name) not in taken]
        if not free or sum(story.contract == deal.key for story in made) >= deal.usual:
            open_deals.remove(deal)
            continue
        product = rng.choice(free)
        taken.add((deal.key, product))
        made.append(Story(deal.key, product, billed=f"{_first_day(deal, rng)} +{rng.choice(SEATS)}"))
    return made


def _first_day(deal: Deal, rng: random.Random) -> date:
    latest = date(2026, 6, 1)
    return deal.start + timedelta(days=rng.randrange(max(1, (latest - deal.start).days)))


def _lively(usual: list[Subscription], count: int, rng: random.Random) -> None:
    """So many changes more, spread over these subscriptions, all of them billed; pending ones are made of the last."""
    per: dict[int, int] = {}
    while count:
        number = rng.randrange(len(usual))
        if per.get(number, 0) < MOST_CHANGES:
            per[number] = per.get(number, 0) + 1
            count -= 1
    for number, more in per.items():
        one = usual[number]
        first = one.changes[0].day
        days = rng.sample(range(1, (LAST_ARCHIVED - first).days), more)
        units = int(one.changes[0].quantity)
        for offset in sorted(days):
            fewer = units > FEW and rng.random() < SHRINKING
            amount = -rng.randint(1, 3) if fewer else rng.randint(1, 5)
            units += amount
            one.changes.append(Change(first + timedelta(days=offset), Decimal(amount), billed=True, archived=True))
        for change in one.changes:
            change.provisioning = rng.choice(["Provisioned", "Provisioned", "Provisioned", "Not Applicable"])


def _pending(usual: list[Subscription], rng: random.Random) -> None:
    """The last change or two of some subscriptions are of this month and the next, and Autotask has not had them."""
    able = [one for one in usual if one.changes[2:] and one.deal and one.deal.clean]
    for number, one in enumerate(rng.sample(able, 12)):
        late = one.changes[-2:] if number % 5 == 0 else one.changes[-1:]
        days = sorted(rng.sample(range(33), len(late)))
        for change, offset in zip(late, days, strict=True):
            change.day = date(2026, 11, 2) + timedelta(days=offset)
            change.billed = change.archived = False


def _forgotten(usual: list[Subscription], rng: random.Random) -> None:
    """Some old changes were never archived: history all the same, for they lie before `changes_from`."""
    old = [change for one in usual for change in one.changes if change.archived and change.day < CHANGES_FROM]
    for change in rng.sample(old, 12):
        change.archived = False
