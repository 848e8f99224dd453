"""Chains of successions: each two halves stay one unit, whatever becomes of the other rows."""

import pytest

from tests.scenarios.beginnings import license_change
from tests.scenarios.chains import Link, begins, chain, is_right
from tests.scenarios.expected import (
    PlanFigures,
    adjusting,
    assert_sums,
    findings,
)
from tests.scenarios.made_once import made_once
from tests.scenarios.test_succession import RENEWAL_DAY, renewed, succession_between_contracts
from tests.scenarios.test_succession_later import AWAITING, adjusts, codes, provisioned, without
from tests.scenarios.world import World

SECOND_DAY = "2026-12-10"


def undone(world: World) -> None:
    """The renewal is applied, and its run taken back."""
    run = world.run(world.plan()).run
    assert world.run(world.plan(undo=run)).complete


def renewed_again(world: World, day: str = SECOND_DAY, contract: str = "") -> None:
    """The twelve seats of `new` end on a day, and fifteen of `third` begin."""
    with world.work365() as tables:
        new = world.row("subscription", "new")
        row = {**new, "id": "third", "name": "Mail third", "quantity": 15, "psa_system_id": None}
        if contract:
            named = dict.fromkeys(("id", "name", "number"), contract)
            tables["billing_contract"].append({**world.row("billing_contract"), **named})
            row["contract"] = contract
        tables["subscription"].append(row)
        log = license_change("third", new["unit"], "log-third", day, 15, {})
        tables["license_change"].append(log)
    world.add_change("new", day, -12, "log-end")
    with world.work365():
        world.row("subscription", "new").update(state="Inactive", status="Expired")
    world.succeed("third", "new")


def all_units(world: World, *days: str) -> list[int]:
    """Units of all services together, by day."""
    services = [row["id"] for row in world.records("ContractServices")]
    return [sum(world.units(one, day) for one in services) for day in days]


CHAINS = [
    (renewed, ""),
    (succession_between_contracts, ""),
    (succession_between_contracts, "con-3"),
]
BOTH_ORDERS = [("log-new", "log-old"), ("log-old", "log-new")]


@pytest.mark.parametrize(("first", "second"), BOTH_ORDERS)
@pytest.mark.parametrize(("begun", "contract"), CHAINS)
def test_an_undone_renewal_that_is_renewed_again_is_pushed_as_a_whole(
    tmp_path, begun, contract, first, second
):
    world = begun(tmp_path)
    undone(world)
    renewed_again(world, contract=contract)
    world.decide("license_change", first, "push")
    plan = world.plan()
    assert adjusting(plan) == []
    assert_sums(plan)
    [held] = [one for one in findings(plan) if one.key == first]
    assert f"`trueup decide license_change {second} push --reason …`" in held.remedy
    world.decide("license_change", second, "push")
    outcome = world.run(world.plan())
    assert outcome.complete, [one for one in outcome.changes if one.text]
    days = ("2026-11-09", "2026-11-11", "2026-11-12", "2026-12-09", SECOND_DAY)
    assert all_units(world, *days) == [10, 10, 12, 12, 15]
    assert world.plan().changes == ()


@pytest.mark.parametrize(("first", "second"), BOTH_ORDERS)
def test_a_service_between_that_bills_no_day_does_not_part_the_halves(tmp_path, first, second):
    """The twelve seats of `new` begin and end on one day: fifteen are in the place of ten."""
    world = succession_between_contracts(tmp_path)
    undone(world)
    renewed_again(world, RENEWAL_DAY, "con-3")
    world.decide("license_change", first, "push")
    units = sum(one.unit_change for one in adjusting(world.plan()))
    assert units in (0, 5)
    world.decide("license_change", second, "push")
    plan = world.plan()
    assert PlanFigures.of(plan).adjusts == [("third", "2026-11-12", 15), ("old", "2026-11-12", -10)]
    outcome = world.run(plan)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert all_units(world, "2026-11-11", "2026-11-12", SECOND_DAY) == [10, 15, 15]
    assert world.plan().changes == ()


@pytest.mark.parametrize("half", ["log-new", "log-old"])
def test_a_blocked_successor_keeps_the_service_that_it_replaces(tmp_path, half):
    """Its row is wrong in Work 365: ten seats must not end while none of its twelve begin."""
    world = succession_between_contracts(tmp_path)
    provisioned(world, half, AWAITING)
    world.sync()
    provisioned(world, half, "Provisioned")
    with world.work365():
        world.row("subscription", "new")["quantity"] = -1
    plan = world.plan()
    assert adjusting(plan) == []
    [waits] = [one for one in findings(plan) if one.code == "waits-for-its-other-half"]
    assert waits.key == "log-old"
    assert waits.text == (
        "waits for Alpine Dental, Mail new, monthly, which belongs to it: "
        "Its quantity is -1; it must be 0 or more."
    )


@pytest.mark.parametrize("begun", [renewed, succession_between_contracts])
def test_a_successor_that_is_blocked_from_the_start_keeps_it_too(tmp_path, begun):
    world = begun(tmp_path)
    with world.work365():
        world.row("subscription", "new")["quantity"] = -1
    assert adjusts(world) == []
    with world.work365():
        world.row("subscription", "new")["quantity"] = 12
    assert world.run(world.plan()).complete
    assert all_units(world, "2026-11-09", RENEWAL_DAY) == [10, 12]


@pytest.mark.parametrize("gone", ["old", "new"])
def test_a_chain_outlives_its_rows(tmp_path, gone):
    world = succession_between_contracts(tmp_path)
    undone(world)
    renewed_again(world, contract="con-3")
    assert world.run(world.plan()).complete
    without(world, "subscription", gone)
    plan = world.plan()
    assert_sums(plan)
    assert adjusting(plan) == []


@pytest.mark.parametrize(("begun", "contract"), CHAINS)
def test_a_chain_without_its_decisions_is_known_by_the_state(tmp_path, begun, contract):
    world = begun(tmp_path)
    undone(world)
    renewed_again(world, contract=contract)
    assert world.run(world.plan()).complete
    (tmp_path / "mappings" / "decisions.yaml").write_text("decisions: []\n", encoding="utf-8")
    world.decide("license_change", "log-new", "push")
    assert adjusts(world) == []
    world.decide("license_change", "log-old", "push")
    assert world.run(world.plan()).complete
    assert all_units(world, "2026-11-11", "2026-11-12", SECOND_DAY) == [10, 12, 15]


# Chains of which several steps are planned at once


OVER = ("adjustments", "one_off_effect")
THERE_AND_BACK = [Link("new", "con-2", 12, RENEWAL_DAY), Link("n3", "con", 7, "2026-11-20")]
PUSHED = ["log-new", "end-old", "log-n3", "end-new"]


@made_once
def decided(folder, *links: Link) -> World:
    world = chain(folder, *links)
    for earlier, later in zip(("old", "new"), ("new", "n3"), strict=True):
        world.succeed(later, earlier)
    return world


@made_once
def prepared(folder, *links: Link) -> World:
    """The services of all rows are there, before their changes may be sent."""
    world = decided(folder, *links)
    for one in PUSHED:
        provisioned(world, one, AWAITING)
    world.sync()
    for one in PUSHED:
        provisioned(world, one, "Provisioned")
    return world


@pytest.mark.parametrize("alone", PUSHED)
def test_a_chain_there_and_back_that_was_undone_is_known_by_the_state(tmp_path, alone):
    """Two of its rows share a service: each half of each step still waits for its other one."""
    world = prepared(tmp_path, *THERE_AND_BACK)
    run = world.run(world.plan(), over=OVER).run
    assert world.run(world.plan(undo=run), over=OVER).complete
    (tmp_path / "mappings" / "decisions.yaml").write_text("decisions: []\n", encoding="utf-8")
    days = dict(zip(PUSHED, ["2026-11-23", "2026-11-23", "2026-11-25", "2026-11-25"], strict=True))
    world.push_on(alone, days.pop(alone))
    assert adjusts(world) == []
    for key, day in days.items():
        world.push_on(key, day)
    outcome = world.run(world.plan(), over=OVER)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    assert all_units(world, "2026-11-22", "2026-11-23", "2026-11-25") == [10, 12, 7]
    assert world.plan().changes == ()


def test_two_steps_of_a_chain_that_share_a_service_both_go_on_days_that_fit(tmp_path):
    """A day of the first service is taken, and one of the last: that of the middle has both."""
    links = [Link("new", "con-2", 12, RENEWAL_DAY), Link("n3", "con-3", 7, "2026-11-20")]
    world = prepared(tmp_path, *links)
    for key, before, day in (
        ("old", "2026-11-09", RENEWAL_DAY),
        ("n3", "2026-11-19", "2026-11-20"),
    ):
        world.adjust(key, before, 1)
        world.adjust(key, day, -1)
    plan = world.plan()
    assert {*PlanFigures.of(plan).adjusts} == {
        ("new", "2026-11-11", 12),
        ("old", "2026-11-11", -10),
        ("n3", "2026-11-21", 7),
        ("new", "2026-11-21", -12),
    }
    assert world.run(plan, over=OVER).complete
    assert world.plan().changes == ()


@pytest.mark.parametrize("contract", ["con", "con-2"])
@pytest.mark.parametrize("blocked", ["new", "n3"])
def test_a_chain_with_a_blocked_row_bills_every_day_once_it_is_right(tmp_path, blocked, contract):
    links = [Link("new", contract, 12, RENEWAL_DAY), Link("n3", "con", 7, "2026-11-20")]
    world = decided(tmp_path, *links)
    seats = world.row("subscription", blocked)["quantity"]
    with world.work365():
        world.row("subscription", blocked)["quantity"] = -1
    outcome = world.run(world.plan(), over=OVER)
    assert outcome.complete, [one for one in outcome.changes if one.text]
    days = ("2026-11-09", RENEWAL_DAY, "2026-11-20", "2026-12-31")
    assert all_units(world, *days) in ([10, 10, 10, 10], [10, 12, 12, 12], [10, 12, 7, 7])
    with world.work365():
        world.row("subscription", blocked)["quantity"] = seats
    assert world.run(world.plan(), over=OVER).complete
    is_right(world, links)
    assert world.plan().changes == ()


def test_a_blocked_row_is_one_of_two_that_may_be_the_successor(tmp_path):
    """An expression gives both: which of them it is, a person decides."""
    world = chain(tmp_path, Link("new", "con", 12, RENEWAL_DAY))
    begins(world, Link("b", "con-2", 5, RENEWAL_DAY))
    with world.work365():
        world.row("subscription", "b")["quantity"] = -1
    file = tmp_path / "mappings" / "subscription.yaml"
    [line] = [
        one for one in file.read_text("utf-8").splitlines() if one.startswith("successor_of:")
    ]
    given = "successor_of: \"{{ 'old' if source.id in ('new', 'b') else none }}\""
    world.edit("mappings/subscription.yaml", line, given)
    assert adjusts(world) == []
    assert "successor-unclear" in codes(world)
    world.succeed("new", "old")
    assert adjusts(world) == [("new", RENEWAL_DAY, 2)]


def test_the_halves_of_a_chain_wait_for_the_service_that_the_run_creates(tmp_path):
    """Somebody took the first units off by hand: what is left is sent in an order that works."""
    links = (Link("b", "con-2", 12, "2026-11-10"), Link("c", "con", 7, "2026-11-20"))
    world = chain(tmp_path, *links)
    world.succeed("b", "old")
    world.succeed("c", "b")
    world.adjust("old", "2026-11-10", -10)
    world.plan()
    world.decide("subscription", "c", "correct")
    outcome = world.run(world.plan())
    assert outcome.complete, [one for one in outcome.changes if one.text]
    is_right(world, links)
