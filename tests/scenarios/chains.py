"""Chains of renewals: subscriptions of one product that follow each other, also over contracts."""

import shlex
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from trueup.model.plan import Plan
from trueup.model.verdict import Verdict

from tests.scenarios.beginnings import Service, license_change
from tests.scenarios.expected import findings
from tests.scenarios.made_once import made_once
from tests.scenarios.world import World


class Link(NamedTuple):
    """One subscription of a chain; it ends on the day on which the next one begins."""

    key: str
    contract: str
    units: int
    day: str


FIRST = Link("old", "con", 10, "2026-01-01")


@made_once
def chain(folder: Path, *links: Link, others: Sequence[Service] = (), **beginning: Any) -> World:
    """Subscription `old` is billed on contract con; the others have begun since, one by one."""
    own = Service("old", contract="con", product="pro")
    world = World(folder, own, *others, **beginning)
    world.sync()
    before = FIRST
    for link in links:
        ends(world, before.key, link.day)
        begins(world, link)
        before = link
    return world


def begins(world: World, link: Link) -> None:
    """A new subscription of the product, on a contract that is added where there is none."""
    with world.work365() as tables:
        contracts = tables["billing_contract"]
        if link.contract not in {row["id"] for row in contracts}:
            names = dict.fromkeys(("id", "name", "number"), link.contract)
            contracts.append({**world.row("billing_contract", "con"), **names})
        own = {
            "id": link.key,
            "name": f"Mail {link.key}",
            "contract": link.contract,
            "quantity": link.units,
            "state": "Active",
            "status": "Active",
            "psa_system_id": None,
            "effective_start": link.day,
        }
        tables["subscription"].append({**world.row("subscription", "old"), **own})
        log = license_change(link.key, "Monthly", f"log-{link.key}", link.day, link.units, {})
        tables["license_change"].append(log)


def ends(world: World, key: str, day: str) -> None:
    """A subscription ends on a day, with all of its seats."""
    seats = world.row("subscription", key)["quantity"]
    world.add_change(key, day, -seats, f"end-{key}")
    with world.work365():
        world.row("subscription", key).update(state="Inactive", status="Expired")


def is_right(world: World, links: Sequence[Link], until: str = "2026-12-31") -> None:
    """Asserts that each contract is billed on each day what its subscriptions have on it."""
    every = [FIRST, *links]
    contracts = {one.contract for one in every}
    ids = {row["contractName"]: row["id"] for row in world.records("Contracts")}
    services = world.records("ContractServices")
    rows = defaultdict(list)
    for row in world.records("ContractServiceUnits"):
        rows[row["contractServiceID"]].append(row)
    day = date(2026, 11, 1)
    while day <= date.fromisoformat(until):
        here = [one for one in every if one.day <= str(day)][-1]
        for contract in sorted(contracts):
            billed = sum(
                int(row["units"])
                for service in services
                if service["contractID"] == ids.get(contract)
                and service["serviceID"] == world.id_of("pro")
                for row in rows[service["id"]]
                if row["startDate"][:10] <= str(day) <= row["endDate"][:10]
            )
            wanted = here.units if here.contract == contract else 0
            assert billed == wanted, f"{contract} on {day}: {billed} are billed, not {wanted}"
        day += timedelta(days=1)


def advised(made: Plan) -> list[tuple[str, str]]:
    """The successions that a plan advises: successor and predecessor, in the order shown."""
    found = [
        (command.key, shlex.split(command.options)[1])
        for one in findings(made)
        for command in one.commands
        if command.verdict is Verdict.SUCCEED
    ]
    return [*dict.fromkeys(found)]


def follow_advice(world: World) -> Plan:
    """Decides literally what plans advise, until they advise no succession; returns the last one.

    Of several ways that are shown for one row, the first is taken.
    """
    for _ in range(6):
        made = world.plan()
        ways = advised(made)
        if not ways:
            return made
        decided: set[str] = set()
        for key, predecessor in ways:
            if key not in decided:
                decided.add(key)
                world.succeed(key, predecessor)
    raise AssertionError(f"the advice goes in a circle: {ways}")
